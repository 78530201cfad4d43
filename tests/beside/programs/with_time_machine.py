import datetime

import asking
import pytest
import time_machine


def whole_story_in_its_rhythm():
    began = asking.real_time()
    assert len(asking.ask()) == asking.CHUNKS
    assert asking.real_time() - began > 0.9 * asking.MODEL_TIME_S
    assert datetime.date.today() == datetime.date(2020, 2, 29)


@pytest.mark.gemini_cassette(speed=1)
@time_machine.travel("2020-02-29", tick=False)
def test_a_frozen_test():
    whole_story_in_its_rhythm()


@pytest.mark.gemini_cassette(speed=1)
def test_after_the_cassette(gemini_cassette, time_machine):
    time_machine.move_to("2020-02-29", tick=False)
    whole_story_in_its_rhythm()


def test_before_the_cassette(time_machine, gemini_cassette):
    time_machine.move_to("2020-02-29", tick=False)
    assert len(asking.ask()) == asking.CHUNKS


@pytest.mark.asyncio
@time_machine.travel("2020-02-29", tick=False)
async def test_asyncio(gemini_cassette):
    assert len(await asking.aask()) == asking.CHUNKS


@time_machine.travel("2020-02-29", tick=False)
def test_miss(gemini_cassette):
    asking.ask("What nobody recorded")
