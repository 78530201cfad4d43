"""The test that a bug leaves behind, run as a file of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.processes import run_pytest

from gemini_replay import fuzz
from gemini_replay.fuzz import watchdog
from gemini_replay.fuzz.loading import load

RIGHT = """
from gemini_replay import parse_stream

def parse(chunks):
    for event in parse_stream(chunks):
        yield event.json
"""

DISCARDS = RIGHT.replace("(chunks):\n    for", "(chunks):\n    for").replace(
    "stream(chunks):", "stream(chunks, final='discard'):"
)

RAISES = """
from gemini_replay import parse_stream

class ApiError(Exception):
    pass

def parse(chunks):
    for event in parse_stream(chunks, strict=True):
        if event.error:
            raise ApiError(event.error.message)
        yield event.json
"""

SKIPS_RAW_ERRORS = """
import json
from gemini_replay import parse_stream

def parse(chunks):
    for event in parse_stream(chunks):
        if "error" not in event.json:
            yield event.json
"""

LOSES_THE_LAST_AT_A_CUT = """
from gemini_replay import parse_stream

def parse(chunks):
    chunks = list(chunks)
    whole = b"".join(chunks)
    given = list(parse_stream(chunks, final="discard" if len(chunks) > 1 else "yield"))
    for event in given:
        yield event.json
"""

TEXT_ON_TWO_LINES = """
import json

def parse(chunks):
    chunks = list(chunks)
    body = b"".join(chunks).decode()
    for block in body.replace("\\r\\n", "\\n").split("\\n\\n"):
        data = [line[5:].removeprefix(" ") for line in block.split("\\n") if line.startswith("data:")]
        try:
            if data:
                yield json.loads("\\n".join(data), strict=len(chunks) == 1)
        except ValueError:
            pass
"""

RECURSES = """
import json
from gemini_replay import parse_stream

def parsed(events):
    event = next(events, None)
    return [] if event is None else [event.json, *parsed(events)]

def parse(chunks):
    return parsed(parse_stream(chunks))
"""

FAILS_PER_CHUNK = """
from gemini_replay import parse_stream

def joined(chunks):
    first = next(chunks, None)
    return b"" if first is None else first + joined(chunks)

def parse(chunks):
    return [event.json for event in parse_stream([joined(iter(chunks))])]
"""

KEEPS_A_REST = """
from gemini_replay import parse_stream
rest = []

def parse(chunks):
    body = b"".join([*rest, *chunks])
    rest.clear()
    *_, last = body.split(b"\\r\\n\\r\\n")
    if b"data" in last:
        rest.append(last)
    for event in parse_stream([body.removesuffix(last) if rest else body]):
        yield event.json
"""

DROPS_WHAT_IT_HAS_SEEN = """
from gemini_replay import parse_stream
seen = []

def parse(chunks):
    for event in parse_stream(chunks):
        if event.json not in seen or not event.json:
            seen.append(event.json)
            yield event.json
"""

IS_SPOILED = """
import codecs
from gemini_replay import parse_stream
decoder = codecs.getincrementaldecoder("utf-8")()

def parse(chunks):
    for event in parse_stream(decoder.decode(chunk).encode() for chunk in chunks):
        yield event.json
"""

FIXES_ITS_LINE_END = """
import json
ends = []

def parse(chunks):
    body = b"".join(chunks)
    if not ends and b"\\n" in body:
        ends.append(b"\\r\\n" if b"\\r\\n" in body else b"\\n")
    for block in body.split(2 * (ends or [b"\\n"])[0]):
        if block.startswith(b"data: "):
            yield json.loads(block[6:])
"""

CHANGES_WHAT_IT_CACHES = """
import functools, json
from gemini_replay import parse_stream
loads = functools.lru_cache(json.loads)

def parse(chunks):
    for event in parse_stream(chunks):
        value = loads(event.data)
        yield dict(value)
        value.clear()
"""

BY_CHANCE = """
import random
from gemini_replay import parse_stream

def parse(chunks):
    events = list(parse_stream(chunks))
    if random.random() < 0.2:
        events = events[:-1]
    for event in events:
        yield event.json
"""

USES_UP = """
import threading
from gemini_replay import parse_stream
free = threading.Semaphore(32)

def parse(chunks):
    free.acquire()
    yield from [event.json for event in parse_stream(chunks)]
"""

FAILURES_USE_UP = """
import threading
from gemini_replay import parse_stream
free = threading.Semaphore(16)

def parse(chunks):
    free.acquire()
    for event in parse_stream(chunks, strict=True, final="error"):
        if event.error:
            raise RuntimeError(event.error.message)
        yield event.json
    free.release()
"""

REFUSES = USES_UP.replace("free.acquire()", "if not free.acquire(blocking=False): raise OSError('no slot is free')")

GIVES_NOTHING = USES_UP.replace("free.acquire()", "if not free.acquire(blocking=False): return")

ASYNC_USES_UP = """
import asyncio
from gemini_replay import parse_stream
free = asyncio.Semaphore(32)

async def parse(chunks):
    await free.acquire()
    for event in parse_stream([chunk async for chunk in chunks]):
        yield event.json
"""

BROKEN_OFF_USE_UP = """
import threading
from gemini_replay import parse_stream
free = threading.Semaphore(3)

def parse(chunks):
    free.acquire()
    for event in parse_stream(chunks):
        yield event.json
    free.release()
"""

NOW_AND_THEN = """
import threading
from gemini_replay import parse_stream
runs = []

def parse(chunks):
    runs.append(1)
    if len(runs) % 32 == 0:
        threading.Event().wait()
    for event in parse_stream(chunks):
        yield event.json
"""

TWICE_NOW_AND_THEN = NOW_AND_THEN.replace("% 32 == 0", "% 32 in (0, 1) and len(runs) > 1")

ASYNC = """
from gemini_replay import parse_stream

async def parse(chunks):
    for event in parse_stream([b"".join([chunk async for chunk in chunks])]):
        if "error" not in event.json:
            yield event.json
"""

ASYNC_RIGHT = ASYNC.replace('"error" not in event.json', "True")


QUICK = "from gemini_replay.fuzz import watchdog\nwatchdog.IDLE_SECONDS = 0.5\n"


def kept_test(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str, **options: object) -> fuzz.ParserBug:
    """Check a parser in a module of its own; write the test of the bug to a file beside it."""
    (folder / "their_parser.py").write_text(code)
    (folder / "conftest.py").write_text(QUICK)
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.5)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "their_parser", raising=False)
    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(load("their_parser:parse"), seed=1, **options)  # type: ignore[arg-type]
    (folder / "test_kept.py").write_text(caught.value.kept_test)
    return caught.value


def passes(folder: Path, code: str) -> bool:
    """Whether the kept test passes in a fresh pytest, with this code for a parser."""
    (folder / "their_parser.py").write_text(code)
    run = run_pytest("test_kept.py", cwd=folder)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return run.returncode == 0


@pytest.mark.parametrize(
    ("code", "options", "right"),
    [
        pytest.param(SKIPS_RAW_ERRORS, {"classes": ["raw-error"]}, [RIGHT, RAISES], id="an error that may be raised"),
        pytest.param(
            LOSES_THE_LAST_AT_A_CUT,
            {"classes": ["end-without-blank-line"]},
            [RIGHT, DISCARDS, RAISES],
            id="an end that may be read in two ways",
        ),
        pytest.param(
            TEXT_ON_TWO_LINES,
            {"profile": "sse", "classes": ["text-over-two-lines"]},
            [RIGHT, RAISES],
            id="a newline inside JSON",
        ),
        pytest.param(ASYNC, {"classes": ["raw-error"]}, [RIGHT, ASYNC_RIGHT], id="an async parser"),
        pytest.param(RECURSES, {"classes": ["many-events"]}, [RIGHT], id="recursion"),
        pytest.param(FAILS_PER_CHUNK, {"classes": ["many-events"]}, [RIGHT], id="recursion over chunks"),
        pytest.param(KEEPS_A_REST, {}, [RIGHT, DISCARDS], id="an earlier stream"),
        pytest.param(DROPS_WHAT_IT_HAS_SEEN, {"classes": ["plain-text"]}, [RIGHT], id="all earlier streams"),
        pytest.param(
            FIXES_ITS_LINE_END,
            {"profile": "gateway", "classes": ["line-ends-lf", "plain-text"]},
            [RIGHT],
            id="the first stream",
        ),
        pytest.param(CHANGES_WHAT_IT_CACHES, {"classes": ["plain-text"]}, [RIGHT], id="an equal event"),
        pytest.param(IS_SPOILED, {"classes": ["end-in-mid-event"]}, [RIGHT], id="a stream that spoils all others"),
        pytest.param(BY_CHANCE, {"classes": ["plain-text"]}, [RIGHT], id="chance"),
        pytest.param(USES_UP, {}, [RIGHT], id="all streams use up something"),
        pytest.param(USES_UP, {"classes": ["plain-text"]}, [RIGHT], id="the same in one class"),
        pytest.param(FAILURES_USE_UP, {}, [RIGHT], id="streams that fail use up something"),
        pytest.param(REFUSES, {}, [RIGHT], id="an error when all is used up"),
        pytest.param(REFUSES, {"classes": ["wide-characters"]}, [RIGHT], id="the same error in one class"),
        pytest.param(GIVES_NOTHING, {"classes": ["plain-text"]}, [RIGHT], id="no event when all is used up"),
        pytest.param(ASYNC_USES_UP, {}, [RIGHT, ASYNC_RIGHT], id="async streams use up something"),
        pytest.param(ASYNC_USES_UP, {"classes": ["escapes"]}, [RIGHT, ASYNC_RIGHT], id="the same in one async class"),
        pytest.param(BROKEN_OFF_USE_UP, {}, [RIGHT], id="streams that are broken off use up something"),
        pytest.param(TWICE_NOW_AND_THEN, {"classes": ["plain-text"]}, [RIGHT], id="a stall now and then"),
    ],
)
def test_a_kept_test_fails_until_the_bug_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, options: dict[str, object], right: list[str]
) -> None:
    """Every parser that the class calls right passes it, too."""
    kept_test(tmp_path, monkeypatch, code, **options)
    assert not passes(tmp_path, code)
    assert all(passes(tmp_path, one) for one in right)


def test_a_bug_after_an_earlier_stream_shows_that_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message begins with it, and the kept test feeds it first."""
    bug = kept_test(tmp_path, monkeypatch, KEEPS_A_REST)
    assert "after an earlier stream" in str(bug).partition("\n")[0]
    assert bug.after
    assert "after=" in bug.kept_test


def test_a_bug_that_a_fresh_process_does_not_show_is_searched_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says so first, and the kept test has the arguments of the search."""
    classes = ["line-ends-lf", "plain-text"]
    bug = kept_test(tmp_path, monkeypatch, FIXES_ITS_LINE_END, profile="gateway", classes=classes)
    assert "only after other streams of this search" in str(bug).partition("\n")[0]
    for argument in ('profile="gateway"', f"classes={classes!r}", "seed=1"):
        assert argument in bug.kept_test


def test_a_bug_by_chance_says_so_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how often it shows."""
    first = str(kept_test(tmp_path, monkeypatch, BY_CHANCE, classes=["plain-text"])).partition("\n")[0]
    assert "by chance" in first
    assert "of 100 runs" in first


def test_a_bug_after_many_streams_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kept test reads the last stream before it as often as the parser had run; the least number is not known."""
    bug = kept_test(tmp_path, monkeypatch, USES_UP, classes=["plain-text"])
    assert len(bug.after) == 34
    assert "after up to 34 earlier streams" in str(bug).partition("\n")[0]
    assert "earlier:  up to 34 times" in str(bug)
    assert "* 34" in bug.kept_test
