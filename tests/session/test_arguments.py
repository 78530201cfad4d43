"""A wrong argument is a `UsageError` that names it, its value and the valid values, in every entry point."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import gemini_replay
from gemini_replay import Cassette, Session
from gemini_replay.errors import UsageError
from gemini_replay.gemini import GEMINI
from gemini_replay.session import arguments
from gemini_replay.transports import httpx as for_httpx
from gemini_replay.transports import httpx2 as for_httpx2
from gemini_replay.transports.respx import from_cassette


def a_function() -> None: ...


class Strange:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


WRONG: dict[str, list[Any]] = {
    "path": [5, None, b"story.jsonl", "", [], a_function, Strange(), "story\0.jsonl"],
    "mode": [5, None, "twice", [], {}, a_function, Strange()],
    "speed": [None, [], "fast", 0, -1, float("nan"), 10**400, True, a_function, b"1x", 1j],
    "max_gap": ["x", [], -1, float("nan"), 10**400, True, a_function, {}],
    "rechunk": [[], "byte", 0, -1, 1.5, True, a_function, b"bytes", "random:x", "9" * 5000],
    "fault": [5, True, "rest", [5], {"reset@event:1": 1}, b"reset@event:1", a_function, ["reset@event:1", None]],
    "match": [5, None, [], "modl", [5], [[]], {"body": 1}, b"body", a_function],
    "ignore": [5, None, [5], b"x", {"x": 1}, a_function, "contents", "body", "body.a[", "headers.a.b", "query[0]"],
    "ignore_drift": [5, None, [5], {"x": 1}, a_function, "usage", "body", "query.a", "body.a[0]", "headers.a.b"],
    "normalize": [5, "x", [], a_function, object()],
    "hosts": [5, [5], b"x", {"x": 1}, a_function, "http://x", [None]],
    "ignore_hosts": [5, None, [5], b"x", {"x": 1}, a_function, "http://x", "*"],
    "upstream": [5, b"http://x", [], a_function, "localhost:1", "http://", "http://x:99999", "http://[x"],
    "redact": [5, None, [5], re.compile("secret"), {"secret": 1}, a_function, [re.compile("secret")], "abc"],
    "keep_headers": [5, None, [5], {"x": 1}, a_function, [""], ["authorization"]],
    "redact_headers": [5, None, [5], {"x": 1}, a_function, [""]],
    "keep_fields": [5, None, [5], {"x": 1}, a_function, [""]],
    "redact_fields": [5, None, [5], {"x": 1}, a_function, [""]],
    "redact_patterns": [5, None, [5], {"x": 1}, a_function, ["("]],
    "test": [5, [], a_function],
    "wire": [5, None, "yes", a_function],
    "before_record": [5, "x", [], a_function, object()],
    "before_replay": [5, "x", [], a_function, object()],
    "allow_unused": [5, None, "yes", a_function],
    "repeat": [5, None, "yes", a_function],
    "interactions": [5, "x", a_function, [5]],
    "decoded_limit": [None, "x", 0, -1, 1.5, True, a_function],
    "transport": [5, "x", a_function, object()],
    "provider": [5, "gemini", a_function, object(), type(GEMINI)],
}

ENTRIES: dict[str, Callable[..., Any]] = {
    "record": gemini_replay.record,
    "replay": gemini_replay.replay,
    "Session": Session,
    "Session.replaying": Session.replaying,
    "httpx.ReplayTransport": for_httpx.ReplayTransport,
    "httpx.RecordTransport": for_httpx.RecordTransport,
    "httpx2.ReplayTransport": for_httpx2.ReplayTransport,
    "httpx2.RecordTransport": for_httpx2.RecordTransport,
    "respx.from_cassette": from_cassette,
}


def settings(entry: Callable[..., Any]) -> list[str]:
    """The names of the settings that an entry point takes."""
    hints = get_type_hints(entry.__init__ if isinstance(entry, type) else entry)
    (group,) = get_args(hints["settings"])
    return list(get_type_hints(group))


def taken(entry: Callable[..., Any]) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    plain = [name for name, one in inspect.signature(entry).parameters.items() if one.kind in kinds]
    return [*plain, *settings(entry)]


CASES = [
    pytest.param(entry, name, value, id=f"{called}-{name}-{number}")
    for called, entry in ENTRIES.items()
    for name in taken(entry)
    for number, value in enumerate(WRONG[name])
]


@pytest.mark.parametrize(("entry", "name", "value"), CASES)
def test_a_wrong_argument_is_named_with_its_value_and_valid_values(
    tmp_path: Path, entry: Callable[..., Any], name: str, value: Any
) -> None:
    """This holds for every argument of every entry point, and nothing is written."""
    path = tmp_path / "story.jsonl"
    Cassette([]).save(path)
    before = path.read_bytes()
    with pytest.raises(UsageError) as refused:
        entry(**{"path": path, name: value})
    said = str(refused.value)
    assert re.search(NAMED.get(name, name), said.splitlines()[0]), said
    assert refused.value.hint
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


NAMED = {
    "mode": "record mode",
    "upstream": "upstream|not a base URL",
    "redact": "redact|to redact",
}
"""How messages name those arguments that they do not just call by their names."""


def test_every_argument_has_a_check_and_a_wrong_value() -> None:
    """So a new argument cannot be forgotten here."""
    names = {name for entry in ENTRIES.values() for name in taken(entry)}
    assert names == set(WRONG) == set(arguments._CHECKS)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_an_unknown_setting_is_named_with_the_closest(tmp_path: Path, entry: Callable[..., Any]) -> None:
    """The error also lists all settings."""
    path = tmp_path / "story.jsonl"
    Cassette([]).save(path)
    with pytest.raises(UsageError) as refused:
        entry(path, sped=4)
    assert refused.value.message == "Unknown setting 'sped'."
    assert refused.value.suggestion == "Did you mean 'speed'?"
    assert refused.value.hint == f"The settings are {', '.join(sorted(settings(entry)))}."


def test_a_recording_does_not_accept_a_fault(tmp_path: Path) -> None:
    """A fault belongs to a replay."""
    with pytest.raises(UsageError, match="Unknown setting 'fault'"):
        gemini_replay.record(tmp_path / "story.jsonl", fault="reset@event:1")  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [re.compile("very secret"), ["very secret", 5], {"very secret": 1}])
def test_what_is_to_be_redacted_is_not_in_the_message(tmp_path: Path, value: Any) -> None:
    """A value to redact is secret."""
    with pytest.raises(UsageError) as refused:
        gemini_replay.record(tmp_path / "story.jsonl", redact=value)
    assert "very secret" not in str(refused.value)


def test_a_single_text_counts_as_one_host_key_or_secret() -> None:
    """It is not taken for a sequence of letters."""
    given = arguments.checked(hosts="a.example.org", ignore_hosts="b.example.org", match="body", redact="secret")
    assert given == {
        "hosts": ("a.example.org",),
        "ignore_hosts": ("b.example.org",),
        "match": ("body",),
        "redact": ("secret",),
    }


def test_a_long_value_is_cut_in_the_message() -> None:
    """The message stays readable."""
    with pytest.raises(UsageError) as refused:
        arguments.checked(hosts={"x" * 500: 1})
    assert len(str(refused.value).splitlines()[0]) < 120


@pytest.mark.parametrize("made", [lambda path: Session(path, mode="rewrite"), lambda path: Session.replaying(path)])
def test_a_folder_is_refused_before_any_request(made: Any, tmp_path: Path) -> None:
    """So no live call is paid for that cannot be stored."""
    with pytest.raises(UsageError, match="is a folder"):
        made(tmp_path)
