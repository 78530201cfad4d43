"""Retiming: a rhythm for interactions without times."""

from __future__ import annotations

import pytest
from support.retimed import EVENTS, WORDS, assert_only_times_differ, head, interaction, said, sse, waits

from gemini_replay.cassette.model import Interaction, Request
from gemini_replay.engine.player import Playback
from gemini_replay.errors import UsageError
from gemini_replay.gemini import error_objects, spelling
from gemini_replay.rhythm.retiming import retime


def test_a_stream_gets_the_models_rhythm() -> None:
    """The head takes the time to first byte, events follow by their tokens, and the end comes last."""
    original = interaction(*sse(*EVENTS))
    timed = retime(original, "gemini-2.5-flash")
    assert_only_times_differ(timed, original)
    assert 0.312 <= head(timed) <= 0.920
    first, second, *rest = waits(timed)
    assert first <= 0.001
    assert second <= 0.011
    assert all(0.078 <= wait <= 0.218 for wait in rest)
    assert timed.end.after <= 0.001


def test_thoughts_come_by_their_gap() -> None:
    """The first comes with the head, the next about 480 ms later. The default is the model's thinking rhythm."""
    thoughts = [said(f"**Step {nth}**", thought=True) for nth in range(4)]
    timed = retime(interaction(*sse(*thoughts, said(WORDS))))
    assert 0.578 <= head(timed) <= 3.881
    first, *gaps, text = waits(timed)
    assert first <= 0.001
    assert all(0.439 <= gap <= 0.521 for gap in gaps)
    assert 0.078 <= text <= 0.218
    assert timed.comments[-1] == "# Times drawn, not recorded: gemini-2.5-flash-thinking, seed 0"


def test_the_chunks_of_one_event_come_together() -> None:
    """The wait is before the chunk in which the event begins; the others follow within about a millisecond."""
    first, second, third, _ = sse(*EVENTS)
    timed = retime(interaction(first, second, third[:3], third[3:90], third[90:]))
    _, _, begins, *others = waits(timed)
    assert 0.078 <= begins <= 0.218
    assert all(wait <= 0.001 for wait in others)


def test_a_chunk_with_several_events_comes_with_the_last() -> None:
    """The waits of its events add up, since the chunk cannot come before its last event."""
    timed = retime(interaction(b"".join(sse(*EVENTS))))
    assert 0.156 <= waits(timed)[0] <= 0.45


def test_a_lump_can_be_cut_into_its_events_first() -> None:
    """The times are those of a recording with the events in separate chunks."""
    events = sse(said("One"), said("two three four five six"), said("seven"))
    apart, lump = interaction(*events), interaction(b"".join(events))
    assert len(retime(lump).chunks) == 1
    assert retime(lump, rechunk="events") == retime(apart)
    with pytest.raises(UsageError, match="stored compressed"):
        retime(interaction(b"zip", body="wire"), rechunk="events")


def test_a_chunk_that_begins_the_next_event_waits_for_it() -> None:
    """This holds for chunks cut across events, as TCP segments are."""
    body = b"".join(sse(*EVENTS))
    third = body.index(b"data:", body.index(b"there"))
    timed = retime(interaction(body[: third + 2], body[third + 2 :]))
    assert 0.078 <= waits(timed)[0] <= 0.23
    assert 0.078 <= waits(timed)[1] <= 0.218


def test_a_json_array_is_a_stream_too() -> None:
    """Elements count as events; the closing bracket follows the last one."""
    chunks = spelling.encode_array([spelling.pretty(event) for event in EVENTS])
    *_, third, fourth, bracket = waits(retime(interaction(*chunks)))
    assert 0.078 <= third <= 0.218
    assert 0.078 <= fourth <= 0.218
    assert bracket <= 0.001


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "malformed"])
def test_a_unary_answer_takes_the_time_of_a_whole_stream(cut: bool) -> None:
    """Its head waits for all tokens, unlike that of a stream. A malformed body is timed by its bytes."""
    data = spelling.pretty(said(WORDS * 20)).encode()
    timed = retime(interaction(*([data[:5000]] if cut else [data[:2000], data[2000:]])))
    least = 0.312 + (0.076 if cut else 1000 * 0.076 / 48)
    assert least <= head(timed) <= least + 3.4
    assert all(wait <= 0.001 for wait in waits(timed))


@pytest.mark.parametrize(
    ("status", "chunks"),
    [
        (429, [b'{\n  "error": {\n    "code": 429\n', b"  }\n}\n"]),
        (503, [b"<html>busy</html>"]),
        (404, []),
        (200, [b'{\n  "totalTokens": 31\n}\n']),
    ],
    ids=["error", "page", "empty", "count"],
)
def test_answers_without_generated_text_come_quickly(status: int, chunks: list[bytes]) -> None:
    """These are errors instead of a stream, and answers such as those of countTokens."""
    timed = retime(interaction(*chunks, status=status), "gemini-2.5-pro")
    assert 0.015 <= head(timed) <= 0.075
    assert all(wait <= 0.001 for wait in waits(timed))


def test_an_error_in_mid_stream_is_an_event() -> None:
    """The error comes shortly after the last event."""
    error = error_objects.encode_error(error_objects.error(503, "busy"))
    timed = retime(interaction(*sse(*EVENTS), error[:20], error[20:]))
    assert waits(timed)[-2] <= 0.006
    assert waits(timed)[-1] <= 0.001


def test_a_seed_decides_the_times() -> None:
    """The same seed gives the same times. Another seed, or another answer, gives other times."""
    original = interaction(*sse(*EVENTS))
    assert retime(original, seed=1) == retime(original, seed=1)
    assert waits(retime(original, seed=1)) != waits(retime(original, seed=2))
    other = interaction(*sse(*EVENTS[:-1], said(WORDS + "!")))
    assert head(retime(original)) != head(retime(other))


def test_retiming_again_starts_from_the_bytes_alone() -> None:
    """Old times do not influence the new ones, and only one comment says how the times came about."""
    once = retime(interaction(*sse(*EVENTS)), "gemini-2.0-flash", seed=3)
    twice = retime(retime(once, "gemini-2.5-pro"), "gemini-2.0-flash", seed=3)
    assert twice == once
    assert twice.comments == ("# kept", "# Times drawn, not recorded: gemini-2.0-flash, seed 3")


def test_times_are_the_same_on_every_machine() -> None:
    """The exact milliseconds of one seed show if the algorithm changes."""
    timed = retime(interaction(*sse(*EVENTS)), "gemini-2.5-flash", seed=0)
    assert [head(timed), *waits(timed), timed.end.after] == [0.317, 0.0, 0.008, 0.177, 0.088, 0.001]


def test_the_models_own_rhythm_is_the_default() -> None:
    """The model's name is taken from the URL."""
    timed = retime(interaction(*sse(*EVENTS), model="gemini-3.1-pro-preview"))
    assert timed.comments[-1].endswith("gemini-3.1-pro, seed 0")
    assert 1.982 <= head(timed) <= 3.944


def test_many_heads_have_the_measured_median() -> None:
    """The median over 300 seeds is within 10 % of the measured one."""
    original = interaction(*sse(said("Hi")))
    heads = sorted(head(retime(original, "gemini-3-flash", seed=seed)) for seed in range(300))
    assert heads[150] == pytest.approx(1.324, rel=0.1)
    assert 0.817 <= heads[0] <= heads[-1] <= 7.494


def test_a_speed_divides_drawn_times() -> None:
    """Drawn times are played like recorded ones."""
    timed = retime(interaction(*sse(*EVENTS)))
    full, fast = ([at for at, _ in Playback(timed, speed).steps()] for speed in (1.0, 4.0))
    assert fast == pytest.approx([at / 4 for at in full])


def test_an_unknown_rhythm_is_a_usage_error() -> None:
    """It is refused even if nothing has to be timed."""
    with pytest.raises(UsageError, match="Unknown rhythm 'gpt'"):
        retime(Interaction(Request("POST", "https://x"), None), "gpt")
