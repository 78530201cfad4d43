"""asyncio loops in virtual time: a loop that has nothing to do lets the clock pass instead of waiting in select.

The libraries for this were looked at first: looptime puts plugins into every run of pytest that it is installed for,
and moves the loop's clock alone; aiotools' VirtualClock jumps past input that is ready. So this is our own: it takes
hold of loops that are running already, whoever made them (pytest-asyncio, anyio), and moves all clocks at once.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import weakref
from asyncio import base_events
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..clocks import monotonic
from ..errors import UsageError
from ..loops import LoopTime, made_with_a_clock
from ..patching import Patches
from .clock import Clock

_ANYIO = "run_sync_in_worker_thread"


class Loops:
    """Puts loops on a virtual clock: those of the thread that opened it as they run, others when they `follow`."""

    def __init__(self, clock: Clock, origin: float) -> None:
        self._clock = clock
        self._origin = origin
        self._opener = threading.get_ident()
        self._patches = Patches()
        self._lock = threading.RLock()  # loops of several threads may begin to follow, while this one ends it all
        self._over = False
        self._following: dict[Any, _LoopTime] = {}
        self._selectors: list[Any] = []
        self._anyio: tuple[Any, Any] | None = None  # its backend, and the method that is replaced there

    def install(self) -> None:
        """Take hold of every loop of this thread, from the next time that it looks at its clock.

        Raises:
            UsageError: the loop that is running cannot be taken hold of.
        """
        global _active
        loop = asyncio._get_running_loop()
        if loop is not None:
            self.follow(loop)
        self._patches.apply(
            [
                *((kind, "time", self._asking) for kind in _owners_of_time()),
                (base_events.BaseEventLoop, "run_in_executor", self._executing),
                (base_events.BaseEventLoop, "shutdown_default_executor", self._shutting_down),
            ]
        )
        _active = self

    def undo(self) -> None:
        """Put the loops back on the real clock, from where they are now."""
        global _active
        _active = None
        self._patches.undo()
        with self._lock:
            self._over = True
            if self._anyio is not None:
                setattr(self._anyio[0], _ANYIO, self._anyio[1])
            for selector in self._selectors:
                vars(selector).pop("select", None)
            for loop, time in self._following.items():
                time.leave(loop)
            self._following.clear()

    def consider(self, loop: Any) -> None:
        """`follow` a loop that runs, or is being made, in the thread that opened virtual time."""
        if loop not in self._following and threading.get_ident() == self._opener and _can_follow(loop):
            self.follow(loop)

    def follow(self, loop: Any) -> None:
        """Put a loop on the virtual clock, unless it has a clock of its own.

        Raises:
            UsageError: it is another implementation than asyncio's own.
        """
        if loop in self._following or _has_a_clock_of_its_own(loop):
            return
        if not _can_follow(loop):
            kind = type(loop)
            raise UsageError(
                f"Time cannot become virtual in a {kind.__module__}.{kind.__qualname__}, which is not asyncio's own.",
                hint="Run these tests on asyncio's own event loop, or without speed='virtual'.",
            )
        with self._lock:
            if self._over:
                return
            time = vars(loop).get("time")
            if time is None:
                time = vars(loop)["time"] = _LoopTime(loop)
                if threading.get_ident() == self._opener:
                    time.start(self._origin, self._clock.now)
            self._following[loop] = time
            time.follow(self._clock.now)
            selector = loop._selector
            selector.select = self._selecting(selector.select)
            self._selectors.append(selector)
            self._reach_anyio()

    # -- what is put in place ----------------------------------------------------------------------------------------

    def _asking(self, original: Callable[[Any], float]) -> Callable[[Any], float]:
        def time(loop: Any) -> float:
            if _active is not self:  # another tool has kept it
                now: float = original(loop)
                return now
            self.consider(loop)
            own = self._following.get(loop)
            return monotonic() if own is None else own()

        return time

    def _selecting(self, original: Callable[[float | None], Any]) -> Callable[[float | None], Any]:
        def select(timeout: float | None = None) -> Any:
            ready = original(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            return self._clock.wait(math.inf if timeout is None else timeout, original) or []

        return select

    def _executing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run_in_executor(loop: Any, executor: Any, function: Any, *args: Any) -> Any:
            if loop not in self._following:
                return original(loop, executor, function, *args)
            work = self._clock.begin(function)
            if executor is None or isinstance(executor, ThreadPoolExecutor):
                function = work  # other executors send the function to another process
            future = original(loop, executor, function, *args)
            future.add_done_callback(lambda _: self._clock.end(work))
            return future

        return run_in_executor

    def _shutting_down(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # Since Python 3.12 a loop's end waits no longer than 300 s for the executor's threads, by its own clock.
        async def shutdown_default_executor(loop: Any, *args: Any, **options: Any) -> None:
            if loop not in self._following:
                await original(loop, *args, **options)
                return
            joining = self._clock.begin_joining(getattr(loop._default_executor, "_threads", ()))
            try:
                await original(loop, *args, **options)
            finally:
                self._clock.end(joining)

        return shutdown_default_executor

    def _reach_anyio(self) -> None:
        backend = sys.modules.get("anyio._backends._asyncio")
        if backend is None or self._anyio is not None:
            return
        self._anyio = owner, original = backend.AsyncIOBackend, vars(backend.AsyncIOBackend)[_ANYIO]

        async def run_sync_in_worker_thread(cls: Any, function: Any, *args: Any, **options: Any) -> Any:
            work = self._clock.begin(function)
            try:
                return await original.__get__(None, cls)(work, *args, **options)
            finally:
                self._clock.end(work)

        setattr(owner, _ANYIO, classmethod(run_sync_in_worker_thread))


_active: Loops | None = None


class _LoopTime(LoopTime):
    """The `time` of one loop, for the rest of its life: it changes from clock to clock and never falls back."""

    def __init__(self, loop: Any) -> None:
        self._loop = weakref.ref(loop)
        self._begin = 0.0
        self._now: Callable[[], float] = monotonic

    def __call__(self) -> float:
        if self._now is monotonic and _active is not None:
            loop = self._loop()
            if loop is not None:
                _active.consider(loop)
        return self._begin + self._now()

    def start(self, begin: float, now: Callable[[], float]) -> None:
        """Show `begin` where `now` shows 0."""
        self._begin, self._now = begin, now

    def follow(self, now: Callable[[], float]) -> None:
        """Go on from here by another clock."""
        self._begin, self._now = self._begin + self._now() - now(), now

    def leave(self, loop: Any) -> None:
        """Go on by the real clock; where that is ahead, the loop's own method will do."""
        self.follow(monotonic)
        if self._begin <= 0 and vars(loop).get("time") is self:
            self._begin = 0.0
            del loop.time


def _can_follow(loop: Any) -> bool:
    return isinstance(loop, base_events.BaseEventLoop) and getattr(loop, "_selector", None) is not None


def _has_a_clock_of_its_own(loop: Any) -> bool:
    own = vars(loop).get("time") if hasattr(loop, "__dict__") else None
    if own is not None:
        return not isinstance(own, _LoopTime)
    return isinstance(loop, base_events.BaseEventLoop) and made_with_a_clock(loop)


def _owners_of_time() -> list[type]:
    """The classes of asyncio that have a method `time`: more than the base class after a test has replaced it."""
    kinds = (kind for loop in (asyncio.SelectorEventLoop, base_events.BaseEventLoop) for kind in loop.__mro__)
    return [kind for kind in dict.fromkeys(kinds) if "time" in vars(kind) and kind is not asyncio.AbstractEventLoop]
