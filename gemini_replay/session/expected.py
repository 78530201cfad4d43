"""The session of a test that has not opened it yet, or has closed it: no request may go past it unnoticed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ..errors import NetworkBlockedError
from .hosts import Hosts
from .refusing import blocked
from .session import Session


class Expectation(NamedTuple):
    """What holds for a session that is not open: its cassette, its test's id, its hosts, whether it only replays."""

    path: Path
    test: str
    hosts: Hosts
    replay_only: bool


class Expected:
    """The session of a cassette that a test opens with a fixture, before and after it is open.

    Args:
        fixture: what opens the session, for messages.
        ask: returns what holds for it, or None if no request concerns it. Called once, by the first request that
            comes before the session is open. Most tests make none.
    """

    def __init__(self, fixture: str, ask: Callable[[], Expectation | None]) -> None:
        self._fixture = fixture
        self._ask = ask
        self._session: Session | None = None
        self._unseen: list[tuple[str, str | NetworkBlockedError]] = []

    @cached_property
    def expectation(self) -> Expectation | None:
        """What holds for the session; None: no request concerns it."""
        return self._ask()

    @property
    def hosts(self) -> Hosts:
        """Which hosts are the session's."""
        assert self.expectation is not None
        return self.expectation.hosts

    def reaches(self, url: str) -> bool:
        """Whether a request to this URL would be the session's."""
        expectation = self.expectation
        if expectation is None:
            return False
        under_test = self.hosts.is_under_test(url, recorded=tuple, recording=not expectation.replay_only)
        return self.hosts.owns(url) and not under_test

    def opened(self, session: Session) -> None:
        """The session is open, and gets the requests that came before it."""
        self._session = session
        self.expectation = None
        if session.mode != "live":
            self.expectation = Expectation(session.path, session.test or "", session.hosts, session.replay_only)
        for where, problem in self._unseen:
            self._report(session, where, problem)

    def handle_unseen(self, where: str) -> None:
        """A request to a host of the session is made outside of it; a `NetworkBlockedError` if it only replays."""
        when = "not open yet" if self._session is None else "no longer open"
        expectation = self.expectation
        assert expectation is not None
        why = (
            f"The session of {expectation.path}, which would own it, is {when}: "
            f"{self._fixture} opens it for {expectation.test}."
        )
        hint = (
            "Make the request in the test, or in a fixture of function scope that takes gemini_cassette as an "
            "argument. For a fixture of wider scope, or setUpClass, open a cassette with the fixture "
            "gemini_cassettes: gemini-replay explain pytest."
        )
        problem = blocked(where, suggestion=why, hint=hint) if expectation.replay_only else f"{why} {hint}"
        if self._session is None:
            self._unseen.append((where, problem))
        else:
            self._report(self._session, where, problem)
        if isinstance(problem, NetworkBlockedError):
            raise problem

    def _report(self, session: Session, where: str, problem: str | NetworkBlockedError) -> None:
        if isinstance(problem, str):
            session.unrecorded(where, problem)
        else:
            session.refuse(problem)


_expected: list[Expected] = []


def expect(expected: Expected) -> None:
    """From now on, requests that belong to no open session are this one's."""
    _expected.append(expected)


def expect_no_longer(expected: Expected) -> None:
    """The test has ended."""
    if expected in _expected:
        _expected.remove(expected)


def expected_now() -> Expected | None:
    """The session that is expected, if any, and if requests can concern it."""
    expected = _expected[-1] if _expected else None
    return expected if expected is not None and expected.expectation is not None else None
