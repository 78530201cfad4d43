"""What a reader cannot see is spelled out."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from gemini_replay.plain_text import plain, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31mred", r"\x9b31mred"),
        ("a\rb\x08\x7f", r"a\rb\x08\x7f"),
        ("\u202etxt.exe\u2066\u200f", r"\u202etxt.exe\u2066\u200f"),
        ("pay\u200bpal\xad\ufeff", r"pay\u200bpal\xad\ufeff"),
        ("\u3164\u115f\u034f", r"\u3164\u115f\u034f"),
        ("\U000e0041\U000e0101", r"\U000e0041\U000e0101"),
        ("\ud83d", r"\ud83d"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
    ],
    ids=["title", "c1", "line", "bidi", "zero-width", "fillers", "tags", "surrogate", "separators"],
)
def test_what_cannot_be_seen_is_spelled_out(text: str, shown: str) -> None:
    """In one line and in several."""
    assert plain(text) == plain_lines(text) == shown


def test_what_can_be_seen_stays() -> None:
    """Any script, wide spaces, combining marks, emoji and their variations, private glyphs."""
    text = "a\\n 你好\u3000世界\xa0é e\u0301 ❤\ufe0f \ue0b0 \ufffd"
    assert plain(text) == plain_lines(text) == text


def test_lines_keep_their_ends_and_joiners() -> None:
    """A name has neither."""
    text = "می\u200cخواهم\t👩\u200d👧\nnext"
    assert plain_lines(text) == text
    assert plain(text) == r"می\u200cخواهم\t👩\u200d👧\nnext"
    assert plain_lines("a\r\nb") == "a\nb"


def test_a_sequence_cut_anywhere_is_spelled_out() -> None:
    """Each character is judged by itself."""
    text = "\x1b[31m\u202e\x1b]0;x\x07"
    assert "".join(map(plain_lines, text)) == plain_lines(text)


def test_no_control_or_format_character_is_left() -> None:
    """Of all that Unicode has: controls, formats, surrogates, separators of lines."""
    signs = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}  # formats that can be seen
    signs |= {*range(0x13430, 0x13456)}  # they join Egyptian hieroglyphs
    for code in {*range(sys.maxunicode + 1)} - signs:
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert plain(chr(code)).isascii(), hex(code)
