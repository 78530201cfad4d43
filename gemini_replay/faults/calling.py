"""A user's whole call, run once: what it came to."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..loops import run_without_loop

_WIDTH = 300


@dataclass(frozen=True)
class Outcome:
    """What one call came to: its `result`, or the `error` that it raised."""

    result: Any = None
    error: Exception | None = None

    def __str__(self) -> str:
        return clipped(repr(self.result)) if self.error is None else f"{type(self.error).__name__}: {self.error}"

    def same(self, other: Outcome) -> bool:
        """Whether both came to equal results, or to an error of the same type."""
        if self.error is not None or other.error is not None:
            return type(self.error) is type(other.error)
        return bool(self.result == other.result)


def outcome_of(call: Callable[[], Any]) -> Outcome:
    """Run a call: a coroutine in an event loop of its own, a generator to its end."""
    try:
        result = call()
        if inspect.iscoroutine(result):
            coroutine = result
            result = run_without_loop(lambda: asyncio.run(coroutine))
        elif inspect.isgenerator(result):
            result = list(result)
        return Outcome(result)
    except Exception as error:
        return Outcome(error=error)


def clipped(text: str, width: int = _WIDTH) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
