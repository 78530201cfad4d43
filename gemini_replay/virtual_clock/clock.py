"""The virtual clock, and who may move it on when.

It stands still while code runs. Where a thread, or an event loop, has nothing to do but wait, the clock moves to the
moment it waits for: at once if it is the first that anybody waits for, and nobody is at work. While another thread
works, or a call in an executor is under way, waiting takes real time: work that is done before the moment comes has
taken no time, and a time limit on work that is not fires when it would in real time.
"""

from __future__ import annotations

import itertools
import math
import sys
import threading
import weakref
from collections.abc import Callable, Collection, Container, Mapping
from types import FrameType
from typing import Any, Literal

from .. import clocks

_TICK_S = 1e-6
"""How far each reading moves the clock: a loop that looks at it until a deadline shall end."""

_LOOK_S = 0.001
"""How often a thread that waits for others to finish their work looks after them, in real seconds."""

_YIELD_S = 5e-5
"""How long, in real seconds, a thread lets others go first that wait, but may have been woken just now."""

_IDLE = {
    "concurrent.futures.thread": {"_worker"},
    "selectors": {"select"},
    "threading": {"wait", "join", "_wait_for_tstate_lock"},
    "trio._core._io_epoll": {"get_events"},
    "trio._core._io_kqueue": {"get_events"},
    "trio._core._io_windows": {"get_events"},
    "trio._core._thread_cache": {"_work"},
}
"""Modules, and functions of theirs in which a thread does nothing but wait."""

_Doing = Literal["work", "perhaps", "nothing"]

_HERE = __name__.rpartition(".")[0]


class Clock:
    """Counts the seconds since it was made, in which no time passes but what is waited for.

    It is the clock of the thread that made it and of all that are started later; a thread that was there before
    keeps real time until it joins.

    Attributes:
        closed: whether the threads that wait on it have to go back to real time.
    """

    def __init__(self) -> None:
        self.closed = False
        me = threading.current_thread()
        self._foreign_threads = {
            thread.ident: weakref.ref(thread) for thread in threading.enumerate() if thread is not me
        }
        self._passed = 0.0
        self._ticks = itertools.count()
        self._turn = threading.Condition()
        self._due: dict[threading.Thread, float] = {}
        self._works: set[Work | Joining] = set()

    def now(self) -> float:
        """Virtual seconds since the clock was made."""
        # Two numbers, so that a tick in one thread cannot undo a move in another.
        return self._passed + next(self._ticks) * _TICK_S

    def move_to(self, moment: float) -> None:
        """Move on to a moment, if it is not past."""
        with self._turn:
            ahead = moment - self.now()
            if ahead > 0:
                self._passed += ahead

    # -- whose clock it is -----------------------------------------------------------------------------------------

    def join(self) -> None:
        """Make it the clock of this thread."""
        self._foreign_threads.pop(threading.get_ident(), None)

    @property
    def is_mine(self) -> bool:
        """Whether it is the clock of this thread."""
        stranger = self._foreign_threads.get(threading.get_ident())
        return stranger is None or stranger() is not threading.current_thread()

    def _belongs_to(self, thread: threading.Thread) -> bool:
        stranger = self._foreign_threads.get(thread.ident)
        return stranger is None or stranger() is not thread

    # -- waiting ---------------------------------------------------------------------------------------------------

    def wait(self, seconds: float, poll: Callable[[float | None], Any] | None = None) -> Any:
        """Return when so many virtual seconds have passed, or when `poll` has found something.

        Args:
            seconds: how long; infinity waits, really, for what `poll` finds.
            poll: waits for so many real seconds (None: for ever) and returns what it found, if anything.
        """
        me = threading.current_thread()
        due = self.now() + seconds
        with self._turn:
            self._due[me] = due
            self._turn.notify_all()
        yielded, worked = False, 0.0
        try:
            while True:
                with self._turn:
                    first = due < math.inf and due <= min(self._due.values())
                    others = self._others(me) if first else "nothing"
                    free = others == "nothing" or (others == "perhaps" and yielded)
                    if first and (free or worked >= due - self.now()):
                        found = poll(0) if poll is not None else None  # a thread may have ended with a last word
                        if found:
                            return found
                        self.move_to(due)
                    now, really = self.now(), clocks.now()
                    if now >= due or self.closed:
                        return None
                if others == "perhaps" and not yielded:
                    yielded = True
                    clocks.real.sleep(_YIELD_S)
                    continue
                found = self._look(min(_LOOK_S, due - now) if due < math.inf else None, poll)
                if found:
                    return found
                worked += clocks.now() - really if others == "work" else 0.0
        finally:
            with self._turn:
                del self._due[me]
                self._turn.notify_all()

    def _look(self, seconds: float | None, poll: Callable[[float | None], Any] | None) -> Any:
        if poll is not None:
            return poll(seconds)
        with self._turn:
            self._turn.wait(seconds)
        return None

    # -- work that is waited for, really ---------------------------------------------------------------------------

    def begin(self, function: Callable[..., Any]) -> Work:
        """Another thread is about to call `function`; it shall call what this gives. Until `end` it is at work."""
        work = Work(function)
        with self._turn:
            self._works.add(work)
        return work

    def begin_joining(self, threads: Collection[threading.Thread]) -> Joining:
        """All of these threads are about to be joined. Until `end`, that is work."""
        joining = Joining(threads)
        with self._turn:
            self._works.add(joining)
        return joining

    def end(self, work: Work | Joining) -> None:
        """Its result has come, or nobody waits for it any more."""
        with self._turn:
            self._works.discard(work)
            self._turn.notify_all()

    def _others(self, me: threading.Thread) -> _Doing:
        """What those do that do not wait on this clock."""
        if not all(work.waits(self._due) for work in self._works):
            return "work"
        others = [
            thread
            for thread in threading.enumerate()
            if thread is not me and thread not in self._due and self._belongs_to(thread)
        ]
        if not others:
            return "nothing"
        frames = sys._current_frames()
        doing = {_doing(frames[thread.ident]) for thread in others if thread.ident in frames}
        return "work" if "work" in doing else "perhaps" if "perhaps" in doing else "nothing"

    def close(self) -> None:
        """Let go of everybody who waits."""
        with self._turn:
            self.closed = True
            self._turn.notify_all()


class Work:
    """A function that another thread will call; `thread` is that one, as soon as it does."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.thread: threading.Thread | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        self.thread = threading.current_thread()
        return self._function(*args, **kwargs)

    def waits(self, due: Container[threading.Thread | None]) -> bool:
        """Whether the thread that calls it waits on the clock, which these threads do."""
        return self.thread in due


class Joining:
    """Threads that somebody waits for, who works as long as none of them waits on the clock."""

    def __init__(self, threads: Collection[threading.Thread]) -> None:
        self._threads = threads

    def waits(self, due: Container[threading.Thread | None]) -> bool:
        """Whether one of them waits on the clock, which these threads do."""
        return any(thread in due for thread in tuple(self._threads))


def _doing(frame: FrameType) -> _Doing:
    """What a thread does whose innermost frame is this."""
    module, caller = frame.f_globals.get("__name__", ""), frame.f_back
    if frame.f_code.co_name not in _IDLE.get(module, ()):
        return "work"
    if caller is not None and module == "selectors":
        # A loop of ours looks what is ready; when it waits, it says so to the clock.
        return "work" if str(caller.f_globals.get("__name__")).startswith(_HERE) else "perhaps"
    if caller is not None and caller.f_back is not None and caller.f_back.f_code is threading.Thread.start.__code__:
        return "work"  # it goes on as soon as the thread that it starts runs
    woken = _woken(frame.f_locals)
    return "perhaps" if woken is None else "work" if woken else "nothing"


def _woken(names: Mapping[str, Any]) -> bool | None:
    """Whether a thread that waits has been woken, but had no turn yet: by what it waits for, None where unknown."""
    lock = names.get("waiter", names.get("lock"))  # of a condition; of a thread that is joined, until 3.12
    if hasattr(lock, "locked"):
        return not lock.locked()
    if "work_queue" in names:  # of an executor
        return "work_item" in names or not names["work_queue"].empty()
    handle = getattr(names.get("self"), "_handle", None)  # of a thread that is joined, since 3.13
    done = getattr(handle, "is_done", None)
    return None if done is None else bool(done())
