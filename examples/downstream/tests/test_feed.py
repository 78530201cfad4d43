"""Replays of the code with requests and its own parser."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from gemini_replay import Interaction, fuzz
from gemini_replay.cassette.model import Chunk
from storyteller import feed


def test_a_story(lighthouse):
    """The shared story is whole."""
    assert len(lighthouse) > 100


@pytest.mark.gemini_cassette("lighthouse", fault="eof@event:3")
def test_a_story_without_an_end():
    """A stream that ends too early is an error, not a short story."""
    with pytest.raises(feed.IncompleteStoryError):
        list(feed.tell("a lighthouse"))


@pytest.mark.gemini_cassette("lighthouse", fault="reset@event:3")
def test_a_reset():
    """The code gets the library's own exception, as in production."""
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(feed.tell("a lighthouse"))


def in_one_chunk(interaction: Interaction) -> Interaction:
    """The whole answer comes at once, as from a proxy that buffers."""
    return replace(interaction, chunks=(Chunk(0.0, interaction.body),))


@pytest.mark.gemini_cassette("lighthouse", before_replay=in_one_chunk)
def test_a_proxy_that_buffers():
    """All pieces of the story come at once, and none is lost."""
    assert len(list(feed.tell("a lighthouse"))) > 5


@pytest.mark.gemini_cassette("lighthouse")
def test_no_fault_makes_a_short_story(check_gemini_client):
    """Under each fault there is an error, or the whole story."""
    check_gemini_client(lambda: list(feed.tell("a lighthouse")))


def test_the_parser():
    """The parser finds the same messages wherever a stream is cut."""
    fuzz.check_parser(feed.parse, profile="gemini", max_examples=5)
