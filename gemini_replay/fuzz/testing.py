"""What stands behind the fixture `check_gemini_parser` and the marker `gemini_parser`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ..errors import ParserBug, UsageError
from .classes import CHECKS, classes_of

_MARKER = "gemini_parser"


def parametrize(metafunc: pytest.Metafunc) -> None:
    """One test id for each class of the marker's profile, if it says so."""
    profile, each, xfail = _settings(metafunc.definition)
    if not each:
        return
    names = [*CHECKS, *(one.name for one in classes_of([profile]))]
    classes_of([profile], xfail)  # refuses names that are none, with the nearest
    known = pytest.mark.xfail(raises=ParserBug, strict=True, reason="a known bug of the parser")
    params = [pytest.param(name, id=name, marks=[known] if name in xfail else []) for name in names]
    metafunc.parametrize("check_gemini_parser", params, indirect=True)


def checker(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`check_parser` with the profile and the class of this test."""
    from .api import check_parser

    profile, _, xfail = _settings(request.node)
    if hasattr(request, "param"):
        return functools.partial(check_parser, profile=profile, classes=[request.param])
    if xfail:
        raise UsageError(
            f"The marker {_MARKER} of {request.node.nodeid} has xfail= without each=True.",
            hint="Only with a test id for each class can some of them be expected to fail.",
        )
    return functools.partial(check_parser, profile=profile)


def _settings(item: Any) -> tuple[str, bool, tuple[str, ...]]:
    marker = item.get_closest_marker(_MARKER)
    return _given(*marker.args, **marker.kwargs) if marker is not None else _given()


def _given(
    profile: str = "gemini", *, each: bool = False, xfail: str | Iterable[str] = ()
) -> tuple[str, bool, tuple[str, ...]]:
    return profile, each, (xfail,) if isinstance(xfail, str) else tuple(xfail)
