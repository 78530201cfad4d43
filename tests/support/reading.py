"""An observer for tests of the readers that read ahead, and what those tests read."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gemini_replay.cassette.model import Ending
from gemini_replay.transports.read_ahead import ROOM

CHUNK = b"x" * (ROOM // 8)


class Noted:
    """An observer that notes what it is told."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ends: list[Ending] = []
        self.problems: list[BaseException] = []
        self.abandoned = False

    def chunk(self, data: bytes, at: float) -> bool | None:
        self.chunks.append(data)
        return data == b"last"

    def end(self, ending: Ending, at: float) -> None:
        self.ends.append(ending)

    def write(self) -> None:
        """Does nothing: `chunk` has noted everything."""

    def abandon(self, at: float) -> None:
        self.abandoned = True

    def fail(self, problem: BaseException) -> None:
        self.problems.append(problem)


def classify(problem: BaseException) -> Ending | None:
    return "reset" if isinstance(problem, OSError) else None


def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited for 30 s in vain")
