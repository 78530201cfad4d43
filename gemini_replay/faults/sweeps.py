"""All faults that fit a recorded answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

from ..arguments import is_whole, require, require_path, texts
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from ..engine.faults import KINDS
from ..errors import UsageError, did_you_mean

SWEPT = ("reset", "close", "eof", "error", "stall", "duplicate", "status", "refuse", "timeout")
"""The kinds of fault that are swept by default.

Garbage is left out: by the standard, a reader of SSE skips lines that it does not know, so hardly any reader notices
that an event was lost with them.
"""

_FIXED = {
    "status": ("status:400", "status:429;retry-after=1", "status:500", "status:503"),
    "refuse": ("refuse",),
    "tls": ("tls",),
    "timeout": ("timeout:connect",),
    "slow": ("slow:x4",),
}


def sweep(
    cassette: str | PathLike[str] | CassetteFile, *, kinds: Sequence[str] = SWEPT, most: int | None = None
) -> list[Any]:
    """All faults that fit a cassette, as parameters of a test.

    ``@pytest.mark.parametrize("fault", faults.sweep("cassettes/story.jsonl"))``, and in the test
    ``with gemini_replay.replay("cassettes/story.jsonl", fault=fault, speed="instant"): …``.

    Args:
        cassette: the cassette. Each fault applies to one answer; if the cassette has several, the fault names the
            request by its number, in the order in which requests are made.
        kinds: the kinds of fault, from `KINDS`.
        most: the most places of each kind within one answer, spread evenly; None: all.

    Returns:
        One ``pytest.param`` for each fault; the fault's text is its value and its id.

    Raises:
        CassetteError: the cassette cannot be read.
        UsageError: an unknown kind.
    """
    import pytest

    kinds = checked_kinds(kinds)
    check_most(most)
    faults = all_faults(loaded(cassette).interactions, kinds=kinds, most=most)
    return [pytest.param(text, id=text) for _, text in faults]


def loaded(cassette: str | PathLike[str] | CassetteFile) -> CassetteFile:
    """The cassette, loaded if it is a path.

    Raises:
        UsageError: it is neither.
        CassetteError: it cannot be read.
    """
    if isinstance(cassette, CassetteFile):
        return cassette
    require_path("cassette", cassette, "a `Cassette`, or the path of one")
    return CassetteFile.load(cassette)


def all_faults(
    interactions: Sequence[Interaction], *, kinds: Sequence[str] = SWEPT, most: int | None = None
) -> Iterator[tuple[Interaction, str]]:
    """Each interaction with its faults; if there are several, each fault names the number of its request."""
    for number, interaction in enumerate(interactions, 1):
        for text in faults_of(interaction, kinds=kinds, most=most):
            yield interaction, text if len(interactions) == 1 else f"{text};request={number}"


def faults_of(interaction: Interaction, *, kinds: Sequence[str] = SWEPT, most: int | None = None) -> list[str]:
    """All faults that fit one answer; `kinds`, `most` and errors are as for `sweep`.

    Places are before the head, between events, inside each event and after the last one. An answer without events,
    or stored compressed, is divided by its chunks instead.
    """
    require(isinstance(interaction, Interaction), "interaction", interaction, "an `Interaction` of a cassette")
    kinds = checked_kinds(kinds)
    check_most(most)
    return [text for kind in kinds for text in (_FIXED.get(kind) or _at_each_place(interaction, kind, most))]


def _at_each_place(interaction: Interaction, kind: str, most: int | None) -> Iterator[str]:
    duration = ":60s" if kind == "stall" else ""
    ends = interaction.layout.ends
    unit, count = "event" if ends else "chunk", len(ends or interaction.chunks)
    has_tail = bool(ends) and ends[-1] < len(interaction.body)  # an array's bracket, [DONE], white space
    if kind not in {"error", "garbage", "duplicate", "eof"}:
        yield f"{kind}@head{duration}"
    if interaction.response is None or (not count and kind in {"duplicate", "eof"}):
        return
    first, last = (1 if kind == "duplicate" else 0), count
    if kind == "eof" and interaction.end.kind == "eof" and not has_tail:
        last -= 1  # after the last event, the body ends anyway
    yield from _spread([f"{kind}@{unit}:{number}{duration}" for number in range(first, last + 1)], most)
    if kind in {"reset", "close", "eof"}:
        yield from _spread([f"{kind}@{unit}:{number}.5" for number in range(count)], most)
    if has_tail and kind in {"reset", "close", "error"}:
        yield f"{kind}@end"


def _spread(texts: list[str], most: int | None) -> list[str]:
    """At most this many of them, including the first and the last."""
    if most is None or len(texts) <= most:
        return texts
    if most < 2:
        return texts[: max(most, 0)]
    step = (len(texts) - 1) / (most - 1)
    return [texts[round(number * step)] for number in range(most)]


def check_most(most: int | None) -> None:
    """Raise a `UsageError` unless it is a number of places, or None."""
    require(most is None or is_whole(most, 1), "most", most, "a number above 0, or None for all places")


def checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds of fault; a `UsageError` for an unknown one."""
    found = texts("kinds", kinds, f"kinds of fault: some of {', '.join(KINDS)}")
    for kind in found:
        if kind not in KINDS:
            raise UsageError(
                f"Unknown kind of fault {kind!r}.",
                suggestion=did_you_mean(kind, KINDS),
                hint=f"Use some of {', '.join(KINDS)}.",
            )
    return found
