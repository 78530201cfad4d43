"""The measured rhythms, and times drawn from them."""

from __future__ import annotations

import random
import re
import statistics
from pathlib import Path

import pytest

from gemini_replay.errors import UsageError
from gemini_replay.report import rhythms
from gemini_replay.rhythm.rhythms import RHYTHMS, Rhythm, Waits, find_rhythm, rhythm_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "rhythm.md"


def first_bytes(rhythm: Rhythm, draws: int) -> list[float]:
    """Times to first byte in milliseconds, each drawn with its own seed, as for answers."""
    return [Waits(rhythm, random.Random(f"{seed}/{rhythm.name}")).first_byte() * 1000 for seed in range(draws)]


@pytest.mark.parametrize("name", RHYTHMS)
def test_many_first_bytes_have_the_measured_percentiles(name: str) -> None:
    """The percentiles 5, 50 and 95 of 2,000 draws are the table's; no draw lies beyond the outer two."""
    low, middle, high = RHYTHMS[name].first_byte_ms
    draws = first_bytes(RHYTHMS[name], 2000)
    assert low <= min(draws) <= max(draws) <= high
    twentieths = statistics.quantiles(draws, n=20)
    assert twentieths[0] == pytest.approx(low, rel=0.1)
    assert twentieths[9] == pytest.approx(middle, rel=0.1)
    assert twentieths[18] == pytest.approx(high, rel=0.1)


def test_text_gaps_follow_the_tokens() -> None:
    """The first event comes with the head, the second soon after; then 48 tokens take 76-207 ms."""
    waits = Waits(RHYTHMS["gemini-2.5-flash"], random.Random(1))
    first, second, *gaps = [waits.text(48) for _ in range(400)]
    assert first <= 0.001
    assert second <= 0.010
    assert 0.076 <= min(gaps) <= max(gaps) <= 0.207
    assert statistics.median(gaps) == pytest.approx(0.1415, rel=0.1)


@pytest.mark.parametrize("name", RHYTHMS)
def test_a_token_takes_a_time_within_the_rhythms_range(name: str) -> None:
    """Each token takes between the rhythm's least and most milliseconds, whatever their number."""
    least, most = RHYTHMS[name].token_ms
    waits = Waits(RHYTHMS[name], random.Random(1))
    draws = [waits.tokens(count) * 1000 / count for count in range(1, 500)]
    assert least <= min(draws) <= max(draws) <= most
    assert statistics.median(draws) == pytest.approx((least + most) / 2, rel=0.1)


def test_thoughts_keep_their_distance() -> None:
    """Thought summaries come about 480 ms apart; the text after them comes at its own pace."""
    waits = Waits(RHYTHMS["gemini-2.5-flash-thinking"], random.Random(1))
    first, *gaps = [waits.thought() for _ in range(50)]
    assert first <= 0.001
    assert 0.440 <= min(gaps) <= max(gaps) <= 0.520
    assert waits.text(48) >= 0.076


def test_draws_are_the_same_on_every_machine() -> None:
    """The exact numbers of one seed show if the algorithm changes."""
    waits = Waits(RHYTHMS["gemini-2.5-flash"], random.Random("0/fixed"))
    drawn = [waits.first_byte(), waits.text(48), waits.text(48), waits.text(48), waits.thought()]
    assert [round(wait * 1000, 3) for wait in drawn] == [814.405, 0.29, 1.535, 144.27, 470.112]


@pytest.mark.parametrize(
    ("model", "thinking", "name"),
    [
        ("gemini-2.5-flash", False, "gemini-2.5-flash"),
        ("gemini-2.5-flash", True, "gemini-2.5-flash-thinking"),
        ("gemini-2.5-flash-lite-preview-09-2025", False, "gemini-2.5-flash-lite"),
        ("gemini-2.5-pro", True, "gemini-2.5-pro"),
        ("gemini-3-flash-preview", False, "gemini-3-flash"),
        ("gemini-3.1-pro-preview", True, "gemini-3.1-pro"),
        ("gemma-3-27b", False, "gemini-2.5-flash"),
        (None, True, "gemini-2.5-flash-thinking"),
    ],
)
def test_a_model_has_the_rhythm_with_the_longest_matching_name(model: str | None, thinking: bool, name: str) -> None:
    """Versions and previews get their family's rhythm; unknown models get that of 2.5-flash."""
    assert rhythm_for(model, thinking=thinking).name == name


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("gemini-2.5-flahs", "'gemini-2.5-flash'"),
        ("gemini-3-flash-preview", "'gemini-3-flash'"),
        ("2.5-pro", "'gemini-2.5-pro'"),
    ],
)
def test_an_unknown_rhythm_names_the_nearest(asked: str, nearest: str) -> None:
    """The error knows misspelled names, full model names and names without their prefix, and lists all names."""
    with pytest.raises(UsageError, match="Unknown rhythm") as caught:
        find_rhythm(asked)
    assert nearest in caught.value.suggestion
    assert all(name in caught.value.hint for name in RHYTHMS)


def test_a_custom_rhythm_is_used_unchanged() -> None:
    """Users can pass rhythms that they have measured themselves."""
    mine = Rhythm("mine", (1, 2, 3))
    assert find_rhythm(mine) is mine
    assert find_rhythm("gemini-3-pro") is RHYTHMS["gemini-3-pro"]


def test_the_table_in_the_docs_matches_the_rhythms() -> None:
    """Each row and figure matches, including the stars that mark borrowed figures."""
    rows = re.findall(r"^\| `(gemini-.*?)` \| (.*) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(name, *cells.split(" | ")) for name, cells in rows] == [
        rhythms.cells(rhythm) for rhythm in RHYTHMS.values()
    ]
