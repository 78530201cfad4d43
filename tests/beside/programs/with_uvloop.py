import asyncio

import asking
import pytest
import uvloop


@pytest.fixture
def anyio_backend():
    return "asyncio", {"use_uvloop": True}


@pytest.mark.anyio
async def test_a_coroutine(gemini_cassette):
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    assert len(await asking.aask()) == asking.CHUNKS


def test_a_run(gemini_cassette):
    assert len(uvloop.run(asking.aask())) == asking.CHUNKS


@pytest.mark.anyio
async def test_miss(gemini_cassette):
    await asking.aask("What nobody recorded")
