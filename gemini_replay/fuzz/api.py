"""`check_parser` and `survey`: what people call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..loops import run_without_loop
from .checks import Check, chosen_checks, plain_body, run_check
from .classes import PROFILES, CaseClass, Profile, classes_of, known_profile
from .examine import Examiner, Found
from .growth import Growth
from .promptness import Promptness
from .report import Result, Survey, known_bugs, parser_bug
from .search import MAX_EXAMPLES, Suspicion, limit_of, minimise, scan, search
from .target import Parse, Target, name_of

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase


def check_parser(
    parse: Parse,
    *,
    profile: str = "gemini",
    max_examples: int | None = None,
    seed: int | None = None,
    classes: Iterable[str] | None = None,
    documented: type[BaseException] | Sequence[type[BaseException]] = (),
    database: ExampleDatabase | None = None,
    name: str | None = None,
) -> None:
    """Search for a stream that a parser gets wrong, however it is cut, and show the smallest.

    Args:
        parse: takes an iterable of byte chunks (or an async iterable: it gets one that is both), and gives decoded
            JSON objects: as a list, an iterator or an async iterator, or as a coroutine of one of these.
        profile: "gemini" what Google sends; "gateway" what gateways make of it; "sse" the whole WHATWG format;
            "json-array" the answer without ``alt=sse``; "hostile" damage and malice.
        max_examples: how many documents are drawn for each class, 40 unless told otherwise. Each is cut in some 150
            ways.
        seed: for the same search each time; Hypothesis then neither reads nor writes the database. Without it,
            pytest's ``--hypothesis-seed`` counts.
        classes: the names of the classes to try, in place of all of the profile.
        documented: error types that the parser may raise for malformed input and for error objects. Malformed input
            excuses other errors as well, unless they tell of an accident, as KeyError, TypeError and the like do.
        database: where Hypothesis keeps what it found; nowhere unless told otherwise.
        name: what to call the parser in messages.

    Raises:
        ParserBug: it is wrong; the message has the smallest chunks and a test to keep.
        UsageError: an argument cannot be used, or ``parse`` gives no JSON values.
    """
    chosen = known_profile(profile)
    names = None if classes is None else list(classes)
    cases = classes_of([chosen], names)
    checks = chosen_checks([chosen], names)
    examples = _number(max_examples)

    def run() -> Result | None:
        with Target(parse, name) as target:
            examiner = Examiner(target, _types(documented))
            target.probe([plain_body(array=chosen == "json-array")])
            return _first_bug(examiner, chosen, cases, checks, examples, seed, database)

    bug = run_without_loop(run)
    if bug is not None:
        raise parser_bug(bug, parse, name or name_of(parse), chosen)


def survey(
    parse: Parse,
    *,
    profiles: Iterable[str] | None = None,
    max_examples: int | None = None,
    seed: int | None = None,
    classes: Iterable[str] | None = None,
    documented: type[BaseException] | Sequence[type[BaseException]] = (),
    baseline: Survey | dict[str, Any] | Iterable[str] | None = None,
    progress: Callable[[int, int, str], object] | None = None,
    database: ExampleDatabase | None = None,
    name: str | None = None,
) -> Survey:
    """Try every class, and report for each what the parser does; nothing is raised for bugs.

    Args:
        parse: as for `check_parser`, as are ``max_examples``, ``seed``, ``classes``, ``documented``, ``database`` and
            ``name``.
        profiles: the profiles to try; all of them unless told otherwise.
        max_examples: see `check_parser`.
        seed: see `check_parser`.
        classes: see `check_parser`.
        documented: see `check_parser`.
        baseline: an earlier survey, or what its ``to_json`` gave, or keys such as "comments: raises"; the bugs in it
            are marked as known.
        progress: called as ``progress(done, total, name)`` before each class, and at the end.
        database: see `check_parser`.
        name: see `check_parser`.

    Raises:
        UsageError: an argument cannot be used, or ``parse`` gives no JSON values.
    """
    chosen = tuple(known_profile(one) for one in (PROFILES if profiles is None else profiles))
    names = None if classes is None else list(classes)
    cases = classes_of(chosen, names)
    checks = chosen_checks(chosen, names)
    examples, known = _number(max_examples), known_bugs(baseline)
    total = len(cases) + len(checks)

    def run() -> Survey:
        results: list[Result] = []
        measured: list[Growth] = []
        prompt: list[tuple[str, Promptness]] = []

        def tell(what: str) -> None:
            if progress is not None:
                progress(len(results), total, what)

        with Target(parse, name) as target:
            examiner = Examiner(target, _types(documented))
            target.probe([plain_body(array=chosen == ("json-array",))])
            for check in checks:
                tell(check[0])
                result, figures, late = run_check(target, check, chosen)
                results.append(result)
                measured += figures
                prompt += [("json-array" if check[1] else "sse", late)] if late else []
            for case in cases:
                tell(case.name)
                results.append(_result(examiner, case, examples, seed, database))
            tell("done")
            results = [replace(one, known=one.key in known) for one in results]
            return Survey(target.name, chosen, tuple(results), tuple(measured), tuple(prompt))

    return run_without_loop(run)


def _first_bug(
    examiner: Examiner,
    profile: Profile,
    cases: Sequence[CaseClass],
    checks: Sequence[Check],
    max_examples: int,
    seed: int | None,
    database: ExampleDatabase | None,
) -> Result | None:
    """Quick things first: the fixed documents of all classes, then the other checks, then the search."""

    def smallest(suspicion: Suspicion) -> tuple[CaseClass, Found]:
        return suspicion.case, minimise(examiner, suspicion.case, suspicion.found, seed=seed, database=database)

    ordinary = [case for case in cases if case.sized is None]
    if suspicions := _suspicions(examiner, ordinary):
        suspicions = [one for one in suspicions if not one.case.mixed] or suspicions
        first, telling = suspicions[0], max(suspicions, key=lambda one: one.share)
        chosen = [smallest(one) for one in ([first] if first is telling or _stalls(first) else [first, telling])]
        return _bug(*min(chosen, key=lambda one: (len(one[1].document.body), len(one[1].cuts))))
    for check in checks:
        result, *_ = run_check(examiner.target, check, [profile], thorough=False)
        if result.verdict == "bug":
            return result
    for case in cases:
        if case.sized is not None and (suspicion := scan(examiner, case)):
            return _bug(*smallest(suspicion))
    for case in ordinary:
        if found := _searched(examiner, case, max_examples, seed, database):
            return _bug(case, found)
    return None


def _suspicions(examiner: Examiner, cases: Iterable[CaseClass]) -> list[Suspicion]:
    """What fixed documents find; once something is found, the same kind of cut is tried on the other classes."""
    found: list[Suspicion] = []
    for case in cases:
        if one := scan(examiner, case, kind=found[0].found.kind if found else None):
            found.append(one)
            if _stalls(one):
                break
    return found


def _stalls(suspicion: Suspicion) -> bool:
    return suspicion.found.complaint.verdict == "stalls"


def _searched(
    examiner: Examiner, case: CaseClass, max_examples: int, seed: int | None, database: ExampleDatabase | None
) -> Found | None:
    found = search(examiner, case, max_examples=max_examples, seed=seed, database=database)
    return found and minimise(examiner, case, found, seed=seed, database=database, drawn=True)


def _result(
    examiner: Examiner, case: CaseClass, max_examples: int, seed: int | None, database: ExampleDatabase | None
) -> Result:
    examiner.did.clear()
    suspicion = scan(examiner, case)
    if suspicion is not None:
        return _bug(case, minimise(examiner, case, suspicion.found, seed=seed, database=database))
    if case.sized is None and (found := _searched(examiner, case, max_examples, seed, database)):
        return _bug(case, found)
    if not case.policy:
        return Result(case.name, case.description, case.profiles)
    did = ", ".join(
        label.replace("_", " ") for label, _ in examiner.did.most_common() if not label.startswith("gives")
    )
    if case.sized is not None and (limit := limit_of(examiner, case)):
        did += f" from {limit:,} bytes on"
    return Result(case.name, case.description, case.profiles, "behaviour", behaviour=did or "the same for every cut")


def _bug(case: CaseClass, found: Found) -> Result:
    complaint = found.complaint
    note = "" if found.steady else "not each time: the parser keeps state between streams, or is left to chance"
    return Result(
        case.name,
        case.description,
        case.profiles,
        "bug",
        complaint.verdict,
        len(found.chunks) > 1,
        found.chunks,
        complaint.expected,
        complaint.got,
        "; ".join(filter(None, (complaint.error, note))) or None,
        whole_raises=complaint.whole_raises,
        stopped=complaint.stopped,
    )


def _number(max_examples: int | None) -> int:
    if max_examples is None:
        return MAX_EXAMPLES
    if max_examples < 1:
        raise UsageError(f"max_examples is {max_examples}.", hint="Give a number above 0, or leave it out.")
    return max_examples


def _types(documented: type[BaseException] | Sequence[type[BaseException]]) -> tuple[type[BaseException], ...]:
    types = (documented,) if isinstance(documented, type) else tuple(documented)
    for one in types:
        if not (isinstance(one, type) and issubclass(one, BaseException)):
            raise UsageError(f"documented has {one!r}.", hint="Give exception types, such as (ValueError,).")
    return types
