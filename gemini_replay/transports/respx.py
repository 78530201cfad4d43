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
from ..engine.faults import NoConnection
from ..engine.player import Data, Head, Playback, Step
from ..engine.timing import parse_real_speed
from ..errors import RecordingEndedError
from ..session import Faults, Session
from . import private
from .explicit import VIRTUAL_HINT
from .http1 import fields
from .httpx_family import NO_CONNECTION, failure, family, unconnected_after

_NAMES = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError")


def from_cassette(
    path: str | Path,
    *,
    speed: str | float = 1.0,
    max_gap: float | None = None,
    rechunk: str | int | None = None,
    fault: Faults = None,
    match: Sequence[str] = DEFAULT_KEYS,
) -> Callable[[httpx.Request], httpx.Response]:
    """A ``side_effect=`` for a respx route: the recorded answers, with their chunks, times and failures.

    It serves sync and async clients, and httpx2's where respx has been told of that library. Equal requests play
    in recorded order.

    Args:
        path: the cassette.
        speed: a factor of the recorded rhythm (1.0), or "instant".
        max_gap: the longest wait, in seconds; None: as recorded.
        rechunk: other chunk boundaries, see `gemini_replay.replay`.
        fault: what goes wrong, see `gemini_replay.faults`; one that strikes nothing stays unnoticed here.
        match: what must be equal for a recording to answer, see `gemini_replay.cassette.matching`.

    Raises:
        UsageError: `speed` is none, or "virtual".
        CassetteError: there is no such file, or it cannot be read as a cassette.
        MissError: from a request that nothing answers.
    """
    factor = parse_real_speed(speed, subject="A respx route", hint=VIRTUAL_HINT)
    private.check("httpcore", _NAMES, supported="httpcore 1.x")
    session = Session.replaying(
        path, speed=factor, max_gap=max_gap, rechunk=rechunk, fault=fault, match=match, hosts=None
    )

    def side_effect(request: httpx.Request) -> httpx.Response:
        plan = session.plan(family("httpx").asked(request))
        assert isinstance(plan, Playback | NoConnection)  # the session replays only, and owns every request
        return _Pending(plan, request)

    return side_effect


class _Pending(httpx.Response):
    """A response whose head is not due yet.

    respx awaits what a side effect returned when the client is async, and looks at its `stream` at once when the
    client is sync: each is the moment to wait for the head.
    """

    def __init__(self, plan: Playback | NoConnection, request: httpx.Request) -> None:
        self._plan = plan
        self._asked = request
        self._body: _Body | None = None
        head = next((step for step in self._steps() if isinstance(step, Head)), None)
        status, headers = (head.status, head.headers) if head is not None else (200, ())
        super().__init__(status, headers=fields(headers), stream=_Body(iter(())), request=request)

    def _steps(self) -> Iterator[Step]:
        accepted = self._asked.headers.get("accept-encoding", "")
        return self._plan.steps(accepted) if isinstance(self._plan, Playback) else iter(())

    @property
    def _patience(self) -> float | None:
        limit: float | None = self._asked.extensions.get("timeout", {}).get("read")
        return limit

    @property
    def stream(self) -> Any:
        """The body, once the head is due."""
        if self._body is None:
            if isinstance(self._plan, NoConnection):
                pacing.WallClock().sleep(unconnected_after(self._plan, self._asked))
                raise _error(*NO_CONNECTION[self._plan.cause])
            played = pacing.play(self._steps(), read_timeout=self._patience)
            try:
                next(played)
            except pacing.Broken as broken:
                raise _broken(broken, answered=False) from None
            self._body = _Body(played)
        return self._body

    @stream.setter
    def stream(self, value: Any) -> None:
        """The base class sets one; the playback has its own."""

    def __await__(self) -> Generator[Any, None, httpx.Response]:
        return self._await_head().__await__()

    async def _await_head(self) -> httpx.Response:
        if isinstance(self._plan, NoConnection):
            await pacing.LoopClock().sleep(unconnected_after(self._plan, self._asked))
            raise _error(*NO_CONNECTION[self._plan.cause])
        played = pacing.aplay(self._steps(), read_timeout=self._patience)
        try:
            await anext(played)
        except pacing.Broken as broken:
            raise _broken(broken, answered=False) from None
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
            raise _broken(broken) from None


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, played: AsyncIterator[Step]) -> None:
        self._played = played

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for step in self._played:
                assert isinstance(step, Data)
                yield step.data
        except pacing.Broken as broken:
            raise _broken(broken) from None


def _broken(broken: pacing.Broken, *, answered: bool = True) -> Exception:
    if broken.ending == "cancelled":
        return RecordingEndedError()
    return _error(*failure(broken.ending, answered=answered))


def _error(name: str, message: str) -> Exception:
    """An error of httpcore's (and httpcore2's, where that is loaded), as respx stands in for it.

    The client above translates it into its own library's exception.
    """
    bases = [getattr(httpcore, name)]
    if "httpcore2" in sys.modules:
        bases.append(getattr(sys.modules["httpcore2"], name))
    error: Exception = type(name, tuple(bases), {})(message)
    return error
