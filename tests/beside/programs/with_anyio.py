import asking
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


@pytest.fixture
async def story(gemini_cassette):
    return await asking.aask()


async def test_a_coroutine(gemini_cassette):
    assert len(await asking.aask()) == asking.CHUNKS


async def test_an_async_fixture(story):
    assert len(story) == asking.CHUNKS


async def test_miss(gemini_cassette):
    await asking.aask("What nobody recorded")
