"""What the explicit transports of httpx and httpx2 share: a session of their own that owns every request."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..cassette.matching import DEFAULT_KEYS
from ..engine.timing import parse_real_speed
from ..session import Faults, Mode, Session, arguments
from .httpx_family import ahandle, family, handle
from .read_ahead import settle

VIRTUAL_HINT = "Leave the speed at 1, and open `with gemini_replay.virtual_time():` around the code under test."


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
        """End the session; a recording replaces its cassette now."""
        try:
            settle()
            self._end()
        finally:
            if self._inner is not None:
                self._inner.close()

    async def aclose(self) -> None:
        """`close` for async clients."""
        try:
            self._end()
        finally:
            if self._inner is not None:
                await self._inner.aclose()

    def _end(self) -> None:
        self.session.close()
        raised = sys.exc_info()[1]
        for problem in self.session.problems:
            if problem is raised:
                continue
            if raised is None:
                raise problem
            raised.add_note(f"gemini-replay, at the end of the session of {self.session.path}: {problem}")


class Replaying(_Explicit):
    """Answers every request from a cassette, whatever its host, with the recorded bytes, boundaries and times.

    Args:
        path: the cassette.
        speed: a factor of the recorded rhythm (1.0), or "instant".
        max_gap: the longest wait, in seconds; None: as recorded.
        rechunk: other chunk boundaries, see `gemini_replay.replay`.
        fault: what goes wrong, see `gemini_replay.faults`.
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.

    Raises:
        UsageError: `speed` is none, or "virtual".
        CassetteError: there is no such file, or it cannot be read as a cassette.
        MissError: from a request that nothing answers, and again when the client is closed.
        FaultUnusedError: when the client is closed: a fault struck no answer.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        speed: str | float = 1.0,
        max_gap: float | None = None,
        rechunk: str | int | None = None,
        fault: Faults = None,
        match: Sequence[str] = DEFAULT_KEYS,
    ) -> None:
        factor = parse_real_speed(speed, subject="A transport", hint=VIRTUAL_HINT)
        session = Session.replaying(
            path, speed=factor, max_gap=max_gap, rechunk=rechunk, fault=fault, match=match, hosts=None
        )
        super().__init__(session)


class Recording(_Explicit):
    """Records every request into a cassette while the client streams as ever. Closing the client saves it.

    Args:
        path: the cassette.
        transport: carries the requests; the library's own network transport by default.
        mode: "rewrite", "new" (append what is missing), or "once" (only where there is no file).
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.
        upstream: a base URL that requests are sent to in place of their own scheme and host.
        redact: further values that must not be stored; the usual secrets never are.
        wire: keep a compressed body as it came, instead of decoded.

    Raises:
        UsageError: an argument cannot be used.
        RecordingError: when the client is closed: the recording has failed. The client got the live responses.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        transport: Any = None,
        mode: Mode = "rewrite",
        match: Sequence[str] = DEFAULT_KEYS,
        upstream: str | None = None,
        redact: Iterable[str] = (),
        wire: bool = False,
    ) -> None:
        arguments.checked(transport=transport)
        session = Session(
            path,
            mode=mode,
            match=match,
            hosts=None,
            upstream=upstream,
            redact=redact,
            wire=wire,
        )
        super().__init__(session, transport)
