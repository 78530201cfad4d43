"""Counts function calls: a measure of cost that does not depend on the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def calls_of(act: Callable[[], object], *, python: bool = False) -> int:
    """Count the calls of Python and C functions during ``act``, including the call of ``act`` itself.

    With `python`, only calls of Python functions count. The garbage collector is off meanwhile: libraries such as
    Hypothesis register callbacks with it.
    """
    events = ("call",) if python else ("call", "c_call")
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in events

    before, collecting = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(profile)
    try:
        act()
    finally:
        sys.setprofile(before)
        if collecting:
            gc.enable()
    return count if python else count - 1  # without the call of sys.setprofile
