"""Plays steps against absolute deadlines, so that no error adds up.

`play` and `aplay` are the whole difference between sync and async. A client's read timeout works as on a socket:
it counts from the moment the client asks for more, and bytes that are already due are there at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable
from typing import Literal, Protocol

from .. import loops, virtual_clock
from .player import Data, Head, Silence, Step, Stop

Ending = Literal["reset", "closed", "timeout", "cancelled"]


class Broken(Exception):
    """A playback ended otherwise than with a complete body; a transport turns it into its library's own exception.

    Attributes:
        ending: "reset", "closed" (in good order, but before the body was complete), "timeout" (the client's read
            timeout), or "cancelled" (the recording has no more, because the client that made it let go there).
    """

    def __init__(self, ending: Ending) -> None:
        self.ending: Ending = ending
        super().__init__(ending)


class Clock(Protocol):
    """A clock and a way to wait on it, both in seconds."""

    def now(self) -> float:
        """The present moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class WallClock:
    """The real clock of this thread, or the virtual one where time is virtual."""

    def __init__(self) -> None:
        virtual_clock.join_thread()

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return virtual_clock.now()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        virtual_clock.sleep(seconds)


class LoopClock:
    """The clock of the running event loop (asyncio's, else trio's), virtual or not."""

    def __init__(self) -> None:
        virtual_clock.join_loop()
        self._clock = loops.running_clock()

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._clock.now()

    async def sleep(self, seconds: float) -> None:
        """Let the loop go on for so long, at least for one turn."""
        await self._clock.sleep(seconds)


def play(
    steps: Iterable[Step],
    *,
    read_timeout: float | None = None,
    clock: Clock | None = None,
    started: float | None = None,
) -> Generator[Head | Data, None, None]:
    """Yield each step when it is due.

    Args:
        steps: of one playback.
        read_timeout: seconds that the client waits for more bytes; None for ever.
        clock: the wall clock by default.
        started: the moment on that clock when the request was sent; by default the first `next`.

    Raises:
        Broken: the playback ended otherwise than with a complete body, at its moment.
    """
    clock = clock or WallClock()
    started = clock.now() if started is None else started
    for step in steps:
        if isinstance(step, Silence):
            _outlast(step, read_timeout)
            continue
        wait, expired = _wait(started + step.at - clock.now(), read_timeout)
        if wait > 0:
            clock.sleep(wait)
        if expired:
            raise Broken("timeout")
        if isinstance(step, Stop):
            _stop(step)
            return
        yield step


async def aplay(
    steps: Iterable[Step],
    *,
    read_timeout: float | None = None,
    clock: loops.LoopClock | None = None,
    started: float | None = None,
) -> AsyncGenerator[Head | Data, None]:
    """`play` for async code, on the running loop's own clock by default."""
    clock = clock or LoopClock()
    started = clock.now() if started is None else started
    for step in steps:
        if isinstance(step, Silence):
            _outlast(step, read_timeout)
            continue
        wait, expired = _wait(started + step.at - clock.now(), read_timeout)
        # A real socket hands over to the loop even when bytes are there, at least now and then; so does this.
        await clock.sleep(wait)
        if expired:
            raise Broken("timeout")
        if isinstance(step, Stop):
            _stop(step)
            return
        yield step


def _wait(seconds: float, read_timeout: float | None) -> tuple[float, bool]:
    """How long to wait, and whether the client gives up then."""
    if read_timeout is not None and seconds > read_timeout:
        return read_timeout, True
    return seconds, False


def _outlast(silence: Silence, read_timeout: float | None) -> None:
    """Nobody waits at instant speed; but who would have given up does so."""
    if read_timeout is not None and silence.seconds > read_timeout:
        raise Broken("timeout")


def _stop(step: Stop) -> None:
    end = step.end
    if end.kind == "reset" and end.how == "closed":
        raise Broken("closed")
    if end.kind != "eof":
        raise Broken(end.kind)
