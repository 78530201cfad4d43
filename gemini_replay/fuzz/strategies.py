"""Strategies for Hypothesis: messages, streams with what must come out of them, cuts and damage.

They work with plain ``@given``; ``check_parser`` does not need them.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, TypeVar

from hypothesis import strategies as st

from ..arguments import require, require_flag, require_path
from ..errors import UsageError
from . import messages, texts
from .case import Case
from .classes import CaseClass, classes_of, known_profile
from .classes.hostile import damage
from .cuts import split
from .documents import Document, Source, document, plain

T = TypeVar("T")


class Drawn(Source):
    """A source whose choices Hypothesis makes, and shrinks."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """See `Source`."""
        return self._draw(_integers(low, high))

    def many(self, make: Callable[[], T], low: int = 0, high: int = 4) -> list[T]:
        """See `Source`; as Hypothesis' own lists, which it knows how to shrink."""
        outer = _make.set(make)
        try:
            return self._draw(_lists(low, high))
        finally:
            _make.reset(outer)


# The strategies are made once: to make one takes longer than to draw from it.
_integers = functools.cache(st.integers)
_make: ContextVar[Callable[[], Any]] = ContextVar("what a list is made of")
_made = st.none().map(lambda _: _make.get()())


@functools.cache
def _lists(low: int, high: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(_made, min_size=low, max_size=high)


def _drawn(make: Callable[[Source], T]) -> st.SearchStrategy[T]:
    """What `make` returns for the choices of Hypothesis."""

    @st.composite
    def drawn(draw: st.DrawFn) -> T:
        return make(Drawn(draw))

    return drawn()


def documents_of(case: CaseClass) -> st.SearchStrategy[Document]:
    """The documents of one case class; shrinks towards few, small events."""
    return _drawn(case.build)


def event_streams(*, profile: str = "gemini") -> st.SearchStrategy[Document]:
    """Whole streams: ``.body`` is the bytes, ``.expected`` the JSON values that every correct parser returns.

    Streams of all classes of the profile with one correct result; shrinks towards plain text.

    Args:
        profile: "gemini", "gateway", "sse", "json-array" or "smoke"; "hostile" has several correct results.

    Raises:
        UsageError: an unknown profile, or "hostile".
    """
    return st.one_of([documents_of(case) for case in _with_one_result(profile)])


def _with_one_result(profile: str) -> list[CaseClass]:
    cases = [one for one in classes_of([profile]) if not one.policy and one.sized is None]
    if not cases:
        raise UsageError(
            f"The profile {profile!r} has no streams with one correct result.",
            hint="Use another, or corruptions(data) for damaged streams.",
        )
    return cases


def cut_streams(*, profile: str = "gemini") -> st.SearchStrategy[Case]:
    """Streams that are cut: ``.chunks`` is what to feed, ``.expected`` what must come out.

    ``.check(parse)`` compares, and accepts an exception that quotes an error object of the stream. Shrinks towards
    a small stream in one chunk. The arguments and errors are those of `event_streams`.
    """
    known = known_profile(profile)
    cases = _with_one_result(known)

    @st.composite
    def drawn(draw: st.DrawFn) -> Case:
        case = draw(st.sampled_from(cases))
        document = draw(documents_of(case))
        length = len(document.body)
        points = st.sets(st.integers(1, length - 1)) if length > 1 else st.just(set())
        return Case(case.name, known, case, document, tuple(sorted(draw(points))))

    return drawn()


def gemini_events() -> st.SearchStrategy[Any]:
    """Gemini messages as decoded JSON, each a valid ``GenerateContentResponse``; shrinks towards a short text."""
    return _drawn(lambda source: plain(messages.message(source, lambda: texts.text(source, texts.ANYTHING))))


def chunkings(data: bytes, *, empty: bool = False) -> st.SearchStrategy[list[bytes]]:
    """Lists of chunks that are ``data`` again when joined; shrinks towards one chunk.

    Args:
        data: the bytes to cut.
        empty: whether chunks may be empty.
    """
    _check_data(data)
    require_flag("empty", empty)
    points: st.SearchStrategy[Iterable[int]] = st.just(())
    if empty:
        points = st.lists(st.integers(0, len(data)))
    elif len(data) > 1:
        points = st.sets(st.integers(1, len(data) - 1))
    return points.map(lambda cuts: list(split(data, tuple(sorted(cuts)))))


def corruptions(data: bytes) -> st.SearchStrategy[bytes]:
    """``data`` with one to three damages: bytes dropped, doubled, inserted or changed, or the end missing.

    Shrinks towards one damage at the start.
    """
    _check_data(data)
    return _drawn(lambda source: damage(source, data))


def _check_data(data: object) -> None:
    require(isinstance(data, bytes), "data", data, "bytes")


def from_cassette(path: str | os.PathLike[str]) -> st.SearchStrategy[Document]:
    """The response bodies of a cassette; ``.expected`` is what this project's own parser makes of them.

    Raises:
        UsageError: none of its responses has a body.
        CassetteError: it cannot be read.
    """
    from ..cassette.files import CassetteFile

    require_path("path", path, "the path of a cassette")
    recorded = [one for one in CassetteFile.load(path).interactions if one.body and one.response]
    if not recorded:
        raise UsageError(
            f"{os.fspath(path)} has no response with a body.", hint="Record one, or use another cassette."
        )
    return st.sampled_from(
        [document(one.body, json.loads(json.dumps([event.json for event in one.events]))) for one in recorded]
    )
