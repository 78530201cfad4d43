"""Recording through aiohttp: a real connection is watched for one request, and nothing is added to it.

Chunks are noted where aiohttp's parser passes them to the body, before they are decompressed, even while the client
is busy. aiohttp stops reading from the socket while too many bytes are unread (128 KiB; 512 KiB since 3.14). A
recording does not change that: later chunks have the time at which aiohttp went on reading.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import ServerDisconnectedError, ServerTimeoutError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_parser import DeflateBuffer
from aiohttp.streams import StreamReader

from ..cassette.model import Ending
from ..engine.recorder import Recorder
from ..patching import Interception
from .observing import Harmless, now

if TYPE_CHECKING:
    _Base = ResponseHandler
else:
    _Base = object


def interceptions() -> list[Interception]:
    """The replacements where the parser makes a body, and where it passes on data to be decompressed."""
    return [(StreamReader, "__init__", _making), (DeflateBuffer, "feed_data", _inflating)]


def watch(protocol: Any, recorder: Recorder) -> None:
    """Record the next request on the connection of `protocol`, and its response."""
    recorder.sent(now())
    kind: Any = type(protocol)
    watched = _watched(kind)
    protocol.gemini_replay_watch = _Watch(protocol, recorder)
    protocol.__class__ = watched


class _Watch:
    """Records one request and its response."""

    def __init__(self, protocol: Any, recorder: Recorder) -> None:
        self._protocol = protocol
        self._unwatched = type(protocol)
        self._early: list[bytes | None] | None = []  # the parser reports the head after the first bytes of the body
        self.recorder = recorder
        self.compressed = False
        self.timer: Any = None

    def head(self, message: Any, body: Any) -> None:
        if 100 <= message.code < 200 or self._early is None:
            return
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in message.raw_headers)
        self.recorder.head(message.code, headers, now())
        self.recorder.awaited = lambda: getattr(body, "_waiter", None) is not None
        early, self._early = self._early, None
        for data in early:
            if data is None:
                self.eof()
            else:
                self.chunk(data)
        if body.is_eof():  # there is no body
            self.eof()

    def chunk(self, data: bytes) -> None:
        if self._early is not None:
            self._early.append(data)
        elif data:
            self.recorder.chunk(data, now())

    def write_soon(self) -> None:
        """Write the chunks that have arrived after the client has them: its task is the next in the loop's queue."""
        self._protocol._loop.call_soon(self.recorder.write)

    def eof(self) -> None:
        if self._early is not None:
            self._early.append(None)
        else:
            self.end("eof")

    def client_closed(self) -> None:
        """The client closes the connection, at will or because of its time limit for the whole request.

        A finalizer may call this at any moment.
        """
        self.recorder.abandon(now(), "timeout" if getattr(self.timer, "_cancelled", False) else "cancelled")
        self._unwatch()

    def end(self, ending: Ending) -> None:
        self.recorder.end(ending, now())  # the recorder ignores all ends but the first
        self._unwatch()

    def _unwatch(self) -> None:
        self._protocol.__class__ = self._unwatched


class _Watched(_Base):
    """Mixed into the class of a connection's `ResponseHandler` for one request.

    Each method calls the watch last: that may end the watch, which restores the class.
    """

    __slots__ = ()
    gemini_replay_watch: _Watch

    def set_response_params(self, *, timer: Any = None, **params: Any) -> None:
        self.gemini_replay_watch.timer = timer
        super().set_response_params(timer=timer, **params)

    def feed_data(self, item: Any, *size: int) -> Any:
        fed = super().feed_data(item, *size)
        watch = self.gemini_replay_watch
        with Harmless(watch.recorder):
            watch.head(*item)
        return fed

    def set_exception(self, exc: Any, *cause: Any) -> None:
        super().set_exception(exc, *cause)
        watch = self.gemini_replay_watch
        with Harmless(watch.recorder):
            timed_out, closed = isinstance(exc, ServerTimeoutError), isinstance(exc, ServerDisconnectedError)
            watch.end("timeout" if timed_out else "closed" if closed else "reset")

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)  # this may be the regular end of a body
        watch = self.gemini_replay_watch
        with Harmless(watch.recorder):
            watch.end("closed" if exc is None else "reset")

    def close(self) -> None:
        super().close()
        self.gemini_replay_watch.client_closed()

    def abort(self) -> None:
        super().abort()
        self.gemini_replay_watch.client_closed()


@cache
def _watched(handler: Any) -> Any:
    return type(handler.__name__, (_Watched, handler), {"__slots__": ()})


@cache
def _watched_body(kind: Any) -> Any:
    """The class of a body that a watched connection's parser has made. Other bodies stay as they are."""

    class Watched(kind):  # type: ignore[misc]  # not mixed in: an older StreamReader has no slots
        __slots__ = ()

        def feed_data(self, data: bytes, *size: int) -> Any:
            protocol = self._protocol
            if not isinstance(protocol, _Watched) or protocol.gemini_replay_watch.compressed:
                return super().feed_data(data, *size)
            watch = protocol.gemini_replay_watch
            with Harmless(watch.recorder):
                watch.chunk(data)
            fed = super().feed_data(data, *size)
            with Harmless(watch.recorder):
                watch.write_soon()
            return fed

        def feed_eof(self) -> None:
            protocol = self._protocol
            if isinstance(protocol, _Watched):
                watch = protocol.gemini_replay_watch
                with Harmless(watch.recorder):
                    watch.eof()
            super().feed_eof()

    Watched.__name__ = Watched.__qualname__ = kind.__name__  # as in the body's repr
    return Watched


def _making(original: Callable[..., None]) -> Callable[..., None]:
    def __init__(body: Any, protocol: Any, *args: Any, **kwargs: Any) -> None:
        original(body, protocol, *args, **kwargs)
        if isinstance(protocol, _Watched):
            with Harmless(protocol.gemini_replay_watch.recorder):
                kind: Any = type(body)
                body.__class__ = _watched_body(kind)

    return __init__


def _inflating(original: Callable[..., Any]) -> Callable[..., Any]:
    def feed_data(inflating: Any, data: bytes, *size: int) -> Any:
        protocol = getattr(inflating.out, "_protocol", None)
        if not isinstance(protocol, _Watched):
            return original(inflating, data, *size)
        watch = protocol.gemini_replay_watch
        watch.compressed = True  # from now on, the body gets decompressed bytes, not the wire's
        with Harmless(watch.recorder):
            watch.chunk(data)
        fed = original(inflating, data, *size)
        with Harmless(watch.recorder):
            watch.write_soon()
        return fed

    return feed_data
