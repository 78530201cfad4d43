"""The rule for every transport that records: the observer cannot hurt the observed.

Whatever fails in our code between a client and its wire is a failure of the recording. The session fails when it
ends; the client gets the live response to its true end. Only what the wire did is recorded as an event of the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

from ..cassette.model import Ending
from ..clocks import now as now
from ..errors import GeminiReplayError
from ..session import Forward

Classify = Callable[[BaseException], Ending | None]
"""Gives the ending that an exception means; None if neither the wire nor the client caused it."""

BeforeReads = Callable[[Callable[[], Any]], AbstractContextManager[Any]]
"""While its block is open, a function is called, or awaited, before each read of the wire, if reads can be noticed:
see `wire_reads`."""


class Observer(Protocol):
    """Is told of each chunk and of the end; mostly a `Recorder`. `abandon` is safe in a finalizer."""

    def chunk(self, data: bytes, at: float) -> bool | None:
        """A chunk has arrived, and goes to the client next. True if it is known to be the last one."""

    def write(self) -> None:
        """Write the chunks that have arrived: the client has them."""

    def end(self, ending: Ending, at: float) -> None:
        """The response is over. Only the first call counts."""

    def abandon(self, at: float) -> None:
        """The client has closed the response."""

    def fail(self, problem: BaseException) -> None:
        """Code of ours has failed."""


class Fails(Protocol):
    """Is told that a recording has failed; mostly a `Recorder`."""

    def fail(self, problem: BaseException) -> None:
        """Something went wrong on our side."""


class Harmless:
    """A with-block between a client and its wire: an error in it fails the recording and nothing else.

    Every line that records is in such a block, or calls a recorder, which never raises.

    Args:
        recorder: is told of the error.
    """

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Fails) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Let through only what is not an `Exception`: an interrupt, a cancellation."""
        if not isinstance(problem, Exception):
            return False
        self._recorder.fail(problem)
        return True


def report_end(
    observer: Observer, problem: BaseException | None, classify: Classify, *, abandoned: bool = False
) -> None:
    """Tell `observer` that reading a live response is over.

    Args:
        observer: gets the ending.
        problem: the error that reading raised; None if it reached the end.
        classify: names the ending that an exception means. An exception without one is a failure of ours.
        abandoned: whether it is over because the client closed the response.
    """
    at = now()
    with Harmless(observer):
        ending = "cancelled" if abandoned else "eof" if problem is None else classify(problem)
        if ending is not None:
            observer.end(ending, at)
        elif problem is not None:
            observer.fail(problem)


def report_unanswered(
    forward: Forward, problem: BaseException, classify: Classify, *, connected: bool, unsendable: bool = False
) -> None:
    """Tell the recorder of `forward` that there is no answer, because sending the request raised an error.

    Args:
        forward: the request.
        problem: the error.
        classify: as in `report_end`.
        connected: whether there was a connection.
        unsendable: whether the client's library refuses to send such a request.
    """
    with Harmless(forward.recorder):
        if unsendable or isinstance(problem, GeminiReplayError):  # or another session below refused it
            forward.recorder.drop()
        elif isinstance(problem, Exception) and (not connected or classify(problem) is None):
            forward.unreachable(problem)  # or another tool has kept the request from the network
        else:  # an interrupt says nothing about the server
            report_end(forward.recorder, problem, classify)
