"""aiohttp: the functions that are replaced, and the private names that are used."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from support.streams import events

import gemini_replay

aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from aiohttp.client_proto import ResponseHandler  # noqa: E402
from aiohttp.helpers import TimerContext  # noqa: E402
from aiohttp.http_parser import DeflateBuffer  # noqa: E402
from aiohttp.streams import StreamReader  # noqa: E402
from support.cassettes import recorded  # noqa: E402

from gemini_replay.engine.recorder import NullRecorder  # noqa: E402
from gemini_replay.transports.aiohttp_record import watch  # noqa: E402

VERSION = f"aiohttp {aiohttp.__version__}"
SEAMS = [
    (aiohttp.BaseConnector, "connect"),
    (StreamReader, "__init__"),
    (DeflateBuffer, "feed_data"),
]


def test_everything_is_restored_when_the_session_closes(path: Path) -> None:
    """No replacement is left."""
    before = [vars(owner)[name] for owner, name in SEAMS]
    with gemini_replay.replay(recorded(path, events(1))):
        assert all(vars(owner)[name] is not old for (owner, name), old in zip(SEAMS, before, strict=True))
    assert [vars(owner)[name] for owner, name in SEAMS] == before


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (aiohttp.BaseConnector, "connect", ["self", "req", "traces", "timeout"]),
        (aiohttp.BaseConnector, "_create_connection", ["self", "req", "traces", "timeout"]),
        (StreamReader, "__init__", ["self", "protocol"]),
        (StreamReader, "feed_data", ["self", "data", "size"]),
        (StreamReader, "feed_eof", ["self"]),
        (DeflateBuffer, "feed_data", ["self", "chunk", "size"]),
        (DeflateBuffer, "__init__", ["self", "out", "encoding"]),
        (ResponseHandler, "start_timeout", ["self"]),
        (ResponseHandler, "force_close", ["self"]),
        (ResponseHandler, "feed_data", ["self", "data", "size"]),
        (ResponseHandler, "connection_lost", ["self", "exc"]),
        (ResponseHandler, "set_exception", ["self", "exc"]),
        (ResponseHandler, "close", ["self"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_private_names_exist(owner: type, name: str, parameters: list[str]) -> None:
    """Recording and replaying need them. If a newer aiohttp has moved one, the failure names the version."""
    assert hasattr(owner, name), f"{VERSION} has no {owner.__name__}.{name}"
    found = list(inspect.signature(getattr(owner, name)).parameters)
    assert found[: len(parameters)] == parameters, f"{VERSION} changed {owner.__name__}.{name}{tuple(found)}"


def test_the_private_names_still_work_as_expected(path: Path) -> None:
    """Signatures do not show that a body knows its protocol, and a timer whether it has fired."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        protocol = ResponseHandler(loop)
        body = StreamReader(protocol, 2**16, loop=loop)
        body.feed_data(b"x", 1)
        assert body._protocol is protocol, f"{VERSION}: StreamReader._protocol"
        assert list(body._buffer) == [b"x"], f"{VERSION}: StreamReader._buffer"
        assert DeflateBuffer(body, "gzip").out is body, f"{VERSION}: DeflateBuffer.out"
        timer = TimerContext(loop)
        assert timer._cancelled is False, f"{VERSION}: TimerContext._cancelled"
        timer.timeout()
        assert timer._cancelled is True, f"{VERSION}: TimerContext._cancelled"

    asyncio.run(main())


def test_a_body_of_another_tools_class_is_recorded_too(path: Path) -> None:
    """A tool may replace the class of which a parser makes its bodies."""

    class Own(StreamReader):
        """Made by the tool."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        protocol = ResponseHandler(loop)
        watch(protocol, NullRecorder())
        body = Own(protocol, 2**16, loop=loop)
        body.feed_data(b"x")
        assert isinstance(body, Own)
        assert protocol.gemini_replay_watch._early == [b"x"]  # type: ignore[attr-defined]  # before the head
        assert list(body._buffer) == [b"x"]

    with gemini_replay.replay(recorded(path, events(1)), allow_unused=True):
        asyncio.run(main())
