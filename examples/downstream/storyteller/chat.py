"""Stories with Google's SDK."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

from google import genai
from google.genai import types

MODEL = "gemini-2.5-flash"


def tell(topic: str) -> Iterator[str]:
    """The pieces of a story, as they arrive."""
    with genai.Client() as client:
        for chunk in client.models.generate_content_stream(model=MODEL, contents=f"Tell me a story of {topic}."):
            if chunk.text:
                yield chunk.text


async def tell_async(topic: str) -> AsyncIterator[str]:
    """The same for asyncio."""
    async with genai.Client().aio as client:
        stream = await client.models.generate_content_stream(model=MODEL, contents=f"Tell me a story of {topic}.")
        async for chunk in stream:
            if chunk.text:
                yield chunk.text


def tell_with_id(topic: str) -> str:
    """A whole story. Each request has an id of its own in its prompt, to be found in logs."""
    prompt = f"Tell me a story of {topic}. (request {uuid.uuid4()})"
    with genai.Client() as client:
        stream = client.models.generate_content_stream(model=MODEL, contents=prompt)
        return "".join(chunk.text or "" for chunk in stream)


def ask_about_weather(question: str, model: str = MODEL) -> str:
    """An answer to a question about the weather, for which the model calls `get_weather`."""
    config = types.GenerateContentConfig(tools=[get_weather])
    with genai.Client() as client:
        chat = client.chats.create(model=model, config=config)
        return "".join(chunk.text or "" for chunk in chat.send_message_stream(question))


def get_weather(city: str) -> dict[str, str]:
    """The weather in a city.

    Args:
        city: the city's name.
    """
    return {"city": city, "weather": "rain"}
