"""Parsers inside SDKs; see python_parsers.py."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from usual import adapters, from_data

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
