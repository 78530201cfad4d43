"""Event loops: waiting in one that may have been given another clock, and running what makes one of its own.

asyncio's loops read `time.monotonic` at each turn, and trio's runs `time.perf_counter`. Where a test has replaced
them, a timer of the loop is never due, or too early. A wait here ends after the real time all the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
import sys
import threading
import types
from collections.abc import Callable, Generator
from typing import Any, Protocol, TypeVar

from . import clocks

T = TypeVar("T")

_ROUNDING_S = 1e-5
_EARLY_S: float = clocks.real.get_clock_info("monotonic").resolution + _ROUNDING_S
"""How much too early asyncio may run what is due; how far two readings of one clock may be apart."""


class LoopClock(Protocol):
    """A clock and a way to wait on it, in an event loop; both in seconds."""

    def now(self) -> float:
        """The present moment."""

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""


def running_clock() -> LoopClock:
    """The clock of the event loop that is running, asyncio's or trio's.

    The loop is asked directly, not through anyio, whose backend is imported on its first use: that is 13 to 25 ms,
    which would fall into the first replayed request.
    """
    loop = asyncio._get_running_loop()
    return TrioClock() if loop is None else AsyncioClock(loop)


class LoopTime:
    """A `time` of one loop that was put there to be followed."""


def made_with_a_clock(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether the class of a loop has a clock of its maker's: not asyncio's, nor what a test put in its place."""
    owner = next(kind for kind in type(loop).__mro__ if "time" in vars(kind))
    return str(owner.__module__).partition(".")[0] != "asyncio"


class AsyncioClock:
    """The real clock, in an asyncio loop; or that loop's own, where its maker gave it one.

    Args:
        loop: any implementation; the one that is running by default.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._made_with_a_clock = made_with_a_clock(self._loop)

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return self._loop.time() if self._has_its_own else clocks.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""
        if seconds <= 0:
            await turn()
            return
        over = self._loop.create_future()

        def end() -> None:
            if not over.done():
                over.set_result(None)

        timer = self.call_at(self.now() + seconds, end)
        try:
            await over
        finally:
            timer.cancel()

    def call_at(self, moment: float, callback: Callable[[], object]) -> Timer:
        """Call back at a moment of this clock, in a later turn of the loop."""
        return Timer(self, self._loop, moment, callback)

    @property
    def _has_its_own(self) -> bool:
        own = getattr(self._loop, "__dict__", {}).get("time")
        return self._made_with_a_clock if own is None else isinstance(own, LoopTime)

    @property
    def can_wait(self) -> bool:
        """Whether a timer of the loop is due when it should be."""
        return self._has_its_own or _agree(self._loop.time, clocks.monotonic)


class Timer:
    """A call that is due at a moment, until it is cancelled."""

    def __init__(
        self,
        clock: AsyncioClock,
        loop: asyncio.AbstractEventLoop,
        moment: float,
        callback: Callable[[], object],
    ) -> None:
        self._clock, self._loop, self._moment, self._callback = clock, loop, moment, callback
        self._cancelled = False
        self._handle = self._arm()

    def cancel(self) -> None:
        """Do not call."""
        self._cancelled = True
        self._handle.cancel()

    def _arm(self) -> asyncio.Handle | _Alarm:
        ahead = self._moment - self._clock.now()
        if ahead <= 0:
            return self._loop.call_soon(self._callback)
        if self._clock.can_wait:
            return self._loop.call_at(self._loop.time() + ahead, self._ring)
        return _Alarm(ahead, lambda: self._loop.call_soon_threadsafe(self._ring))

    def _ring(self) -> None:
        if self._cancelled:
            return  # just now, when an alarm had rung already
        if self._clock.now() < self._moment - _EARLY_S:
            self._handle = self._arm()  # the loop has been given another clock meanwhile
        else:
            self._callback()


class TrioClock:
    """The real clock, in a trio run; or that run's own, where it was started with one."""

    def __init__(self) -> None:
        self._trio: Any = sys.modules["trio"]
        self._clock = self._trio.lowlevel.current_clock()
        self._has_its_own = type(self._clock).__name__ != "SystemClock"

    def now(self) -> float:
        """Seconds since some fixed moment."""
        moment: float = self._clock.current_time() if self._has_its_own else clocks.monotonic()
        return moment

    async def sleep(self, seconds: float) -> None:
        """Let the run go on for so long, at least for one turn."""
        if seconds <= 0:
            await self._trio.lowlevel.checkpoint()
            return
        moment = self.now() + seconds
        while (ahead := moment - self.now()) > _ROUNDING_S:
            if self._has_its_own or _agree(self._system_time, clocks.now):
                await self._wait_for_deadline(ahead)
            else:
                await self._wait_for_alarm(ahead)

    def _system_time(self) -> float:
        moment: float = self._clock.current_time() - getattr(self._clock, "offset", math.nan)
        return moment

    async def _wait_for_deadline(self, seconds: float) -> None:
        lowlevel = self._trio.lowlevel
        with self._trio.CancelScope(deadline=self._clock.current_time() + seconds):
            await lowlevel.wait_task_rescheduled(lambda _: lowlevel.Abort.SUCCEEDED)

    async def _wait_for_alarm(self, seconds: float) -> None:
        lowlevel = self._trio.lowlevel
        task, token, waits = lowlevel.current_task(), lowlevel.current_trio_token(), True

        def ring() -> None:
            nonlocal waits
            if waits:
                waits = False
                lowlevel.reschedule(task)

        def abort(_: object) -> Any:
            nonlocal waits
            waits = False
            alarm.cancel()
            return lowlevel.Abort.SUCCEEDED

        alarm = _Alarm(seconds, lambda: token.run_sync_soon(ring))
        await lowlevel.wait_task_rescheduled(abort)


class _Alarm:
    """Calls back after so many real seconds, in a thread of its own."""

    def __init__(self, seconds: float, ring: Callable[[], object]) -> None:
        self._cancelled = threading.Event()
        self._seconds, self._ring = seconds, ring
        threading.Thread(target=self._wait, name="gemini-replay alarm", daemon=True).start()

    def cancel(self) -> None:
        """Do not call."""
        self._cancelled.set()

    def _wait(self) -> None:
        if not self._cancelled.wait(min(self._seconds, threading.TIMEOUT_MAX)):
            with contextlib.suppress(RuntimeError):  # the loop is over
                self._ring()


def _agree(shown: Callable[[], float], real: Callable[[], float]) -> bool:
    """Whether a clock shows the real time: nobody has replaced it, to stop it or to put it forward."""
    before = real()
    return before - _EARLY_S <= shown() <= real() + _EARLY_S


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Let asyncio's loop go on for one turn."""
    yield


def run_without_loop(run: Callable[[], T]) -> T:
    """Call ``run``, in a thread of its own where an event loop is running here: what is async needs a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    context, came = contextvars.copy_context(), list[T]()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            came.append(context.run(run))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="gemini-replay")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return came[0]
