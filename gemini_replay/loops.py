"""Running what makes an event loop of its own, also where one is running."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


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
