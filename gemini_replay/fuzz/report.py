"""A bug as people read it, and as an exception."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ..counting import counted
from ..errors import ParserBug
from . import fresh
from .kept_tests import is_importable, kept_test, name_of_test
from .literals import chunks_source, picture, short
from .meanings import meaning
from .results import Result
from .steadiness import RUNS

_PICTURED = 20  # chunks


def parser_bug(
    result: Result,
    parse: Callable[..., Any],
    parser: str,
    profile: str,
    documented: Sequence[type[BaseException]] = (),
    search: Sequence[str] | None = None,
) -> ParserBug:
    """A bug as an exception.

    With the arguments of a ``search``, the test to keep is tried in a fresh process. If it passes there, the test to
    keep is one that searches again.
    """
    kept = kept_test(result, parse, profile, documented) if result.profiles else ""
    if search is not None:
        result, kept = tried_fresh(result, kept, parse, profile, documented, search)
    return ParserBug(
        explain(result, parser, profile, kept),
        case=result.name,
        profile=profile,
        kind=result.kind or "",
        parser=parser,
        chunks=result.chunks,
        expected=result.expected,
        got=result.got,
        error=result.error,
        needs_cut=result.needs_cut,
        after=result.after,
        kept_test=kept,
    )


def tried_fresh(
    result: Result,
    kept: str,
    parse: Callable[..., Any],
    profile: str,
    documented: Sequence[type[BaseException]],
    search: Sequence[str],
) -> tuple[Result, str]:
    """A bug and its test to keep; if that passes in a fresh process, one that searches with these arguments again."""
    if result.document is None or not is_importable(parse) or not fresh.passes(kept, name_of_test(result)):
        return result, kept
    result = replace(result, shows_alone=False)
    return result, kept_test(result, parse, profile, documented, search)


def explain(result: Result, parser: str, profile: str, kept: str) -> str:
    """A bug in full.

    First what to look at: what happens, the class, what it means, and the chunks; then where they are cut, what was
    expected and what came, and the test to keep.
    """
    lines = [f"{parser} {_happens(result)}{_when(result)}."]
    if result.profiles:
        lines.append(f"class:    {result.name}: {result.description} (profile {profile})")
    if means := meaning(result.name):
        lines.append(f"means:    {means}")
    if result.kind == "grows":
        lines.append(f"measured: {result.error}")
    else:
        for earlier, equal in groupby(result.after):
            times = counted(sum(1 for _ in equal), "time")
            lines += [
                "earlier:" if times == "1 time" else f"earlier:  up to {times}",
                _indented("\n".join(chunks_source(earlier))),
            ]
        lines += ["chunks:", _indented("\n".join(chunks_source(result.chunks)))]
        if 1 < len(result.chunks) <= _PICTURED:
            lines += [_indented(picture(result.chunks))]
        if result.kind not in ("leaks", "hides"):
            whole = "not needed: it happens to the whole stream in one chunk, too"
            lines += [f"cut:      {'only at a cut' if result.needs_cut else whole}"]
        lines += [f"expected: {short(result.expected)}", f"got:      {short(result.got)}"]
        if result.error:
            lines.append(f"          {'then' if result.kind == 'raises' else 'and'} {result.error}")
    return "\n".join([*lines, *(["", "a test to keep:", _indented(kept)] if kept else [])])


def _happens(result: Result) -> str:
    if result.kind == "stalls":
        return "does not come to an end" if result.stopped else "yields events later than it has them"
    if result.kind == "raises" and result.document is not None and result.document.malformed:
        return "raises an error by accident, which even a damaged stream does not excuse"
    return {
        "raises": "raises an error for a valid stream",
        "loses": "loses what is in the stream",
        "changes": "changes what is in the stream",
        "invents": "yields what is not in the stream",
        "grows": "takes time or memory that grows faster than its input",
        "leaks": "reads a stream wrong because of another one",
        "hides": "ends as usual when the connection is lost",
    }[result.kind or "raises"]


def _when(result: Result) -> str:
    if not result.shows_alone:
        return (
            ", but only after other streams of this search: it keeps something between streams. "
            "A fresh process reads the stream below right, so the test to keep searches again"
        )
    if not result.failed:
        return f", by chance: once, and not again in {RUNS} runs (it may depend on how often it was called)"
    if result.failed < RUNS:
        return f", by chance: in {result.failed} of {RUNS} runs"
    if len(result.after) > 2:
        return f", after up to {len(result.after):,} earlier streams: it keeps or uses up something between streams"
    return ", after an earlier stream: it keeps something between streams" if result.after else ""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
