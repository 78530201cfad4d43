"""When each part of a response is due: the one place that interprets rhythm, stalls, endings and read timeouts.

No clock is read here and nothing waits. A driver tells the schedule the time and the client's read timeout. The
schedule answers how long to wait, and afterwards hands over the parts that are due. `pacing` has the drivers that
block and await; an event loop's timers and a server drive a schedule themselves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from .. import http1
from ..cassette.model import Ending, Headers


@dataclass(frozen=True)
class Head:
    """The response's head."""

    status: int
    headers: Headers

    @cached_property
    def fields(self) -> tuple[http1.Field, ...]:
        """The headers as the bytes that clients get."""
        return tuple(http1.fields(self.headers))


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence that a fault asked for, in a response that is played without waiting."""

    seconds: float


Part = Head | bytes
"""What a client gets: the head, then chunks."""

What = Head | bytes | Stall | Ending
"""A part, a stall, or how the response ends (a text)."""

Step = tuple[float, What]
"""When a step is due, in seconds since the request was sent, and what it is."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one playback, in order.

    Attributes:
        moments: when each is due, in seconds since the request was sent, in ascending order.
        what: the steps themselves. It may be an iterator.
        breaks: the indices of the stalls and, last, of the ending.
    """

    moments: Sequence[float]
    what: Iterable[What]
    breaks: Sequence[int]

    @classmethod
    def of(cls, steps: Iterable[Step]) -> Steps:
        """Make `Steps` from single steps. The last one is an ending."""
        moments, what = zip(*steps, strict=True)
        return cls(moments, what, [at for at, one in enumerate(what) if isinstance(one, Stall | str)])

    def __iter__(self) -> Iterator[Step]:
        return zip(self.moments, self.what, strict=True)


class Broken(Exception):
    """A response does not end with a complete body; a transport raises its library's own exception instead.

    Attributes:
        ending: "reset", "closed" (normally, but before the body was complete), "timeout" (the client's read
            timeout), or "cancelled" (the recording has no more: the client that made it closed the response).
        answered: whether the client has got the head.
    """

    def __init__(self, ending: Ending, *, answered: bool) -> None:
        self.ending: Ending = ending
        self.answered = answered
        super().__init__(ending)


class Schedule:
    """One response on its way to its client. Until the end, a driver calls `wait`, waits that long, and calls `take`.

    Args:
        steps: of one playback.
        started: the moment when the request was sent, in seconds on the caller's clock. Each step is due at an
            absolute moment, so lateness does not add up.
        skip_stalls: do not wait for stalls, but time out if one is longer than the read timeout. Without this, a
            stall delays everything after it.

    Attributes:
        skipped: seconds of stalls that were not waited for.
    """

    __slots__ = (
        "_answered",
        "_at",
        "_breaks",
        "_due",
        "_expired",
        "_moments",
        "_silence",
        "_skip_stalls",
        "_started",
        "_stop",
        "_what",
        "skipped",
    )

    def __init__(self, steps: Steps, started: float, *, skip_stalls: bool = True) -> None:
        self._moments = steps.moments
        self._what = iter(steps.what)
        self._breaks = iter(steps.breaks)
        self._started = started
        self._skip_stalls = skip_stalls
        self._at = self._due = 0  # the next step, and the first one after it that is not due yet
        self._stop = next(self._breaks)  # the next step that is not a part
        self._silence: What | None = None  # that step itself, once it is the next one
        self._expired = self._answered = False
        self.skipped = 0.0

    def wait(self, now: float, read_timeout: float | None = None) -> float:
        """The seconds until `take` may be called. If 0 or less, it may be called at once.

        Args:
            now: the present moment on the caller's clock. A client asks for more now: its read timeout counts from
                here, as it does on a socket.
            read_timeout: seconds that the client waits for more; None for ever. If more time would pass, the wait
                ends there, and `take` raises the timeout.
        """
        if self._at == self._stop:
            if self._silence is None:
                self._silence = next(self._what)
            if isinstance(self._silence, Stall) and not self._pass_stalls(read_timeout):
                return 0.0
        moment = self._moments[self._at]
        seconds = self._started + moment - now
        if seconds <= 0:
            self._due = bisect_right(self._moments, now - self._started, self._at, self._stop)
        elif read_timeout is not None and seconds > read_timeout:
            self._expired = True
            return read_timeout
        else:
            self._due = bisect_right(self._moments, moment, self._at, self._stop)
        return seconds

    def _pass_stalls(self, read_timeout: float | None) -> bool:
        """Skip the stalls that come next; returns False if the client does not wait that long."""
        while isinstance(self._silence, Stall):
            seconds = self._silence.seconds
            if not self._skip_stalls:
                self._started += seconds
            elif read_timeout is not None and seconds > read_timeout:
                self._expired = True
                return False
            else:
                self.skipped += seconds
            self._at += 1
            self._stop, self._silence = next(self._breaks), None
            if self._at == self._stop:
                self._silence = next(self._what)
        return True

    def take(self) -> Sequence[Part]:
        """The due parts, at least one; none at the end of a complete body. To be called after each `wait`.

        Raises:
            Broken: the response breaks here.
        """
        if self._expired:
            raise Broken("timeout", answered=self._answered)
        if self._at == self._stop:
            ending = self._silence
            assert isinstance(ending, str)
            if ending == "eof":
                return ()
            raise Broken(ending, answered=self._answered)
        parts = tuple(islice(self._what, max(1, self._due - self._at)))
        self._at += len(parts)
        self._answered = True
        return parts  # type: ignore[return-value]  # only parts are among them
