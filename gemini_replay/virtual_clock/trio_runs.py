"""Trio runs in virtual time: they get a `MockClock`, which jumps by itself, and the two clocks keep step."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable
from typing import Any

from .. import clocks
from ..errors import UsageError
from ..patching import Patches, WhenImported
from .clock import Clock


class TrioRuns:
    """Gives trio runs that begin while time is virtual the virtual clock; trio is never imported for that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patches = Patches()
        self._waiting = WhenImported()
        self._begins: weakref.WeakKeyDictionary[Any, float] = weakref.WeakKeyDictionary()
        self._held: dict[Any, tuple[int, float, float]] = {}  # how many threads work, and what the clock was like

    def install(self) -> None:
        """Reach trio when it is imported; it may be already."""
        self._waiting.call("trio", self._reach)

    def undo(self) -> None:
        """Leave trio alone; runs that go on keep their clocks."""
        self._waiting.stop()
        self._patches.undo()

    def _reach(self, _: str) -> None:
        core, threads = sys.modules["trio._core._run"], sys.modules["trio._threads"]
        # The one place below `trio.run` and `start_guest_run`: those who imported either by name come here, too.
        self._patches.apply(
            [(core, "setup_runner", self._setting_up), (threads, "start_thread_soon", self._starting_thread)]
        )

    def _setting_up(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def setup_runner(clock: Any, instruments: Any, *others: Any, **more: Any) -> Any:
            if self._clock.is_mine:
                from trio.testing import MockClock

                if clock is None:
                    clock = MockClock(autojump_threshold=0)
                    clock._real_clock = clocks.now  # what it found in `time` is a stand-in, which takes longer
                if isinstance(clock, MockClock):
                    self._meet(clock)
                    instruments = [*instruments, _AtTheEnd(lambda: self._meet(clock))]
            return original(clock, instruments, *others, **more)

        return setup_runner

    def check(self) -> None:
        """Refuse to go on in a trio run (there may be none) whose clock is the system's.

        Raises:
            UsageError: this run's clock cannot be moved.
        """
        clock = _present()
        if clock is not None and not hasattr(clock, "autojump_threshold"):
            raise UsageError(
                f"Time cannot become virtual in a trio run that goes by its {type(clock).__name__} already.",
                hint="Open virtual time before trio.run, or give the run a clock: "
                "trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)).",
            )

    # -- keeping step ------------------------------------------------------------------------------------------------

    def meet(self) -> None:
        """In a trio run on a mock clock, set that and the virtual clock to the later of the two."""
        if "trio" in sys.modules:
            mock = _present()
            if hasattr(mock, "autojump_threshold"):
                self._meet(mock)

    def _meet(self, mock: Any) -> None:
        now = self._clock.now()
        begin = self._begins.setdefault(mock, now - mock.current_time())
        ahead = begin + mock.current_time() - now
        if ahead > 0:
            self._clock.move_to(now + ahead)
        else:
            mock.jump(-ahead)

    # -- threads, whose work is waited for ---------------------------------------------------------------------------

    def _starting_thread(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def start_thread_soon(function: Any, deliver: Any, *others: Any) -> Any:
            mock = _present()
            if mock is None or (getattr(mock, "autojump_threshold", math.inf) == math.inf and mock not in self._held):
                return original(function, deliver, *others)
            work = self._clock.begin(function)
            self._hold(mock)
            token = sys.modules["trio.lowlevel"].current_trio_token()

            def done() -> None:
                self._clock.end(work)
                self._release(mock)

            def delivering(result: Any) -> None:
                try:
                    token.run_sync_soon(self._meet, mock)
                    deliver(result)
                    token.run_sync_soon(done)  # not before: with nothing to do, the clock would jump
                except RuntimeError:  # the run is over
                    self._clock.end(work)

            return original(work, delivering, *others)

        return start_thread_soon

    def _hold(self, mock: Any) -> None:
        """Let the clock go as fast as real time, and not jump."""
        count, rate, threshold = self._held.get(mock, (0, mock.rate, mock.autojump_threshold))
        self._held[mock] = count + 1, rate, threshold
        if not count:
            mock.rate, mock.autojump_threshold = 1.0, math.inf

    def _release(self, mock: Any) -> None:
        self._meet(mock)
        count, rate, threshold = self._held.pop(mock)
        if count > 1:
            self._held[mock] = count - 1, rate, threshold
        else:
            mock.rate, mock.autojump_threshold = rate, threshold


class _AtTheEnd:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def after_run(self) -> None:
        self._call()


def _present() -> Any:
    """The clock of the trio run in this thread; None where there is none."""
    lowlevel = sys.modules.get("trio.lowlevel")
    try:
        return None if lowlevel is None else lowlevel.current_clock()
    except RuntimeError:
        return None
