"""Which parts are due when. There is no clock: each test says what time it is."""

import pytest

from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.player import Playback
from gemini_replay.engine.schedule import Broken, Head, Part, Schedule, Stall, Steps
from gemini_replay.engine.timing import INSTANT

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")
START = 1000.0
STALLED = Steps.of([(0.0, Head(200, ())), (0.0, b"one"), (0.0, Stall(10.0)), (0.0, b"two"), (0.0, "eof")])


def schedule(*gaps: float, first: float = 0.5, end: End | None = None, speed: float = 1.0) -> Schedule:
    chunks = tuple(Chunk(gap, b"%d" % number) for number, gap in enumerate(gaps))
    return Playback(Interaction(ASKED, Response(200, (), first), chunks, end or End()), speed).schedule("", START)


def rest(made: Schedule) -> list[Part]:
    """The parts that a client without a read timeout gets."""
    parts: list[Part] = []
    while True:
        made.wait(START + 1e6)
        due = made.take()
        if not due:
            return parts
        parts += due


def test_each_part_is_due_at_its_moment_after_the_request() -> None:
    """For the head, each chunk and the end, the schedule gives the seconds from the moment of asking."""
    made = schedule(0.125, 0.25, end=End("eof", 0.125))
    assert made.wait(START) == 0.5
    assert made.take() == (Head(200, ()),)
    assert made.wait(START + 0.5) == 0.125
    assert made.take() == (b"0",)
    assert made.wait(START + 0.625) == 0.25
    assert made.take() == (b"1",)
    assert made.wait(START + 0.875) == 0.125
    assert made.take() == ()


def test_parts_that_are_due_together_come_together() -> None:
    """Parts of one moment come together, and those that a late client has missed, but never parts due later."""
    made = schedule(0.0, 0.0, 0.25, 0.25, 0.25)
    assert made.wait(START) == 0.5
    assert made.take() == (Head(200, ()), b"0", b"1")
    assert made.wait(START + 1.125) < 0
    assert made.take() == (b"2", b"3")
    assert made.wait(START + 1.125) == 0.125


def test_lateness_does_not_add_up() -> None:
    """If each of 1,200 chunks is taken 0.3 ms late, every wait still ends at the chunk's own moment."""
    made = schedule(*[0.05] * 1200)
    now = START + made.wait(START)
    assert made.take() == (Head(200, ()),)
    for number in range(1200):
        now += made.wait(now)
        assert now == pytest.approx(START + 0.5 + 0.05 * (number + 1))
        made.take()
        now += 0.0003


def test_a_slow_client_does_not_wait_for_due_parts() -> None:
    """Once the client has caught up, it is back in rhythm."""
    made = schedule(0.1, 0.1, 0.1, 0.1, 5.0)
    waits, counts = [], []
    now = START
    for _ in range(4):
        waits.append(round(max(0.0, made.wait(now)), 3))
        now += waits[-1] + 0.22
        counts.append(len(made.take()))
    assert waits == [0.5, 0.0, 0.0, 4.74]
    assert counts == [1, 2, 2, 1]


def test_asking_again_for_the_same_part_changes_nothing() -> None:
    """A driver that was interrupted may ask again later."""
    made = schedule(1.0)
    assert made.wait(START) == 0.5
    assert made.wait(START + 0.2) == pytest.approx(0.3)
    assert made.take() == (Head(200, ()),)


class TestReadTimeout:
    """How long a client waits for more, counted from the moment at which it asks."""

    def test_it_ends_a_longer_wait(self) -> None:
        """The wait ends after the timeout, not after the gap."""
        made = schedule(0.0, 3.0)
        made.wait(START), made.take()
        assert made.wait(START + 0.5, 2.0) == 2.0
        with pytest.raises(Broken) as broken:
            made.take()
        assert broken.value.ending == "timeout"

    def test_it_counts_from_asking(self) -> None:
        """A client that asks late waits only for the rest of the gap."""
        made = schedule(0.0, 3.0)
        made.wait(START), made.take()
        assert made.wait(START + 2.0, 2.0) == 1.5
        assert made.take() == (b"1",)

    def test_it_holds_for_the_head(self) -> None:
        """The timeout also limits the time to the first byte."""
        made = schedule(first=30.0)
        assert made.wait(START, 5.0) == 5.0
        with pytest.raises(Broken, match="timeout"):
            made.take()


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        (End("reset", 1.0), "reset"),
        (End("reset", 1.0, "closed"), "closed"),
        (End("timeout", 1.0), "timeout"),
    ],
    ids=["reset", "closed", "timeout"],
)
def test_a_recorded_break_breaks_at_its_moment(end: End, ending: str) -> None:
    """The response breaks after the last chunk and the recorded gap, and again each time it is read."""
    made = schedule(0.25, end=end)
    made.wait(START + 1), made.take()
    assert made.wait(START + 0.75) == 1.0
    for _ in range(2):
        with pytest.raises(Broken) as broken:
            made.take()
        assert broken.value.ending == ending


def test_a_cancelled_recording_stays_silent_for_a_second() -> None:
    """So a client that closes the response by its own timer does so before it learns that no more comes."""
    made = schedule(0.0, end=End("cancelled", 1.0))
    made.wait(START), made.take()
    assert made.wait(START + 0.5) == 2.0
    with pytest.raises(Broken, match="cancelled"):
        made.take()


class TestStalls:
    """Silence that a fault asks for, at instant speed."""

    @pytest.mark.parametrize("timeout", [None, 10.0, 60.0])
    def test_a_client_with_a_longer_timeout_goes_on_at_once(self, timeout: float | None) -> None:
        """The skipped time is counted."""
        made = Schedule(STALLED, START)
        for parts in ((Head(200, ()), b"one"), (b"two",), ()):
            assert made.wait(START, timeout) == 0
            assert made.take() == parts
        assert made.skipped == 10.0

    def test_a_client_with_a_shorter_timeout_times_out_at_once(self) -> None:
        """The stall is longer than its read timeout."""
        made = Schedule(STALLED, START)
        made.wait(START, 9.0), made.take()
        assert made.wait(START, 9.0) == 0
        with pytest.raises(Broken, match="timeout"):
            made.take()

    def test_a_server_really_waits(self) -> None:
        """A stall delays it and all that follows, since its client's timeouts are real."""
        made = Schedule(STALLED, START, skip_stalls=False)
        made.wait(START), made.take()
        assert made.wait(START) == 10.0
        assert made.take() == (b"two",)
        assert made.wait(START + 10.0) == 0
        assert made.take() == ()


def test_instant_speed_is_all_at_once() -> None:
    """No part has to be waited for."""
    made = schedule(1.0, 2.0, first=9.0, speed=INSTANT)
    assert made.wait(START) == 0
    assert rest(made) == [Head(200, ()), b"0", b"1"]
