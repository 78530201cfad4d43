"""What replaces a secret, and the list of what was removed: kinds and places, never values.

Requests that differed must still differ, so in places that requests are matched on, ``REDACTED-1a2b`` replaces a
secret: four digits of a keyed digest of the secret and its place. Two requests that differ only in a secret get two
recordings, and a reader of the cassette does not learn the secret.

The trade-off: everyone who replays must get the same digits without sharing a secret, so the key is the constant
below, and anyone can compute the digits. There are only four: one in 65,536 random keys has the same ones, so they
say next to nothing about a random key and still tell two requests apart nearly always. But they help to guess a value
from a short list, such as a name or a code of four digits. A secret must be random.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .placeholders import stands_for_secret
from .randomness import is_placeholder

REDACTED = "REDACTED"
MARK = re.compile(rf"{REDACTED}(?:-([0-9a-f]{{4}})(?![0-9A-Za-z]))?")
_KEY = b"gemini-replay: what differed before stays different"


def mark(secret: str, place: str, *, always: bool = False) -> str:
    """The text that replaces a secret at a place: "body", "header NAME", "query", "query NAME".

    With `always`, even a placeholder gets digits, since it can be a real value there ("x-tenant: production").
    """
    if MARK.fullmatch(secret):
        return secret
    if not always and is_placeholder(secret):
        return REDACTED
    text = f"{place}\0{secret}".encode("utf-8", "surrogatepass")
    from hashlib import blake2b  # takes 4 ms, and most cassettes hold no secret

    return f"{REDACTED}-{blake2b(text, digest_size=2, key=_KEY).hexdigest()}"


def answers(recorded: str, asked: str, place: str, *, credential: bool = False) -> bool:
    """Whether a recorded text matches an asked one: they are equal, or differ only where a secret was removed.

    A mark matches the same secret, even if this machine does not know that it is one. If the place is that of a
    `credential` and the whole value was secret, it also matches a placeholder ("test", "YOUR_KEY"), so that a machine
    without the secret can replay. A recorded mark without digits matches any other mark.
    """
    if recorded == asked:
        return True
    marks = list(MARK.finditer(recorded))
    if not marks or not asked.startswith(recorded[: marks[0].start()]):
        return False
    if credential and marks[0].end() - marks[0].start() == len(recorded) and stands_for_secret(asked):
        return True
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
        if end < at or not _matches(found, asked[at:end], place):
            return False
        at = end + len(between)
    return True


def _matches(found: re.Match[str], asked: str, place: str) -> bool:
    if MARK.fullmatch(asked) is not None:
        return not found[1] or found[0] == asked
    return found[1] is not None and found[0] == mark(asked, place, always=True)


@dataclass(frozen=True, order=True)
class Removal:
    """A kind of secret that was removed from one place.

    Attributes:
        place: "request header", "request URL", "request body $.tools[0].headers.X-Auth-Token", "answer header",
            "answer, chunk 3" (from 1), "message".
        kind: "API key (Google)", "value of header x-api-key", "value of $OPENAI_API_KEY", …
        count: how often.
    """

    place: str
    kind: str
    count: int = 1

    @property
    def in_answer(self) -> bool:
        """Whether the body of the response was changed: a replay then differs from the live response."""
        return self.place.startswith("answer, ")


class Removals:
    """Counts what was removed. Safe for threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, place: str, kind: str, count: int = 1) -> None:
        """Count secrets of this kind, removed from this place."""
        with self._lock:
            self._counts[place, kind] += count

    @property
    def all(self) -> tuple[Removal, ...]:
        """Everything so far, by place."""
        with self._lock:
            return tuple(sorted(Removal(place, kind, count) for (place, kind), count in self._counts.items()))


def total(removals: Iterable[Removal]) -> tuple[Removal, ...]:
    """The removals of several recordings, with equal kinds at equal places added up."""
    found = Removals()
    for removal in removals:
        found.add(removal.place, removal.kind, removal.count)
    return found.all
