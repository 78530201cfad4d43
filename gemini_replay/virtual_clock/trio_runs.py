"""Trio runs in virtual time: each gets a `MockClock`, which jumps by itself and stays equal to the virtual clock."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable
from typing import Any

from .. import clocks
from ..errors import UsageError
from ..patching import Patches, WhenImported
from .clock import VirtualClock


class TrioRuns:
    """Puts trio runs on the virtual clock if they begin while time is virtual. Never imports trio."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._patches = Patches()
        self._imports = WhenImported()
        self._begins: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        self._slowed: dict[
            Any, tuple[int, float, float]
        ] = {}  # how many threads run, and the clock's own rate and threshold

    def install(self) -> None:
        """Patch trio, now or when it is imported."""
        self._imports.call(self._patch, "trio")

    def undo(self) -> None:
        """Restore trio's functions. Runs that go on keep their clocks."""
        self._imports.stop()
        self._patches.undo()

    def _patch(self, _: str) -> None:
        core, threads = sys.modules["trio._core._run"], sys.modules["trio._threads"]
        # `trio.run` and `start_guest_run` call this, also for code that has imported them by name.
        self._patches.apply(
            [(core, "setup_runner", self._setting_up), (threads, "start_thread_soon", self._starting_thread)]
        )

    def _setting_up(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def setup_runner(clock: Any, instruments: Any, *others: Any, **more: Any) -> Any:
            if self._clock.covers():
                from trio.testing import MockClock

                if clock is None:
                    clock = MockClock(autojump_threshold=0)
                    clock._real_clock = clocks.now  # the clock took the replacement from `time`, which is slower
                if isinstance(clock, MockClock):
                    self._equalise(clock)
                    instruments = [*instruments, _AfterRun(lambda: self._equalise(clock))]
            return original(clock, instruments, *others, **more)

        return setup_runner

    def check(self) -> None:
        """Raise an error if this thread has a trio run whose clock cannot be moved.

        Raises:
            UsageError: the clock cannot be moved.
        """
        clock = _running_clock()
        if clock is not None and not hasattr(clock, "autojump_threshold"):
            raise UsageError(
                f"Time cannot be virtual in this trio run, which began with a {type(clock).__name__}.",
                hint="Open virtual time before trio.run, or give the run a clock: "
                "trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)).",
            )

    # -- equal clocks ------------------------------------------------------------------------------------------------

    def equalise(self) -> None:
        """In a trio run with a mock clock, set both that clock and the virtual clock to the later of the two."""
        if "trio" in sys.modules:
            mock = _running_clock()
            if hasattr(mock, "autojump_threshold"):
                self._equalise(mock)

    def _equalise(self, mock: Any) -> None:
        now = self._clock.now()
        begin = self._begins.setdefault(mock, now - mock.current_time())
        ahead = begin + mock.current_time() - now
        if ahead > 0:
            self._clock.move_to(now + ahead)
        else:
            mock.jump(-ahead)

    # -- trio's threads, which run in real time ----------------------------------------------------------------------

    def _starting_thread(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def start_thread_soon(function: Any, deliver: Any, *others: Any) -> Any:
            mock = _running_clock()
            jumps = getattr(mock, "autojump_threshold", math.inf) < math.inf or mock in self._slowed
            if mock is None or not jumps:
                return original(function, deliver, *others)
            work = self._clock.begin(function)
            self._slow_down(mock)
            token = sys.modules["trio.lowlevel"].current_trio_token()

            def done() -> None:
                self._clock.end(work)
                self._speed_up(mock)

            def delivering(result: Any) -> None:
                try:
                    token.run_sync_soon(self._equalise, mock)
                    deliver(result)
                    token.run_sync_soon(done)  # not earlier, since a run with nothing to do makes the clock jump
                except RuntimeError:  # the run is over
                    self._clock.end(work)

            return original(work, delivering, *others)

        return start_thread_soon

    def _slow_down(self, mock: Any) -> None:
        """Let the clock run as fast as real time, and not jump."""
        count, rate, threshold = self._slowed.get(mock, (0, mock.rate, mock.autojump_threshold))
        self._slowed[mock] = count + 1, rate, threshold
        if not count:
            mock.rate, mock.autojump_threshold = 1.0, math.inf

    def _speed_up(self, mock: Any) -> None:
        self._equalise(mock)
        count, rate, threshold = self._slowed.pop(mock)
        if count > 1:
            self._slowed[mock] = count - 1, rate, threshold
        else:
            mock.rate, mock.autojump_threshold = rate, threshold


class _AfterRun:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def after_run(self) -> None:
        self._call()


def _running_clock() -> Any:
    """The clock of the trio run in this thread, or None."""
    lowlevel = sys.modules.get("trio.lowlevel")
    try:
        return None if lowlevel is None else lowlevel.current_clock()
    except RuntimeError:
        return None
