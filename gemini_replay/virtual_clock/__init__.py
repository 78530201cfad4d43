"""Virtual time: code observes the recorded rhythm without waiting for it.

One clock (`clock`) stands still while code runs, and jumps when all threads wait (`threads` finds that out). The
functions of module `time` (`functions`), asyncio's loops (`loops`) and trio's runs (`trio_runs`) all follow it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .. import clocks
from ..loops import running_loop

if TYPE_CHECKING:
    from .replaced import Replaced


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
            from .replaced import Replaced  # what it needs is loaded only where time is virtual

            _active = Replaced()
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
    loop = running_loop()
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


_active: Replaced | None = None
_users = 0
_lock = threading.RLock()

__all__ = ["join_loop", "join_thread", "virtual_time"]
