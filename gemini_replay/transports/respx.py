"""Answers a respx route from a cassette: ``route.mock(side_effect=from_cassette("story.jsonl"))``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Unpack

import httpcore
import httpx

from ..engine.player import Playback
from ..engine.schedule import Head
from ..http1 import fields
from ..session import Decision
from ..session.settings import ReplayTransportSettings
from . import private
from .dispatch import carry_out
from .explicit import real_time_session
from .httpx_exchange import AsyncExchange, SyncExchange
from .httpx_family import Family, family

_NAMES = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ReadError", "ReadTimeout", "RemoteProtocolError")


def from_cassette(
    path: str | Path, **settings: Unpack[ReplayTransportSettings]
) -> Callable[[httpx.Request], httpx.Response]:
    """A ``side_effect=`` for a respx route: the recorded answers, with their chunks, times and failures.

    It serves sync and async clients, and httpx2's if respx is set up for that library. Equal requests play in
    recorded order.

    Args:
        path: the cassette.
        settings: see `session.settings.ReplayTransportSettings`. A fault that is never applied goes unnoticed here: a
            route has no end at which to report it.

    Raises:
        UsageError: an argument cannot be used.
        CassetteError: there is no such file, or it cannot be read as a cassette.
        MissError: raised by a request that nothing answers.
    """
    private.check("httpcore", _NAMES, supported="httpcore 1.x")
    session = real_time_session(path, "A respx route", settings)
    library = _Respx(family("httpx").library)

    def side_effect(request: httpx.Request) -> httpx.Response:
        return _Pending(session.decide(library.as_request(request)), library, request)

    return side_effect


class _Respx(Family):
    """httpx with respx in httpcore's place: the client translates httpcore's errors into its own."""

    def error(self, name: str, message: str) -> Exception:
        """An error of httpcore's, and of httpcore2's if that is loaded."""
        bases = [getattr(httpcore, name)]
        if "httpcore2" in sys.modules:
            bases.append(getattr(sys.modules["httpcore2"], name))
        error: Exception = type(name, tuple(bases), {})(message)
        return error


class _Pending(httpx.Response):
    """A response whose head is not due yet.

    If the client is async, respx awaits what a side effect returned; if it is sync, respx reads its `stream` at once.
    Each is the moment to wait for the head.
    """

    def __init__(self, decision: Decision, library: Family, request: httpx.Request) -> None:
        self._decision = decision
        self._library = library
        self._asked = request
        self._played: httpx.Response | None = None
        accepted = request.headers.get("accept-encoding", "")
        parts = (part for _, part in decision.steps(accepted)) if isinstance(decision, Playback) else ()
        head = next((part for part in parts if isinstance(part, Head)), Head(200, ()))
        super().__init__(head.status, headers=fields(head.headers), stream=httpx.ByteStream(b""), request=request)

    @property
    def stream(self) -> Any:
        """The body, once the head is due."""
        if self._played is None:
            self._played = carry_out(self._decision, SyncExchange(self._library, self._asked, _never_sent))
        return self._played.stream

    @stream.setter
    def stream(self, value: Any) -> None:
        """Ignore the base class's stream: the playback has its own."""

    def __await__(self) -> Generator[Any, None, httpx.Response]:
        return self._await_head().__await__()

    async def _await_head(self) -> httpx.Response:
        played: httpx.Response = await carry_out(
            self._decision, AsyncExchange(self._library, self._asked, _never_sent)
        )
        played.request = self._asked
        return played


def _never_sent(request: Any) -> Any:
    raise AssertionError("a session that only replays, and owns every request, sends none")
