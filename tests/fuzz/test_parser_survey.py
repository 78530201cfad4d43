"""The survey of third-party parsers: the page says what the JSON holds, and the JSON what the parsers do."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gemini_replay.fuzz.classes import CHECKS, CLASSES, GROWTH, LOST_CONNECTION
from gemini_replay.fuzz.documents import CRLF, PRETTY, block, blocks, document, spell
from gemini_replay.fuzz.literals import short
from gemini_replay.fuzz.process import CommandOutput
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.fuzz.verdicts import Complaint, Examiner

ROOT = Path(__file__).parents[2]
SURVEY: dict[str, Any] = json.loads((ROOT / "docs" / "parser-survey.json").read_text(encoding="utf-8"))
PARSERS: dict[str, Any] = SURVEY["parsers"]
PARTS = ("usual", "library_parsers", "sdk_parsers")
TOOLS = ("advice", "environments", "pages", "plainly", "python_parsers", "surveying", "clients", *PARTS)


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
    """With the versions of its packages, and all with the same settings."""
    assert list(PARSERS) == [one.name for one in tools.environments.PARSERS]
    for parser in tools.environments.PARSERS:
        assert set(parser.packages) <= set(PARSERS[parser.name]["versions"])
    assert len({(one["max_examples"], one["seed"], one["kit"]) for one in PARSERS.values()}) == 1


def test_every_adapter_is_used(tools: SimpleNamespace) -> None:
    """And none is missing."""
    python = [one for one in tools.environments.PARSERS if not one.node]
    assert {one.name for one in python if one.client} == set(tools.clients.CLIENTS)
    assert {one.name for one in python if not one.client} == set(tools.python_parsers.PARSERS)
    node = (ROOT / "tools" / "parser_survey" / "node_parsers.mjs").read_text(encoding="utf-8")
    for parser in tools.environments.PARSERS:
        assert not parser.node or f'"{parser.name}": async' in node or f"  {parser.name}: async" in node


def test_there_is_advice_for_every_class(tools: SimpleNamespace) -> None:
    """Except for the mixed classes: their bugs have their causes in other classes."""
    for one in PARSERS.values():
        found = {bug["name"] for bug in one["bugs"]}
        assert found - tools.advice.MIXED or not found
    tried = [check for check in CHECKS if check != LOST_CONNECTION]  # the survey cannot try that
    for name in (*tried, *(one.name for one in CLASSES)):
        bug = {"name": name, "kind": "loses", "needs_cut": False}
        assert (tools.advice.heading_of(bug, [bug]) is None) == (name in tools.advice.MIXED)
    assert set(tools.advice.TO_KNOW) == set(tools.advice.ADVICE)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_has_a_verdict_for_every_class(name: str, tools: SimpleNamespace) -> None:
    """And no bug that was not confirmed."""
    one = PARSERS[name]
    parser = next(parser for parser in tools.environments.PARSERS if parser.name == name)
    assert list(one["verdicts"]) == tools.surveying.classes_for(parser)
    assert {case for case, verdict in one["verdicts"].items() if verdict == "bug"} == {b["name"] for b in one["bugs"]}
    assert {case for case, verdict in one["verdicts"].items() if verdict == "behaviour"} == set(one["behaviour"])
    assert one["unconfirmed"] == []
    reads = one["verdicts"]["plain-text-in-array" if parser.framing == "json-array" else "plain-text"] == "ok"
    assert bool(one["growth"]) == (reads and not parser.client)


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


HERE = [
    name
    for name, one in PARSERS.items()
    if "node" not in one["versions"] and not one["client"] and is_installed(one["versions"])
]


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


class Client:
    """Reads streams as a whole client does: it gives texts, drops what it does not know, and raises errors."""

    def __init__(self, *, reads_raw_errors: bool = True, prefix: bytes = b"data:") -> None:
        self._raw, self._prefix = reads_raw_errors, prefix

    def ask(self, chunks: Sequence[bytes]) -> CommandOutput:
        values: list[str] = []
        try:
            values.extend(self(chunks))
        except (ValueError, AttributeError) as error:
            return CommandOutput(values, f"{type(error).__name__}: {error}")
        return CommandOutput(values)

    def __call__(self, chunks: Iterable[bytes]) -> Iterator[str]:
        for part in b"".join(chunks).split(b"\r\n\r\n"):
            if part.startswith(self._prefix) or (self._raw and part.startswith(b"{")):
                event = json.loads(part.removeprefix(b"data:"))
                if "error" in event:
                    raise ValueError(event["error"]["message"])
                if "text" in event:
                    yield event["text"].upper()


HELLO = [{"text": "hel", "unknown": 1}, {"responseId": "a"}, {"text": "lo"}]


def judged(tools: SimpleNamespace, client: Client, body: str, trees: list[Any], *says: str) -> Complaint | None:
    """What is wrong with a client's values for a stream."""
    plain = tools.plainly.Plainly(client, array=False).document(document(body, trees, says=says))
    with FuzzTarget(client) as target:
        found = Examiner(target).examine(plain)
    return found.complaint if found else None


def test_a_client_is_judged_by_what_it_gives_for_the_plain_stream(tools: SimpleNamespace) -> None:
    """So it may leave out and change what it likes, but not because of how the stream is written."""
    assert judged(tools, Client(), blocks(HELLO), HELLO) is None
    unspaced = blocks(HELLO, space=False)
    assert judged(tools, Client(), unspaced, HELLO) is None
    complaint = judged(tools, Client(prefix=b"data: "), unspaced, HELLO)
    assert complaint is not None
    assert (complaint.kind, complaint.expected, complaint.got) == ("loses", ("HEL", "LO"), ())


def test_a_client_that_raises_an_error_of_the_plain_stream_must_raise_it(tools: SimpleNamespace) -> None:
    """However the error is written."""
    error = {"error": {"code": 503, "message": "Overloaded."}}
    for written in (block(error), spell(error, PRETTY) + CRLF * 2):
        assert judged(tools, Client(), blocks(HELLO) + written, [*HELLO, error], "Overloaded.") is None
    deaf = Client(reads_raw_errors=False)
    complaint = judged(tools, deaf, blocks(HELLO) + spell(error, PRETTY), [*HELLO, error], "Overloaded.")
    assert complaint is not None
    assert (complaint.kind, complaint.error) == ("loses", "no error is raised")


def test_a_value_that_a_client_refuses_is_no_bug(tools: SimpleNamespace) -> None:
    """As long as it refuses it however the stream is written."""
    refused = [{"text": 5}]
    assert judged(tools, Client(), blocks(refused), refused) is None
    assert judged(tools, Client(), blocks(refused, space=False), refused) is None
    complaint = judged(tools, Client(prefix=b"data: "), blocks(refused, space=False), refused)
    assert complaint is not None
    assert complaint.kind == "loses"


def test_a_client_is_late_if_a_text_comes_after_its_chunk(tools: SimpleNamespace) -> None:
    """Told by the seconds of its values, or by the chunks that it had taken."""
    texts = tools.plainly.TEXTS

    def late(delay: int, *, timed: bool) -> Any:
        values = [[nth + delay + 0.01, text] if timed else text for nth, text in enumerate(texts, start=1)]
        answer = CommandOutput(values, pulled=[4] * 3 if timed else [nth + delay for nth in (1, 2, 3)])
        return tools.plainly.late(SimpleNamespace(ask=lambda chunks: answer), array=False)

    assert [late(0, timed=True), late(1, timed=True), late(0, timed=False), late(1, timed=False)] == [
        False,
        True,
        False,
        True,
    ]
    assert tools.plainly.late(SimpleNamespace(ask=lambda chunks: CommandOutput([])), array=False) is None
