"""Event loops: waiting in a loop whose clock a test has replaced, and running code that needs its own loop.

asyncio's loops read `time.monotonic` at each turn, and trio's runs `time.perf_counter`. If a test has replaced these,
the loop's timers fire too early or never. A wait on the clocks of this module still takes the real time.
"""

from __future__ import annotations

import contextlib
import contextvars
import math
import sys
import threading
import types
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from . import clocks
from .threads import OwnThread

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

_ROUNDING_S = 1e-5
_EARLY_S: float = clocks.real.get_clock_info("monotonic").resolution + _ROUNDING_S
"""How many seconds too early asyncio may run a timer, and how far apart two readings of one clock may be."""


class AsyncClock(Protocol):
    """A clock and a way to wait on it, in an event loop; both in seconds.

    Attributes:
        others: true while other code in the loop is ready to run; always true for loops that do not tell.
    """

    others: object

    def now(self) -> float:
        """The present moment."""

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""

    def turn(self) -> Awaitable[object]:
        """Let the loop run for one turn."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop of asyncio's kind that runs in this thread. Code without loops need not load asyncio for it."""
    events: Any = sys.modules.get("asyncio.events")
    return None if events is None else events._get_running_loop()


def running_clock() -> AsyncClock:
    """The clock of the running event loop, asyncio's or trio's.

    It does not use anyio, which imports its backend on first use: that takes 13 to 25 ms, in the first replayed
    request.
    """
    loop = running_loop()
    return TrioClock() if loop is None else AsyncioClock(loop)


class ReplacedTime:
    """A `time` that this package has given to one loop."""


def own_time(loop: asyncio.AbstractEventLoop) -> object | None:
    """What replaces the method `time` of this loop only; None: nothing does.

    The loop's ``__dict__`` would tell it, too, but all that a loop does is slower once that has been read: CPython
    3.11 makes the dictionary then, and no longer finds the loop's attributes by their offsets.
    """
    time = loop.time
    return None if getattr(time, "__self__", None) is loop else time


@lru_cache(maxsize=16)
def has_its_own_clock(kind: Any) -> bool:
    """Whether a class of loops defines its own clock: neither asyncio's nor a test's replacement of it."""
    owner = next(base for base in kind.__mro__ if "time" in vars(base))
    return str(owner.__module__).partition(".")[0] != "asyncio"


@types.coroutine
def turn() -> Generator[None, None, None]:
    """Let asyncio's loop run for one turn."""
    yield


class AsyncioClock:
    """The real clock in an asyncio loop, or the loop's own if its class defines one or time is virtual.

    Args:
        loop: any implementation; the one that is running by default.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        import asyncio

        self._loop = loop or asyncio.get_running_loop()
        kind: Any = type(self._loop)
        self._class_has_its_own = has_its_own_clock(kind)
        ready = getattr(self._loop, "_ready", None)  # all loops written in Python have this attribute
        self.others: object = ready if isinstance(ready, deque) else True

    turn = staticmethod(turn)

    def now(self) -> float:
        """Seconds since some fixed moment."""
        loop = self._loop
        time = loop.time
        own = None if getattr(time, "__self__", None) is loop else time  # as `own_time`, without a call
        if self._class_has_its_own if own is None else isinstance(own, ReplacedTime):
            return time()
        return clocks.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""
        if seconds <= 0:
            await turn()
            return
        done = self._loop.create_future()

        def end() -> None:
            if not done.done():
                done.set_result(None)

        timer = self.call_later(seconds, end)
        try:
            await done
        finally:
            timer.cancel()

    def call_at(self, moment: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` at a moment of this clock, in a later turn of the loop."""
        return self.call_later(moment - self.now(), callback)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` after this many seconds of this clock, in a later turn of the loop."""
        return Timer(self, self._loop, seconds, callback)

    @property
    def _has_its_own(self) -> bool:
        own = own_time(self._loop)
        return self._class_has_its_own if own is None else isinstance(own, ReplacedTime)

    def readings(self) -> tuple[float, float | None]:
        """The present moment on this clock and on the loop's; None if the loop's timers fire at other moments."""
        if self._has_its_own:
            now = self._loop.time()
            return now, now
        now, shown = clocks.monotonic(), self._loop.time()
        if not -_EARLY_S <= shown - now <= _EARLY_S:
            before, now = now, clocks.monotonic()  # another thread may have run between the two
            return now, shown if before - _EARLY_S <= shown <= now + _EARLY_S else None
        return now, shown


class Timer:
    """A call after this many seconds, unless it is cancelled."""

    def __init__(
        self, clock: AsyncioClock, loop: asyncio.AbstractEventLoop, seconds: float, callback: Callable[[], object]
    ) -> None:
        self._clock, self._loop, self._callback = clock, loop, callback
        now, shown = clock.readings()
        self._moment = now + seconds
        # None: it has called, or will never call
        self._handle: asyncio.Handle | _Alarm | None = self._arm(seconds, shown)

    def cancel(self) -> None:
        """Do not call."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self, ahead: float, shown: float | None) -> asyncio.Handle | _Alarm:
        if ahead <= 0:
            return self._loop.call_soon(self._fire)
        if shown is not None:
            return self._loop.call_at(shown + ahead, self._fire)
        return _Alarm(ahead, lambda: self._loop.call_soon_threadsafe(self._fire))

    def _fire(self) -> None:
        if self._handle is None:
            return  # cancelled after its alarm had fired
        if self._clock.now() < self._moment - _EARLY_S:
            now, shown = self._clock.readings()  # the loop's clock has been replaced meanwhile
            self._handle = self._arm(self._moment - now, shown)
        else:
            self._handle = None
            self._callback()


class TrioClock:
    """The real clock in a trio run, or the run's own if it was started with one."""

    others: object = True

    def __init__(self) -> None:
        self._trio: Any = sys.modules["trio"]
        self._clock = self._trio.lowlevel.current_clock()
        self._has_its_own = type(self._clock).__name__ != "SystemClock"

    def now(self) -> float:
        """Seconds since some fixed moment."""
        moment: float = self._clock.current_time() if self._has_its_own else clocks.monotonic()
        return moment

    def turn(self) -> Awaitable[object]:
        """Let the run go on for one turn."""
        checkpoint: Awaitable[object] = self._trio.lowlevel.checkpoint()
        return checkpoint

    async def sleep(self, seconds: float) -> None:
        """Let the run go on for this many seconds, at least for one turn."""
        if seconds <= 0:
            await self.turn()
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
        task, token, waiting = lowlevel.current_task(), lowlevel.current_trio_token(), True

        def wake() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                lowlevel.reschedule(task)

        def abort(_: object) -> Any:
            nonlocal waiting
            waiting = False
            alarm.cancel()
            return lowlevel.Abort.SUCCEEDED

        alarm = _Alarm(seconds, lambda: token.run_sync_soon(wake))
        await lowlevel.wait_task_rescheduled(abort)


class _Alarm:
    """Calls `callback` after this many real seconds, in a thread of its own."""

    def __init__(self, seconds: float, callback: Callable[[], object]) -> None:
        self._cancelled = threading.Event()
        self._seconds, self._callback = seconds, callback
        OwnThread(self._wait, "gemini-replay alarm").start()

    def cancel(self) -> None:
        """Do not call."""
        self._cancelled.set()

    def _wait(self) -> None:
        if not self._cancelled.wait(min(self._seconds, threading.TIMEOUT_MAX)):
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._callback()


def _agree(clock: Callable[[], float], real: Callable[[], float]) -> bool:
    """Whether a clock shows the real time: no test has stopped it or set it forward."""
    before = real()
    return before - _EARLY_S <= clock() <= real() + _EARLY_S


class Waiter(Protocol):
    """Lets one task wait until another one in the same event loop wakes it."""

    async def wait(self, seconds: float | None) -> bool:
        """Wait to be woken, for at most this many seconds of the loop's own clock. Returns False after a timeout."""

    def wake(self) -> None:
        """Wake the waiting task, if there is one."""


def waiter() -> Waiter:
    """A waiter for the running event loop, asyncio's or trio's. It does not use anyio, see `running_clock`."""
    loop = running_loop()
    return _TrioWaiter() if loop is None else _AsyncioWaiter(loop)


class _AsyncioWaiter:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._woken: asyncio.Future[bool] | None = None

    async def wait(self, seconds: float | None) -> bool:
        self._woken = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, self._end, False)
        try:
            return await self._woken
        finally:
            self._woken = None
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        self._end(True)

    def _end(self, woken: bool) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(woken)


class _TrioWaiter:
    def __init__(self) -> None:
        self._trio: Any = sys.modules["trio"]
        self._task: Any = None

    async def wait(self, seconds: float | None) -> bool:
        lowlevel = self._trio.lowlevel
        self._task = lowlevel.current_task()
        if seconds is None:
            await lowlevel.wait_task_rescheduled(self._abort)
            return True
        with self._trio.CancelScope(deadline=self._trio.current_time() + seconds):
            await lowlevel.wait_task_rescheduled(self._abort)
            return True
        return False

    def _abort(self, _: object) -> Any:
        self._task = None
        return self._trio.lowlevel.Abort.SUCCEEDED

    def wake(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            self._trio.lowlevel.reschedule(task)


def run_without_loop(run: Callable[[], T]) -> T:
    """Call ``run`` in a thread without a running event loop: in this one, or if it runs a loop, in another one."""
    if running_loop() is None:
        return run()
    with ThreadPoolExecutor(1, "gemini-replay") as thread:
        return thread.submit(contextvars.copy_context().run, run).result()
