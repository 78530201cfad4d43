"""A wrong argument of any public function is a `UsageError` that names it and its valid values."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import gemini_replay
from gemini_replay import Cassette, Interaction, StreamParser, aparse_stream, arguments, faults, fuzz, parse_stream
from gemini_replay.errors import GeminiReplayError, UsageError
from gemini_replay.fuzz import adapters

Given = dict[str, Any]


def a_function() -> None: ...


class Strange:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise ZeroDivisionError


def answer(chunks: Any) -> list[Any]:
    """A parser."""
    return []


async def no_chunks() -> AsyncIterator[bytes]:
    """An asynchronous stream."""
    return
    yield


TEXT = "Once upon a time."
INTERACTION: Interaction = Cassette.from_text(TEXT).interactions[0]
CASE = next(iter(fuzz.cases("json-array").args[1])).values[0]

RIGHT: dict[Callable[..., Any], Given] = {
    Cassette: {},
    Cassette.load: {"path": "story.jsonl"},
    Cassette.loads: {"content": Cassette([]).dumps()},
    Cassette([]).save: {},
    Cassette.from_text: {"text": TEXT},
    Cassette.from_events: {"events": [{}]},
    Cassette([INTERACTION]).retime: {},
    StreamParser: {},
    StreamParser().feed: {"data": b""},
    parse_stream: {"chunks": []},
    aparse_stream: {"chunks": no_chunks()},
    faults.parse_faults: {"value": None},
    faults.faults_of: {"interaction": INTERACTION},
    faults.sweep: {"cassette": Cassette([])},
    faults.check_client: {"call": a_function, "cassette": Cassette([])},
    fuzz.check_parser: {"parse": answer},
    fuzz.survey: {"parse": answer},
    fuzz.cases: {},
    CASE.check: {"parse": answer},
    fuzz.check_stream: {"parse": answer, "chunks": [b""], "one_of": [[]]},
    fuzz.check_bytes: {"parse": answer, "data": b""},
    fuzz.event_streams: {},
    fuzz.cut_streams: {},
    fuzz.chunkings: {"data": b""},
    fuzz.corruptions: {"data": b""},
    fuzz.from_cassette: {"path": "story.jsonl"},
    adapters.text: {"parse": answer},
    adapters.lines: {"parse": answer},
    adapters.byte_lines: {"parse": answer},
    adapters.callback: {"parse": answer},
    adapters.method: {"make": StreamParser, "name": "feed"},
    adapters.push: {"make": StreamParser},
    adapters.httpx_response: {"parse": answer},
    adapters.httpx2_response: {"parse": answer},
    adapters.requests_response: {"parse": answer},
    adapters.aiohttp_response: {"parse": answer},
}
"""Every public function with arguments, called with its required ones."""

WITHOUT = {
    "record, replay, Session": "see tests/session/test_arguments.py",
    "virtual_time, gemini_events": "take nothing",
    "errors, results, Event, Interaction": "are made by this package",
}

NOT_TEXT = [5, None, b"x", [], a_function, Strange()]
NOT_OPTIONAL_TEXT = [5, b"x", [], a_function, Strange()]
NOT_PATH = [5, b"story.jsonl", "", [], a_function, Strange(), "story\0.jsonl"]
NOT_BYTES = ["text", 5, [], {}, a_function, Strange()]
NOT_FLAG = [None, 1, "yes", a_function]
NOT_CALLABLE = [5, "parse", [], Strange()]
NOT_COUNT = ["3", 0, -1, 1.5, True, [], a_function]
NOT_WHOLE = ["3", 1.5, True, [], a_function]

WRONG: dict[str, list[Any]] = {
    "chunks": ["text", None, 5, {"x": 1}, a_function, Strange()],
    "data": [*NOT_BYTES, None],
    "framing": [5, None, "see", [], a_function],
    "strict": NOT_FLAG,
    "max_frame_bytes": [*NOT_COUNT, None],
    "final": [5, None, "maybe", []],
    "interactions": [5, None, "story", [5], {}, a_function],
    "recorder": NOT_OPTIONAL_TEXT,
    "recorded": NOT_OPTIONAL_TEXT,
    "test": NOT_OPTIONAL_TEXT,
    "path": NOT_PATH,
    "extra": [5, None, "x", [], a_function],
    "comments": [5, None, "# one", [5], a_function],
    "trailing_comments": [5, None, "# one", [5], a_function],
    "provider": [5, "gemini", a_function, object()],
    "content": [5, None, [], a_function],
    "text": NOT_TEXT,
    "rhythm": [5, [], {}, "gemini-0", b"gemini-2.5-flash", a_function],
    "profile": [5, None, [], "gemni", a_function],
    "model": [5, "", [], b"x", a_function],
    "prompt": [5, [], b"x", a_function, {"x": a_function}],
    "thoughts": [5, [5], b"x", {"x": 1}, a_function],
    "finish_reason": [5, "", [], a_function],
    "seed": NOT_WHOLE,
    "events": [5, None, "x", {}, [5], [], a_function],
    "status": ["200", 0, 1000, True, 1.5],
    "rechunk": [[], "byte", 0, -1, 1.5, a_function],
    "only": [5, "1", [0], [2], ["1"], [1.5], [True], a_function],
    "value": [5, True, "rest", [5], {}, b"reset", a_function],
    "interaction": [5, None, "x", []],
    "kinds": [5, None, "rest", ["rest"], [5], {}, a_function],
    "most": NOT_COUNT,
    "cassette": [5, None, b"x", [], a_function, ""],
    "call": [*NOT_CALLABLE, None],
    "complete": NOT_CALLABLE,
    "match": [5, None, [], "modl", [5], a_function],
    "speed": [None, [], "fast", 0, -1, a_function],
    "parse": [*NOT_CALLABLE, None],
    "make": [*NOT_CALLABLE, None],
    "content_type": [5, None, [], a_function],
    "max_examples": NOT_COUNT,
    "classes": [5, [5], "promptnes", {}, a_function],
    "documented": [5, None, "ValueError", [5], int, a_function],
    "database": [5, "folder", []],
    "name": NOT_OPTIONAL_TEXT,
    "profiles": [5, [5], "gemini-2", {}, a_function],
    "baseline": [5, [5], {"x": 1}, a_function],
    "progress": NOT_CALLABLE,
    "empty": NOT_FLAG,
    "policy": [5, "any", ["raw-error"], {"raw-eror": "any"}, {"raw-error": "maybe"}, {"raw-error": 5}, {5: "any"}],
    "one_of": [5, "text", b"x", [5], a_function],
    "may_raise": NOT_FLAG,
    "must_raise": NOT_FLAG,
    "says": [5, None, [5], a_function],
    "after": [5, None, b"x", [b"x"], a_function],
    "times": NOT_COUNT,
    "callback": NOT_FLAG,
    "reads": [5, b"x", [], a_function],
    "max_time": ["60", 0, -1, True, float("nan"), [], a_function],
    "ignore": [5, [5]],
    "normalize": [5, "x", []],
    "redact": [5, [5]],
    "keep_headers": [5, [5]],
    "redact_headers": [5, [5]],
    "keep_fields": [5, [5]],
    "redact_fields": [5, [5]],
    "redact_patterns": [5, [5], ["("]],
    "hosts": [5, [5]],
    "ignore_hosts": [5, [5]],
}

OTHERWISE: dict[tuple[Callable[..., Any], str], list[Any]] = {
    (faults.check_client, "rechunk"): [5.0, None, [None, []], "byte", [0], [-1], a_function],
    (fuzz.chunkings, "data"): [*NOT_BYTES, None],
    (adapters.method, "name"): [5, None, b"x", [], a_function],
    (fuzz.check_bytes, "data"): [*NOT_BYTES, None],
    (fuzz.check_stream, "chunks"): [5, None, "text", b"x", ["x"], a_function],
    **{(one, "path"): [*NOT_PATH, None] for one in (Cassette.load, fuzz.from_cassette)},
    (Cassette, "path"): [5, "story.jsonl", [], a_function],
}
"""Wrong values for arguments whose valid values or meaning depend on the function."""

NAMED = {
    "text": "text",
    "value": "fault",
    "kinds": "kind",
    "speed": "speed",
    "only": "only|no interaction",
    "events": "(?i)event",
    "profiles": "profile",
    "classes": "class",
    "baseline": "baseline",
    "prompt": "prompt",
    "thoughts": "thought",
}
"""How messages name those arguments that they do not just call by their names."""


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments, and of its settings."""
    found = inspect.signature(function).parameters
    names = [name for name, one in found.items() if name != "self" and one.kind is not one.VAR_KEYWORD]
    if len(names) < len(found) and "settings" in found:
        (settings,) = get_args(get_type_hints(function, include_extras=True)["settings"])
        names += settings.__annotations__
    return names


def cases() -> Iterator[Any]:
    for function, right in RIGHT.items():
        for name in parameters(function):
            for number, value in enumerate(OTHERWISE.get((function, name), WRONG[name])):
                called = getattr(function, "__qualname__", "")
                yield pytest.param(function, {**right, name: value}, name, id=f"{called}-{name}-{number}")


@pytest.mark.parametrize(("function", "given", "name"), list(cases()))
def test_a_wrong_argument_is_named_with_its_valid_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any], given: Given, name: str
) -> None:
    """The error comes at once, before anything is read or written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        function(**given)
    assert re.search(NAMED.get(name, name), refused.value.message), refused.value
    assert refused.value.hint
    assert list(tmp_path.iterdir()) == []


def public() -> Iterator[str]:
    """The qualified names of all public functions, classes and methods, except those in `WITHOUT`."""
    left_out = {
        *(
            "record",
            "replay",
            "Session",
            "virtual_time",
            "gemini_events",
            "Event",
            "Interaction",
            "Request",
            "Block",
            "CassetteConfig",
        ),
        *("Fault", "ClientReport", "ClientResult", "Outcome", "Document", "Result", "Survey"),
    }
    for module in (gemini_replay, faults, fuzz):
        for name in module.__all__:
            found = getattr(module, name)
            if (
                name in left_out
                or not callable(found)
                or (isinstance(found, type) and issubclass(found, (GeminiReplayError, Warning)))
            ):
                continue
            if name != "Case":
                yield found.__qualname__
            for method in vars(found) if isinstance(found, type) else ():
                member = inspect.getattr_static(found, method)
                if not method.startswith("_") and (inspect.isfunction(member) or isinstance(member, classmethod)):
                    yield f"{found.__qualname__}.{method}"


def test_no_public_function_is_forgotten() -> None:
    """The functions listed here are all that exist."""
    listed = {one.__qualname__ for one in RIGHT} | {"StreamParser.close"}  # takes no arguments
    assert set(public()) <= listed


def test_a_wrong_chunk_of_a_stream_is_named_when_it_comes() -> None:
    """The error comes after the events of earlier chunks, and the parser can go on."""
    stream = parse_stream([b'data: {"a": 1}\n\n', "text", b""])  # type: ignore[list-item]
    assert next(stream).json == {"a": 1}
    with pytest.raises(UsageError, match="data is 'text'"):
        next(stream)
    parser = StreamParser()
    with pytest.raises(UsageError, match="data is None"):
        parser.feed(None)  # type: ignore[arg-type]
    assert [event.json for event in parser.feed(b'data: {"a": 1}\n\n')] == [{"a": 1}]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_whole_body_may_be_any_kind_of_bytes(kind: Callable[[bytes], Any]) -> None:
    """Bytes are not taken for a sequence of numbers."""
    assert [event.json for event in parse_stream(kind(b'data: {"a": 1}\n\n'))] == [{"a": 1}]


def test_any_value_is_shown_briefly() -> None:
    """A function is shown by its name, an object whose repr fails by its class."""
    assert arguments.shown(a_function) == "the function a_function"
    assert arguments.shown(Strange) == "the class Strange"
    assert arguments.shown(Strange()) == "a Strange"
    assert len(arguments.shown("x" * 500)) == 80
