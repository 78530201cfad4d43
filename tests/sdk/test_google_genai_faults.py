"""google-genai's retries and time limits under faults, in each of three ways to ask."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
httpx2 = pytest.importorskip("httpx2", reason="httpx2 is not installed")

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

SOON = {"initial_delay": 0.0, "max_delay": 0.0, "jitter": 0.0}
"""The SDK's retry options, without its waits between tries."""

ASK = {"model": "gemini-2.5-flash", "contents": "给我讲一个关于月亮的小故事。"}


def tell_sync(options: Any = None) -> list[str]:
    """A user's code."""
    with genai.Client(http_options=options) as client:
        return [chunk.text for chunk in client.models.generate_content_stream(**ASK)]


def tell_async(options: Any = None) -> list[str]:
    """The same in async code."""

    async def tell() -> list[str]:
        async with genai.Client(http_options=options).aio as client:
            return [chunk.text async for chunk in await client.models.generate_content_stream(**ASK)]

    return asyncio.run(tell())


WAYS: dict[str, Callable[..., list[str]]] = {"httpx2": tell_sync, "httpx2-async": tell_async, "aiohttp": tell_async}
TEXTS = [f"第{n}句。🌙" for n in range(1, 5)]


@pytest.fixture
def tell(way: str) -> Callable[..., list[str]]:
    return WAYS[way]


class TestRetries:
    """`HttpRetryOptions`."""

    @pytest.mark.parametrize("code", [429, 503])
    def test_two_errors_and_then_the_answer(
        self, tell: Callable[..., list[str]], replaying: Callable[..., Any], code: int
    ) -> None:
        """With three attempts, the third request gets the answer. With two, the second error is raised."""
        with replaying(f"status:{code};times=2", speed="instant") as session:
            assert tell({"retry_options": {"attempts": 3, **SOON}}) == TEXTS
        assert len(session.played) == 3
        with replaying(f"status:{code};times=2", speed="instant") as session:
            with pytest.raises(genai.errors.APIError) as raised:
                tell({"retry_options": {"attempts": 2, **SOON}})
        assert (raised.value.code, len(session.played)) == (code, 2)

    def test_without_options_the_first_error_is_raised(
        self, tell: Callable[..., list[str]], replaying: Callable[..., Any]
    ) -> None:
        """The SDK's error has the status."""
        with replaying("status:503", speed="instant") as session, pytest.raises(genai.errors.ServerError) as raised:
            tell()
        assert (raised.value.code, len(session.played)) == (503, 1)

    @pytest.mark.parametrize("fault", ["refuse", "reset@head", "close@head", "timeout:connect"])
    def test_a_failed_connection_is_retried(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], fault: str
    ) -> None:
        """Over httpx2, only refused connections are retried; one that broke before an answer raises an error."""
        passed_on = {"reset@head": httpx2.ReadError, "close@head": httpx2.RemoteProtocolError}
        with replaying(f"{fault};times=2", speed="instant"):
            if way != "aiohttp" and fault in passed_on:
                with pytest.raises(passed_on[fault]):
                    tell({"retry_options": {"attempts": 3, **SOON}})
            else:
                assert tell({"retry_options": {"attempts": 3, **SOON}}) == TEXTS

    def test_a_stream_that_has_begun_is_not_retried(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any]
    ) -> None:
        """A reset in mid-stream raises the HTTP library's own exception."""
        error = aiohttp.ClientPayloadError if way == "aiohttp" else httpx2.ReadError
        with replaying("reset@event:2", speed="instant") as session, pytest.raises(error):
            tell({"retry_options": {"attempts": 3, **SOON}})
        assert len(session.played) == 1


class TestTimeLimits:
    """`HttpOptions.timeout`, in milliseconds."""

    @pytest.mark.parametrize("speed", [1, "instant"])
    @pytest.mark.parametrize("place", ["head", "event:2"], ids=["head", "body"])
    def test_a_stall_raises_the_librarys_timeout(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], place: str, speed: Any
    ) -> None:
        """It comes after that time, or at once at instant speed."""
        error = TimeoutError if way == "aiohttp" else httpx2.ReadTimeout
        limit = 0.3 if speed == 1 else 20.0
        began = time.perf_counter()
        with replaying(f"stall@{place}:30s", speed=speed), pytest.raises(error) as raised:
            tell({"timeout": int(limit * 1000)})
        assert type(raised.value) is error
        took = time.perf_counter() - began
        assert took < 10
        assert speed == "instant" or took > 0.29

    @pytest.mark.parametrize("speed", [1, "instant"])
    def test_over_aiohttp_the_timeout_limits_the_whole_stream(
        self, way: str, tell: Callable[..., list[str]], replaying: Callable[..., Any], speed: Any
    ) -> None:
        """Two waits, each within the limit, are too long together. Over httpx2, the timeout limits each read."""
        with replaying("stall@event:1:400ms,stall@event:2:400ms", speed=speed):
            if way == "aiohttp":
                with pytest.raises(TimeoutError):
                    tell({"timeout": 600})
            else:
                assert tell({"timeout": 600}) == TEXTS
