"""The real clocks, and a real sleep. All modules of this package use these.

Tests replace clocks with freezegun, time-machine, or a mock of `time.sleep`. That must not change when a recorded
chunk arrives, and a mock must not see the wait for it. So these functions come from a private copy of module `time`.
Tools replace names in `time`, and names in other modules that refer to the same functions; a copy has its own
functions, also if the originals have been replaced before.
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
"""Seconds since some fixed moment. Some tools patch the C code of other clocks; no known tool patches this one's."""

_MONOTONIC = max(real.monotonic() - now() for _ in range(10))  # another thread may run between the two
_EPOCH = real.time() - now()


def monotonic() -> float:
    """`time.monotonic`, the clock of asyncio's loops."""
    moment: float = _MONOTONIC + now()
    return moment


def timestamp() -> str:
    """The present date and time: `2026-11-22T09:22:55Z`."""
    moment: str = real.strftime("%Y-%m-%dT%H:%M:%SZ", real.gmtime(_EPOCH + now()))
    return moment


_GREEN_THREADS = {
    "gevent.monkey": ("is_module_patched", "gevent.hub"),
    "eventlet.patcher": ("is_monkey_patched", "eventlet.greenthread"),
}
"""Libraries of green threads: the module that tells what they have replaced in the standard library, its function for
that, and the module with their own sleep."""


def sleep(seconds: float) -> None:
    """Block this thread, or only this green thread if gevent or eventlet has replaced sockets or sleep."""
    wait: Callable[[float], object] = real.sleep
    for patcher, (is_replaced, own) in _GREEN_THREADS.items():
        module = sys.modules.get(patcher)
        if module is not None and any(getattr(module, is_replaced)(name) for name in ("time", "socket")):
            wait = sys.modules[own].sleep
    wait(seconds)
