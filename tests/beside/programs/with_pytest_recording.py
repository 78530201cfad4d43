import asking
import pytest

CLIENTS = ["httplib", "httpx"]


@pytest.mark.vcr(skip_patchers=CLIENTS)
@pytest.mark.gemini_cassette
def test_both_markers():
    assert len(asking.ask()) == asking.CHUNKS


@pytest.mark.vcr(skip_patchers=CLIENTS)
def test_the_marker_and_the_fixture(gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS


@pytest.mark.vcr(skip_patchers=CLIENTS)
@pytest.mark.gemini_cassette
def test_miss():
    asking.ask("What nobody recorded")


@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])
def test_a_blocked_network(gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS


@pytest.mark.vcr
@pytest.mark.gemini_cassette
def test_both_told():
    asking.ask()


@pytest.mark.block_network
def test_a_blocked_network_refused_to_record(gemini_cassette):
    asking.ask()
