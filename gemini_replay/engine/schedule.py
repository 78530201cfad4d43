"""What of a response is due when: the one place that interprets rhythm, stalls, endings and read timeouts.

No clock is read here and nothing waits. Whoever drives a schedule says what time it is and how long the client would
wait; the schedule says how long that is, and then hands over the next part. `pacing` has the drivers that block and
await; an event loop's timers and a server drive one themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..cassette.model import Ending, Headers


@dataclass(frozen=True, slots=True)
class Head:
    """The response's head."""

    status: int
    headers: Headers


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence that a fault asked for, of a response that is played without waiting."""

    seconds: float


Part = Head | bytes
"""What a client gets: the head, then chunks."""

Step = tuple[float, Head | bytes | Stall | Ending]
"""A part, a stall, or how the response ends (a text), and when it is due: seconds since the request was sent."""


class Broken(Exception):
    """A response does not end with a complete body; a transport raises its library's own exception instead.

    Attributes:
        ending: "reset", "closed" (in good order, but before the body was complete), "timeout" (the client's read
            timeout), or "cancelled" (the recording has no more: the client that made it closed the response).
    """

    def __init__(self, ending: Ending) -> None:
        self.ending: Ending = ending
        super().__init__(ending)


class Schedule:
    """One response on its way to its client. For each part: `wait`, let that time pass, then `take`.

    Args:
        steps: of one playback, in order; the last one is an ending.
        started: the moment when the request was sent, in seconds on the caller's clock. Each step is due at an
            absolute moment, so lateness does not add up.
        skip_stalls: do not wait for a stall, but time out if it is longer than the read timeout. Without this, a
            stall postpones all that follows.

    Attributes:
        skipped: seconds of stalls that were not waited for.
    """

    __slots__ = ("_expired", "_skip_stalls", "_started", "_step", "_steps", "skipped")

    def __init__(self, steps: Iterator[Step], started: float, *, skip_stalls: bool = True) -> None:
        self._steps = steps
        self._started = started
        self._skip_stalls = skip_stalls
        self._step: Step | None = None
        self._expired = False
        self.skipped = 0.0

    def wait(self, now: float, read_timeout: float | None = None) -> float:
        """The seconds until `take` may be called; 0 or less: at once.

        Args:
            now: the present moment on the caller's clock. A client asks for more now: its read timeout counts from
                here, as it does on a socket.
            read_timeout: seconds that the client waits for more; None for ever. If more time would pass, the wait
                ends there, and `take` raises the timeout.
        """
        if self._step is None:
            self._step = next(self._steps)
        while isinstance(stall := self._step[1], Stall):
            if not self._skip_stalls:
                self._started += stall.seconds
            elif read_timeout is not None and stall.seconds > read_timeout:
                self._expired = True
                return 0.0
            else:
                self.skipped += stall.seconds
            self._step = next(self._steps)
        seconds = self._started + self._step[0] - now
        if read_timeout is not None and seconds > read_timeout:
            self._expired = True
            return read_timeout
        return seconds

    def take(self) -> Part | None:
        """The part that is due; None at the end of a complete body. To be called once after each `wait`.

        Raises:
            Broken: the response breaks here.
        """
        if self._expired:
            raise Broken("timeout")
        assert self._step is not None
        part = self._step[1]
        if isinstance(part, str):
            if part == "eof":
                return None
            raise Broken(part)
        assert not isinstance(part, Stall)
        self._step = None
        return part
