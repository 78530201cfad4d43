"""The survey of third-party parsers: the page says what the JSON holds, and the JSON what the parsers do."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gemini_replay.fuzz.classes import CHECKS, CLASSES, GROWTH, classes_of
from gemini_replay.fuzz.literals import short
from gemini_replay.fuzz.target import FuzzTarget

ROOT = Path(__file__).parents[2]
SURVEY: dict[str, Any] = json.loads((ROOT / "docs" / "parser-survey.json").read_text(encoding="utf-8"))
PARSERS: dict[str, Any] = SURVEY["parsers"]
TOOLS = ("advice", "environments", "pages", "python_parsers")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The modules of tools/parser_survey, which are scripts: they import each other by their bare names."""
    monkeypatch.syspath_prepend(ROOT / "tools" / "parser_survey")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in TOOLS})
    for name in TOOLS:
        del sys.modules[name]


def test_the_page_is_made_of_the_json(tools: SimpleNamespace) -> None:
    """Nobody edits it by hand."""
    assert (ROOT / "docs" / "parser-survey.md").read_text(encoding="utf-8") == tools.pages.page(SURVEY)


def test_every_parser_is_surveyed(tools: SimpleNamespace) -> None:
    """With the versions of its packages."""
    assert list(PARSERS) == [one.name for one in tools.environments.PARSERS]
    for parser in tools.environments.PARSERS:
        assert set(parser.packages) <= set(PARSERS[parser.name]["versions"])


def test_there_is_advice_for_every_class(tools: SimpleNamespace) -> None:
    """Except for the mixed classes: their bugs have their causes in other classes."""
    for one in PARSERS.values():
        found = {bug["name"] for bug in one["bugs"]}
        assert found - tools.advice.MIXED or not found
    for name in (*CHECKS, *(one.name for one in CLASSES)):
        bug = {"name": name, "kind": "loses", "needs_cut": False}
        assert (tools.advice.heading_of(bug, [bug]) is None) == (name in tools.advice.MIXED)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_has_a_verdict_for_every_class(name: str) -> None:
    """And no bug that was not confirmed."""
    one = PARSERS[name]
    tried = {given.name for given in classes_of(one["profiles"])}
    suffix = "-in-array" if one["framing"] == "json-array" else ""
    assert set(one["verdicts"]) == tried | {check + suffix for check in CHECKS}
    assert {case for case, verdict in one["verdicts"].items() if verdict == "bug"} == {b["name"] for b in one["bugs"]}
    assert {case for case, verdict in one["verdicts"].items() if verdict == "behaviour"} == set(one["behaviour"])
    assert one["unconfirmed"] == []
    assert one["growth"]


def bugs() -> list[Any]:
    return [
        pytest.param(name, bug, id=f"{name}: {bug['name']}") for name, one in PARSERS.items() for bug in one["bugs"]
    ]


@pytest.mark.parametrize(("name", "bug"), bugs())
def test_a_bug_has_literal_chunks_and_advice(name: str, bug: dict[str, Any], tools: SimpleNamespace) -> None:
    """They are Python; but for growth, which has its figures."""
    assert bug["advice"] == tools.advice.heading_of(bug, PARSERS[name]["bugs"])
    assert bug["advice"] in SURVEY["advice"] or bug["name"] in tools.advice.MIXED
    assert bug["came"]
    if bug["kind"] != "grows":
        chunks = chunks_of(bug)
        assert chunks
        assert all(type(chunk) is bytes for chunk in chunks)
        assert bug["needs_cut"] == (len(chunks) > 1)


def test_the_corrected_example_has_no_bug() -> None:
    """The one beside it, which it corrects, has."""
    assert PARSERS["story-client-fixed"]["bugs"] == []
    assert {bug["name"] for bug in PARSERS["story-client"]["bugs"]} >= {"raw-error", "separators", GROWTH}


def chunks_of(bug: dict[str, Any]) -> list[bytes]:
    chunks: list[bytes] = eval(bug["chunks_python"], {"__builtins__": {}})
    return chunks


def is_installed(versions: dict[str, str]) -> bool:
    """Whether these very versions are here; of the language, any."""
    try:
        return all(version(name) == given for name, given in versions.items() if name != "python")
    except PackageNotFoundError:
        return False


HERE = [name for name, one in PARSERS.items() if "node" not in one["versions"] and is_installed(one["versions"])]


@pytest.mark.parametrize("name", HERE)
def test_what_the_page_says_of_an_installed_parser_is_true(name: str, tools: SimpleNamespace) -> None:
    """Each bug's literal chunks, fed to the parser, give what the page says came of them."""
    parse = tools.python_parsers.PARSERS[name]()
    with FuzzTarget(parse) as target:
        for bug in PARSERS[name]["bugs"]:
            if bug["kind"] == "grows":
                continue
            for earlier in bug.get("after", ()):
                target.run(eval(earlier, {"__builtins__": {}}))
            outcome = target.run(chunks_of(bug))
            assert bug["came"].startswith(short(outcome.values)), bug["name"]
            assert (bug["kind"] == "raises") == (outcome.error is not None), bug["name"]
            assert outcome.error is not None or short(outcome.values) != bug["expected"], bug["name"]
