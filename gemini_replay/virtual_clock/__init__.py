"""Virtual time: code observes the recorded rhythm, and waits for none of it.

One clock (`clock`) stands still while code runs and moves on where everybody waits. The functions of `time`
(`functions`), asyncio's loops (`loops`) and trio's runs (`trio_runs`) show it, so that all agree.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .. import clocks
from .clock import Clock
from .functions import Functions
from .loops import Loops
from .trio_runs import TrioRuns


@contextmanager
def virtual_time() -> Iterator[None]:
    """Let no real time pass in a with-block where code sleeps, or waits for a recording.

    `time.sleep`, the clocks of module `time`, asyncio's loops (their timers and time limits too) and trio runs that
    begin in the block share one virtual clock, which moves on when there is nothing to do but wait. It belongs to
    the thread that opens the block, to threads that are started in it, and to any thread or loop in which a recording
    is being played. Blocks nest.

    Raises:
        UsageError: it is opened in a trio run that goes by the system's clock, or in an event loop that is not
            asyncio's own.
    """
    global _open, _users
    with _lock:
        if _open is None:
            _open = _VirtualTime()
        else:
            _open.clock.join()
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0 and _open is not None:
                closing, _open = _open, None
                closing.close()


def join_thread() -> None:
    """A recording is about to be played in this thread: if time is virtual anywhere, it is here from now on."""
    here = _open
    if here is not None:
        here.clock.join()


def join_loop() -> None:
    """The same for the event loop that is running, asyncio's or trio's.

    Raises:
        UsageError: its clock cannot be moved.
    """
    here = _open
    if here is None:
        return
    here.clock.join()
    loop = asyncio._get_running_loop()
    if loop is None:
        here.trio.check()
    else:
        here.loops.follow(loop)


def now() -> float:
    """Seconds since some fixed moment, on the virtual clock where this thread goes by it, else on the real one."""
    here = _open
    return clocks.now() if here is None or not here.clock.is_mine else here.now()


def sleep(seconds: float) -> None:
    """Wait on that clock."""
    here = _open
    if here is None or not here.clock.is_mine or not 0 < seconds < threading.TIMEOUT_MAX:
        clocks.sleep(seconds)
    else:
        here.functions.sleep(seconds)


class _VirtualTime:
    """Everything that is replaced while time is virtual."""

    def __init__(self) -> None:
        self.clock = Clock()
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
        """What `clocks.now` would show if it were virtual."""
        self.trio.meet()
        return self._began + self.clock.now()


_open: _VirtualTime | None = None
_users = 0
_lock = threading.RLock()

__all__ = ["join_loop", "join_thread", "virtual_time"]
