"""A request that goes to the network: to be recorded, or to another server than it was addressed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ..engine.recorder import Recorder
from ..urls import server


@dataclass(frozen=True)
class Forward:
    """What a transport does with the request: send it to `url`, and show the response to `recorder`.

    With an upstream, `url` is not where the request was addressed to. `unanswered` is called with the server's base
    URL when no connection could be made.
    """

    recorder: Recorder
    url: str
    unanswered: Callable[[str], None] = lambda where: None

    def unreachable(self, problem: BaseException) -> None:
        """There was no connection: record nothing, and note on the exception which server was tried.

        The recording fails if no later attempt gets an answer, even where the code under test swallows the exception.
        """
        self.recorder.drop()
        where = server(self.url)
        self.unanswered(where)
        problem.add_note(
            f"gemini-replay sent the request to {where}, which could not be reached. Nothing was recorded and no "
            "cassette was changed. Check the network, --gemini-upstream or the client's base URL; or replay without "
            "a record mode."
        )


def route(url: str, upstream: str | None) -> str:
    """Where a request to `url` is sent: below the upstream's base URL, if it does not lead there already."""
    if upstream is None:
        return url
    base, own = urlsplit(upstream), urlsplit(url)
    folder = base.path.rstrip("/")
    if server(url) == server(upstream) and own.path.startswith(f"{folder}/"):
        return url
    return urlunsplit((base.scheme, base.netloc, folder + own.path, own.query, ""))
