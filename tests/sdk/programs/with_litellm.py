"""litellm, called as its users call it."""

from collections.abc import AsyncIterator, Iterator

import litellm

ASK = {
    "model": "gemini/gemini-2.5-flash",
    "api_key": "AIzaSyD-0123456789abcdefghijklmnopqrstuv",
    "messages": [{"role": "user", "content": "Tell me a story."}],
    "stream": True,
}


def stream() -> Iterator[str]:
    for chunk in litellm.completion(**ASK):
        yield chunk.choices[0].delta.content or ""


async def astream() -> AsyncIterator[str]:
    async for chunk in await litellm.acompletion(**ASK):
        yield chunk.choices[0].delta.content or ""
