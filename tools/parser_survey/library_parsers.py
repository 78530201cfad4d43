"""Libraries for server-sent events, loops over lines and readers of JSON arrays; see python_parsers.py."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from usual import ROOT, URL, End, adapters, from_data, usual_loop

# -- libraries for server-sent events --------------------------------------------------------------------------------


def httpx_sse() -> Any:
    """httpx-sse: EventSource(response).iter_sse()."""
    from httpx_sse import EventSource

    return adapters.httpx_response(lambda response: from_data(e.data for e in EventSource(response).iter_sse()))


def httpx2_event_source() -> Any:
    """httpx2: its own EventSource(response)."""
    from httpx2 import EventSource

    return adapters.httpx2_response(lambda response: from_data(e.data for e in EventSource(response)))


def sseclient_py() -> Any:
    """sseclient-py: SSEClient(response).events() over a requests response."""
    from sseclient import SSEClient

    return adapters.requests_response(lambda response: from_data(e.data for e in SSEClient(response).events()))


def sseclient() -> Any:
    """sseclient: SSEClient(url, session), which would reconnect at the end."""
    from sseclient import SSEClient

    class Once(SSEClient):  # type: ignore[misc]  # it has no types
        retry = property(lambda self: 0, lambda self, value: None)  # no waiting before it connects again

    class Session:
        def __init__(self, response: Any) -> None:
            self.responses = [response]

        def get(self, *_: Any, **__: Any) -> Any:
            if not self.responses:
                raise End
            return self.responses.pop()

    def data(response: Any) -> Iterator[str]:
        try:
            for event in Once(URL, session=Session(response)):
                yield event.data
        except End:
            return

    return adapters.requests_response(lambda response: from_data(data(response)))


def aiohttp_sse_client() -> Any:
    """aiohttp-sse-client: EventSource(url, session=…), which would reconnect at the end."""
    from aiohttp_sse_client.client import EventSource

    def ended() -> None:
        raise End

    async def parse(response: Any) -> AsyncIterator[Any]:
        class Session:
            async def request(self, *_: Any, **__: Any) -> Any:
                return response

        try:
            async with EventSource(URL, session=Session(), on_error=ended) as source:
                async for event in source:
                    if event.data == "[DONE]":
                        break
                    yield json.loads(event.data) if event.data else None
        except End:
            return

    return adapters.aiohttp_response(parse)


def assel() -> Any:
    """assel: parse(chunks). One decoder serves all its streams; here it is reset before each of them."""
    from assel import LineParser, parse

    def fresh(chunks: Iterable[bytes]) -> Iterator[Any]:
        LineParser.utf8dec.reset()
        return from_data(event.data for event in parse(chunks))

    return fresh


def aiosseclient() -> Any:
    """aiosseclient: the events of its function aiosseclient, whose session gives a response of aiohttp."""
    import aiosseclient as library

    async def parse(response: Any) -> AsyncIterator[Any]:
        class Session:
            closed = False

            def __init__(self, **_: Any) -> None: ...

            async def __aenter__(self) -> Session:
                return self

            async def __aexit__(self, *_: object) -> None: ...

            async def get(self, *_: Any, **__: Any) -> Any:
                return response

            async def close(self) -> None:
                self.closed = True

        library.aiohttp = SimpleNamespace(ClientSession=Session, ClientTimeout=lambda **_: None)
        async for event in library.aiosseclient(URL):
            if event.data == "[DONE]":
                break
            yield json.loads(event.data) if event.data else None

    return adapters.aiohttp_response(parse)


def requests_sse() -> Any:
    """requests-sse: EventSource(url, session=…), which would reconnect at the end."""
    from requests_sse import EventSource

    def ended() -> None:
        raise End

    def data(response: Any) -> Iterator[str]:
        session = SimpleNamespace(request=lambda **_: response)
        try:
            with EventSource(URL, session=session, on_error=ended) as source:
                for event in source:
                    yield event.data
        except End:
            return

    return adapters.requests_response(lambda response: from_data(data(response)))


def launchdarkly_eventsource() -> Any:
    """launchdarkly-eventsource: SSEClient(…).events over a response of urllib3; it would not reconnect by itself."""
    from ld_eventsource import SSEClient
    from ld_eventsource.config import ConnectStrategy

    def data(response: Any) -> Iterator[str]:
        pool = SimpleNamespace(request=lambda *_, **__: response.raw)
        for event in SSEClient(ConnectStrategy.http(URL, pool=pool)).events:
            yield event.data

    return adapters.requests_response(lambda response: from_data(data(response)))


# -- lines, and the usual loop over them -----------------------------------------------------------------------------


def httpx_iter_lines() -> Any:
    """httpx: the usual loop over response.iter_lines()."""
    return adapters.httpx_response(lambda response: usual_loop(response.iter_lines()))


def httpx2_iter_lines() -> Any:
    """httpx2: the usual loop over response.iter_lines()."""
    return adapters.httpx2_response(lambda response: usual_loop(response.iter_lines()))


def requests_iter_lines() -> Any:
    """requests: the usual loop over response.iter_lines(), bytes decoded line by line."""
    return adapters.requests_response(lambda response: usual_loop(response.iter_lines()))


def requests_iter_lines_unicode() -> Any:
    """requests: the usual loop over response.iter_lines(decode_unicode=True), encoding set to UTF-8."""

    def parse(response: Any) -> Iterator[Any]:
        response.encoding = "utf-8"
        return usual_loop(response.iter_lines(decode_unicode=True))

    return adapters.requests_response(parse)


def story_client() -> Any:
    """examples/story_client.py of this project as it stands: what it decodes, observed at its json.loads."""
    return _story("story_client")


def story_client_fixed() -> Any:
    """examples/story_client_fixed.py, the corrected program beside it."""
    fixed = _program("story_client_fixed")
    return adapters.requests_response(fixed.events)


def _program(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    return program


_MARK = {"content": {"parts": [{"text": ""}]}}


def _story(name: str) -> Any:
    program = _program(name)
    seen: list[Any] = []

    class Json:
        @staticmethod
        def loads(text: str) -> Any:
            event = json.loads(text)
            seen.append(event)
            # One more piece of text, so that the program hands out something at each event, when it has come.
            candidates = event.get("candidates", []) if isinstance(event, dict) else None
            return {**event, "candidates": [*candidates, _MARK]} if isinstance(candidates, list) else event

    program.json = Json

    def parse(response: Any) -> Iterator[Any]:
        class Requests:
            @staticmethod
            def post(*_: Any, **__: Any) -> Any:
                return response

        program.requests = Requests
        seen.clear()
        try:
            for _ in program.tell("…"):
                yield from taken()
        except Exception:
            yield from taken()
            raise
        yield from taken()

    def taken() -> list[Any]:
        now, seen[:] = list(seen), []
        return now

    return adapters.requests_response(parse)


# -- the JSON array --------------------------------------------------------------------------------------------------

_ARRAY = "application/json; charset=UTF-8"


def google_api_core() -> Any:
    """google-api-core: rest_streaming.ResponseIterator over requests; the texts it cuts out, decoded by json."""
    from google.api_core.rest_streaming import ResponseIterator
    from google.protobuf.struct_pb2 import Struct

    class Texts(ResponseIterator):  # type: ignore[misc]
        def _create_grab(self) -> Any:
            return lambda this: json.loads(this._ready_objs.popleft())

    return adapters.requests_response(lambda response: Texts(response, Struct), content_type=_ARRAY)


def ijson_items() -> Any:
    """ijson: items(file, "item") with its default backend, over a file of the chunks; its Decimals as floats."""
    from decimal import Decimal

    import ijson

    def with_floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_floats(one) for key, one in value.items()}
        if isinstance(value, list):
            return [with_floats(one) for one in value]
        return float(value) if isinstance(value, Decimal) else value

    class File:
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = iter(chunks)
            self.left = b""

        def read(self, size: int = -1) -> bytes:
            if size == 0:
                return b""
            if not self.left:
                self.left = next((chunk for chunk in self.chunks if chunk), b"")
            size = len(self.left) if size < 0 else size
            taken, self.left = self.left[:size], self.left[size:]
            return taken

    def parse(chunks: Iterable[bytes]) -> Any:
        return map(with_floats, ijson.items(File(chunks), "item"))

    return parse


def json_stream() -> Any:
    """json-stream: load(chunks), and each element of the array, or a bare object, with to_standard_types()."""
    import json_stream as library
    from json_stream.base import StreamingJSONObject

    def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
        root = library.load(chunk for chunk in chunks if chunk)
        for element in [root] if isinstance(root, StreamingJSONObject) else root:
            yield library.to_standard_types(element)

    return parse
