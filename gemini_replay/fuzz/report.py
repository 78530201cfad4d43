"""What was found, for people and for programs."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..arguments import require, texts
from ..errors import ParserBug
from ..plain_text import plain
from .adapters import spelled
from .checks import Growth, Promptness
from .classes import CaseClass
from .literals import list_literal, picture, short
from .verdicts import BugKind, Complaint


@dataclass(frozen=True)
class Result:
    """What one case class showed about a parser.

    Attributes:
        name: the class.
        description: what is in its streams.
        profiles: the profiles in which getting it wrong is a bug.
        verdict: "ok", "bug", or "behaviour" if standard and practice leave a choice.
        kind: of a bug: "raises", "loses", "changes", "invents", "stalls" (an event comes late, or the parser never
            ends) or "grows" (time or memory grows faster than the input); else None.
        needs_cut: whether it needs a cut, or happens to the whole body in one chunk too.
        chunks: the smallest case.
        expected: the values that should have come out.
        got: the values that came out.
        error: the error that was raised, or another remark; None if there is none.
        behaviour: what the parser does, if there is a choice.
        known: whether the baseline has it.
        whole_raises: whether the whole stream in one chunk correctly raises an error, and the cut one does not.
        stopped: whether the parser had to be stopped.
    """

    name: str
    description: str
    profiles: tuple[str, ...]
    verdict: Literal["ok", "bug", "behaviour"] = "ok"
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
            "behaviour": self.behaviour,
            "known": self.known,
        }


@dataclass(frozen=True)
class Survey:
    """What all classes showed about a parser.

    Attributes:
        parser: its name.
        profiles: the profiles that were tried.
        results: one for each class, in order, then promptness and growth for each framing.
        growth: the measurements.
        promptness: by framing, "sse" or "json-array".
    """

    parser: str
    profiles: tuple[str, ...]
    results: tuple[Result, ...]
    growth: tuple[Growth, ...] = ()
    promptness: tuple[tuple[str, Promptness], ...] = ()

    @property
    def bugs(self) -> tuple[Result, ...]:
        """All bugs, known ones too."""
        return tuple(one for one in self.results if one.verdict == "bug")

    @property
    def new_bugs(self) -> tuple[Result, ...]:
        """Those that the baseline does not have."""
        return tuple(one for one in self.bugs if not one.known)

    def to_json(self) -> dict[str, Any]:
        """The same for ``json.dumps``; it serves as a baseline."""
        return {
            "parser": self.parser,
            "profiles": list(self.profiles),
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
            f"{self.parser}, as {', '.join(self.profiles)}: {len(self.bugs)} bugs in {len(self.results)} classes"
        ]
        for one in self.results:
            profiles = ", ".join(name for name in one.profiles if name in self.profiles)
            said = f"{one.kind}{', only at a cut' if one.needs_cut else ''}" if one.kind else one.behaviour
            lines.append(
                f"{'known' if one.known else one.verdict:9} {one.name} ({profiles}){': ' if said else ''}{said}"
            )
        return "\n".join(map(plain, lines))


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


def bug_result(case: CaseClass, chunks: tuple[bytes, ...], complaint: Complaint, note: str = "") -> Result:
    """The result of a class in which a bug was found."""
    return Result(
        case.name,
        case.description,
        case.profiles,
        "bug",
        complaint.kind,
        len(chunks) > 1,
        chunks,
        complaint.expected,
        complaint.got,
        "; ".join(filter(None, (complaint.error, note))) or None,
        whole_raises=complaint.whole_raises,
        stopped=complaint.stopped,
    )


def parser_bug(result: Result, parse: Callable[..., Any], parser: str, profile: str) -> ParserBug:
    """A bug as an exception."""
    return ParserBug(
        explain(result, parse, parser, profile),
        case=result.name,
        profile=profile,
        kind=result.kind or "",
        parser=parser,
        chunks=result.chunks,
        expected=result.expected,
        got=result.got,
        error=result.error,
        needs_cut=result.needs_cut,
    )


def explain(result: Result, parse: Callable[..., Any], parser: str, profile: str) -> str:
    """A bug in full: what happens, the chunks, a picture of the cut, expected and got, and a test to keep."""
    lines = [
        f"{parser} {_happens(result)}.",
        "",
        f"class:    {result.name}: {result.description} (profile {profile})",
    ]
    if result.kind == "grows":
        lines.append(f"measured: {result.error}")
    else:
        where = (
            "only at a cut" if result.needs_cut else "not needed: it happens to the whole stream in one chunk, too"
        )
        lines += [f"cut:      {where}", "", "chunks:", _indented(list_literal(result.chunks))]
        if len(result.chunks) > 1:
            lines += ["", "picture:", _indented(picture(result.chunks))]
        lines += ["", f"expected: {short(result.expected)}", f"got:      {short(result.got)}"]
        if result.error:
            lines.append(f"          {'then' if result.kind == 'raises' else 'and'} {result.error}")
    return "\n".join([*lines, "", "a test to keep:", _indented(ready_test(result, parse, profile))])


def _happens(result: Result) -> str:
    if result.kind == "stalls":
        return "does not come to an end" if result.stopped else "yields events later than it has them"
    return {
        "raises": "raises an error for a valid stream",
        "loses": "loses what is in the stream",
        "changes": "changes what is in the stream",
        "invents": "yields what is not in the stream",
        "grows": "takes time or memory that grows faster than its input",
    }[result.kind or "raises"]


def ready_test(result: Result, parse: Callable[..., Any], profile: str) -> str:
    """A pytest test of this one case, to copy."""
    name = result.name.replace("-", "_")
    source, call = _import(parse)
    if result.kind in ("stalls", "grows") or result.whole_raises:
        # One run does not show it.
        check = f'    fuzz.check_parser({call}, profile="{profile}", classes=["{result.name}"])'
        return f"from gemini_replay import fuzz\n\n{source}\n\n\ndef test_{name}():\n{check}"
    chunks = list_literal(result.chunks).replace("\n", "\n    ")
    expected = list_literal(result.expected).replace("\n", "\n    ")
    lines, run = [source], f"list({call}(chunks))"
    is_generator = inspect.isasyncgenfunction(parse)
    if is_generator or inspect.iscoroutinefunction(parse):
        given = f"[value async for value in {call}(stream())]" if is_generator else f"list(await {call}(stream()))"
        lines = ["import asyncio", "", source, "", "", "async def collect(chunks):", "    async def stream():"]
        lines += ["        for chunk in chunks:", "            yield chunk", "", f"    return {given}"]
        run = "asyncio.run(collect(chunks))"
    return "\n".join(
        [*lines, "", "", f"def test_{name}():", f"    chunks = {chunks}", f"    assert {run} == {expected}"]
    )


def _import(parse: Callable[..., Any]) -> tuple[str, str]:
    name, module = getattr(parse, "__qualname__", ""), getattr(parse, "__module__", None)
    if not (module and module != "__main__" and name.isidentifier()):
        module, name = "your_module", "parse"
    source, call = f"from {module} import {name}", spelled(parse, name)
    return (source if call == name else f"from gemini_replay.fuzz import adapters\n\n{source}"), call


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
