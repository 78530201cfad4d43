"""Replays of the code with the SDK: sync, async, with a function call."""

from __future__ import annotations

import time

import pytest

from storyteller import chat


def test_a_story(gemini_cassette):
    """The story's pieces come one after another, over seconds of virtual time."""
    began = time.monotonic()
    pieces = list(chat.tell("a fox"))
    assert len(pieces) > 5
    assert time.monotonic() - began > 1
    assert [interaction.finish_reason for interaction in gemini_cassette.interactions] == ["STOP"]


@pytest.mark.asyncio
@pytest.mark.gemini_cassette("story-of-a-fox")
async def test_a_story_with_asyncio():
    """The cassette has a name, so that other tests can share it."""
    assert len([piece async for piece in chat.tell_async("a fox")]) > 5


@pytest.mark.gemini_cassette("story-of-a-fox", speed="instant", rechunk="bytes")
def test_a_story_byte_by_byte():
    """The same recording, cut into chunks of one byte."""
    assert len(list(chat.tell("a fox"))) > 5


def test_the_weather(gemini_cassette):
    """Two requests: the model calls a function, then answers with its result."""
    assert chat.ask_about_weather("What is the weather in Bergen?", model="afc")
    first, second = gemini_cassette.interactions
    assert [call.name for call in first.function_calls] == ["get_weather"]
    assert second.finish_reason == "STOP"


def test_a_request_with_an_id(gemini_cassette):
    """The id in the prompt differs in every run, so `normalize` in conftest.py removes it before matching."""
    assert len(chat.tell_with_id("an owl")) > 100


@pytest.mark.gemini_cassette("story-of-a-fox", ignore=["body.contents[*].parts[*].text"])
def test_another_story():
    """The prompt is not compared, so the recorded story answers."""
    assert len(list(chat.tell("a badger"))) > 5


@pytest.mark.gemini_cassette("story-of-a-fox", fault="stall@event:3:90s")
def test_a_silence():
    """The stream goes silent for a minute and a half, which takes no real time in virtual time."""
    assert len(list(chat.tell("a fox"))) > 5
