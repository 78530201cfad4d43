import os

import asking
import pytest
from pyfakefs.fake_filesystem_unittest import Pause


@pytest.mark.gemini_cassette("shared")
def test_recording_in_a_pause(gemini_cassette, fs):
    with Pause(fs):
        assert len(asking.ask()) == asking.CHUNKS
    fs.create_file("/fake")


@pytest.mark.gemini_cassette("shared")
def test_after_the_cassette(gemini_cassette, fs):
    assert len(asking.ask()) == asking.CHUNKS
    fs.create_file("/fake")
    assert os.path.exists("/fake")


@pytest.mark.gemini_cassette("shared")
def test_without_a_fake():
    assert len(asking.ask()) == asking.CHUNKS
    assert not os.path.exists("/fake")


@pytest.mark.gemini_cassette("shared")
def test_miss(gemini_cassette, fs):
    asking.ask("What nobody recorded")


def test_before_the_cassette_told(fs, gemini_cassette):
    asking.ask()


def test_after_the_cassette_refused_to_record(gemini_cassette, fs):
    asking.ask()


def test_before_the_cassette_refused_to_record(fs, gemini_cassette):
    asking.ask()
