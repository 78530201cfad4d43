"""A user's whole call, run once: what it came to."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

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
            result = outside_of_loops(lambda: asyncio.run(coroutine))
        elif inspect.isgenerator(result):
            result = list(result)
        return Outcome(result)
    except Exception as error:
        return Outcome(error=error)


def outside_of_loops(run: Callable[[], T]) -> T:
    """Call ``run``, in a thread of its own where an event loop is running here: what is async needs a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    context, came = contextvars.copy_context(), list[T]()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            came.append(context.run(run))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="gemini-replay")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return came[0]


def clipped(text: str, width: int = _WIDTH) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
