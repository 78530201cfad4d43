"""The replacements for the functions of module `time` while time is virtual.

Their results depend on the calling module. The standard library waits for locks, sockets and processes in real time,
so it gets real time. So do test tools, and trio, which has its own clock. All other code gets virtual time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from .. import clocks
from .clock import VirtualClock
from .trio_runs import TrioRuns

_READ = ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns")
_NAMES = (*_READ, "sleep")

_REAL = sys.stdlib_module_names | {
    "_hypothesis_pytestplugin",
    "_pytest",
    "coverage",
    "execnet",
    "gemini_replay",
    "hypothesis",
    "pluggy",
    "pytest",
    "pytest_asyncio",
    "pytest_benchmark",
    "pytest_timeout",
    "trio",
    "xdist",
}
_FORWARDERS = (
    "asyncio",
    "concurrent.futures.thread",
    "contextlib",
    "functools",
    "gemini_replay.virtual_clock.clock",
    "gemini_replay.session.handing_on",
    "runpy",
    "threading",
    "trio._threads",
    "unittest",
)
"""Modules of these that call other code's functions, such as in ``asyncio.to_thread(time.sleep, 1)``. Such functions
get virtual time."""


@cache
def _has_real_time(module: str | None) -> bool:
    if module is None or any(module == name or module.startswith(f"{name}.") for name in _FORWARDERS):
        return False
    return module.partition(".")[0] in _REAL


class Functions:
    """The functions of `time` on a virtual clock, from `install` until `undo`."""

    def __init__(self, clock: VirtualClock, trio: TrioRuns) -> None:
        self._clock = clock
        self._trio = trio
        self.origins: dict[str, Any] = {name: getattr(time, name)() for name in _READ}
        self._replaced: list[tuple[dict[str, Any], str]] = []

    def read(self, name: str) -> Any:
        """The value that the function with this name returns now."""
        self._trio.equalise()
        now = self._clock.now()
        return self.origins[name] + (int(now * 1e9) if name.endswith("_ns") else now)

    def sleep(self, seconds: float) -> None:
        """Wait on the virtual clock."""
        self._trio.equalise()
        due = self._clock.now() + seconds
        self._clock.wait(seconds)
        if self._clock.closed:  # wait for the rest in real time
            clocks.sleep(max(0.0, due - self._clock.now()))
        self._trio.equalise()

    def caller_is_virtual(self) -> bool:
        """Whether the code that called the replacement has virtual time."""
        return not _has_real_time(sys._getframe(2).f_globals.get("__name__")) and self._clock.covers()

    def install(self) -> None:
        """Replace the functions in `time`, and in every module that has imported them by name."""
        global _active
        for name, ours in _REPLACEMENTS.items():
            if getattr(time, name) is not ours:
                _originals[name] = getattr(time, name)
        by_original = {id(original): _REPLACEMENTS[name] for name, original in _originals.items()}
        for space, name in _holders(by_original.keys()):
            replacement = by_original.get(id(space.get(name)))
            if replacement is not None:
                self._replaced.append((space, name))
                space[name] = replacement
        _active = self

    def undo(self) -> None:
        """Restore the originals, except where another tool has replaced them since."""
        global _active
        _active = None
        originals = {id(_REPLACEMENTS[name]): original for name, original in _originals.items()}
        for space, name in self._replaced:
            original = originals.get(id(space.get(name)))
            if original is not None:
                space[name] = original
        self._replaced.clear()


_active: Functions | None = None
_originals: dict[str, Callable[..., Any]] = {}


def _reading(name: str) -> Callable[[], Any]:
    def read() -> Any:
        active = _active
        return _originals[name]() if active is None or not active.caller_is_virtual() else active.read(name)

    read.__name__ = read.__qualname__ = name
    read.__doc__ = getattr(time, name).__doc__
    return read


def sleep(seconds: float) -> None:
    """`time.sleep`."""
    active = _active
    if active is None or not 0 < seconds < threading.TIMEOUT_MAX or not active.caller_is_virtual():
        _originals["sleep"](seconds)
    else:
        active.sleep(float(seconds))


_REPLACEMENTS: dict[str, Callable[..., Any]] = {**{name: _reading(name) for name in _READ}, "sleep": sleep}
"""One for each function, for the whole process. A module that imports one by name while time is virtual keeps it; in
real time it calls the original."""


# -- modules that have imported them by name -------------------------------------------------------------------------

_seen: dict[str, tuple[int, int, tuple[str, ...]]] = {}
"""For each module: its identity and size when it was searched, and the names found. Searching all modules takes
some milliseconds, which every test would pay."""


def _holders(wanted: Any) -> list[tuple[dict[str, Any], str]]:
    """Names in modules whose values may be one of the objects with these ids, each with its namespace."""
    found = [(vars(time), name) for name in _NAMES]
    for module, loaded in list(sys.modules.items()):
        space = getattr(loaded, "__dict__", None)
        if type(space) is not dict:
            continue
        state = id(loaded), len(space)
        seen = _seen.get(module)
        if seen is None or seen[:2] != state:
            held = () if module.partition(".")[0] in _REAL else _held(space, wanted)
            seen = _seen[module] = (*state, held)
        found += [(space, name) for name in seen[2]]
    return found


def _held(space: dict[str, Any], wanted: Any) -> tuple[str, ...]:
    # The functions' own names count too, since another tool may have replaced them for now.
    return tuple(name for name, value in list(space.items()) if id(value) in wanted or name in _NAMES)
