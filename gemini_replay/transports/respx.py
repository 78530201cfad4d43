"""A respx route that is answered by a cassette: ``route.mock(side_effect=from_cassette("story.jsonl"))``."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpcore
import httpx

from ..cassette.matching import DEFAULT_KEYS
from ..engine import pacing
from ..engine.player import Data, Head, Playback, Step
from ..errors import RecordingEndedError
from ..session import Session
from .httpx_family import ERRORS, family


def from_cassette(
    path: str | Path, *, speed: str | float = 1.0, match: Sequence[str] = DEFAULT_KEYS
) -> Callable[[httpx.Request], httpx.Response]:
    """A ``side_effect=`` for a respx route: the recorded answers, with their chunks, times and failures.

    It serves sync and async clients, and httpx2's where respx has been told of that library. Equal requests play
    in recorded order.

    Args:
        path: the cassette.
        speed: a factor of the recorded rhythm (1.0), or "instant".
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.

    Raises:
        CassetteError: there is no such file, or it cannot be read as a cassette.
        MissError: from a request that nothing answers.
    """
    session = Session.replaying(path, speed=speed, match=match, hosts=None)

    def side_effect(request: httpx.Request) -> httpx.Response:
        plan = session.plan(family("httpx").asked(request))
        assert isinstance(plan, Playback)  # the session replays only, and owns every request
        return _Pending(plan, request)

    return side_effect


class _Pending(httpx.Response):
    """A response whose head is not due yet.

    respx awaits what a side effect returned when the client is async, and looks at its `stream` at once when the
    client is sync: each is the moment to wait for the head.
    """

    def __init__(self, playback: Playback, request: httpx.Request) -> None:
        self._steps = playback.steps(request.headers.get("accept-encoding", ""))
        self._read_timeout = request.extensions.get("timeout", {}).get("read")
        self._body: _Body | None = None
        head = next(playback.steps(request.headers.get("accept-encoding", "")))
        status, headers = (head.status, head.headers) if isinstance(head, Head) else (200, ())
        super().__init__(status, headers=list(headers), stream=_Body(iter(())), request=request)

    @property
    def stream(self) -> Any:
        """The body, once the head is due."""
        if self._body is None:
            played = pacing.play(self._steps, read_timeout=self._read_timeout)
            try:
                next(played)
            except pacing.Broken as broken:
                raise _error(broken) from None
            self._body = _Body(played)
        return self._body

    @stream.setter
    def stream(self, value: Any) -> None:
        """The base class sets one; the playback has its own."""

    def __await__(self) -> Generator[Any, None, httpx.Response]:
        return self._await_head().__await__()

    async def _await_head(self) -> httpx.Response:
        played = pacing.aplay(self._steps, read_timeout=self._read_timeout)
        try:
            await anext(played)
        except pacing.Broken as broken:
            raise _error(broken) from None
        return httpx.Response(
            self.status_code,
            headers=self.headers.raw,
            stream=_AsyncBody(played),
            request=self.request,
        )


class _Body(httpx.SyncByteStream):
    def __init__(self, played: Iterator[Step]) -> None:
        self._played = played

    def __iter__(self) -> Iterator[bytes]:
        try:
            for step in self._played:
                assert isinstance(step, Data)
                yield step.data
        except pacing.Broken as broken:
            raise _error(broken) from None


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, played: AsyncIterator[Step]) -> None:
        self._played = played

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for step in self._played:
                assert isinstance(step, Data)
                yield step.data
        except pacing.Broken as broken:
            raise _error(broken) from None


def _error(broken: pacing.Broken) -> Exception:
    """An error of httpcore's (and httpcore2's, where that is loaded), as respx stands in for it.

    The client above translates it into its own library's exception.
    """
    if broken.ending == "cancelled":
        return RecordingEndedError()
    name, message = ERRORS[broken.ending]
    bases = [getattr(httpcore, name)]
    if "httpcore2" in sys.modules:
        bases.append(getattr(sys.modules["httpcore2"], name))
    error: Exception = type(name, tuple(bases), {})(message)
    return error
