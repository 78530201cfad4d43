"""Carries out what a session has planned for a request: the one place where plans are told apart."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ..engine.faults import NoConnection
from ..engine.player import Playback
from ..session import Plan, Recording

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Exchange(Protocol[T_co]):
    """One request of a client library, and the four things that can become of it.

    Each method returns what the library's own function would have returned; an awaitable in async libraries.
    """

    def play(self, playback: Playback) -> T_co:
        """Answer with a recording."""

    def fail(self, plan: NoConnection) -> T_co:
        """Raise what the library raises if there is no connection, after its own time limit."""

    def record(self, recording: Recording) -> T_co:
        """Send the request, and record what comes back."""

    def pass_on(self) -> T_co:
        """Send the request as if there were no session."""


def carry_out(plan: Plan, exchange: Exchange[T]) -> T:
    """Do what a session has planned for a request."""
    if plan is None:
        return exchange.pass_on()
    if isinstance(plan, Playback):
        return exchange.play(plan)
    if isinstance(plan, Recording):
        return exchange.record(plan)
    return exchange.fail(plan)
