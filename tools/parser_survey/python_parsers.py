"""Third-party parsers of Python, each behind `parse(chunks)` and the line protocol: `python python_parsers.py NAME`.

Runs in the parser's own virtual environment, which has neither gemini_replay nor what it needs: the two modules that
are used here need the standard library only. Each parser runs its real code on a response object of
its own HTTP library. Where it gives text, the usual user's code stands behind it: JSON from each event's data, and an
end at `[DONE]`.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from gemini_replay.fuzz import adapters, serve  # noqa: E402  # from the source, behind the line that finds it

URL = adapters.responses.URL


class End(Exception):
    """A client that reconnects for ever is at the end of its stream."""


def from_data(data: Iterable[str]) -> Iterator[Any]:
    """What users write behind a library that gives them the data of each event.

    An event with empty data comes out as null: users' code would fail on it, and it must not be hidden here.
    """
    for one in data:
        if one == "[DONE]":
            break
        yield json.loads(one) if one else None


def usual_loop(lines: Iterable[str | bytes]) -> Iterator[Any]:
    """What users write over lines."""
    for line in lines:
        text = line.decode() if isinstance(line, bytes) else line
        if text.startswith("data: "):
            data = text[len("data: ") :]
            if data == "[DONE]":
                break
            yield json.loads(data)


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

    class Once(SSEClient):
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
    """assel: parse(chunks)."""
    from assel import parse

    return lambda chunks: from_data(event.data for event in parse(chunks))


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


# -- SDKs ------------------------------------------------------------------------------------------------------------


def google_genai_httpx2() -> Any:
    """google-genai, sync over httpx2 (its default): HttpResponse.segments()."""
    return adapters.httpx2_response(_genai_segments())


def google_genai_httpx() -> Any:
    """google-genai, sync over httpx: HttpResponse.segments()."""
    return adapters.httpx_response(_genai_segments())


def google_genai_aiohttp() -> Any:
    """google-genai, async over aiohttp: HttpResponse.async_segments()."""
    from google.genai._api_client import HttpResponse

    async def parse(response: Any) -> AsyncIterator[Any]:
        async for segment in HttpResponse(response.headers, response).async_segments():
            yield segment

    return adapters.aiohttp_response(parse)


def _genai_segments() -> Callable[[Any], Any]:
    import httpx  # noqa: F401  # the SDK takes responses of the libraries that are loaded
    import httpx2  # noqa: F401
    from google.genai._api_client import HttpResponse

    return lambda response: HttpResponse(response.headers, response).segments()


def groq() -> Any:
    """groq: its Stream over an httpx response, as for chat completions."""
    from groq import Groq, Stream

    client = Groq(api_key="none")
    return adapters.httpx_response(lambda response: Stream(cast_to=object, response=response, client=client))


def cohere() -> Any:
    """cohere: EventSource(response).iter_sse() of its core."""
    from cohere.core.http_sse import EventSource

    return adapters.httpx_response(lambda response: from_data(e.data for e in EventSource(response).iter_sse()))


def openai() -> Any:
    """openai: its Stream over an httpx2 response, as for chat completions."""
    from openai import OpenAI, Stream

    client = OpenAI(api_key="none")
    return adapters.httpx2_response(lambda response: Stream(cast_to=object, response=response, client=client))


def anthropic() -> Any:
    """anthropic: Stream.raw_events(response), its decoder of server-sent events."""
    from anthropic import Stream

    return adapters.httpx2_response(lambda response: from_data(e.data for e in Stream.raw_events(response)))


def mistralai() -> Any:
    """mistralai: its EventStream with its sentinel [DONE]; data that is text raises, as its models would."""
    from mistralai.client.utils.eventstreaming import EventStream

    def decode(event: str) -> Any:
        data = json.loads(event).get("data")
        if isinstance(data, str):
            raise ValueError(f"the data is text: {data:.60}")
        return data

    return adapters.httpx2_response(lambda response: EventStream(response, decode, sentinel="[DONE]"))


def langgraph_sdk() -> Any:
    """langgraph-sdk: SyncHttpClient.stream() over httpx."""
    import httpx
    from langgraph_sdk._sync.http import SyncHttpClient

    def parse(response: Any) -> Iterator[Any]:
        transport = httpx.MockTransport(lambda request: response)
        with httpx.Client(transport=transport, base_url="http://test") as client:
            for part in SyncHttpClient(client).stream("/stream", "POST", json={}):
                yield part.data

    return adapters.httpx_response(parse)


def litellm() -> Any:
    """litellm: its iterator for Gemini streams over httpx lines; what it would convert is taken as it is."""
    from litellm.llms.vertex_ai.gemini.vertex_and_google_ai_studio_gemini import ModelResponseIterator

    class Logging:
        optional_params: dict[str, Any] = {}  # noqa: RUF012
        litellm_params: dict[str, Any] = {}  # noqa: RUF012

    class Plain(ModelResponseIterator):  # type: ignore[misc]
        def chunk_parser(self, chunk: dict[str, Any]) -> Any:
            return chunk

    def parse(response: Any) -> Iterator[Any]:
        lines = Plain(streaming_response=response.iter_lines(), sync_stream=True, logging_obj=Logging())
        return (event for event in lines if event is not None)

    return adapters.httpx_response(parse)


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


PARSERS: dict[str, Callable[[], Any]] = {
    "httpx-sse": httpx_sse,
    "httpx2-eventsource": httpx2_event_source,
    "sseclient-py": sseclient_py,
    "sseclient": sseclient,
    "aiohttp-sse-client": aiohttp_sse_client,
    "assel": assel,
    "httpx-iter-lines": httpx_iter_lines,
    "httpx2-iter-lines": httpx2_iter_lines,
    "requests-iter-lines": requests_iter_lines,
    "requests-iter-lines-unicode": requests_iter_lines_unicode,
    "google-genai-httpx2": google_genai_httpx2,
    "google-genai-httpx": google_genai_httpx,
    "google-genai-aiohttp": google_genai_aiohttp,
    "openai": openai,
    "groq": groq,
    "cohere": cohere,
    "anthropic": anthropic,
    "mistralai": mistralai,
    "langgraph-sdk": langgraph_sdk,
    "litellm": litellm,
    "google-api-core": google_api_core,
    "ijson": ijson_items,
    "story-client": story_client,
    "story-client-fixed": story_client_fixed,
}

if __name__ == "__main__":
    serve.serve(PARSERS[sys.argv[1]]())
