import asking
import httpx
import pytest

pytestmark = pytest.mark.respx(assert_all_called=False)


def let_pass(respx_mock):
    for host in (asking.HOST, "127.0.0.1"):  # recordings come from a local server
        respx_mock.route(host=host).pass_through()


def test_before_the_cassette(respx_mock, gemini_cassette):
    respx_mock.get("https://example.com/").respond(text="mocked")
    let_pass(respx_mock)
    assert httpx.get("https://example.com/").text == "mocked"
    assert len(asking.ask()) == asking.CHUNKS


def test_after_the_cassette(gemini_cassette, respx_mock):
    respx_mock.get("https://example.com/").respond(text="mocked")
    let_pass(respx_mock)
    assert httpx.get("https://example.com/").text == "mocked"
    assert len(asking.ask()) == asking.CHUNKS


def test_miss(gemini_cassette, respx_mock):
    let_pass(respx_mock)
    asking.ask("What nobody recorded")


def test_a_mock_of_everything_told(gemini_cassette, respx_mock):
    asking.ask()


def test_a_mock_of_everything_refused_to_record(respx_mock, gemini_cassette):
    asking.ask()
