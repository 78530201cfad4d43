"""Estimates of tokens, and text cut into pieces as models stream it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.gemini.tokens import count_tokens, cut_text


@pytest.mark.parametrize(
    "text",
    ["从前有座山，山里有座庙。" * 20, "a few plain words " * 50, "x" * 2000],
    ids=["chinese", "words", "no-spaces"],
)
def test_pieces_have_the_tokens_asked_for(text: str) -> None:
    """All pieces have that many tokens, except the first, which is short, and the last."""
    pieces = cut_text(text, 20)
    assert "".join(pieces) == text
    assert count_tokens(pieces[0]) <= 6
    assert len(pieces) > 3
    assert all(18 <= count_tokens(piece) <= 25 for piece in pieces[1:-1])


@given(st.text(), st.integers(1, 60))
def test_cutting_loses_nothing(text: str, tokens: int) -> None:
    """The pieces of any text add up to it, and none is empty."""
    pieces = cut_text(text, tokens)
    assert "".join(pieces) == text
    assert all(pieces)


def test_every_text_has_tokens() -> None:
    """Every text has at least one token. A Chinese character counts for more than a letter."""
    assert count_tokens("") == 1
    assert count_tokens("守塔人" * 10) == 21
    assert count_tokens("abcd" * 10) == 10
