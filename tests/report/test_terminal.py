"""Tables for a terminal."""

from __future__ import annotations

import pytest

from gemini_replay.report.terminal import table


def test_columns_are_aligned_by_display_width() -> None:
    """A Chinese character or an emoji takes two columns, a combining accent none."""
    rows = [("1", "灯塔🐈", "x"), ("22", "cafe\u0301", "y"), ("3", "", "z")]
    assert table(("#", "says", "end"), rows).splitlines() == [
        "#    says     end",
        "─" * 17,
        "1    灯塔🐈   x",
        "22   cafe\u0301     y",
        "3             z",
    ]


def test_cells_are_plain() -> None:
    """Control characters in cells are made visible."""
    assert table(("a",), [("\x1b[31m\u202e",)]).splitlines()[-1] == "\\x1b[31m\\u202e"


def test_without_a_terminal_the_width_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that read the output find whole words."""
    monkeypatch.setenv("COLUMNS", "20")
    assert "x" * 100 in table(("a", "says"), [("1", "x" * 100)])
