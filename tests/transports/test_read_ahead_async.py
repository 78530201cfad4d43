"""Reading ahead in a task, in asyncio and trio."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import anyio
import pytest
import trio
from support.reading import CHUNK, Noted, classify
from trio.testing import MockClock

from gemini_replay.cassette.model import Ending
from gemini_replay.loops import running_clock
from gemini_replay.transports.async_read_ahead import AsyncReadAhead

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class AsyncSource:
    """`Source` for async code."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self.chunks = chunks
        self.stalls = stalls
        self.read = 0
        self.left = False
        self.closed = False

    async def __call__(self) -> AsyncIterator[bytes]:
        try:
            for data in self.chunks:
                self.read += 1
                await anyio.sleep(0)
                yield data
            if self.stalls:
                await anyio.sleep(30)
        finally:
            self.left = True

    async def aclose(self) -> None:
        self.closed = True


def areading(source: AsyncSource, observer: Noted) -> AsyncReadAhead:
    ahead = AsyncReadAhead(source, observer, classify=classify, close=source.aclose)
    ahead.start()
    return ahead


@BACKENDS
def test_an_async_reader_waits_when_too_much_lies_unread(backend: str) -> None:
    """It goes on when the client takes some of it."""

    async def main() -> None:
        source, observer = AsyncSource(*[CHUNK] * 30), Noted()
        ahead = areading(source, observer)
        await anyio.wait_all_tasks_blocked()
        assert source.read == 9
        assert await anext(ahead) == CHUNK
        await anyio.wait_all_tasks_blocked()
        assert source.read == 10
        assert sum([len(data) async for data in ahead]) == 29 * len(CHUNK)
        assert observer.ends == ["eof"]
        await ahead.aclose()

    anyio.run(main, backend=backend)


@BACKENDS
@pytest.mark.parametrize("stalls", [False, True], ids=["waiting for room", "waiting for the wire"])
def test_closing_ends_an_async_reader(backend: str, stalls: bool) -> None:
    """This holds wherever it waits. Nothing is left for the event loop to finalize."""

    async def main() -> None:
        chunks = [b"one"] if stalls else [CHUNK] * 30
        source, observer = AsyncSource(*chunks, stalls=stalls), Noted()
        ahead = areading(source, observer)
        assert await anext(ahead) == chunks[0]
        await anyio.wait_all_tasks_blocked()
        with anyio.fail_after(10):
            await ahead.aclose()
        assert source.left
        assert source.closed
        assert observer.abandoned
        assert observer.ends == ["cancelled"]

    anyio.run(main, backend=backend)


@BACKENDS
def test_the_client_has_each_chunk_before_it_is_written(backend: str) -> None:
    """Trio runs what is ready in any order, so one turn of the loop may not be enough."""
    log: list[str] = []

    class Logged(Noted):
        def write(self) -> None:
            log.append("written")

    async def main() -> None:
        ahead = areading(AsyncSource(*[b"one"] * 50), Logged())
        async for _ in ahead:
            log.append("read")
        await ahead.aclose()

    anyio.run(main, backend=backend)
    assert log[:100] == ["read", "written"] * 50


@BACKENDS
def test_an_async_reader_gives_the_end_again_and_again(backend: str) -> None:
    """So a client that asks again does not wait for ever."""

    async def main() -> None:
        ahead = areading(AsyncSource(b"one"), Noted())
        assert [data async for data in ahead] == [b"one"]
        with anyio.fail_after(10):
            assert [data async for data in ahead] == []
        await ahead.aclose()

    anyio.run(main, backend=backend)


def test_a_task_that_is_cancelled_before_its_first_step_ends_its_reading() -> None:
    """A client that closes the response then does not wait."""

    async def main() -> None:
        observer = Noted()
        ahead = areading(AsyncSource(b"one"), observer)
        task = ahead._task
        assert isinstance(task, asyncio.Task)
        task.cancel()
        with anyio.fail_after(10):
            await ahead.aclose()
        assert observer.ends == ["cancelled"]

    asyncio.run(main())


def pass_time(seconds: float) -> None:
    """Move the clock of the running loop as if something had blocked it for this long."""
    loop = asyncio._get_running_loop()
    if loop is None:
        trio.lowlevel.current_clock().jump(seconds)  # type: ignore[attr-defined]  # a MockClock
    else:
        time = loop.time
        loop.time = lambda: time() + seconds  # type: ignore[method-assign]


@BACKENDS
def test_a_chunk_that_came_while_the_loop_was_blocked_is_not_a_timeout(backend: str) -> None:
    """The loop finds the chunk and the client's timeout in one turn. The client gets the chunk, as live."""

    async def main() -> None:
        here, there = socket.socketpair()
        here.setblocking(False)

        async def source() -> AsyncIterator[bytes]:
            while True:
                await anyio.wait_readable(here)
                yield here.recv(100)

        async def block(sent: bytes) -> None:
            await anyio.wait_all_tasks_blocked()
            there.send(sent)
            pass_time(60)

        with here, there:
            observer = Noted()
            close = AsyncSource().aclose
            ahead = AsyncReadAhead(source, observer, classify=classify, close=close, read_timeout=30)
            ahead.start()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(block, b"one")
                assert await anext(ahead) == b"one"
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(block, b"")
                with pytest.raises(TimeoutError):
                    await anext(ahead)
            assert observer.ends == ["timeout"]
            await ahead.aclose()

    for _ in range(10):  # trio takes the tasks of one turn in any order
        anyio.run(main, backend=backend, backend_options={"clock": MockClock()} if backend == "trio" else {})


@BACKENDS
def test_a_failing_observer_does_not_hurt_async_reading(backend: str) -> None:
    """No exception escapes into the event loop, where trio would end the whole run."""

    class Failing(Noted):
        def chunk(self, data: bytes, at: float) -> bool | None:
            raise ZeroDivisionError

        def end(self, ending: Ending, at: float) -> None:
            raise ZeroDivisionError

    async def main() -> None:
        observer = Failing()
        ahead = areading(AsyncSource(b"one", b"two"), observer)
        assert [data async for data in ahead] == [b"one", b"two"]
        await ahead.aclose()
        assert [type(problem) for problem in observer.problems] == [ZeroDivisionError] * 3

    anyio.run(main, backend=backend)


@pytest.mark.parametrize(("backend", "most"), [("asyncio", 130), ("trio", 220)])
def test_handing_a_chunk_on_costs_few_calls(backend: str, most: int) -> None:
    """The calls count between a source and a client that wait for each other, with those of the event loop."""

    async def main(count: int) -> int:
        calls, clock = 0, running_clock()

        async def source() -> AsyncIterator[bytes]:
            for _ in range(count):
                await clock.sleep(0)
                yield b"x"

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        ahead = AsyncReadAhead(source, Noted(), classify=classify, close=AsyncSource().aclose, read_timeout=5)
        ahead.start()
        before = sys.getprofile()
        sys.setprofile(counted)
        try:
            assert len([data async for data in ahead]) == count
        finally:
            sys.setprofile(before)
        return calls

    few, many = anyio.run(main, 20, backend=backend), anyio.run(main, 520, backend=backend)
    assert (many - few) / 500 <= most
