"""Virtual time: code observes the recorded rhythm without waiting for it.

One clock (`clock`) stands still while code runs, and jumps when all threads wait (`threads` finds that out). The
functions of module `time` (`functions`), asyncio's loops (`loops`) and trio's runs (`trio_runs`) all follow it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .. import clocks
from .clock import VirtualClock
from .functions import Functions
from .loops import Loops
from .trio_runs import TrioRuns


@contextmanager
def virtual_time() -> Iterator[None]:
    """Make code in a with-block sleep, and wait for recordings, without real time passing.

    `time.sleep`, the clocks of module `time`, asyncio's loops (with their timers and time limits) and trio runs that
    begin in the block share one virtual clock, which jumps when all threads wait. It covers the thread that opens the
    block, threads that start in it, and any thread or loop in which a recording is played. Blocks nest.

    Raises:
        UsageError: it is opened in a trio run that began with the system's clock, or in an event loop that is not
            asyncio's own.
    """
    global _active, _users
    with _lock:
        if _active is None:
            _active = _VirtualTime()
        else:
            _active.clock.join()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _active is not None:
                closing, _active = _active, None
                closing.close()


def join_thread() -> None:
    """If time is virtual, put the current thread, which is about to play a recording, on the virtual clock."""
    active = _active
    if active is not None:
        active.clock.join()


def join_loop() -> None:
    """`join_thread` for the running event loop, asyncio's or trio's.

    Raises:
        UsageError: its clock cannot be moved.
    """
    active = _active
    if active is None:
        return
    active.clock.join()
    loop = asyncio._get_running_loop()
    if loop is None:
        active.trio.check()
    else:
        active.loops.follow(loop)


def now() -> float:
    """Seconds since some fixed moment: virtual if the virtual clock covers this thread, or else real."""
    active = _active
    return active.now() if active is not None and active.clock.covers() else clocks.now()


def sleep(seconds: float) -> None:
    """Wait on the clock that `now` shows."""
    active = _active
    if active is not None and active.clock.covers() and 0 < seconds < threading.TIMEOUT_MAX:
        active.functions.sleep(seconds)
    else:
        clocks.sleep(seconds)


class _VirtualTime:
    """Everything that is replaced while time is virtual."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.trio = TrioRuns(self.clock)
        self.trio.check()
        self.functions = Functions(self.clock, self.trio)
        self.loops = Loops(self.clock, self.functions.origins["monotonic"])
        self._began = clocks.now()
        with ExitStack() as undoing:
            undoing.callback(self.clock.close)
            for part in (self.functions, self.loops, self.trio):
                undoing.callback(part.undo)
                part.install()
            self.close = undoing.pop_all().close

    def now(self) -> float:
        """`clocks.now` in virtual time."""
        self.trio.equalise()
        return self._began + self.clock.now()


_active: _VirtualTime | None = None
_users = 0
_lock = threading.RLock()

__all__ = ["join_loop", "join_thread", "virtual_time"]
