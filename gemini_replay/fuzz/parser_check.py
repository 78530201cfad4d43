"""`check_parser` and `survey`: a parser against all case classes of a profile, and the checks beside them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..arguments import is_whole, require, require_callable, texts
from ..errors import UsageError
from ..loops import run_without_loop
from .budget import Budget, IncompleteSearchWarning
from .checks import Check, checked, chosen_checks
from .classes import ISOLATION, PROFILES, SMOKE, CaseClass, classes_of, is_quick, known_profile
from .growth import Growth
from .pace import pace
from .policies import Policy, known_policy, under
from .promptness import Promptness
from .report import parser_bug
from .results import Result, Survey, bug_result, incomplete, known_bugs
from .search import MAX_EXAMPLES, Search, Suspicion
from .shapes import check_shape
from .steadiness import steadiness
from .target import FuzzTarget, Parse, check_parse, name_of
from .verdicts import Counterexample, Examiner, error_types

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
    policy: Policy | None = None,
    max_time: float | None = None,
) -> None:
    """Search for a stream that a parser gets wrong, however it is cut, and show the smallest.

    Args:
        parse: takes an iterable of byte chunks (or an async iterable: what it gets is both) and returns decoded JSON
            objects: as a list, an iterator or an async iterator, or as a coroutine of one of these.
        profile: "gemini" what Google sends; "gateway" what gateways make of it; "sse" the whole WHATWG format;
            "json-array" the answer without ``alt=sse``; "hostile" damage and malice; "smoke" what Google sends, in
            less than a second.
        max_examples: how many documents are drawn for each class, by default 40, for "smoke" none.
        seed: for the same search each time; Hypothesis then neither reads nor writes the database. Without it,
            pytest's ``--hypothesis-seed`` counts.
        classes: the names of the classes to try, instead of all classes of the profile.
        documented: error types that the parser may raise for malformed input and for error objects. Malformed input
            excuses other errors as well, except accidents such as KeyError and TypeError.
        database: where Hypothesis keeps what it found; by default nowhere.
        name: what to call the parser in messages.
        policy: what must come of streams for which standard and practice leave a choice, by the name of the class:
            an outcome of the class, "raises", or "any", with which the class is not tried. None takes the table
            ``[tool.gemini-replay.fuzz.policy]`` of the nearest pyproject.toml.
        max_time: seconds on the clock that the search may take; what is found by then is shrunk all the same. Each
            step gets its share. By default 10 seconds of processor time, or 30 on the clock for a parser that waits;
            only a parser that is too slow for that has its steps cut short. If no bug is found and something was not
            tried for lack of time, there is an `IncompleteSearchWarning`.

    Raises:
        ParserBug: it is wrong; the message has the smallest chunks and a test to keep.
        UsageError: an argument cannot be used, or ``parse`` does not return JSON values.
    """
    __tracebackhide__ = True
    chosen = known_profile(profile)
    names = _class_names(parse, classes, seed, database, name)
    checks = chosen_checks([chosen], names)
    cases = _under_policy(policy, classes_of([chosen], names), checks)
    quick = is_quick([chosen])
    examples, excused, budget = _number(max_examples, quick), error_types(documented), Budget(max_time)

    def run() -> tuple[Result | None, str]:
        with FuzzTarget(parse, name) as target:
            array = chosen == "json-array"
            check_shape(target, array=array)
            search = Search(Examiner(target, excused), examples, seed, database, quick, pace(target, array=array))
            _expect(budget, search, cases, checks)
            left_out: list[str] = []
            bug = next(_bugs(search, cases, checks, budget, left_out), None)
            left_out += [one.name for one in cases if str(search.tallies[one.name])]
            return bug, incomplete(target.name, str(search.pace), left_out)

    bug, said = run_without_loop(run)
    if bug is not None:
        given = {"max_examples": max_examples, "seed": seed, "classes": names, "policy": policy}
        search = [f"{key}={value!r}" for key, value in given.items() if value is not None]
        raise parser_bug(bug, parse, name or name_of(parse), chosen, excused, search)
    if said:
        warnings.warn(said, IncompleteSearchWarning, stacklevel=2)


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
    policy: Policy | None = None,
    max_time: float | None = None,
) -> Survey:
    """Try every class, and report for each what the parser does; nothing is raised for bugs.

    The arguments are those of `check_parser`, and:

    - ``profiles``, the profiles to try, by default all;
    - ``baseline``, an earlier survey, or the result of its ``to_json``, or keys such as "comments: raises"; the bugs
      in it are marked as known;
    - ``progress``, which is called as ``progress(done, total, name)`` before each class, and at the end.

    Raises:
        UsageError: an argument cannot be used, or ``parse`` does not return JSON values.
    """
    given = PROFILES if profiles is None else texts("profiles", profiles, f"some of {', '.join(PROFILES)}, or None")
    require(bool(given), "profiles", profiles, f"some of {', '.join(PROFILES)}, or None")
    chosen = tuple(known_profile(one) for one in given)
    names = _class_names(parse, classes, seed, database, name)
    if progress is not None:
        require_callable(
            "progress", progress, "a function of the number that are done, of all, and of a name; or None"
        )
    checks = chosen_checks(chosen, names)
    cases = _under_policy(policy, classes_of(chosen, names), checks)
    budget = Budget(max_time, profiles=max(1, len({*chosen} - {SMOKE})))
    quick = is_quick(chosen)
    examples, known, excused = _number(max_examples, quick), known_bugs(baseline), error_types(documented)
    total = len(cases) + len(checks)

    def run() -> Survey:
        results: list[Result] = []
        measured: list[Growth] = []
        prompt: list[tuple[str, Promptness]] = []

        def tell(what: str) -> None:
            if progress is not None:
                progress(len(results), total, what)

        with FuzzTarget(parse, name) as target:
            array = chosen == ("json-array",)
            check_shape(target, array=array)
            search = Search(Examiner(target, excused), examples, seed, database, quick, pace(target, array=array))
            _expect(budget, search, cases, checks)
            for check in checks:
                tell(check.name)
                if why := search.is_no_use(budget):
                    results.append(check.not_tried(why))
                    continue
                found = checked(target, check, until=budget.share(check.parts), pace=search.pace)
                results.append(found.result)
                search.examiner.stalled = search.examiner.stalled or found.result.kind == "leaks"
                measured += found.growth
                prompt += [("json-array" if check.array else "sse", found.promptness)] if found.promptness else []
            for case in cases:
                tell(case.name)
                results.append(surveyed(search, case, budget))
            tell("done")
            results = [replace(one, known=one.key in known) for one in results]
            return Survey(target.name, chosen, tuple(results), tuple(measured), tuple(prompt), str(search.pace))

    return run_without_loop(run)


def _parts(search: Search, case: CaseClass) -> tuple[int, int, int]:
    """Of the time of a search: for fixed documents byte by byte, for their other cuts, and for drawn documents."""
    if case.sized is not None:
        return 3, 0, 0
    return 2, 0 if search.quick else 3, 3 if search.max_examples else 0


def _expect(budget: Budget, search: Search, cases: Sequence[CaseClass], checks: Sequence[Check]) -> None:
    """Tell the budget what is to come."""
    parts = sum(sum(_parts(search, case)) for case in cases) + sum(check.parts for check in checks)
    seconds = search.pace.of_classes(cases, search.max_examples, quick=search.quick)
    budget.expect(parts, seconds, chunk=search.pace.chunk)


def _bugs(
    search: Search, cases: Sequence[CaseClass], checks: Sequence[Check], budget: Budget, left_out: list[str]
) -> Iterator[Result]:
    """What is found, the quickest to find first; a leak before all, since it would show as some other bug.

    The names of checks of which something is left out are added to a list.
    """
    ordinary = [case for case in cases if case.sized is None]
    yield from _wrong(search, [one for one in checks if one.name == ISOLATION], budget, left_out)
    if suspicions := _suspicions(search, ordinary, budget):
        yield _clearest(search, suspicions)
    yield from _wrong(search, [one for one in checks if one.name != ISOLATION], budget, left_out)
    for case in cases:
        if case.sized is not None and (suspicion := search.scan(case, None, budget.share(_parts(search, case)[0]))):
            yield _bug(search, case, search.smallest(suspicion))
    for case in ordinary:
        if drawn := search.draw(case, budget.share(_parts(search, case)[2])):
            yield _bug(search, case, drawn)


def _wrong(search: Search, checks: Iterable[Check], budget: Budget, left_out: list[str]) -> Iterator[Result]:
    for check in checks:
        until = budget.share(check.parts)
        if until.is_over():
            left_out.append(check.name)
            continue
        result = checked(search.examiner.target, check, thorough=False, until=until, pace=search.pace).result
        if result.left_out:
            left_out.append(check.name)
        if result.verdict == "bug":
            yield result


def _clearest(search: Search, suspicions: Sequence[Suspicion]) -> Result:
    """The smallest counterexample of the first class, or of the one that fails most often."""
    suspicions = [one for one in suspicions if not one.case.mixed] or suspicions
    first, most = suspicions[0], max(suspicions, key=lambda one: one.share)
    tried = [first] if first is most or first.stalls else [first, most]
    found = [(one.case, search.smallest(one)) for one in tried]
    return _bug(search, *min(found, key=lambda one: (len(one[1].document.body), len(one[1].cuts))))


def _suspicions(search: Search, cases: Sequence[CaseClass], budget: Budget) -> list[Suspicion]:
    """What fixed documents find: whole and byte by byte at first, then with every cut.

    Once something is found, only the same kind of cut is tried on the other classes.
    """
    found: list[Suspicion] = []
    for nth, chunking in enumerate(search.passes):
        for case in cases:
            until = budget.share(_parts(search, case)[nth])
            if one := search.scan(case, found[0].found.chunking if found else chunking, until):
                found.append(one)
                if one.stalls:
                    return found
        if found:
            break
    return found


def surveyed(search: Search, case: CaseClass, budget: Budget) -> Result:
    """What a class shows about a parser."""
    result = Result(case.name, case.description, case.profiles)
    if why := search.is_no_use(budget):
        return replace(result, verdict="not tried", left_out=why)
    began = budget.spent()
    scanned, rest, drawn = _parts(search, case)
    did = search.examiner.did
    did.clear()
    suspicion = search.scan(case, search.kind, budget.share(scanned + rest))
    found: Counterexample | None
    if suspicion is not None and suspicion.stalls and search.examiner.stalled:
        bug = bug_result(case, suspicion.found.document, suspicion.found.chunks, suspicion.found.complaint)
        return replace(bug, error=f"{bug.error}, as in other classes, so that the case was not made smaller")
    if suspicion is not None:
        found = search.smallest(suspicion)
    else:
        found = search.draw(case, budget.share(drawn)) if case.sized is None else None
    left_out = str(search.tallies[case.name])
    if found is not None:
        search.examiner.stalled = search.examiner.stalled or found.complaint.stopped
        bug = _bug(search, case, found)
        budget.refund(budget.spent() - began)
        return bug
    if not case.policy:
        return replace(result, left_out=left_out)
    labels = [label.replace("_", " ") for label, _ in did.most_common() if not label.startswith("returns")]
    behaviour = ", ".join(labels) or "the same for every cut"
    if case.sized is not None and not left_out and (limit := search.limit_of(case)):
        behaviour += f" from {limit:,} bytes on"
    return replace(result, verdict="behaviour", behaviour=behaviour, left_out=left_out)


def _bug(search: Search, case: CaseClass, found: Counterexample) -> Result:
    return bug_result(case, found.document, found.chunks, found.complaint, steadiness(search.examiner, found))


def _under_policy(
    policy: Policy | None, cases: Sequence[CaseClass], checks: Sequence[Check]
) -> tuple[CaseClass, ...]:
    """The classes that are left under a policy; it must not leave nothing to try."""
    left = under(known_policy(policy), cases)
    if cases and not left and not checks:
        names = ", ".join(one.name for one in cases)
        raise UsageError(
            f"Nothing is left to try: the policy for {names} is 'any'.",
            hint="Change policy=, or the table [tool.gemini-replay.fuzz.policy] of pyproject.toml.",
        )
    return left


def _number(max_examples: int | None, quick: bool) -> int:
    require(
        max_examples is None or is_whole(max_examples, 1), "max_examples", max_examples, "a number above 0, or None"
    )
    return (0 if quick else MAX_EXAMPLES) if max_examples is None else max_examples


def _class_names(
    parse: Parse, classes: Iterable[str] | None, seed: Any, database: Any, name: Any
) -> list[str] | None:
    """What `check_parser` and `survey` have in common, checked; returns the names of the classes."""
    check_parse(parse)
    require(seed is None or is_whole(seed), "seed", seed, "a whole number, or None")
    require(database is None or hasattr(database, "fetch"), "database", database, "a database of Hypothesis, or None")
    require(name is None or isinstance(name, str), "name", name, "a text, or None")
    if classes is None:
        return None
    names = list(texts("classes", classes, "the names of classes of cases, or None"))
    require(bool(names), "classes", classes, "the names of classes of cases, at least one, or None for all")
    return names
