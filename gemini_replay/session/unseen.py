"""Hosts of a recording session that clients without a transport reached: their requests are missing in the recording.

The guard sees names that are looked up and addresses that are connected to, also those of clients whose requests a
transport has seen. So a host counts as unseen only if no transport has seen a request to it when the session ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..provider import Provider
from .forks import Forks, Report
from .hosts import address
from .refusing import bypass_explained, calling_client


class Unseen:
    """The hosts that the guard has reported to one session.

    Attributes:
        known: the hosts that transports have seen requests to, or send them to.
    """

    def __init__(self, provider: Provider, *, upstream: str | None, forks: Forks) -> None:
        self.known: set[str] = set() if upstream is None else {address(upstream)[0]}
        self._provider = provider
        self._forks = forks
        self._reached: dict[str, tuple[str, str]] = {}

    def add_known(self, host: str) -> None:
        """A transport has seen a request to this host."""
        self.known.add(host)
        self._forks.report(known=host)

    def reached(self, where: str) -> None:
        """A client reaches this host, which may be given with a port."""
        host = address(f"//{where}")[0]
        if host not in self.known:
            why = " ".join(bypass_explained(calling_client(), self._provider))
            self._reached.setdefault(host, (where, why))
            self._forks.report(unseen=host, where=where, why=why)

    def unknown(self) -> Iterator[tuple[str, str]]:
        """Each host that was reached but is not known, and why no transport has seen the requests to it."""
        for host, (where, why) in self._reached.items():
            if host not in self.known:
                yield where, why

    def receive(self, report: Report) -> None:
        """Note in the parent what a child has noted."""
        match report:
            case {"unseen": host, "where": where, "why": why}:
                self._reached.setdefault(host, (where, why))
            case {"known": host}:
                self.known.add(host)
