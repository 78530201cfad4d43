import asking
import pytest
import requests
import responses


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        mock.get("https://example.com/", body="mocked")
        mock.add_passthru(f"https://{asking.HOST}")
        yield mock


def test_before_the_cassette(mocked, gemini_cassette):
    assert requests.get("https://example.com/").text == "mocked"
    assert len(asking.ask_with_requests()) > 0


def test_after_the_cassette(gemini_cassette, mocked):
    assert requests.get("https://example.com/").text == "mocked"
    assert len(asking.ask_with_requests()) > 0


@responses.activate
def test_miss(gemini_cassette):
    responses.add_passthru(f"https://{asking.HOST}")
    asking.ask_with_requests("What nobody recorded")


@responses.activate
def test_another_client_is_not_mocked(gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS


@responses.activate
def test_a_mock_of_everything_told(gemini_cassette):
    asking.ask_with_requests()


@responses.activate
def test_a_mock_of_everything_refused_to_record(gemini_cassette):
    asking.ask_with_requests()
