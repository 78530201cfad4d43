"""A parser that does not end is stopped, whatever it does, and nothing is left of that."""

from __future__ import annotations

import asyncio
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gemini_replay import fuzz
from gemini_replay.fuzz import watchdog
from gemini_replay.fuzz.target import FuzzTarget, Output

SCRIPT = """
import sys
from gemini_replay import fuzz
from gemini_replay.fuzz import watchdog

watchdog.CPU_SECONDS = 0.2

def parse(chunks):
    list(chunks)
    while True:
        pass

try:
    fuzz.check_parser(parse, max_examples=1)
except fuzz.ParserBug as bug:
    assert "does not come to an end" in str(bug), bug

def closure(one):
    return lambda: one

sys.setprofile(lambda *_: None)
print(closure("done")())
"""


def test_the_interpreter_runs_on_as_before() -> None:
    """A profiler too, which would never return if an exception were marked as pending."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


TRACED = """
import asyncio, sys, threading
from gemini_replay.fuzz import watchdog
from gemini_replay.fuzz.target import FuzzTarget

def trace(*_):
    return trace

sys.settrace(trace)
threading.settrace(trace)
watchdog.CPU_SECONDS = watchdog.IDLE_SECONDS = 0.1

async def waits(chunks):
    yield {}
    await asyncio.get_running_loop().create_future()

for _ in range(3):
    with FuzzTarget(waits) as target:
        print(target.run([b"data"]).hung)
"""


def test_a_loop_that_waits_is_stopped_while_every_thread_is_traced() -> None:
    """As under a debugger, or while coverage is measured."""
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")


def _sleeps() -> None:
    time.sleep(10_000)


def _waits_for_a_queue() -> None:
    queue.Queue[int]().get()


def _waits_for_a_simple_queue() -> None:
    queue.SimpleQueue[int]().get()


def _waits_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _waits_for_an_event() -> None:
    threading.Event().wait()


def _waits_for_a_thread() -> None:
    event = threading.Event()
    thread = threading.Thread(target=event.wait, daemon=True)
    thread.start()
    thread.join()


def _waits_for_a_socket() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.recv(1)


def _runs_in_a_loop() -> None:
    while True:
        pass


def _backtracks() -> None:
    re.match("(a+)+$", "a" * 60 + "b")


WAITS = [
    _sleeps,
    _waits_for_a_queue,
    _waits_for_a_simple_queue,
    _waits_for_a_lock,
    _waits_for_an_event,
    _waits_for_a_thread,
    _waits_for_a_socket,
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits are short."""
    for name in ("CPU_SECONDS", "IDLE_SECONDS", "_AGAIN"):
        monkeypatch.setattr(watchdog, name, 0.2)
    monkeypatch.setattr(watchdog, "_TICK", 0.05)


def run(blocks: Callable[[], None]) -> Output:
    """Two runs: of a parser that does not end, and of one that does."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield {}
        blocks()
        yield {}

    def parses(chunks: Iterable[bytes]) -> list[Any]:
        return [len(chunk) for chunk in chunks]

    with FuzzTarget(parse) as target:
        output = target.run([b"data"])
        target.parse = parses
        assert target.run([b"a", b"bc"]).values == [1, 2]
    return output


@pytest.mark.parametrize("blocks", [*WAITS, _runs_in_a_loop, _backtracks])
def test_a_parser_is_stopped_in_the_main_thread(blocks: Callable[[], None]) -> None:
    """Whether it waits or works, in Python or in C."""
    before = [signal.getsignal(number) for number in (signal.SIGURG, signal.SIGVTALRM)], threading.active_count()
    output = run(blocks)
    assert (output.hung, output.values) == (True, [{}])
    after = [signal.getsignal(number) for number in (signal.SIGURG, signal.SIGVTALRM)]
    assert after == before[0]
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


@pytest.mark.parametrize("blocks", [*WAITS, _runs_in_a_loop])
def test_a_parser_is_stopped_in_any_other_thread(blocks: Callable[[], None]) -> None:
    """One that waits is given up."""
    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(run, blocks).result()
    assert (output.hung, output.values) == (True, [{}])


def test_a_parser_is_stopped_in_a_test_that_runs_a_loop() -> None:
    """Whose own thread cannot run the parser."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from ({} for _ in chunks)
        _waits_for_a_lock()

    async def check() -> None:
        fuzz.check_stream(parse, [b"data: {}\r\n\r\n"])

    with pytest.raises(fuzz.ParserBug, match="does not come to an end"):
        asyncio.run(check())


def test_a_parser_that_blocks_is_a_bug() -> None:
    """The message says so, and the check ends."""

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from ({} for _ in chunks)
        _waits_for_a_queue()

    with pytest.raises(fuzz.ParserBug, match="does not come to an end"):
        fuzz.check_parser(parse, profile="smoke")


def test_handlers_of_others_are_called_and_kept() -> None:
    """A program may use one of the signals itself."""
    seen: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, _: seen.append(number))

    def parse(chunks: Iterable[bytes]) -> list[Any]:
        signal.raise_signal(signal.SIGURG)
        return []

    try:
        with FuzzTarget(parse) as target:
            assert not target.run([b"data"]).hung
        assert seen == [signal.SIGURG]
        signal.raise_signal(signal.SIGURG)
        assert len(seen) == 2
    finally:
        signal.signal(signal.SIGURG, before)


def test_one_target_may_run_within_another() -> None:
    """Each stops its own parser."""

    def outer(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield run(_sleeps).hung
        _sleeps()

    with FuzzTarget(outer) as target:
        output = target.run([b"data"])
    assert (output.hung, output.values) == (True, [True])


def test_a_program_that_runs_elsewhere_may_take_its_time() -> None:
    """This process waits for it without work."""

    def parse(chunks: Iterable[bytes]) -> list[Any]:
        time.sleep(1)
        return [{}]

    parse.clock = time.process_time  # type: ignore[attr-defined]  # as `Command` has it
    with FuzzTarget(parse) as target:
        assert target.run([b"data"]).values == [{}]
