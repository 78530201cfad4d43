"""Characters that a reader cannot see are shown as escapes."""

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
def test_invisible_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    """This holds for a single line and for several."""
    assert plain(text) == plain_lines(text) == shown


def test_visible_characters_stay() -> None:
    """All scripts, wide spaces, combining marks, emoji with variations and private glyphs stay."""
    text = "a\\n 你好\u3000世界\xa0é e\u0301 ❤\ufe0f \ue0b0 \ufffd"
    assert plain(text) == plain_lines(text) == text


def test_lines_keep_their_ends_and_joiners() -> None:
    """In names, they are escaped."""
    text = "می\u200cخواهم\t👩\u200d👧\nnext"
    assert plain_lines(text) == text
    assert plain(text) == r"می\u200cخواهم\t👩\u200d👧\nnext"
    assert plain_lines("a\r\nb") == "a\nb"


def test_a_sequence_cut_anywhere_is_shown_as_escapes() -> None:
    """Each character is judged by itself."""
    text = "\x1b[31m\u202e\x1b]0;x\x07"
    assert "".join(map(plain_lines, text)) == plain_lines(text)


def test_no_control_or_format_character_is_left() -> None:
    """No Unicode control, format, surrogate or line separator is left."""
    signs = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}  # visible format characters
    signs |= {*range(0x13430, 0x13456)}  # joiners of Egyptian hieroglyphs
    for code in {*range(sys.maxunicode + 1)} - signs:
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            assert plain(chr(code)).isascii(), hex(code)
