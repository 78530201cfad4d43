import asking
import httpx
import pytest

passing = pytest.mark.httpx_mock(should_mock=lambda request: request.url.host != asking.HOST)


@passing
def test_before_the_cassette(httpx_mock, gemini_cassette):
    httpx_mock.add_response(url="https://example.com/", text="mocked")
    assert httpx.get("https://example.com/").text == "mocked"
    assert len(asking.ask()) == asking.CHUNKS


@passing
def test_after_the_cassette(gemini_cassette, httpx_mock):
    httpx_mock.add_response(url="https://example.com/", text="mocked")
    assert httpx.get("https://example.com/").text == "mocked"
    assert len(asking.ask()) == asking.CHUNKS


@passing
def test_miss(gemini_cassette, httpx_mock):
    asking.ask("What nobody recorded")


def test_a_mock_of_everything_told(gemini_cassette, httpx_mock):
    asking.ask()


def test_a_mock_of_everything_refused_to_record(httpx_mock, gemini_cassette):
    asking.ask()
