r"""Text from outside, made safe to print: what a reader cannot see is spelled out, such as ``\x1b`` and ``\u202e``.

A terminal obeys control characters, a bidirectional override reverses what follows it, and a zero-width character
hides. Each character is judged by itself, so text may come in pieces, cut anywhere.
"""

from __future__ import annotations

import re

# Controls (C0, DEL, C1), line and paragraph separators, surrogates, noncharacters, and the code points that Unicode
# says are to be ignored where they cannot be displayed (Default_Ignorable_Code_Point). Only the two variation
# selectors that choose how an emoji looks are left as they are.
_UNSEEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_IN_A_LINE = re.compile(f"[{_UNSEEN}]")
_IN_LINES = re.compile(f"(?![\t\n\u200c\u200d])[{_UNSEEN}]")


def plain(text: str) -> str:
    """One line of text that shows all there is: a name, a field, a title."""
    return _IN_A_LINE.sub(_spelled, text)


def plain_lines(text: str) -> str:
    """Text of several lines: an answer, a message. Line feeds and tabs stay.

    So do the two joiners, without which Persian, Hindi and many emoji cannot be written. A carriage return before a
    line feed is left out.
    """
    return _IN_LINES.sub(_spelled, text.replace("\r\n", "\n"))


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
