"""The registry of case classes, and the profiles that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import UsageError, did_you_mean
from . import arrays, content, failures, gateways, hostile, sizes, sse
from .case_class import IN_ARRAY, PROFILES, SMOKE, CaseClass, ProfileName

__all__ = ["CLASSES", "IN_ARRAY", "PROFILES", "SMOKE", "CaseClass", "ProfileName", "classes_of", "known_profile"]

CLASSES: tuple[CaseClass, ...] = (
    *content.CLASSES,
    *sizes.CLASSES,
    *gateways.CLASSES,
    *sse.CLASSES,
    *failures.CLASSES,
    *arrays.CLASSES,
    *hostile.CLASSES,
)

PROMPTNESS = "promptness"
ISOLATION = "isolation"
LOST_CONNECTION = "lost-connection"
GROWTH = "growth"
CHECKS = {
    PROMPTNESS: "each complete event comes out before the next chunk is asked for",
    ISOLATION: "a stream is read the same after, beside and in the middle of others, whatever becomes of them",
    LOST_CONNECTION: "a stream whose source raises an error does not end as usual, after one event and after eight",
    GROWTH: "twice the bytes take about twice the time and memory: one large event, many small ones, comments, lines",
}
"""What is checked besides the classes, by name."""


def is_quick(profiles: Iterable[str]) -> bool:
    """Whether a second must be enough for all of these profiles."""
    return set(profiles) == {SMOKE}


def checks_of(profiles: Iterable[str]) -> tuple[str, ...]:
    """The names of the checks that belong to some profiles; growth takes long."""
    return tuple(name for name in CHECKS if name != GROWTH or not is_quick(profiles))


def known_profile(name: str) -> ProfileName:
    """The profile of this name; an unknown one is a `UsageError`."""
    for profile in PROFILES:
        if profile == name:
            return profile
    raise _unknown("profile", name, PROFILES)


def classes_of(profiles: Iterable[str], names: Iterable[str] | None = None) -> tuple[CaseClass, ...]:
    """The classes of some profiles; only those in ``names`` if these are given, which must be in the profiles."""
    wanted = {known_profile(profile) for profile in profiles}
    found = tuple(one for one in CLASSES if wanted & set(one.profiles))
    if names is None:
        return found
    by_name = {one.name: one for one in found}
    for name in (names := list(names)):
        if name not in by_name and name.removesuffix(IN_ARRAY) not in CHECKS:
            others = [profile for one in CLASSES if one.name == name for profile in one.profiles]
            if others:
                raise UsageError(
                    f"The class {name!r} is not one of the profile {' or '.join(sorted(wanted))}.",
                    hint=f"Its profile is {' or '.join(others)}.",
                )
            raise _unknown("class", name, [*by_name, *CHECKS])
    return tuple(by_name[name] for name in names if name in by_name)


def _unknown(what: str, name: object, options: Iterable[str]) -> UsageError:
    options = list(options)
    return UsageError(
        f"Unknown {what} {name!r}.",
        suggestion=did_you_mean(name, options),
        hint=f"Choose from: {', '.join(options)}.",
    )
