"""The moments at which requests came, although a busy event loop reads them late."""

from __future__ import annotations

import asyncio

from ..loops import AsyncioClock


class Turns:
    """The moment at which the present turn of the loop began. What the loop reads in this turn had come by then.

    A busy loop reads late: if a thousand requests come at once, the last one waits until the others have been read
    and answered. Counted from the moment when it is read, its answer would be as late.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._asked = False

    def began(self) -> float:
        """The moment, on `loops.AsyncioClock`; the present one if nothing has been read lately."""
        if self._began is None:
            self._clock = AsyncioClock()
            self._begin()
        assert self._began is not None
        self._asked = True
        return self._began

    def _begin(self) -> None:
        """Called at the start of each turn, while there is something to read."""
        self._began = self._clock.now()
        self._asked = False
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        if self._asked:
            self._begin()
        else:
            self._began = None
