"""The real clocks, and a real sleep. Whatever of this package reads a clock, reads it here.

Tests replace clocks: freezegun, time-machine, a mock in the place of `time.sleep`. None of that may change when a
recorded chunk comes, or see that it is waited for. So these functions belong to a copy of module `time` that only
this module knows. Tools replace the names in `time`, and the names in other modules that hold the same functions;
the functions of a copy are others. The copy is also good where the original has been replaced already.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable

assert time.__spec__ is not None
assert time.__spec__.loader is not None
real = importlib.util.module_from_spec(time.__spec__)
"""Module `time` as Python made it."""
time.__spec__.loader.exec_module(real)

now: Callable[[], float] = real.perf_counter
"""Seconds since some fixed moment. No known tool reaches into the C code of this function, as some do with others."""

_MONOTONIC = max(real.monotonic() - now() for _ in range(10))  # in a try or two, another thread may have come between
_EPOCH = real.time() - now()


def monotonic() -> float:
    """`time.monotonic`, the clock of asyncio's loops."""
    moment: float = _MONOTONIC + now()
    return moment


def timestamp() -> str:
    """The present date and time: `2026-11-22T09:22:55Z`."""
    moment: str = real.strftime("%Y-%m-%dT%H:%M:%SZ", real.gmtime(_EPOCH + now()))
    return moment


_GREEN = {
    "gevent.monkey": ("is_module_patched", "gevent.hub"),
    "eventlet.patcher": ("is_monkey_patched", "eventlet.greenthread"),
}
"""Libraries that switch between green threads: who tells what of the standard library they replaced, and where their
own sleep is."""


def sleep(seconds: float) -> None:
    """Block this thread, or this green thread alone where gevent or eventlet has replaced sockets or sleep."""
    wait: Callable[[float], object] = real.sleep
    for patcher, (replaced, home) in _GREEN.items():
        module = sys.modules.get(patcher)
        if module is not None and any(getattr(module, replaced)(name) for name in ("time", "socket")):
            wait = sys.modules[home].sleep
    wait(seconds)
