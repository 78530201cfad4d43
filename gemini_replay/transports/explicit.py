"""Shared by the explicit transports of httpx and httpx2: each has its own session, which owns every request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar, Unpack

from ..engine.timing import parse_real_speed
from ..session import Session
from ..session.arguments import checked
from ..session.settings import RecordTransportSettings, ReplayTransportSettings
from .httpx_exchange import ahandle, handle
from .httpx_family import family
from .session_end import close, report_problems

_VIRTUAL_HINT = "Leave the speed at 1, and open `with gemini_replay.virtual_time():` around the code under test."


class _Explicit:
    library: ClassVar[str]

    def __init__(self, session: Session, inner: Any = None) -> None:
        self.session = session
        self._inner = inner

    def handle_request(self, request: Any) -> Any:
        """Answer or record one request of a sync client."""
        return handle(family(self.library), self.session, request, self._send)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer or record one request of an async client."""
        return await ahandle(family(self.library), self.session, request, self._asend)

    def _send(self, request: Any) -> Any:
        if self._inner is None:
            self._inner = sys.modules[self.library].HTTPTransport()
        return self._inner.handle_request(request)

    async def _asend(self, request: Any) -> Any:
        if self._inner is None:
            self._inner = sys.modules[self.library].AsyncHTTPTransport()
        return await self._inner.handle_async_request(request)

    def close(self) -> None:
        """End the session. A recording now replaces its cassette.

        Raises:
            GeminiReplayError: the first problem of the session.
        """
        self._close(None)

    async def aclose(self) -> None:
        """`close` for async clients."""
        await self._aclose(None)

    def __exit__(self, kind: object = None, raised: BaseException | None = None, trace: object = None) -> None:
        """`close` at the end of a client's with-block. An exception of the block gets a note and is raised."""
        self._close(raised)

    async def __aexit__(self, kind: object = None, raised: BaseException | None = None, trace: object = None) -> None:
        """`__exit__` for async clients."""
        await self._aclose(raised)

    def _close(self, raised: BaseException | None) -> None:
        try:
            self._end(raised)
        finally:
            if self._inner is not None:
                self._inner.close()

    async def _aclose(self, raised: BaseException | None) -> None:
        try:
            self._end(raised)
        finally:
            if self._inner is not None:
                await self._inner.aclose()

    def _end(self, raised: BaseException | None) -> None:
        close(self.session)
        report_problems(self.session, raised)


class ReplayTransportBase(_Explicit):
    """Answers every request from a cassette, whatever its host, with the recorded bytes, boundaries and times.

    Args:
        path: the cassette.
        settings: see `session.settings.ReplayTransportSettings`.

    Raises:
        UsageError: an argument cannot be used; the speed cannot be "virtual".
        CassetteError: there is no such file, or it cannot be read as a cassette.
        MissError: raised by a request that nothing answers, and again when the client is closed.
        FaultUnusedError: raised when the client is closed: a fault was never applied.
    """

    def __init__(self, path: str | Path, **settings: Unpack[ReplayTransportSettings]) -> None:
        super().__init__(real_time_session(path, "A transport", settings))


def real_time_session(path: str | Path, subject: str, settings: ReplayTransportSettings) -> Session:
    """A session that replays and owns every request, for code that cannot play in virtual time.

    Raises:
        UsageError: a setting cannot be used, or the speed is "virtual"; the message names `subject`.
        CassetteError: there is no such file, or it cannot be read as a cassette.
    """
    given = checked(ReplayTransportSettings.__annotations__, **settings)
    parse_real_speed(given.get("speed", 1.0), subject=subject, hint=_VIRTUAL_HINT)
    return Session.replaying(path, hosts=None, **given)


class RecordTransportBase(_Explicit):
    """Records every request into a cassette while the client streams as usual. Closing the client saves the cassette.

    Args:
        path: the cassette.
        transport: sends the requests; the library's own network transport by default.
        settings: see `session.settings.RecordTransportSettings`; `mode` is "rewrite" by default.

    Raises:
        UsageError: an argument cannot be used.
        RecordingError: raised when the client is closed: the recording has failed. The client got the live responses.
        DriftError: likewise, in mode "verify": live answers have another form than their recordings.
    """

    def __init__(
        self, path: str | Path, *, transport: Any = None, **settings: Unpack[RecordTransportSettings]
    ) -> None:
        checked(transport=transport)
        given = {"mode": "rewrite", **checked(RecordTransportSettings.__annotations__, **settings)}
        super().__init__(Session(path, hosts=None, **given), transport)
