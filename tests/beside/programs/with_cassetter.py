import asking
import cassetter
import pytest


def test_beside_other_clients(gemini_cassette, tmp_path):
    with cassetter.use_cassette(tmp_path / "other.yaml", intercept=["requests"]):
        assert len(asking.ask()) == asking.CHUNKS


@pytest.mark.vcr
@pytest.mark.gemini_cassette
def test_both_told():
    asking.ask()


def test_both_recording_told(gemini_cassette, tmp_path):
    with cassetter.use_cassette(tmp_path / "other.yaml"):
        asking.ask()


def test_both_refused_to_record(gemini_cassette, tmp_path):
    with cassetter.use_cassette(tmp_path / "other.yaml"):
        asking.ask()


def test_miss(gemini_cassette, tmp_path):
    with cassetter.use_cassette(tmp_path / "other.yaml", intercept=["requests"]):
        asking.ask("What nobody recorded")
