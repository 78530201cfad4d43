import asking
import pytest
import vcr

CLIENTS = ["httplib", "httpx", "httpx2", "requests", "urllib3"]


@pytest.fixture
def skipping(tmp_path):
    with vcr.use_cassette(str(tmp_path / "vcr.yaml"), skip_patchers=CLIENTS) as cassette:
        yield cassette


def test_before_the_cassette(skipping, gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS
    assert len(asking.ask_with_requests("Again.")) > 0
    assert len(skipping) == 0


def test_after_the_cassette(gemini_cassette, skipping):
    assert asking.ask_with_google_genai() == asking.CHUNKS
    assert len(skipping) == 0


def test_miss(gemini_cassette, skipping):
    asking.ask("What nobody recorded")


def test_both_told(gemini_cassette, tmp_path):
    with vcr.use_cassette(str(tmp_path / "vcr.yaml")):
        asking.ask()


def test_both_with_requests_told(gemini_cassette, tmp_path):
    with vcr.use_cassette(str(tmp_path / "vcr.yaml")):
        asking.ask_with_requests()


@pytest.fixture
def recording(tmp_path):
    with vcr.use_cassette(str(tmp_path / "vcr.yaml")):
        yield


def test_before_the_cassette_told(recording, gemini_cassette):
    asking.ask()


def test_both_refused_to_record(gemini_cassette, tmp_path):
    with vcr.use_cassette(str(tmp_path / "vcr.yaml")):
        asking.ask()
