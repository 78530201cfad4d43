"""A project says once what its parser does where there is a choice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import fuzz, parse_stream
from gemini_replay.cli import main
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.classes import CLASSES
from gemini_replay.fuzz.policies import outcomes

END = "end-without-blank-line"


def yields(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


def discards(chunks: Iterable[bytes]) -> Iterator[Any]:
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\r\n\r\n")
        yield from (json.loads(block.removeprefix(b"data: ")) for block in blocks)


def raises(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks, strict=True):
        yield event.json


def is_right(parse: Any, name: str, policy: dict[str, str] | None = None) -> bool:
    """Whether a class has no bug."""
    try:
        fuzz.check_parser(parse, classes=[name], policy=policy, max_examples=5, seed=1)
    except fuzz.ParserBug:
        return False
    return True


def test_a_policy_demands_one_outcome() -> None:
    """Without one, each is right."""
    assert is_right(yields, END)
    assert is_right(discards, END)
    assert is_right(yields, END, {END: "yields"})
    assert not is_right(discards, END, {END: "yields"})
    assert is_right(discards, END, {END: "discards"})


def test_a_policy_may_demand_an_error() -> None:
    """A silent end is a bug then, and the kept test says so."""
    name = "end-in-mid-event"
    assert not is_right(yields, name, {name: "raises"})
    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(yields, classes=[name], policy={name: "raises"})
    assert "must_raise=True" in caught.value.kept_test
    assert "no error is raised" in str(caught.value)


def test_what_a_policy_demands_fits_what_other_classes_demand() -> None:
    """An empty body, a whole event, and one that only lacks its blank line are not in the middle of an event."""

    class CutError(Exception):
        pass

    def whole_or_complete(chunks: Iterable[bytes]) -> Iterator[Any]:
        *blocks, rest = b"".join(chunks).split(b"\r\n\r\n")
        yield from (json.loads(block.removeprefix(b"data: ")) for block in blocks)
        if rest := rest.rstrip(b"\r\n"):
            try:
                yield json.loads(rest.removeprefix(b"data: "))
            except ValueError:
                raise CutError from None

    def whole(chunks: Iterable[bytes]) -> Iterator[Any]:
        *blocks, rest = b"".join(chunks).split(b"\r\n\r\n")
        yield from (json.loads(block.removeprefix(b"data: ")) for block in blocks)
        if rest:
            raise CutError

    for parse, outcome in ((whole_or_complete, "yields"), (whole, "raises")):
        policy = {END: outcome, "end-in-mid-event": "raises"}
        for name in ("plain-text", "empty-body", *policy):
            assert is_right(parse, name, policy), (parse, name)


def test_a_class_may_be_left_out() -> None:
    """Whatever comes of it is right."""

    def no_errors(chunks: Iterable[bytes]) -> Iterator[Any]:
        return (one for one in yields(chunks) if "error" not in one)

    assert not is_right(no_errors, "raw-error")
    fuzz.check_parser(no_errors, classes=["plain-text", "raw-error"], policy={"raw-error": "any"}, max_examples=2)


def test_a_policy_must_leave_something_to_try() -> None:
    """Else a check passes that has tried nothing."""
    for check in (fuzz.check_parser, fuzz.survey):
        with pytest.raises(UsageError, match="Nothing is left to try: the policy for raw-error is 'any'"):
            check(yields, classes=["raw-error"], policy={"raw-error": "any"})


def test_the_projects_policy_holds_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In `check_parser`, `survey`, and on the command line, from any folder below its pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.gemini-replay.fuzz.policy]\n{END} = "yields"\n')
    below = tmp_path / "src"
    below.mkdir()
    (below / "discarding.py").write_text(
        "from gemini_replay import parse_stream\n\ndef parse(chunks):\n"
        "    for event in parse_stream(chunks, final='discard'):\n        yield event.json\n"
    )
    monkeypatch.chdir(below)
    assert not is_right(discards, END)
    assert is_right(discards, END, {})
    assert fuzz.survey(discards, profiles=["gemini"], classes=[END], max_examples=2).bugs
    assert main(["fuzz", "discarding:parse", "--class", END, "--quiet", "--max-examples", "2"]) == 1


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"raw-eror": "any"}, "Did you mean 'raw-error'"),
        ({END: "yeilds"}, "Did you mean 'yields'"),
        ({"plain-text": "yields"}, "Choose from any"),
        ([END], "policy is"),
    ],
)
def test_a_wrong_policy_is_refused(policy: Any, said: str) -> None:
    """With the nearest name."""
    with pytest.raises(UsageError, match=said):
        fuzz.check_parser(yields, policy=policy)


def test_a_wrong_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be passed over in silence."""
    (tmp_path / "pyproject.toml").write_text(f'[tool.gemini-replay.fuzz.polcy]\n{END} = "yields"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"(?s)'polcy' in \[tool.gemini-replay.fuzz\] of .*Did you mean 'policy'"):
        fuzz.check_parser(yields)


def test_a_wrong_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the table."""
    (tmp_path / "pyproject.toml").write_text('[tool.gemini-replay.fuzz.policy]\nnothing = "any"\n')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"\[tool.gemini-replay.fuzz.policy\] of pyproject.toml"):
        fuzz.check_parser(yields)


def test_every_class_with_a_choice_has_outcomes() -> None:
    """Besides "any"."""
    for case in CLASSES:
        if case.policy and case.sized is None:
            assert len(outcomes(case)) > 1, case.name
