"""Ways in which tests replace clocks, and a check of how long a block really takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

import freezegun
import time_machine

from gemini_replay import clocks


@contextmanager
def mocked(value: float) -> Iterator[None]:
    """The clocks of module `time` stand still."""
    with ExitStack() as patches:
        for name in ("time", "monotonic", "perf_counter"):
            patches.enter_context(mock.patch(f"time.{name}", return_value=value))
        yield


STRANGE: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "freezegun": lambda: freezegun.freeze_time("2026-01-01"),
    "freezegun at 0": lambda: freezegun.freeze_time("1970-01-01"),
    "freezegun ticking": lambda: freezegun.freeze_time("2026-01-01", tick=True),
    "freezegun leaping": lambda: freezegun.freeze_time("2026-01-01", auto_tick_seconds=15),
    "freezegun, but for asyncio": lambda: freezegun.freeze_time("2026-01-01", real_asyncio=True),
    "time-machine": lambda: time_machine.travel("2026-01-01", tick=False),
    "mock": lambda: mocked(12.5),
    "mock that stands still now": lambda: mocked(time.monotonic()),
}


@contextmanager
def takes(seconds: float) -> Iterator[None]:
    """The block takes this much real time, in seconds, and at most 3 s more."""
    began = clocks.now()
    yield
    took = clocks.now() - began
    assert seconds - 0.02 <= took < seconds + 3
