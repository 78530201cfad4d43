"""Where a recorded answer can go wrong: every fault that means something for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cassette.files import Cassette
from ..cassette.model import Interaction
from ..engine.faults import KINDS
from ..errors import UsageError, did_you_mean
from ..gemini import lay_out

if TYPE_CHECKING:
    import os

SWEPT = ("reset", "close", "eof", "error", "stall", "duplicate", "status", "refuse", "timeout")
"""The kinds of fault that are swept unless told otherwise.

Garbage is none of them: by the standard a reader of SSE passes over lines that it does not know, so that hardly any
can tell that an event was lost with them.
"""

_STALL = "60s"
_FIXED = {
    "status": ("status:400", "status:429;retry-after=1", "status:500", "status:503"),
    "refuse": ("refuse",),
    "tls": ("tls",),
    "timeout": ("timeout:connect",),
    "slow": ("slow:x4",),
}


def sweep(
    cassette: str | os.PathLike[str] | Cassette, *, kinds: Sequence[str] = SWEPT, most: int | None = None
) -> list[Any]:
    """Every meaningful fault of a cassette, as parameters of a test.

    ``@pytest.mark.parametrize("fault", faults.sweep("cassettes/story.jsonl"))``, and in the test
    ``with gemini_replay.replay("cassettes/story.jsonl", fault=fault, speed="instant"): …``.

    Args:
        cassette: whose answers go wrong, one in each parameter. Where it has several, a fault strikes only the
            request of that number, in the order in which they are made.
        kinds: which kinds of fault, of `KINDS`.
        most: the most places of each kind within one answer, spread over it; None: all.

    Returns:
        For each fault a ``pytest.param`` of its text, which is its id as well.

    Raises:
        CassetteError: the cassette cannot be read.
        UsageError: an unknown kind.
    """
    import pytest

    recorded = cassette if isinstance(cassette, Cassette) else Cassette.load(Path(cassette))
    return [pytest.param(text, id=text) for _, text in all_faults(recorded.interactions, kinds=kinds, most=most)]


def all_faults(
    interactions: Sequence[Interaction], *, kinds: Sequence[str] = SWEPT, most: int | None = None
) -> Iterator[tuple[Interaction, str]]:
    """The faults of each interaction; with several, each fault is for the request of that number."""
    for number, interaction in enumerate(interactions, 1):
        for text in faults_of(interaction, kinds=kinds, most=most):
            yield interaction, text if len(interactions) == 1 else f"{text};request={number}"


def faults_of(interaction: Interaction, *, kinds: Sequence[str] = SWEPT, most: int | None = None) -> list[str]:
    """Every fault that means something for one answer: before the head, at each boundary of its events, inside each
    event, behind the last one; and in place of it.

    An answer without events, or stored compressed, has its places by chunks instead.

    Args:
        interaction: the answer.
        kinds: as in `sweep`.
        most: as in `sweep`.

    Raises:
        UsageError: an unknown kind.
    """
    check_kinds(kinds)
    places = _Places(interaction, most)
    return [text for kind in kinds for text in (_FIXED.get(kind) or places.of(kind))]


class _Places:
    def __init__(self, interaction: Interaction, most: int | None) -> None:
        response = interaction.response
        self._most = most
        self._answered = response is not None
        length = len(interaction.body)
        ends = () if response is None or response.body == "wire" else lay_out(interaction.body).ends
        self._unit = "event" if ends else "chunk"
        self._count = len(ends or interaction.chunks)
        self._more_behind = bool(ends) and ends[-1] < length  # an array's bracket, [DONE], white space
        self._whole = interaction.end.kind == "eof"

    def of(self, kind: str) -> Iterator[str]:
        tail = f":{_STALL}" if kind == "stall" else ""
        if kind not in {"error", "garbage", "duplicate", "eof"}:
            yield f"{kind}@head{tail}"
        if not self._answered or (not self._count and kind in {"duplicate", "eof"}):
            return
        first, last = (1 if kind == "duplicate" else 0), self._count
        if kind == "eof" and self._whole and not self._more_behind:
            last -= 1  # behind all of them it ends anyway
        boundaries = [f"{kind}@{self._unit}:{number}{tail}" for number in range(first, last + 1)]
        yield from self._spread(boundaries)
        if kind in {"reset", "close", "eof"}:
            yield from self._spread([f"{kind}@{self._unit}:{number}.5" for number in range(self._count)])
        if self._more_behind and kind in {"reset", "close", "error"}:
            yield f"{kind}@end"

    def _spread(self, texts: list[str]) -> list[str]:
        """At most so many of them, the first and the last among these."""
        if self._most is None or len(texts) <= self._most:
            return texts
        if self._most < 2:
            return texts[: max(self._most, 0)]
        step = (len(texts) - 1) / (self._most - 1)
        return [texts[round(number * step)] for number in range(self._most)]


def check_kinds(kinds: Sequence[str]) -> None:
    """Raise `UsageError` for a kind that cannot be swept."""
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in KINDS:
            raise UsageError(
                f"Unknown kind of fault {kind!r}.",
                suggestion=did_you_mean(kind, KINDS),
                hint=f"Use some of {', '.join(KINDS)}.",
            )
