import asking
import pytest


def test_httpx(gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS


def test_google_genai(gemini_cassette):
    assert asking.ask_with_google_genai() == asking.CHUNKS


def test_requests(gemini_cassette):
    assert len(asking.ask_with_requests()) > 0


@pytest.mark.asyncio
async def test_asyncio(gemini_cassette):
    assert len(await asking.aask()) == asking.CHUNKS


def test_miss(gemini_cassette):
    asking.ask("What nobody recorded")


@pytest.mark.disable_socket
def test_no_sockets_refused_to_record(gemini_cassette):
    asking.ask()
