"""The fewest edits between two sequences."""

from __future__ import annotations

from difflib import SequenceMatcher

from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.report.edits import edits

WORDS = st.lists(st.sampled_from("abc"), max_size=12)


@given(WORDS, WORDS)
def test_edits_turn_one_sequence_into_the_other(old: list[str], new: list[str]) -> None:
    """They are in order and without gaps, and keep at least as much as difflib finds in common."""
    made: list[str] = []
    kept = at = 0
    for same, a, b, c, d in edits(old, new):
        assert (a, c) == (at, len(made))
        assert not same or old[a:b] == new[c:d]
        made += new[c:d]
        at = b
        kept += (b - a) * same
    assert (at, made) == (len(old), new)
    assert kept >= sum(block.size for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())


def test_sequences_with_little_in_common_are_replaced() -> None:
    """They are replaced as a whole."""
    old, new = [0, *range(1, 3000)], [0, *range(-3000, 0)]
    assert [tuple(edit) for edit in edits(old, new)] == [(False, 0, 3000, 0, 3001)]
