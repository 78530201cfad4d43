"""How many functions something calls, which does not depend on the machine."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def calls_of(act: Callable[[], object], *, python: bool = False) -> int:
    """So many calls of functions of Python and of C, that of ``act`` included; with `python`, of Python alone.

    The garbage collector does not run meanwhile: libraries such as Hypothesis hang functions on it.
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
    return count if python else count - 1  # that of sys.setprofile
