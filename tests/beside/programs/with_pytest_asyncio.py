import asyncio

import asking
import pytest
import pytest_asyncio


@pytest_asyncio.fixture
async def story(gemini_cassette):
    return await asking.aask()


@pytest.mark.asyncio
async def test_a_coroutine(gemini_cassette):
    assert len(await asking.aask()) == asking.CHUNKS


@pytest.mark.asyncio
async def test_an_async_fixture(story):
    assert len(story) == asking.CHUNKS


@pytest.mark.asyncio
@pytest.mark.gemini_cassette
async def test_tasks():
    stories = await asyncio.gather(asking.aask("One."), asking.aask("Two."))
    assert [len(story) for story in stories] == [asking.CHUNKS] * 2


@pytest.mark.asyncio
async def test_miss(gemini_cassette):
    await asking.aask("What nobody recorded")
