"""What stands where a secret was, so that requests which differed still differ.

Where a secret is taken out of a place that requests are matched on, ``REDACTED-1a2b`` stands for it: four digits of
a keyed digest of the secret and its place. Two requests that differ in a secret alone so get two recordings, and no
one who reads a cassette learns the secret.

The trade-off: everyone who replays must get the same digits, and nobody shares a secret with the others, so the key
is the constant below, and anyone can compute the digits. They are few on purpose. One of 65,536 random keys has the
same ones, so they say next to nothing about a random key, and still tell two requests apart nearly always. But a
value from a short list, such as a name or a code of four digits, can be guessed with their help: what must stay
unknown must be random.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from .judging import is_placeholder

REDACTED = "REDACTED"
MARK = re.compile(rf"{REDACTED}(?:-([0-9a-f]{{4}})(?![0-9A-Za-z]))?")
_KEY = b"gemini-replay: what differed before stays different"


def mark(secret: str, place: str, *, always: bool = False) -> str:
    """What stands for a secret.

    Args:
        secret: the text that is taken out.
        place: where it stood: "body", "header NAME", "query", "query NAME".
        always: whether a placeholder gets digits too, since it may be no placeholder there ("x-tenant: production").
    """
    if MARK.fullmatch(secret):
        return secret
    if not always and is_placeholder(secret):
        return REDACTED
    text = f"{place}\0{secret}".encode("utf-8", "surrogatepass")
    return f"{REDACTED}-{blake2b(text, digest_size=2, key=_KEY).hexdigest()}"


def answers(recorded: str, asked: str, place: str) -> bool:
    """Whether a recorded text stands for an asked one: equal, or different only where a secret was taken out.

    What was taken out is answered by the same secret, whether it is known as one here or not; by a placeholder
    ("test", "YOUR_KEY"), so that a machine without the secret can replay; and where the recording has a mark without
    digits, by anything that was taken out.
    """
    if recorded == asked:
        return True
    marks = list(MARK.finditer(recorded))
    if not marks or not asked.startswith(recorded[: marks[0].start()]):
        return False
    at = marks[0].start()
    for number, found in enumerate(marks):
        last = number + 1 == len(marks)
        between = recorded[found.end() : len(recorded) if last else marks[number + 1].start()]
        if last:
            end = len(asked) - len(between)
            if not asked.endswith(between):
                return False
        else:
            end = asked.find(between, at + 1) if between else at
        if end < at or not _stands_for(found, asked[at:end], place):
            return False
        at = end + len(between)
    return True


def _stands_for(found: re.Match[str], asked: str, place: str) -> bool:
    other = MARK.fullmatch(asked)
    if other is not None:
        return not found[1] or not other[1] or found[0] == asked
    if asked and is_placeholder(asked):
        return True
    return found[1] is not None and found[0] == mark(asked, place, always=True)
