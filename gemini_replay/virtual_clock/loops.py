"""asyncio loops in virtual time: a loop with nothing to do moves the virtual clock instead of waiting in `select`.

No library does this: looptime adds plugins to every run of pytest and moves the loop's clock alone; aiotools'
VirtualClock jumps past input that is ready. This works for loops that are running already, whoever made them
(pytest-asyncio, anyio), and moves all clocks at once.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import sys
import threading
import weakref
from asyncio import base_events
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..clocks import monotonic
from ..errors import UsageError
from ..loops import ReplacedTime, has_its_own_clock, own_time
from ..patching import Patches
from .clock import VirtualClock

_ANYIO = "run_sync_in_worker_thread"

_SHARED = tuple(getattr(selectors, name) for name in ("EpollSelector", "KqueueSelector") if hasattr(selectors, name))
"""Selectors that several threads may use at the same time."""


class Loops:
    """Puts loops on a virtual clock: all that run in the thread that opened it, and others by `follow`."""

    def __init__(self, clock: VirtualClock, origin: float) -> None:
        self._clock = clock
        self._origin = origin
        self._opener = threading.get_ident()
        self._patches = Patches()
        self._lock = threading.RLock()  # another thread may put a loop on the clock while this thread ends it
        self._closed = False
        self._following: dict[Any, _Time] = {}
        self._selectors: list[Any] = []
        self._anyio: tuple[Any, Any] | None = None  # its backend, and the method that was replaced in it

    def install(self) -> None:
        """Put every loop of this thread on the clock, as soon as it next reads its own.

        Raises:
            UsageError: the running loop is not asyncio's own.
        """
        global _active
        loop = asyncio._get_running_loop()
        if loop is not None:
            self.follow(loop)
        self._patches.apply(
            [
                *((kind, "time", self._reading) for kind in _classes_with_time()),
                (base_events.BaseEventLoop, "run_in_executor", self._executing),
                (base_events.BaseEventLoop, "shutdown_default_executor", self._shutting_down),
            ]
        )
        _active = self

    def undo(self) -> None:
        """Put the loops back on the real clock. Their time continues from its present value."""
        global _active
        _active = None
        self._patches.undo()
        with self._lock:
            self._closed = True
            if self._anyio is not None:
                setattr(self._anyio[0], _ANYIO, self._anyio[1])
            for selector in self._selectors:
                vars(selector).pop("select", None)
            for loop, time in self._following.items():
                time.leave(loop)
            self._following.clear()

    def follow_if_current(self, loop: Any) -> None:
        """`follow` a loop that runs, or is being made, in the thread that opened virtual time."""
        if loop not in self._following and threading.get_ident() == self._opener and _can_follow(loop):
            self.follow(loop)

    def follow(self, loop: Any) -> None:
        """Put a loop on the virtual clock, unless it has a clock of its own.

        Raises:
            UsageError: it is not asyncio's own.
        """
        if loop in self._following or _keeps_its_clock(loop):
            return
        if not _can_follow(loop):
            kind = type(loop)
            raise UsageError(
                f"Time cannot be virtual in the event loop {kind.__module__}.{kind.__qualname__}.",
                hint="Use asyncio's own event loop, or no virtual time.",
            )
        with self._lock:
            if self._closed:
                return
            time = own_time(loop)
            if not isinstance(time, _Time):
                time = loop.time = _Time(loop)
                if threading.get_ident() == self._opener:
                    time.start(self._origin, self._clock.now)
            self._following[loop] = time
            time.follow(self._clock.now)
            selector = loop._selector
            selector.select = self._selecting(selector.select, shared=isinstance(selector, _SHARED))
            self._selectors.append(selector)
            self._patch_anyio()

    # -- the replacements --------------------------------------------------------------------------------------------

    def _reading(self, original: Callable[[Any], float]) -> Callable[[Any], float]:
        def time(loop: Any) -> float:
            if _active is not self:  # another tool still calls this
                now: float = original(loop)
                return now
            self.follow_if_current(loop)
            own = self._following.get(loop)
            return monotonic() if own is None else own()

        return time

    def _selecting(self, original: Callable[[float | None], Any], *, shared: bool) -> Callable[[float | None], Any]:
        def select(timeout: float | None = None) -> Any:
            ready = original(0)
            if ready or (timeout is not None and timeout <= 0):
                return ready
            return self._clock.wait(math.inf if timeout is None else timeout, original, shared=shared) or []

        return select

    def _executing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run_in_executor(loop: Any, executor: Any, function: Any, *args: Any) -> Any:
            if loop not in self._following:
                return original(loop, executor, function, *args)
            work = self._clock.begin(function)
            if executor is None or isinstance(executor, ThreadPoolExecutor):
                function = work  # other executors send it to another process
            future = original(loop, executor, function, *args)
            future.add_done_callback(lambda _: self._clock.end(work))
            return future

        return run_in_executor

    def _shutting_down(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # Since Python 3.12 a closing loop waits at most 300 s for the executor's threads, by its own clock.
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

    def _patch_anyio(self) -> None:
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


class _Time(ReplacedTime):
    """The `time` of one loop for the rest of its life. It may change clocks; it never goes back."""

    def __init__(self, loop: Any) -> None:
        self._loop = weakref.ref(loop)
        self._begin = 0.0
        self._now: Callable[[], float] = monotonic

    def __call__(self) -> float:
        if self._now is monotonic and _active is not None:
            loop = self._loop()
            if loop is not None:
                _active.follow_if_current(loop)
        return self._begin + self._now()

    def start(self, begin: float, now: Callable[[], float]) -> None:
        """Start with the time `begin` at the moment when `now` shows 0."""
        self._begin, self._now = begin, now

    def follow(self, now: Callable[[], float]) -> None:
        """Continue from the present value on another clock."""
        self._begin, self._now = self._begin + self._now() - now(), now

    def leave(self, loop: Any) -> None:
        """Continue on the real clock. If the loop is not ahead of it, restore the loop's own method."""
        self.follow(monotonic)
        if self._begin <= 0 and own_time(loop) is self:
            self._begin = 0.0
            del loop.time


def _can_follow(loop: Any) -> bool:
    return isinstance(loop, base_events.BaseEventLoop) and getattr(loop, "_selector", None) is not None


def _keeps_its_clock(loop: Any) -> bool:
    own = own_time(loop)
    if own is not None:
        return not isinstance(own, _Time)
    kind: Any = type(loop)
    return issubclass(kind, base_events.BaseEventLoop) and has_its_own_clock(kind)


def _classes_with_time() -> list[type]:
    """The classes of asyncio with a method `time`: the base class, and others if a test has replaced it there."""
    kinds = (kind for loop in (asyncio.SelectorEventLoop, base_events.BaseEventLoop) for kind in loop.__mro__)
    return [kind for kind in dict.fromkeys(kinds) if "time" in vars(kind) and kind is not asyncio.AbstractEventLoop]
