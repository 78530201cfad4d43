"""The session of a test that has not opened it yet, or has closed it: no request may go past it unnoticed."""

from __future__ import annotations

from pathlib import Path

from ..errors import NetworkBlockedError
from .hosts import Hosts
from .refusing import blocked
from .session import Session


class Expected:
    """The session of a cassette that a test opens with a fixture, before and after it is open."""

    def __init__(self, path: Path, *, test: str, fixture: str, hosts: Hosts, replay_only: bool) -> None:
        self.hosts = hosts
        self._path = path
        self._test = test
        self._fixture = fixture
        self._replay_only = replay_only
        self._session: Session | None = None
        self._unseen: list[tuple[str, str | NetworkBlockedError]] = []

    def reaches(self, url: str) -> bool:
        """Whether a request to this URL would be the session's."""
        if self._session is not None and self._session.mode == "live":
            return False
        under_test = self.hosts.is_under_test(url, recorded=tuple, recording=not self._replay_only)
        return self.hosts.owns(url) and not under_test

    def opened(self, session: Session) -> None:
        """The session is open, and gets the requests that came before it."""
        self._session = session
        self.hosts = session.hosts
        self._path = session.path
        self._replay_only = session.replay_only
        for where, problem in self._unseen:
            self._report(session, where, problem)

    def handle_unseen(self, where: str) -> None:
        """A request to a host of the session is made outside of it; a `NetworkBlockedError` if it only replays."""
        when = "not open yet" if self._session is None else "no longer open"
        why = (
            f"The session of {self._path}, which would own it, is {when}: {self._fixture} opens it for {self._test}."
        )
        hint = (
            "Make the request in the test, or in a fixture of function scope that takes gemini_cassette as an "
            "argument. For a fixture of wider scope, or setUpClass, open a cassette with the fixture "
            "gemini_cassettes: gemini-replay explain pytest."
        )
        problem = blocked(where, suggestion=why, hint=hint) if self._replay_only else f"{why} {hint}"
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
    """The session that is expected, if any."""
    return _expected[-1] if _expected else None
