"""Tables for a terminal."""

from __future__ import annotations

import sys

import pytest

from gemini_replay.report.terminal import table


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    """A Chinese character or an emoji takes two columns, an accent of its own none."""
    rows = [("1", "灯塔🐈", "x"), ("22", "cafe\u0301", "y"), ("3", "", "z")]
    assert table(("#", "says", "end"), rows).splitlines() == [
        "#    says     end",
        "--   ------   ---",
        "1    灯塔🐈   x",
        "22   cafe\u0301     y",
        "3             z",
    ]


def test_cells_are_plain() -> None:
    """Whatever they hold."""
    assert table(("a",), [("\x1b[31m\u202e",)]).splitlines()[-1] == "\\x1b[31m\\u202e"


@pytest.mark.parametrize(
    ("columns", "last"),
    [(200, "x" * 40), (24, "x" * 19 + "…"), (5, "x" * 9 + "…")],
    ids=["wide", "narrow", "too narrow for the others"],
)
def test_a_narrow_terminal_cuts_the_last_column(columns: int, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But leaves ten columns of it."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert table(("a", "says"), [("1", "x" * 40)]).splitlines()[-1] == f"1   {last}"
    assert table(("a", "says"), [("1", "灯" * 20)]).endswith("灯" if columns == 200 else "…")


def test_where_no_terminal_is_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs find whole words."""
    monkeypatch.setenv("COLUMNS", "20")
    assert table(("a", "says"), [("1", "x" * 400)]).splitlines()[-1] == "1   " + "x" * 400
