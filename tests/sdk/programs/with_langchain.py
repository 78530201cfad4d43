"""langchain-google-genai, called as its users call it."""

from collections.abc import AsyncIterator, Iterator

from langchain_google_genai import ChatGoogleGenerativeAI


def model() -> ChatGoogleGenerativeAI:
    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", google_api_key="AIzaSyD-0123456789abcdefghijklmnopqrstuv")


def stream() -> Iterator[str]:
    for chunk in model().stream("Tell me a story."):
        yield chunk.text


async def astream() -> AsyncIterator[str]:
    async for chunk in model().astream("Tell me a story."):
        yield chunk.text
