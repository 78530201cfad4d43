"""Stops a parser that does not end: a thread that stops its event loop, or raises `Hang` in the parser's thread."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

from .. import clocks

CPU_SECONDS = 1.5
WALL_SECONDS = 10.0
SECONDS_PER_MEGABYTE = 8.0
"""What one run may take: a parser written byte by byte in Python takes 1 to 2 s for a megabyte."""
IDLE_SECONDS = 1.0
"""How long an event loop may wait without any work: there is nothing that it could wait for."""

_TICK = 0.2
_AGAIN = 1.0  # seconds until the next try, if the parser swallows the first
_WORK = 0.002  # seconds of processor time between two ticks; an idle event loop takes none


class Hang(BaseException):
    """The parser does not end; no ``except Exception`` of its own catches this."""


class Watchdog:
    """Watches runs of the thread that makes it; counts that thread's processor time, if the system reports it.

    A wait that Python cannot interrupt (a lock, a blocking read) cannot be ended.
    """

    def __init__(self) -> None:
        self.stop_loop: Callable[[], object] | None = None  # stops the event loop, if there is one
        self.stopped = False  # the event loop of the last run was stopped
        self.waited = False  # the last run was stopped for waiting, not for work; a busy machine may be the cause
        self._lock = threading.Lock()
        self._watched = threading.get_ident()
        self._cpu = _cpu_clock(self._watched)
        self._end_cpu = self._end_wall = self._last_cpu = self._last_work = 0.0
        self._fired_at = 0.0
        self._active = self._fired = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, size: int) -> None:
        """A run over ``size`` bytes begins."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="gemini-replay fuzz watchdog", daemon=True)
            self._thread.start()
        more = SECONDS_PER_MEGABYTE * size / 1e6
        self._last_cpu, self._last_work = self._cpu(), clocks.now()
        self._end_cpu = self._last_cpu + CPU_SECONDS + more
        self._end_wall = self._last_work + WALL_SECONDS + 2 * more
        self.waited = self.stopped = False
        self._fired_at = 0.0
        self._active = True

    def end(self) -> None:
        """The run is over."""
        with self._lock:
            self._active = False
            fired, self._fired = self._fired, False
        if fired:
            self._swallow()

    def _swallow(self) -> None:
        """Take the exception that was raised, if it is not delivered yet.

        Another one replaces it and is caught here. If it were cancelled, CPython 3.11 would go on looking for it in
        every thread and at every turn, and would not return from a call that is profiled.
        """
        try:
            self._raise()
            while True:
                pass
        except Hang:
            pass

    def _raise(self) -> None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._watched), ctypes.py_object(Hang))

    def close(self) -> None:
        """No further runs."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_TICK):
            with self._lock:
                if self._active and self._is_over() and clocks.now() - self._fired_at > _AGAIN:
                    self._fired_at = clocks.now()
                    self._interrupt()

    def _interrupt(self) -> None:
        """First stop the loop: it may wait, and a wait would keep the exception from being raised.

        Until an exception is raised in its thread, CPython 3.11 does not go on with any other thread that is traced.
        """
        if self.stop_loop is not None and not self.stopped:
            self.stopped = True
            self.stop_loop()
        else:
            self._fired = True
            self._raise()

    def _is_over(self) -> bool:
        cpu, now = self._cpu(), clocks.now()
        if cpu - self._last_cpu > _WORK:
            self._last_cpu, self._last_work = cpu, now
        works = cpu > self._end_cpu
        self.waited = not works
        return works or now > self._end_wall or (self.stop_loop is not None and now - self._last_work > IDLE_SECONDS)


def _cpu_clock(thread: int) -> Callable[[], float]:
    """The processor time of a thread, readable from others; elsewhere a share of the wall clock."""
    try:
        clock = clocks.real.pthread_getcpuclockid(thread)
    except (AttributeError, OSError):
        return lambda: clocks.now() / 4
    return lambda: clocks.real.clock_gettime(clock)
