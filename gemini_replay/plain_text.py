r"""Text from outside, safe to print: invisible characters are escaped, such as ``\x1b``.

A terminal obeys control characters, a bidirectional override reverses the text after it, and a zero-width character
hides. Each character is escaped on its own, so text can come in pieces.
"""

from __future__ import annotations

import re

INVISIBLE = (
    r"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Invisible characters and those that reorder text, as the inside of a regular expression's brackets.

They are DEL and C1, line and paragraph separators, surrogates, noncharacters, interlinear controls and Unicode's
default-ignorable code points, except the two variation selectors that choose the look of an emoji.
"""
_IN_A_LINE = re.compile(rf"[\x00-\x1f{INVISIBLE}]")
_IN_LINES = re.compile(rf"(?![\t\n\u200c\u200d])[\x00-\x1f{INVISIBLE}]")


def plain(text: str) -> str:
    """One line of text, such as a name or a title, with invisible characters and line ends escaped."""
    return _IN_A_LINE.sub(_escaped, text)


def plain_lines(text: str) -> str:
    """Text of several lines, such as a message, with invisible characters escaped.

    Line feeds and tabs stay, and the two joiners, which Persian, Hindi and many emoji need. A carriage return before
    a line feed is dropped.
    """
    return _IN_LINES.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
