"""Whole clients of SDKs, each through the line protocol: `python clients.py NAME [--times]`.

Runs in the SDK's own virtual environment, with gemini_replay from the source. Each case becomes a recorded answer,
and gemini_replay answers the client's own request with it, through whatever HTTP library the client uses. What the
client gives comes out, without what differs from call to call. With --times, one second of virtual time lies between
two chunks, and each value comes with the second at which the client gave it.
"""

from __future__ import annotations

import base64
import enum
import logging
import os
import re
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from gemini_replay import virtual_clock  # noqa: E402  # from the source, after the line that finds it
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response  # noqa: E402
from gemini_replay.fuzz import serve  # noqa: E402
from gemini_replay.interception import intercepted  # noqa: E402
from gemini_replay.session import Session  # noqa: E402

MODEL = "gemini-2.5-flash"
HOST = "https://generativelanguage.googleapis.com"
URL = f"{HOST}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse"
OPENAI = f"{HOST}/v1beta/openai/"
"""Where Gemini answers as OpenAI would; also for other SDKs, since requests to this host are answered here."""
HELLO = [{"role": "user", "content": "Hello."}]


@contextmanager
def answered(chunks: Iterable[bytes], *, array: bool, times: bool) -> Iterator[None]:
    """Answer every request in the block with these chunks."""
    content_type = "application/json; charset=UTF-8" if array else "text/event-stream"
    parts = tuple(Chunk(1.0, chunk) for chunk in chunks)
    response = Response(200, (("content-type", content_type),))
    session = Session(
        "survey.jsonl",
        interactions=[Interaction(Request("POST", URL), response, parts)],
        match=lambda recorded, asked: True,
        repeat=True,  # for a client that tries again
        speed="virtual" if times else "instant",
    )
    try:
        with intercepted(session):
            yield
    finally:
        session.close(keep=False)


_RANDOM = re.compile("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{8,12}")
"""Ids that SDKs make for calls of functions."""


def shown(value: Any, *without: str) -> Any:
    """A model of pydantic, or another value of an SDK, as JSON, without random ids."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(by_alias=True, exclude_none=True, exclude=set(without))
    if isinstance(value, dict):
        return {shown(str(key)): shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shown(one) for one in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return _RANDOM.sub("random", value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if value is None or isinstance(value, int | float | bool) else str(value)


# -- clients of Gemini -----------------------------------------------------------------------------------------------


def google_genai() -> Any:
    """google-genai, the whole client: client.models.generate_content_stream(…), over httpx2."""
    from google import genai

    client = genai.Client(api_key="none")

    def call() -> Iterator[Any]:
        for one in client.models.generate_content_stream(model=MODEL, contents="Hello."):
            yield shown(one, "sdk_http_response")

    return call


def google_genai_async() -> Any:
    """google-genai, the whole client: client.aio.models.generate_content_stream(…), over aiohttp."""
    from google import genai

    client = genai.Client(api_key="none")

    async def call() -> AsyncIterator[Any]:
        async for one in await client.aio.models.generate_content_stream(model=MODEL, contents="Hello."):
            yield shown(one, "sdk_http_response")

    return call


def langchain_google_genai() -> Any:
    """langchain-google-genai: ChatGoogleGenerativeAI(…).stream(…)."""
    from langchain_google_genai import ChatGoogleGenerativeAI

    model = ChatGoogleGenerativeAI(model=MODEL, google_api_key="none", max_retries=1)

    def call() -> Iterator[Any]:
        for one in model.stream("Hello."):
            yield shown(one, "id")

    return call


def litellm() -> Any:
    """litellm: completion("gemini/…", stream=True). Its error for an answer without an end comes as a last value."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or it looks for one on the network
    import litellm as library

    library.suppress_debug_info = True

    def call() -> Iterator[Any]:
        try:
            for one in library.completion(f"gemini/{MODEL}", HELLO, stream=True, api_key="none", num_retries=0):
                yield shown(one, "id", "created")
        except library.exceptions.MidStreamFallbackError as error:
            if "before a finish_reason" not in str(error):
                raise
            yield "no finish reason"

    return call


def llm_gemini() -> Any:
    """llm-gemini: the texts of llm's get_model("gemini-…").prompt(…), read with ijson from the JSON array.

    Its KeyError at the end of an answer without a modelVersion comes as a last value.
    """
    import llm

    model = llm.get_model(MODEL)

    def call() -> Iterator[Any]:
        try:
            yield from model.prompt("Hello.", key="none")
        except KeyError as error:
            if error.args != ("modelVersion",):
                raise
            yield "no modelVersion"

    return call


# -- clients of others -----------------------------------------------------------------------------------------------


def openai() -> Any:
    """openai, the whole client: client.chat.completions.create(stream=True), at Gemini's OpenAI endpoint."""
    from openai import OpenAI

    client = OpenAI(api_key="none", base_url=OPENAI, max_retries=0)
    return lambda: map(shown, client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))


def groq() -> Any:
    """groq, the whole client: client.chat.completions.create(stream=True)."""
    from groq import Groq

    client = Groq(api_key="none", base_url=OPENAI, max_retries=0)
    return lambda: map(shown, client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))


def huggingface_hub() -> Any:
    """huggingface-hub: InferenceClient(…).chat_completion(stream=True)."""
    from huggingface_hub import InferenceClient

    client = InferenceClient(base_url=OPENAI, api_key="none")
    return lambda: map(shown, client.chat_completion(HELLO, stream=True))


def langgraph_sdk() -> Any:
    """langgraph-sdk, the whole client: client.runs.stream(…)."""
    from langgraph_sdk import get_sync_client

    client = get_sync_client(url=HOST, api_key="none")
    return lambda: (part.data for part in client.runs.stream(None, "agent", input={}))


CLIENTS: dict[str, Callable[[], Any]] = {
    "google-genai client": google_genai,
    "google-genai async client": google_genai_async,
    "langchain-google-genai": langchain_google_genai,
    "litellm client": litellm,
    "llm-gemini": llm_gemini,
    "openai client": openai,
    "groq client": groq,
    "huggingface-hub": huggingface_hub,
    "langgraph-sdk client": langgraph_sdk,
}
ARRAYS = ("llm-gemini",)


def parser_of(name: str, *, times: bool) -> Callable[[Any], Any]:
    """`parse(chunks)` of a client."""
    call, array = CLIENTS[name](), name in ARRAYS

    def timed(value: Any, began: float) -> Any:
        return [virtual_clock.now() - began, value] if times else value

    if name != "google-genai async client":

        def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
            with answered(chunks, array=array, times=times):
                began = virtual_clock.now()
                for value in call():
                    yield timed(value, began)

        return parse

    async def parse_async(chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        with answered([chunk async for chunk in chunks], array=array, times=times):
            began = virtual_clock.now()
            async for value in call():
                yield timed(value, began)

    return parse_async


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    serve.serve(parser_of(sys.argv[1], times="--times" in sys.argv))
