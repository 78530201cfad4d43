"""The virtual clock, which stands still while code runs.

When all threads wait, it jumps to the earliest moment that one of them waits for. While a thread runs, or a call in
an executor is under way, waiting takes real time. So work that ends before the next moment takes no virtual time, and
a time limit on work that hangs fires as it would in real time.
"""

from __future__ import annotations

import itertools
import math
import threading
import weakref
from collections.abc import Callable, Collection, Container
from dataclasses import dataclass
from typing import Any

from .. import clocks
from .threads import Activity, activity

_TICK_S = 1e-6
"""How far each reading moves the clock, so that a loop that reads it until a deadline ends."""

_CHECK_S = 0.001
"""How often a waiting thread checks what the others are doing, in real seconds."""

_YIELD_S = 5e-5
"""How many real seconds a thread gives to others that may have been woken just now."""

Poll = Callable[[float | None], Any]
"""Waits for this many real seconds (None: for ever), and returns what it found, or None."""


class VirtualClock:
    """Counts seconds since it was made. Only waiting makes them pass.

    It covers the thread that made it and threads that start later. Older threads keep real time until they join.

    Attributes:
        closed: whether waiting threads have to return to real time.
    """

    def __init__(self) -> None:
        self.closed = False
        me = threading.current_thread()
        self._foreign_threads = {
            thread.ident: weakref.ref(thread) for thread in threading.enumerate() if thread is not me
        }
        self._passed = 0.0
        self._ticks = itertools.count()
        self._changed = threading.Condition()
        self._waiters: dict[threading.Thread, _Waiter] = {}
        self._works: set[Work | Joining] = set()

    def now(self) -> float:
        """Virtual seconds since the clock was made."""
        # Two numbers, so that a tick in one thread cannot undo a move in another.
        return self._passed + next(self._ticks) * _TICK_S

    def move_to(self, moment: float) -> None:
        """Move forward to a moment; do nothing if it has passed."""
        with self._changed:
            ahead = moment - self.now()
            if ahead > 0:
                self._passed += ahead

    # -- the threads that it covers ----------------------------------------------------------------------------------

    def join(self) -> None:
        """Cover the current thread from now on."""
        self._foreign_threads.pop(threading.get_ident(), None)

    def covers(self, thread: threading.Thread | None = None) -> bool:
        """Whether a thread, by default the current one, is on this clock."""
        foreign = self._foreign_threads.get(threading.get_ident() if thread is None else thread.ident)
        # A new thread may have the identifier of an old one.
        return foreign is None or foreign() is not (thread or threading.current_thread())

    # -- waiting -----------------------------------------------------------------------------------------------------

    def wait(self, seconds: float, poll: Poll | None = None, *, shared: bool = False) -> Any:
        """Wait until this many virtual seconds have passed, or until `poll` finds something, and return that.

        If `poll` is shared, other threads also call it before they move the clock, so that a thread that has been
        woken runs first.
        """
        me = threading.current_thread()
        due = self.now() + seconds
        with self._changed:
            self._waiters[me] = _Waiter(due, poll if shared else None)
            self._changed.notify_all()
        yielded, waited = False, 0.0  # in real seconds, while others were running
        try:
            while True:
                with self._changed:
                    first = due < math.inf and all(due <= waiter.due for waiter in self._waiters.values())
                    others = self._activity_of_others(me) if first else "waiting"
                    may_move = others == "waiting" or (others == "unclear" and yielded)
                    if first and (may_move or waited >= due - self.now()):
                        found = (
                            poll(0) if poll is not None else None
                        )  # a thread may have left something when it ended
                        if found:
                            return found
                        self.move_to(due)
                    now, began = self.now(), clocks.now()
                    if now >= due or self.closed:
                        return None
                yielded = others == "unclear"
                if yielded:
                    clocks.real.sleep(_YIELD_S)
                    continue
                found = self._pause(min(_CHECK_S, due - now) if due < math.inf else None, poll)
                if found:
                    return found
                waited += clocks.now() - began if others == "running" else 0.0
        finally:
            with self._changed:
                del self._waiters[me]
                self._changed.notify_all()

    def _pause(self, seconds: float | None, poll: Poll | None) -> Any:
        if poll is not None:
            return poll(seconds)
        with self._changed:
            self._changed.wait(seconds)
        return None

    def _activity_of_others(self, me: threading.Thread) -> Activity:
        if not all(work.waits(self._waiters) for work in self._works):
            return "running"
        if any(waiter.poll(0) for thread, waiter in self._waiters.items() if thread is not me and waiter.poll):
            return "running"
        return activity(
            thread
            for thread in threading.enumerate()
            if thread is not me and thread not in self._waiters and self.covers(thread)
        )

    # -- work in other threads ---------------------------------------------------------------------------------------

    def begin(self, function: Callable[..., Any]) -> Work:
        """Count a function as running until `end`. The thread that runs it calls the returned `Work` instead."""
        work = Work(function)
        with self._changed:
            self._works.add(work)
        return work

    def begin_joining(self, threads: Collection[threading.Thread]) -> Joining:
        """Count a thread that joins all of these as running until `end`."""
        joining = Joining(threads)
        with self._changed:
            self._works.add(joining)
        return joining

    def end(self, work: Work | Joining) -> None:
        """The work's result has arrived, or no code waits for it any more."""
        with self._changed:
            self._works.discard(work)
            self._changed.notify_all()

    def close(self) -> None:
        """Send all waiting threads back to real time."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Waiter:
    """What a thread waits for: a moment of the clock, or a result of `poll` (None if others must not call it)."""

    due: float
    poll: Poll | None


class Work:
    """A function that another thread will call; `thread` is that thread, once it calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.thread: threading.Thread | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        self.thread = threading.current_thread()
        return self._function(*args, **kwargs)

    def waits(self, waiting: Container[threading.Thread | None]) -> bool:
        """Whether the thread that calls the function is waiting on the clock."""
        return self.thread in waiting


class Joining:
    """Joining several threads, which counts as running until one of them waits on the clock."""

    def __init__(self, threads: Collection[threading.Thread]) -> None:
        self._threads = threads

    def waits(self, waiting: Container[threading.Thread | None]) -> bool:
        """Whether one of the threads is waiting on the clock."""
        return any(thread in waiting for thread in tuple(self._threads))
