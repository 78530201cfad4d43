"""Clients that get one known answer: the floors, the peers, and how each client reads it."""

from __future__ import annotations

import asyncio
import importlib
import io
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import cache
from typing import Any

from benchmarks.harness import Run, Setting
from benchmarks.story import ASK, GOOGLE, HEADERS, Story

REQUESTS = 20
"""Requests in one run."""

EVENTS = 20
TYPE = "text/event-stream"
_CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}


@cache
def chunks() -> tuple[bytes, ...]:
    """The answer: events of about 1.4 KB, one for each chunk."""
    return tuple(
        chunk.replace(b'"text": "', b'"text": "' + b"word " * 250, 1) for chunk in Story(EVENTS, 0, 0).chunks
    )


# -- how clients read ------------------------------------------------------------------------------------------------


def run(client: Any, reads: str) -> Run:
    """Makes requests with httpx or httpx2, one after the other; returns the answer, which must always be the same."""

    def work() -> object:
        got: list[Any] = []
        for _ in range(REQUESTS):
            with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
                got.append(list(getattr(response, reads)()))
        return one(got)

    return work


def async_run(setting: Setting, client: Any, reads: str) -> Run:
    """The same with an async client."""

    async def work() -> object:
        got: list[Any] = []
        for _ in range(REQUESTS):
            async with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
                got.append([part async for part in getattr(response, f"a{reads}")()])
        return one(got)

    return in_loop(setting, work)


def in_loop(setting: Setting, work: Callable[[], Coroutine[Any, Any, object]]) -> Run:
    """Runs a coroutine function, each time in the same loop."""
    runner = setting.closing.enter_context(asyncio.Runner())
    return lambda: runner.run(work())


def one(got: list[Any]) -> Any:
    """What all of these are, since they are equal."""
    assert all(each == got[0] for each in got), "the answers differ"
    return got[0]


# -- httpx and httpx2 ------------------------------------------------------------------------------------------------


def plain(module: Any, awaits: bool) -> Any:
    """A client made in the usual way."""
    return (module.AsyncClient if awaits else module.Client)()


class _Parts:
    """A body that gives its chunks."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(chunks())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in chunks():
            yield chunk

    def close(self) -> None:
        """Nothing."""

    async def aclose(self) -> None:
        """Nothing."""


class _Turning(_Parts):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in chunks():
            await asyncio.sleep(0)
            yield chunk


class _TurningOnce(_Parts):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        for number, chunk in enumerate(chunks()):
            if number == 16:
                await asyncio.sleep(0)
            yield chunk


RECORDED = {("POST", GOOGLE, ASK): _Parts()}
"""The least that finds an answer: a table of requests."""


def mock(module: Any, awaits: bool, parts: type = _Parts) -> Any:
    """A client over `MockTransport`, which streams the chunks."""
    base = module.AsyncByteStream if awaits else module.SyncByteStream
    stream = type("Stream", (parts, base), {})

    def answer(request: Any) -> Any:
        return module.Response(200, headers={"content-type": TYPE}, stream=stream())

    async def aanswer(request: Any) -> Any:
        return answer(request)

    client = module.AsyncClient if awaits else module.Client
    return client(transport=module.MockTransport(aanswer if awaits else answer))


def turning(module: Any, awaits: bool) -> Any:
    """The same, but the loop runs once before each chunk."""
    return mock(module, awaits, _Turning)


def core_seam(module: Any, awaits: bool, *, reads: bool = False, finds: bool = False, turns: bool = False) -> Any:
    """A plain client with httpcore's pools replaced by a function that has the answer.

    Args:
        module: httpx or httpx2.
        awaits: whether the client is async.
        reads: read each request first, as a cassette stores it.
        finds: look it up, by the method, the URL and the bytes of the body.
        turns: let the loop run once before the head, and once after 16 chunks.
    """
    core = importlib.import_module(_CORES[module.__name__])

    def answered(parts: _Parts) -> Any:
        return core.Response(200, headers=[(b"content-type", TYPE.encode())], content=parts)

    def found(request: Any, body: bytes) -> _Parts:
        url = request.url
        names = _text(request.method), f"{_text(url.scheme)}://{_text(url.host)}{_text(url.target)}"
        read = (*names, tuple([(_text(name), _text(value)) for name, value in request.headers]), body)
        return RECORDED[read[0], read[1], read[3]] if finds else _Parts()

    def answer(pool: Any, request: Any) -> Any:
        return answered(found(request, b"".join(request.stream)) if reads else _Parts())

    async def aanswer(pool: Any, request: Any) -> Any:
        parts = found(request, b"".join([part async for part in request.stream])) if reads else _Parts()
        if turns:
            await asyncio.sleep(0)
        return answered(_TurningOnce() if turns else parts)

    core.ConnectionPool.handle_request = answer
    core.AsyncConnectionPool.handle_async_request = aanswer
    return plain(module, awaits)


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def pytest_httpx_peer(module: Any, awaits: bool) -> Any:
    """pytest-httpx, set up as by its fixture."""
    from pytest_httpx import HTTPXMock, IteratorStream
    from pytest_httpx._options import _HTTPXMockOptions

    double = HTTPXMock(_HTTPXMockOptions())
    double.add_callback(
        lambda request: module.Response(200, headers={"content-type": TYPE}, stream=IteratorStream(chunks())),
        is_reusable=True,
    )
    module.HTTPTransport.handle_request = lambda *args: double._handle_request(*args)
    module.AsyncHTTPTransport.handle_async_request = lambda *args: double._handle_async_request(*args)
    return plain(module, awaits)


def respx_peer(module: Any, awaits: bool) -> Any:
    """respx, with a route for the URL."""
    import respx

    base = module.AsyncByteStream if awaits else module.SyncByteStream
    stream = type("Stream", (_Parts, base), {})
    router = respx.mock(assert_all_called=False)
    router.start()
    router.post(GOOGLE).mock(
        side_effect=lambda request: module.Response(200, headers={"content-type": TYPE}, stream=stream())
    )
    return plain(module, awaits)


# -- requests --------------------------------------------------------------------------------------------------------


def requests_run(change: Callable[[Any], object]) -> Run:
    """Makes requests with a session that `change` has modified; returns the whole body."""
    import requests

    session = requests.Session()
    change(session)

    def work() -> object:
        got = []
        for _ in range(REQUESTS):
            with session.post(GOOGLE, data=ASK, headers=HEADERS, stream=True) as response:
                got.append(b"".join(response.iter_content(65536)))
        return one(got)

    return work


def bytes_adapter(session: Any) -> None:
    """An adapter that answers with the whole body."""
    import requests
    import urllib3

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            body = io.BytesIO(b"".join(chunks()))
            raw = urllib3.HTTPResponse(body=body, headers={"content-type": TYPE}, status=200, preload_content=False)
            return self.build_response(request, raw)

    session.mount("https://", Adapter())


def urllib3_seam(session: Any) -> None:
    """urllib3's own connection and parser, on a socket from which the wire's bytes can be read at once."""
    import urllib3

    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks())
    wire = f"HTTP/1.1 200 OK\r\ncontent-type: {TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    wire += framed + b"0\r\n\r\n"

    class Canned:
        def makefile(self, mode: str) -> Any:
            return io.BytesIO(wire)

        def sendall(self, data: Any) -> None: ...

        def settimeout(self, seconds: Any) -> None: ...

        def close(self) -> None: ...

    pool = urllib3.connectionpool.HTTPConnectionPool
    original: Any = pool._make_request

    def make_request(self: Any, conn: Any, method: str, url: str, **options: Any) -> Any:
        canned: Any = urllib3.connection.HTTPConnection(conn.host, conn.port)
        canned.sock, canned.is_verified = Canned(), True
        return original(self, canned, method, url, **options)

    pool._make_request = make_request  # type: ignore[method-assign,assignment]


def responses_peer(session: Any) -> None:
    """responses, with one answer for the URL."""
    import responses

    double = responses.RequestsMock(assert_all_requests_are_fired=False)
    double.start()
    double.add(responses.POST, GOOGLE, body=b"".join(chunks()), content_type=TYPE)
