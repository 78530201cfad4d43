"""Promptness and growth as results among those of the case classes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .classes import CHECKS, GROWTH, IN_ARRAY, Profile
from .documents import blocks, google_array
from .growth import Growth, growth
from .oracles import same
from .promptness import Promptness, promptness
from .report import Result
from .target import Target

PLAIN = ({"responseId": "a"}, {"responseId": "b"})
Check = tuple[str, bool]
"""The name of a check, and whether it is done in the framing of the array."""


def plain_body(*, array: bool) -> bytes:
    """The simplest stream."""
    return (google_array if array else blocks)(PLAIN).encode()


def chosen_checks(profiles: Sequence[Profile], names: Collection[str] | None) -> list[Check]:
    """The checks of some profiles: in each of their framings, and only those named."""
    framings = [array for array in (False, True) if any((one == "json-array") == array for one in profiles)]
    return [
        (check, array)
        for array in framings
        for check in CHECKS
        if names is None or check in names or (array and check + IN_ARRAY in names)
    ]


def run_check(
    target: Target, check: Check, profiles: Sequence[Profile], *, thorough: bool = True
) -> tuple[Result, tuple[Growth, ...], Promptness | None]:
    """Check; unless ``thorough``, the first bad measurement is enough.

    Returns:
        The result, and the figures behind it.
    """
    name, array = check
    framed = tuple(one for one in profiles if (one == "json-array") == array)
    blank = Result(name + IN_ARRAY if array else name, CHECKS[name], framed)
    outcome = target.run([plain_body(array=array)])
    if not same(outcome.values, PLAIN):
        return blank.but("behaviour", behaviour="cannot be told: it does not read this framing"), (), None
    if name == GROWTH:
        figures = growth(target, array=array, thorough=thorough)
        worst = max(figures, key=lambda one: (one.bad, one.exponent))
        return (blank.but("bug", kind="grows", error=str(worst)) if worst.bad else blank), figures, None
    one = promptness(target, array=array)
    if one.chunks:
        out = f"{len(one.out)} of {len(one.due)}" if one.out else "none"
        error = f"{out} had come out when the last of these chunks was asked for"
        late = blank.but(
            "bug", kind="stalls", needs_cut=True, chunks=one.chunks, expected=one.due, got=one.out, error=error
        )
        return late, (), one
    return (blank if one.lazy else blank.but("behaviour", behaviour="gives all at the end")), (), one
