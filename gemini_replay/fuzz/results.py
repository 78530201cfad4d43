"""What the search found about a parser: a result for each class, and all of them as a survey."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from ..arguments import require, texts
from ..counting import counted
from ..plain_text import plain
from .budget import STUCK
from .classes import CaseClass
from .documents import Document
from .growth import Growth
from .literals import list_literal, short
from .promptness import Promptness
from .steadiness import RUNS, Steadiness, Stream
from .verdicts import BugKind, Complaint


@dataclass(frozen=True)
class Result:
    """What one case class showed about a parser.

    Attributes:
        name: the class.
        description: what is in its streams.
        profiles: the profiles in which getting it wrong is a bug.
        verdict: "ok", "bug", "behaviour" if standard and practice leave a choice, or "not tried" if no time was left.
        kind: of a bug: "raises", "loses", "changes", "invents", "stalls" (an event comes late, or the parser never
            ends), "grows" (time or memory grows faster than the input), "leaks" (something of one stream gets
            into another) or "hides" (a lost connection looks like the end); else None.
        needs_cut: whether it needs a cut, or happens to the whole body in one chunk too.
        chunks: the smallest case.
        expected: the values that should have come out.
        got: the values that came out.
        error: the error that was raised, or another remark; None if there is none.
        behaviour: what the parser does, if there is a choice.
        known: whether the baseline has it.
        whole_raises: whether the whole stream in one chunk correctly raises an error, and the cut one does not.
        stopped: whether the parser had to be stopped.
        document: the stream before it was cut, with all that may come out of it; None where there is none.
        after: the streams that the parser must have read before, if it keeps something between streams, as often as
            they stand here.
        failed: how many of 100 runs fail; fewer than 100 if it depends on chance.
        shows_alone: whether it shows without the streams that the search has tried before; False only if a fresh
            process has read this one, after those in ``after``, right.
        left_out: what was not tried for lack of time, such as "310 of 420 cuts"; why, if nothing was tried.
    """

    name: str
    description: str
    profiles: tuple[str, ...]
    verdict: Literal["ok", "bug", "behaviour", "not tried"] = "ok"
    kind: BugKind | None = None
    needs_cut: bool = False
    chunks: tuple[bytes, ...] = ()
    expected: tuple[Any, ...] = ()
    got: tuple[Any, ...] = ()
    error: str | None = None
    behaviour: str = ""
    known: bool = False
    whole_raises: bool = False
    stopped: bool = False
    document: Document | None = None
    after: tuple[Stream, ...] = ()
    failed: int = RUNS
    shows_alone: bool = True
    left_out: str = ""

    @property
    def key(self) -> str:
        """What identifies it in a baseline: the class and the kind of the bug."""
        return f"{self.name}: {self.kind}"

    def to_json(self) -> dict[str, Any]:
        """The same for ``json.dumps``; chunks as base64 and as a Python literal."""
        return {
            "name": self.name,
            "description": self.description,
            "profiles": list(self.profiles),
            "verdict": self.verdict,
            "kind": self.kind,
            "needs_cut": self.needs_cut,
            "chunks": [base64.b64encode(chunk).decode() for chunk in self.chunks],
            "chunks_python": list_literal(self.chunks) if self.chunks else "",
            "expected": short(self.expected) if self.kind else "",
            "got": short(self.got) if self.kind else "",
            "error": self.error,
            "after": [
                list_literal(stream)
                if (times := sum(1 for _ in equal)) == 1
                else f"*[{list_literal(stream)}] * {times}"
                for stream, equal in groupby(self.after)
            ],
            "failed": self.failed if self.kind else 0,
            "behaviour": self.behaviour,
            "known": self.known,
            "left_out": self.left_out,
        }


_NAMED = 5  # classes in a sentence


@dataclass(frozen=True)
class Survey:
    """What all classes showed about a parser.

    Attributes:
        parser: its name.
        profiles: the profiles that were tried.
        results: one for each class, in order, then promptness and growth for each framing.
        growth: the measurements.
        promptness: by framing, "sse" or "json-array".
        pace: how long the parser takes, such as "0.1 ms for a stream of two events and 0.002 ms for a chunk".
    """

    parser: str
    profiles: tuple[str, ...]
    results: tuple[Result, ...]
    growth: tuple[Growth, ...] = ()
    promptness: tuple[tuple[str, Promptness], ...] = ()
    pace: str = ""

    @property
    def bugs(self) -> tuple[Result, ...]:
        """All bugs, known ones too."""
        return tuple(one for one in self.results if one.verdict == "bug")

    @property
    def new_bugs(self) -> tuple[Result, ...]:
        """Those that the baseline does not have."""
        return tuple(one for one in self.bugs if not one.known)

    @property
    def incomplete(self) -> str:
        """What was left out for lack of time, and why, in one sentence; empty if nothing was."""
        names = [one.name for one in self.results if one.left_out not in ("", STUCK)]
        return incomplete(self.parser, self.pace, names)

    def to_json(self) -> dict[str, Any]:
        """The same for ``json.dumps``; it serves as a baseline."""
        return {
            "parser": self.parser,
            "profiles": list(self.profiles),
            "incomplete": self.incomplete,
            "results": [one.to_json() for one in self.results],
            "growth": [
                {
                    "of": one.of,
                    "shape": one.shape,
                    "sizes": one.sizes,
                    "exponent": round(one.exponent, 2) if one.exponent < 100 else None,
                    "bad": one.bad,
                }
                for one in self.growth
            ],
            "promptness": {name: {"lazy": one.lazy, "late": bool(one.chunks)} for name, one in self.promptness},
        }

    def __str__(self) -> str:
        lines = [
            f"{self.parser}, as {', '.join(self.profiles)}: {counted(len(self.bugs), 'bug')} in "
            f"{counted(len(self.results), 'class', 'classes')}"
        ]
        for one in self.results:
            profiles = ", ".join(name for name in one.profiles if name in self.profiles)
            said = f"{one.kind}{', only at a cut' if one.needs_cut else ''}" if one.kind else one.behaviour
            left_out = f"not tried: {one.left_out}" if one.left_out and one.verdict != "not tried" else one.left_out
            said = "; ".join(filter(None, (said, left_out)))
            lines.append(
                f"{'known' if one.known else one.verdict:9} {one.name} ({profiles}){': ' if said else ''}{said}"
            )
        if any(one.kind == "leaks" for one in self.results):
            lines.append("Something of one stream gets into another, so that the other results may be wrong.")
        if self.incomplete:
            lines.append(self.incomplete)
        return "\n".join(map(plain, lines))


def incomplete(parser: str, pace: str, names: Sequence[str]) -> str:
    """That these classes and checks were not tried in full, and why; empty if there are none."""
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"Not all was tried in {counted(len(names), 'class', 'classes')} ({', '.join(names[:_NAMED])}{more}): "
        f"{parser} takes {pace}. Give the search more time, such as max_time=300 or --max-time 5m."
    )


def known_bugs(baseline: Any) -> frozenset[str]:
    """The keys ("comments: raises") of a `Survey` or its JSON, of what ``--update-baseline`` writes, or of keys."""
    if isinstance(baseline, Survey):
        return frozenset(one.key for one in baseline.bugs)
    if isinstance(baseline, dict) and isinstance(results := baseline.get("results"), list):
        return frozenset(f"{one.get('name')}: {one.get('kind')}" for one in results if one.get("verdict") == "bug")
    keys = () if baseline is None else baseline.get("known") if isinstance(baseline, dict) else baseline
    takes = 'a survey, its JSON, or keys such as "comments: raises"; or None'
    require(keys is not None, "baseline", baseline, takes)
    return frozenset(texts("baseline", keys, takes))


def bug_result(
    case: CaseClass,
    document: Document,
    chunks: tuple[bytes, ...],
    complaint: Complaint,
    shows: Steadiness = Steadiness(),  # noqa: B008  # it is frozen
) -> Result:
    """The result of a class in which a bug was found."""
    return replace(
        stream_result(document, chunks, complaint, shows),
        name=case.name,
        description=case.description,
        profiles=case.profiles,
    )


def stream_result(document: Document, chunks: tuple[bytes, ...], complaint: Complaint, shows: Steadiness) -> Result:
    """The result of one stream that a parser gets wrong, whatever its class."""
    return Result(
        "stream",
        "a stream of the test's own",
        (),
        "bug",
        complaint.kind,
        len(chunks) > 1,
        chunks,
        complaint.expected,
        complaint.got,
        complaint.error,
        whole_raises=complaint.whole_raises,
        stopped=complaint.stopped,
        document=document,
        after=shows.after,
        failed=shows.failed,
    )
