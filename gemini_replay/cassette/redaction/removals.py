"""What was taken out of a recording: kinds and places, never values."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Removal:
    """One kind of secret that was taken out of one place.

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
        """Whether the body of the answer was changed, so that a client gets on replay what it did not get live."""
        return self.place.startswith("answer, ")


class Removals:
    """Counts what is taken out; safe for threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def add(self, place: str, kind: str) -> None:
        """One secret of this kind was taken out of this place."""
        with self._lock:
            self._counts[place, kind] += 1

    @property
    def all(self) -> tuple[Removal, ...]:
        """Everything so far, by place."""
        with self._lock:
            counts = dict(self._counts)
        return tuple(sorted(Removal(place, kind, count) for (place, kind), count in counts.items()))


def total(removals: Iterable[Removal]) -> tuple[Removal, ...]:
    """Removals of several recordings as one list: equal kinds at equal places added up."""
    counts: Counter[tuple[str, str]] = Counter()
    for removal in removals:
        counts[removal.place, removal.kind] += removal.count
    return tuple(sorted(Removal(place, kind, count) for (place, kind), count in counts.items()))
