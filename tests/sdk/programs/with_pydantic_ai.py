"""pydantic-ai, called as its users call it: streaming, and a tool call, which takes two requests."""

from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider


def agent() -> Agent:
    provider = GoogleProvider(api_key="AIzaSyD-0123456789abcdefghijklmnopqrstuv")
    return Agent(GoogleModel("gemini-2.5-flash", provider=provider))


async def astream() -> AsyncIterator[str]:
    async with agent().run_stream("Tell me a story.") as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield text


async def atool() -> AsyncIterator[str]:
    answering = agent()

    @answering.tool_plain
    def get_weather(city: str) -> str:
        return f"18 degrees and sunny in {city}"

    async with answering.run_stream("What is the weather like?") as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            yield text
