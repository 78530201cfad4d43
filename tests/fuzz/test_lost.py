"""A parser tells that the connection was lost: half an answer must not look like a whole one."""

from __future__ import annotations

import contextlib
import http.client
import operator
import queue
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gemini_replay import fuzz, parse_stream
from gemini_replay.fuzz import adapters, serve
from gemini_replay.fuzz.budget import Budget, Tally
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.lost import losses, unnoticed
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.gemini import aparse_stream

HIDING = f"""
import sys
sys.path.insert(0, {str(Path(serve.__file__).parent)!r})
from serve import serve
import json

def parse(chunks):
    for block in b"".join(chunks).split(bytes([13, 10, 13, 10])):
        if block:
            yield json.loads(block.removeprefix(b"data: "))

serve(parse)
"""


def right(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


def right_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(right(chunks))


async def right_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    async for event in aparse_stream(chunks):
        yield event.json


def with_its_own_error(chunks: Iterable[bytes]) -> Iterator[Any]:
    try:
        yield from right(chunks)
    except OSError as error:
        raise RuntimeError("the answer is not complete") from error


def with_an_event_of_its_own(chunks: Iterable[bytes]) -> Iterator[Any]:
    try:
        yield from right(chunks)
    except OSError as error:
        yield {"error": str(error)}


def hiding(chunks: Iterable[bytes]) -> Iterator[Any]:
    with contextlib.suppress(OSError):
        yield from right(chunks)


async def hiding_asynchronously(chunks: Any) -> AsyncIterator[Any]:
    with contextlib.suppress(OSError):
        async for value in right_asynchronously(chunks):
            yield value


def hiding_list(chunks: Iterable[bytes]) -> list[Any]:
    return list(hiding(chunks))


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize(
    "parse",
    [right, right_list, right_asynchronously, with_its_own_error, with_an_event_of_its_own],
    ids=lambda one: one.__name__,
)
def test_a_parser_that_tells_is_not_accused(parse: Callable[..., Any], array: bool) -> None:
    """By the source's error, an error of its own, or a value that is no event of the stream."""
    with FuzzTarget(parse) as target:
        assert unnoticed(target, array=array) is None


@pytest.mark.parametrize("profile", ["gemini", "json-array"])
@pytest.mark.parametrize("parse", [hiding, hiding_list, hiding_asynchronously], ids=lambda one: one.__name__)
def test_a_parser_that_hides_it_has_a_bug(parse: Callable[..., Any], profile: str) -> None:
    """The report says so, and does not speak of a cut; the test to keep tries the check again."""
    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(parse, profile=profile)
    bug = caught.value
    assert bug.kind == "hides"
    assert "ends as usual when the connection is lost" in str(bug)
    assert "cut: " not in str(bug)
    assert bug.kept_test is not None
    assert f'classes=["{bug.case}"]' in bug.kept_test


def swallowing(errors: type[Exception], *, after: int = 0) -> Callable[..., Any]:
    """A parser that hides these errors, once so many events have come."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        seen = 0
        try:
            for value in right(chunks):
                seen += 1
                yield value
        except errors:
            if seen < after:
                raise

    return parse


@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError, http.client.IncompleteRead])
def test_a_parser_that_hides_one_error_only_has_a_bug(error: type[Exception]) -> None:
    """The bug says which it is."""
    with pytest.raises(fuzz.ParserBug, match=rf"the source raised [\w.]*{error.__name__} after") as caught:
        fuzz.check_parser(swallowing(error), classes=["lost-connection"])
    assert caught.value.kind == "hides"


@pytest.mark.parametrize("array", [False, True], ids=["sse", "array"])
@pytest.mark.parametrize("after", [1, 2, 3, 8])
def test_a_parser_that_hides_errors_late_has_a_bug(after: int, array: bool) -> None:
    """It tells of those at the beginning."""
    with FuzzTarget(swallowing(Exception, after=after)) as target:
        found = unnoticed(target, array=array)
    assert found is not None
    assert len(found.got) >= after


LIBRARIES = {
    "httpx": ("HTTPError", ["ReadError", "RemoteProtocolError", "ReadTimeout"]),
    "httpx2": ("HTTPError", ["ReadError", "RemoteProtocolError", "ReadTimeout"]),
    "aiohttp": ("ClientError", ["ClientPayloadError", "ServerTimeoutError"]),
    "requests": ("RequestException", ["exceptions.ChunkedEncodingError", "exceptions.ConnectionError"]),
    "urllib3": ("exceptions.HTTPError", ["exceptions.ProtocolError", "exceptions.ReadTimeoutError"]),
    "httpcore": ("NetworkError", ["ReadError"]),
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_errors_of_imported_libraries_are_raised(name: str) -> None:
    """The exact classes, and nothing is accused that tells of them."""
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    base, errors = LIBRARIES[name]
    made = {type(loss.make()) for loss in losses()}
    assert {operator.attrgetter(error)(library) for error in errors} <= made
    with FuzzTarget(swallowing(operator.attrgetter(base)(library))) as target:
        found = unnoticed(target, array=False)
    assert found is not None
    assert found.error == f"{name}.{errors[0]}"


def test_no_library_is_imported_for_its_errors() -> None:
    """Whoever uses none of them need not wait for one."""
    code = (
        "import sys\n"
        "from gemini_replay.fuzz.lost import losses\n"
        "print([loss.name for loss in losses() if '.' in loss.name and 'http.client' not in loss.name])\n"
        "print([name for name in ('httpx', 'httpx2', 'aiohttp', 'requests') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["[]", "[]"]


def test_what_no_library_has_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older release, or something else in its place."""
    monkeypatch.setitem(sys.modules, "httpx", SimpleNamespace(ReadError=KeyError, ReadTimeout="no class"))
    assert [loss.name for loss in losses() if loss.name.startswith("httpx.")] == ["httpx.ReadError"]


def events_of(chunks: Iterable[bytes], kinds: set[type]) -> Iterator[Any]:
    """What `right` reads; it notes the class of the error that comes."""
    try:
        yield from right(chunks)
    except Exception as error:
        kinds.add(type(error))
        raise


async def aevents_of(chunks: Any, kinds: set[type]) -> AsyncIterator[Any]:
    try:
        async for value in right_asynchronously(chunks):
            yield value
    except Exception as error:
        kinds.add(type(error))
        raise


@pytest.mark.parametrize("way", ["httpx", "httpx-async", "httpx2", "httpx2-async", "aiohttp-async"])
def test_an_adapter_hands_on_the_exact_errors(way: str) -> None:
    """What a parser of a response catches is what the library would raise."""
    name, _, is_async = way.partition("-")
    library = pytest.importorskip(name, reason=f"{name} is not installed")
    kinds: set[type] = set()

    def parse(response: Any) -> Iterator[Any]:
        return events_of(response.iter_bytes(), kinds)

    async def parse_async(response: Any) -> AsyncIterator[Any]:
        chunks = response.content.iter_any() if name == "aiohttp" else response.aiter_bytes()
        async for value in aevents_of(chunks, kinds):
            yield value

    adapt = getattr(adapters, f"{name}_response")
    with FuzzTarget(adapt(parse_async if is_async else parse)) as target:
        assert unnoticed(target, array=False) is None
    assert {operator.attrgetter(error)(library) for error in LIBRARIES[name][1]} <= kinds
    assert kinds == {type(loss.make()) for loss in losses()}


def test_requests_translates_what_its_source_raises() -> None:
    """As it does live; the parser sees its own classes."""
    requests = pytest.importorskip("requests", reason="requests is not installed")
    kinds: set[type] = set()
    parse = adapters.requests_response(lambda response: events_of(response.iter_content(None), kinds))
    with FuzzTarget(parse) as target:
        assert unnoticed(target, array=False) is None
    assert {requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError} <= kinds
    assert not kinds & {ConnectionResetError, TimeoutError, http.client.IncompleteRead}


def test_what_was_not_tried_for_lack_of_time_is_counted() -> None:
    """A parser may be slow."""
    tally = Tally()
    with FuzzTarget(right) as target:
        runs = target.runs
        assert unnoticed(target, array=False, until=Budget(1e-9).share(1), tally=tally) is None
        assert target.runs == runs
    number = 4 * len([*losses()])
    assert str(tally) == f"{number} of {number} lost connections"


def test_a_source_in_another_process_cannot_fail(tmp_path: Path) -> None:
    """So nothing is said about a command."""
    (tmp_path / "hiding.py").write_text(HIDING, encoding="utf-8")
    with Command([sys.executable, str(tmp_path / "hiding.py")]) as parse:
        (result,) = fuzz.survey(parse, profiles=["gemini"], classes=["lost-connection"]).results
    assert result.verdict == "behaviour"
    assert "another process" in result.behaviour


def in_a_thread(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads ahead in a thread, and an error of the source ends only the thread."""
    waiting: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        try:
            for chunk in chunks:
                waiting.put(chunk)
        finally:
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    yield from right(iter(waiting.get, None))  # type: ignore[arg-type]  # None ends it


def in_a_thread_with_its_own_error(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The same, of a source that wraps the error."""
    return in_a_thread(with_its_own_error_of_the_source(chunks))


def with_its_own_error_of_the_source(chunks: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except Exception as error:
        raise RuntimeError("the answer is not complete") from error


@pytest.mark.parametrize("parse", [in_a_thread, in_a_thread_with_its_own_error], ids=lambda one: one.__name__)
def test_a_played_error_that_ends_a_thread_is_not_printed(
    parse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its traceback would look like a fault of the kit; the hook is as before afterwards."""
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    hook = threading.excepthook
    with FuzzTarget(parse) as target:
        found = unnoticed(target, array=False)
    assert found is not None
    assert (told, threading.excepthook) == ([], hook)
