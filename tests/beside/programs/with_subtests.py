import asking
import pytest


def test_subtests(gemini_cassette, subtests):
    for number in range(2):
        with subtests.test(number=number):
            assert len(asking.ask(f"Story {number}.")) == asking.CHUNKS


def test_miss(gemini_cassette, subtests):
    with subtests.test("a miss"):
        asking.ask("What nobody recorded")


def test_swallowed_miss(gemini_cassette, subtests):
    with subtests.test("a miss"), pytest.raises(Exception, match="No recording"):
        asking.ask("What nobody recorded")
