"""Numbers of things, in words."""

from __future__ import annotations

from gemini_replay.counting import counted


def test_one_thing_is_singular() -> None:
    """Large numbers have separators; a plural may be given."""
    assert counted(1, "cassette") == "1 cassette"
    assert counted(2000, "cassette") == "2,000 cassettes"
    assert [counted(number, "class", "classes") for number in (0, 1)] == ["0 classes", "1 class"]
