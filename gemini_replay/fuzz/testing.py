"""In pytest: named cases as parameters of a test, and what the fixture `check_gemini_parser` does.

The named cases are the same on every machine. They need no search, and do not import Hypothesis.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..arguments import require_flag, texts
from ..errors import ParserBug, UsageError, did_you_mean
from .case import Case
from .classes import checks_of, classes_of, known_profile
from .cuts import Cuts, every, hot_offsets

_DOCUMENTS = 6  # of each class
_MARKER = "gemini_parser"
_ARGUMENTS = {"profile", "each", "xfail"}


def cases(profile: str = "gemini") -> pytest.MarkDecorator:
    """A decorator that runs a test once for each case, as its argument ``case``.

        @fuzz.cases("gemini")
        def test_my_parser(case):
            assert list(my_parse(case.chunks)) == case.expected

    Args:
        profile: "gemini", "gateway", "sse", "json-array" or "smoke"; "hostile" has several correct results.

    Raises:
        UsageError: an unknown profile.
    """
    return pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in all_cases(profile)])


def all_cases(profile: str = "gemini") -> Iterator[Case]:
    """The cases of a profile, in order."""
    known = known_profile(profile)
    for case in classes_of([known]):
        if case.policy or case.sized is not None:
            continue
        for nth, document in enumerate(case.documents(2)[:_DOCUMENTS], start=1):
            for how, cuts in _chunkings(document.body):
                yield Case(f"{case.name}-{nth}-{how}", known, case, document, cuts)


def _chunkings(body: bytes) -> Iterator[tuple[str, Cuts]]:
    yield "whole", ()
    yield "byte-by-byte", every(1, len(body))
    yield "in-sevens", every(7, len(body))
    hot = hot_offsets(body)
    for at in hot[len(hot) // 3 : len(hot) // 3 + 1]:
        yield "cut-in-two", (at,)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """One test id for each class of the marker's profile, if the marker has ``each=True``."""
    profile, each, xfail = _settings(metafunc.definition)
    if not each:
        return
    names = [*checks_of([profile]), *(one.name for one in classes_of([profile]))]
    classes_of([profile], xfail)  # refuses unknown names
    known = pytest.mark.xfail(raises=ParserBug, strict=True, reason="a known bug of the parser")
    params = [pytest.param(name, id=name, marks=[known] if name in xfail else []) for name in names]
    metafunc.parametrize("check_gemini_parser", params, indirect=True)


def checker(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`check_parser` with the profile and the class of this test."""
    from .parser_check import check_parser

    profile, _, xfail = _settings(request.node)
    if hasattr(request, "param"):
        return functools.partial(check_parser, profile=profile, classes=[request.param])
    if xfail:
        raise UsageError(
            f"The marker {_MARKER} of {request.node.nodeid} has xfail= without each=True.",
            hint="Classes can be expected to fail only if each has a test id of its own.",
        )
    return functools.partial(check_parser, profile=profile)


def _settings(item: Any) -> tuple[str, bool, tuple[str, ...]]:
    marker = item.get_closest_marker(_MARKER)
    if marker is None:
        return "gemini", False, ()
    if len(marker.args) > 1 or not set(marker.kwargs) <= _ARGUMENTS or (marker.args and "profile" in marker.kwargs):
        culprit = next((name for name in marker.kwargs if name not in _ARGUMENTS), None)
        raise UsageError(
            f"The marker {_MARKER} of {item.nodeid} has wrong arguments.",
            suggestion=did_you_mean(culprit, _ARGUMENTS, "{}=".format),
            hint=f'It takes a profile, each= and xfail=: @pytest.mark.{_MARKER}("gemini", each=True).',
        )
    given = {"profile": "gemini", **dict(zip(("profile",), marker.args, strict=False)), **marker.kwargs}
    profile = known_profile(given["profile"])
    require_flag("each", each := given.get("each", False))
    return profile, each, texts("xfail", given.get("xfail", ()), "the names of classes of cases")
