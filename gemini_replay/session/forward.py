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

    With an upstream, `url` is not where the request was addressed to. `unanswered` is called when there was no
    connection, with the server's base URL and the name of the client's error.
    """

    recorder: Recorder
    url: str
    unanswered: Callable[[str, str], None] = lambda where, error: None

    def unreachable(self, problem: BaseException) -> None:
        """Record nothing, since there was no connection. A note on the exception names the server.

        The recording fails if no later attempt gets an answer, even where the code under test swallows the exception.
        """
        self.recorder.drop()
        where = server(self.url)
        self.unanswered(where, type(problem).__name__)
        problem.add_note(
            f"gemini-replay: there was no connection to {where}. Nothing was recorded and no cassette was changed. "
            "Check the network, --gemini-upstream, and the client's base URL and limits; or replay without a record "
            "mode."
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
