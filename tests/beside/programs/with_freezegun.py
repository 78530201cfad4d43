import datetime

import asking
import freezegun
import pytest


@pytest.fixture
def frozen():
    with freezegun.freeze_time("2020-02-29"):
        yield


def whole_story_in_its_rhythm():
    began = asking.real_time()
    assert len(asking.ask()) == asking.CHUNKS
    assert asking.real_time() - began > 0.9 * asking.MODEL_TIME_S
    assert datetime.date.today() == datetime.date(2020, 2, 29)


@pytest.mark.gemini_cassette(speed=1)
@freezegun.freeze_time("2020-02-29")
def test_a_frozen_test():
    whole_story_in_its_rhythm()


@pytest.mark.gemini_cassette(speed=1)
def test_after_the_cassette(gemini_cassette, frozen):
    whole_story_in_its_rhythm()


def test_before_the_cassette(frozen, gemini_cassette):
    assert asking.ask_with_google_genai() == asking.CHUNKS


@pytest.mark.asyncio
@freezegun.freeze_time("2020-02-29")
async def test_asyncio(gemini_cassette):
    assert len(await asking.aask()) == asking.CHUNKS


def test_miss(frozen, gemini_cassette):
    asking.ask("What nobody recorded")
