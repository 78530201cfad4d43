"""The benchmark `job` counts what a client saw and what was written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.streams import event

from benchmarks.job import KEYS, Seen, keys_in


def test_keys_are_found_in_every_file(tmp_path: Path) -> None:
    """Each key counts once, however many files hold it."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.yaml").write_text(f"a: {KEYS[1]}, b: {KEYS[1]}")
    assert keys_in(tmp_path) == 1
    (tmp_path / "two.yaml").write_text(KEYS[0])
    assert keys_in(tmp_path) == 2


def test_a_library_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    """Otherwise it would look as if it kept no keys."""
    with pytest.raises(AssertionError, match="nothing was recorded"):
        keys_in(tmp_path)


def test_the_text_is_that_of_all_events_however_they_were_cut() -> None:
    """The text is the same for one chunk and for many."""
    body = event("Once. ") + event("End.")
    for chunks in ([body], [body[:7], body[7:]]):
        assert Seen(chunks, [0.0] * len(chunks)).text == "Once. End."


def test_the_gap_is_the_median() -> None:
    """The gap is in ms. A single chunk has none."""
    assert Seen([b""] * 4, [0.0, 0.1, 0.2, 5.0]).gap == pytest.approx(100)
    assert Seen([b""], [1.0]).gap == 0
