"""Stops a parser that does not end.

In the main thread a run is interrupted by a signal, which ends what Python can end there: a loop, a wait for a lock
or a queue, a sleep, a regular expression. Elsewhere, and on Windows, each run gets a thread of its own. It is given
up if it waits, and interrupted by an exception if it works. C code that does not end keeps all threads from running
there, and an endless loop in the main thread that catches `BaseException` cannot be stopped either.
"""

from __future__ import annotations

import contextvars
import ctypes
import signal
import threading
from collections.abc import Callable
from typing import Any

from .. import clocks
from ..threads import OwnThread

CPU_SECONDS = 1.5
WALL_SECONDS = 10.0
SECONDS_PER_MEGABYTE = 8.0
"""What one run may take: a parser written byte by byte in Python takes 1 to 2 s for a megabyte."""
IDLE_SECONDS = 2.0
"""How long a run may wait while no thread of this process works. Nothing could end such a wait."""

_HURRIED = 0.25
_TICK = 0.2
_AGAIN = 1.0  # seconds until the next try, if the parser swallows the first
_TRIES = 3  # until a thread is given up
_WORK = 0.002  # seconds of processor time between two ticks; an idle process takes less


class Hang(BaseException):
    """The parser does not end; no ``except Exception`` of its own catches this."""


class Watchdog:
    """Watches one run at a time, in the thread that makes it.

    Args:
        may_idle: whether a run may wait for something outside this process, such as another one.
        patience: returns the seconds on the clock that the next run may take, besides an allowance for its size.

    Attributes:
        hurried: whether a run gets only a quarter of the time, since others had to be stopped.
        stop_loop: stops the event loop that a run uses, if there is one.
        stopped: whether the event loop of the last run was stopped.
        waited: whether the last run was stopped for waiting, not for work; a busy machine may be the cause.
    """

    def __init__(self, *, may_idle: bool = False, patience: Callable[[], float] = lambda: WALL_SECONDS) -> None:
        self.stop_loop: Callable[[], object] | None = None
        self.stopped = self.waited = self.hurried = False
        self._may_idle = may_idle
        self._patience = patience
        self._signals = _Signals(self._is_over, self._interrupt_here) if _Signals.can_be_used() else None
        self._cpu: Callable[[], float] = clocks.real.process_time
        self._end_cpu = self._end_wall = self._last_work = self._last_cpu = self._fired_at = 0.0
        self._active = False

    def close(self) -> None:
        """No further runs."""
        if self._signals is not None:
            self._signals.restore()

    def watch(self, size: int, work: Callable[[], object]) -> None:
        """Do some work that involves ``size`` bytes; raise `Hang` if it does not end."""
        if self._signals is None:
            self._watch_thread(size, work)
            return
        try:
            try:
                self._signals.use()
                self._begin(size)
                work()
            finally:
                self._active = False
        except Hang:
            self._active = False  # it may have been raised just before this was done
            raise

    def _begin(self, size: int) -> None:
        """In the thread of the run."""
        self._cpu = _cpu_clock()
        share = self._share()
        more = share * SECONDS_PER_MEGABYTE * size / 1e6
        self._last_cpu, self._last_work = clocks.real.process_time(), clocks.now()
        self._end_cpu = self._cpu() + share * CPU_SECONDS + more
        self._end_wall = self._last_work + share * self._patience() + 2 * more
        self.waited = self._may_idle  # which may end such a wait itself
        self.stopped = False
        self._fired_at = 0.0
        self._active = True

    def _share(self) -> float:
        return _HURRIED if self.hurried else 1.0

    def _is_over(self) -> bool:
        """Whether the run must be stopped now."""
        used, now = clocks.real.process_time(), clocks.now()
        if used - self._last_cpu > _WORK:
            self._last_cpu, self._last_work = used, now
        if not self._active or now - self._fired_at < _AGAIN:
            return False
        works = self._cpu() > self._end_cpu
        idle = not self._may_idle and now - self._last_work > self._share() * IDLE_SECONDS
        self.waited = not works
        return works or idle or now > self._end_wall

    def _interrupts(self) -> bool:
        """Stop the loop, if there is one that was not stopped yet; else the run itself is to be interrupted."""
        self._fired_at = clocks.now()
        if self.stop_loop is None or self.stopped:
            return True
        self.stopped = True
        self.stop_loop()
        return False

    def _interrupt_here(self) -> None:
        """Called in the main thread, whenever a signal comes."""
        if self._is_over() and self._interrupts():
            raise Hang

    def _watch_thread(self, size: int, work: Callable[[], object]) -> None:
        errors: list[BaseException] = []
        context = contextvars.copy_context()

        def run() -> None:
            try:
                self._begin(size)
                context.run(work)
            except BaseException as error:
                errors.append(error)

        thread = OwnThread(run, "gemini-replay fuzz")
        thread.start()
        tries = 0
        while thread.is_alive():
            thread.join(_TICK)
            if self._is_over() and self._interrupts():
                # A thread that waits would not take the exception, and until it does, CPython 3.11 does not go on
                # with any other thread that is traced.
                if self.waited or tries == _TRIES:
                    self._active = False
                    raise Hang
                tries += 1
                _raise_hang(thread.ident)
        self._active = False
        for error in errors:
            raise error


class _Signals:
    """Two signals that call a function in the main thread, as long as they are used.

    SIGURG is sent by a thread; it ends waits. SIGVTALRM comes from the system after some processor time, also while C
    code keeps all other threads from running. Neither means anything to most programs; if one does to this, its
    handler is called as well.
    """

    def __init__(self, wanted: Callable[[], bool], called: Callable[[], None]) -> None:
        self._wanted = wanted  # whether SIGURG is to be sent now
        self._called = called
        self._thread = threading.get_ident()
        self._before: dict[int, Any] = {}
        self._timer_before = (0.0, 0.0)
        self._stop = threading.Event()
        self._sender: OwnThread | None = None

    @classmethod
    def can_be_used(cls) -> bool:
        """Whether this is the main thread of a system that has such signals, and nobody else uses the timer."""
        if not hasattr(signal, "pthread_kill") or threading.current_thread() is not threading.main_thread():
            return False
        handlers = [signal.getsignal(number) for number in (signal.SIGURG, signal.SIGVTALRM)]
        ours = isinstance(getattr(handlers[1], "__self__", None), cls)
        return None not in handlers and (ours or signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0))

    def use(self) -> None:
        """Begin to send signals, if that is not done yet."""
        if self._sender is not None:
            return
        for number in (signal.SIGURG, signal.SIGVTALRM):
            self._before[number] = signal.signal(number, self._on_signal)
        self._timer_before = signal.setitimer(signal.ITIMER_VIRTUAL, _TICK, _TICK)
        self._sender = OwnThread(self._send, "gemini-replay fuzz watchdog")
        self._sender.start()

    def restore(self) -> None:
        """Leave signals and timer as they were."""
        if self._sender is None:
            return
        self._stop.set()
        self._sender.join()
        signal.setitimer(signal.ITIMER_VIRTUAL, *self._timer_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _send(self) -> None:
        while not self._stop.wait(_TICK):
            if self._wanted():
                signal.pthread_kill(self._thread, signal.SIGURG)

    def _on_signal(self, number: int, frame: Any) -> None:
        handler = self._before.get(number)
        if callable(handler):
            handler(number, frame)
        self._called()


def _raise_hang(thread: int | None) -> None:
    assert thread is not None, "it has started"
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Hang))


def _cpu_clock() -> Callable[[], float]:
    """The processor time of this thread, readable from others until it ends; elsewhere a share of the process's."""
    try:
        clock = clocks.real.pthread_getcpuclockid(threading.get_ident())
    except (AttributeError, OSError):
        return lambda: clocks.real.process_time() / 4

    def read() -> float:
        try:
            used: float = clocks.real.clock_gettime(clock)
        except OSError:  # the thread has ended
            return 0.0
        return used

    return read
