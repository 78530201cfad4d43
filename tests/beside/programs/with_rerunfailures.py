import asking
import pytest

from gemini_replay import Cassette

runs = []


@pytest.mark.flaky(reruns=2)
def test_the_third_run_passes(gemini_cassette):
    assert len(asking.ask()) == asking.CHUNKS
    runs.append("a run")
    assert len(runs) > 2
    if gemini_cassette.replay_only:
        assert len(gemini_cassette.played) == 1
        assert len(Cassette.load(gemini_cassette.path).interactions) == 1


@pytest.mark.flaky(reruns=1)
def test_miss(gemini_cassette):
    asking.ask("What nobody recorded")
