"""Carries out a session's decision about a request: the one place that tells decisions apart."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..session import Decision, Forward

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Exchange(Protocol[T_co]):
    """One request of a client library, and the four ways to handle it.

    Each method returns what the library's own function would return; in async libraries, an awaitable.
    """

    def play(self, playback: Playback) -> T_co:
        """Answer with a recording."""

    def fail(self, failure: NoConnection) -> T_co:
        """Raise what the library raises if there is no connection, after its own time limit."""

    def record(self, forward: Forward) -> T_co:
        """Send the request, and record what comes back."""

    def pass_on(self) -> T_co:
        """Send the request as if there were no session."""


def carry_out(decision: Decision, exchange: Exchange[T]) -> T:
    """Carry out a session's decision about a request."""
    if decision is None:
        return exchange.pass_on()
    if isinstance(decision, Playback):
        return exchange.play(decision)
    if isinstance(decision, Forward):
        return exchange.record(decision)
    return exchange.fail(decision)
