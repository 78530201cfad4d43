"""`check_parser` and `survey`: a parser against all case classes of a profile, and the checks beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..arguments import is_whole, require, require_callable, texts
from ..loops import run_without_loop
from .budget import Budget
from .checks import Check, Promptness, chosen_checks, promptness, reads
from .classes import CHECKS, GROWTH, IN_ARRAY, ISOLATION, PROFILES, CaseClass, ProfileName, classes_of, known_profile
from .documents import document
from .growth import Growth, growth
from .isolation import isolation
from .policies import Policy, known_policy, under
from .report import parser_bug
from .results import Result, Survey, bug_result, known_bugs
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
            "json-array" the answer without ``alt=sse``; "hostile" damage and malice.
        max_examples: how many documents are drawn for each class, by default 40. Each is cut in some 150 ways.
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
        max_time: seconds that the search may take; what is found by then is shrunk all the same. Each class gets its
            share of what is left.

    Raises:
        ParserBug: it is wrong; the message has the smallest chunks and a test to keep.
        UsageError: an argument cannot be used, or ``parse`` does not return JSON values.
    """
    __tracebackhide__ = True
    chosen = known_profile(profile)
    names = _class_names(parse, classes, seed, database, name)
    cases = under(known_policy(policy), classes_of([chosen], names))
    checks = chosen_checks([chosen], names)
    examples, excused = _number(max_examples), error_types(documented)
    budget = Budget(max_time)

    def run() -> Result | None:
        with FuzzTarget(parse, name) as target:
            search = Search(Examiner(target, excused), examples, seed, database)
            check_shape(target, array=chosen == "json-array")
            return _first_bug(search, chosen, cases, checks, budget)

    bug = run_without_loop(run)
    if bug is not None:
        raise parser_bug(bug, parse, name or name_of(parse), chosen, excused)


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
    chosen = tuple(known_profile(one) for one in given)
    names = _class_names(parse, classes, seed, database, name)
    if progress is not None:
        require_callable(
            "progress", progress, "a function of the number that are done, of all, and of a name; or None"
        )
    cases = under(known_policy(policy), classes_of(chosen, names))
    checks = chosen_checks(chosen, names)
    budget = Budget(max_time)
    examples, known, excused = _number(max_examples), known_bugs(baseline), error_types(documented)
    total = len(cases) + len(checks)

    def run() -> Survey:
        results: list[Result] = []
        measured: list[Growth] = []
        prompt: list[tuple[str, Promptness]] = []

        def tell(what: str) -> None:
            if progress is not None:
                progress(len(results), total, what)

        with FuzzTarget(parse, name) as target:
            search = Search(Examiner(target, excused), examples, seed, database)
            check_shape(target, array=chosen == ("json-array",))
            for check in checks:
                tell(check[0])
                if budget.is_over():
                    results.append(_not_tried(check, chosen))
                    continue
                result, figures, late = _checked(target, check, chosen)
                results.append(result)
                measured += figures
                prompt += [("json-array" if check[1] else "sse", late)] if late else []
            for nth, case in enumerate(cases):
                tell(case.name)
                results.append(_surveyed(search, case, budget, len(cases) - nth))
            tell("done")
            results = [replace(one, known=one.key in known) for one in results]
            return Survey(target.name, chosen, tuple(results), tuple(measured), tuple(prompt))

    return run_without_loop(run)


def _first_bug(
    search: Search, profile: ProfileName, cases: Sequence[CaseClass], checks: Sequence[Check], budget: Budget
) -> Result | None:
    """Quick things first: isolation, the fixed documents of all classes, the other checks, then the search."""
    ordinary = [case for case in cases if case.sized is None]
    for check in (one for one in checks if one[0] == ISOLATION):  # else a leak would show as some other bug
        result, *_ = _checked(search.examiner.target, check, [profile])
        if result.verdict == "bug":
            return result
    if suspicions := _suspicions(search, ordinary):
        suspicions = [one for one in suspicions if not one.case.mixed] or suspicions
        first, clearest = suspicions[0], max(suspicions, key=lambda one: one.share)
        tried = [first] if first is clearest or first.stalls else [first, clearest]
        found = [(one.case, search.smallest(one)) for one in tried]
        return _bug(search, *min(found, key=lambda one: (len(one[1].document.body), len(one[1].cuts))))
    for check in (one for one in checks if one[0] != ISOLATION):
        if budget.is_over():
            break
        result, *_ = _checked(search.examiner.target, check, [profile], thorough=False)
        if result.verdict == "bug":
            return result
    for case in cases:
        if case.sized is not None and not budget.is_over() and (suspicion := search.scan(case)):
            return _bug(search, case, search.smallest(suspicion))
    for nth, case in enumerate(ordinary):
        if not budget.is_over() and (drawn := search.draw(case, budget.share(len(ordinary) - nth))):
            return _bug(search, case, drawn)
    return None


def _suspicions(search: Search, cases: Sequence[CaseClass]) -> list[Suspicion]:
    """What fixed documents find: whole and byte by byte at first, then with every cut.

    Once something is found, only the same kind of cut is tried on the other classes.
    """
    found: list[Suspicion] = []
    for chunking in ("bytes", None):
        for case in cases:
            if one := search.scan(case, found[0].found.chunking if found else chunking):
                found.append(one)
                if one.stalls:
                    return found
        if found:
            break
    return found


def _checked(
    target: FuzzTarget, check: Check, profiles: Sequence[ProfileName], *, thorough: bool = True
) -> tuple[Result, tuple[Growth, ...], Promptness | None]:
    """The result of one check with the measurements that it is based on; else as `growth`."""
    name, array = check
    framed = tuple(one for one in profiles if (one == "json-array") == array)
    good = Result(name + IN_ARRAY if array else name, CHECKS[name], framed)
    if name != ISOLATION and not reads(target, array=array):
        return replace(good, verdict="behaviour", behaviour="not known: it does not read this framing"), (), None
    if name == GROWTH:
        figures = growth(target, array=array, profiles=framed, thorough=thorough)
        worst = max(figures, key=lambda one: (one.bad, one.exponent))
        result = replace(good, verdict="bug", kind="grows", error=str(worst)) if worst.bad else good
        return result, figures, None
    if name == ISOLATION:
        leak = isolation(target, array=array)
        if leak is None:
            return good, (), None
        return (
            replace(
                good,
                verdict="bug",
                kind="leaks",
                needs_cut=len(leak.chunks) > 1,
                chunks=leak.chunks,
                expected=leak.expected,
                got=leak.got,
                error=leak.how,
                document=document(b"".join(leak.chunks), leak.expected) if leak.after else None,
                after=leak.after,
            ),
            (),
            None,
        )
    one = promptness(target, array=array, profiles=framed)
    if not one.chunks:
        return good if one.lazy else replace(good, verdict="behaviour", behaviour="returns all at the end"), (), one
    out = f"{len(one.out)} of {len(one.due)}" if one.out else "none"
    late = replace(
        good,
        verdict="bug",
        kind="stalls",
        needs_cut=True,
        chunks=one.chunks,
        expected=one.due,
        got=one.out,
        error=f"{out} had come out when the last of these chunks was asked for",
    )
    return late, (), one


def _not_tried(check: Check, profiles: Sequence[ProfileName]) -> Result:
    name, array = check
    framed = tuple(one for one in profiles if (one == "json-array") == array)
    return Result(name + IN_ARRAY if array else name, CHECKS[name], framed, "not tried")


def _surveyed(search: Search, case: CaseClass, budget: Budget, left: int) -> Result:
    if budget.is_over():
        return Result(case.name, case.description, case.profiles, "not tried")
    until = budget.share(left)
    did = search.examiner.did
    did.clear()
    suspicion = search.scan(case)
    if suspicion is not None:
        return _bug(search, case, search.smallest(suspicion))
    if case.sized is None and (drawn := search.draw(case, until)):
        return _bug(search, case, drawn)
    if not case.policy:
        return Result(case.name, case.description, case.profiles)
    labels = [label.replace("_", " ") for label, _ in did.most_common() if not label.startswith("returns")]
    behaviour = ", ".join(labels) or "the same for every cut"
    if case.sized is not None and (limit := search.limit_of(case)):
        behaviour += f" from {limit:,} bytes on"
    return Result(case.name, case.description, case.profiles, "behaviour", behaviour=behaviour)


def _bug(search: Search, case: CaseClass, found: Counterexample) -> Result:
    return bug_result(case, found.document, found.chunks, found.complaint, steadiness(search.examiner, found))


def _number(max_examples: int | None) -> int:
    require(
        max_examples is None or is_whole(max_examples, 1), "max_examples", max_examples, "a number above 0, or None"
    )
    return MAX_EXAMPLES if max_examples is None else max_examples


def _class_names(
    parse: Parse, classes: Iterable[str] | None, seed: Any, database: Any, name: Any
) -> list[str] | None:
    """What `check_parser` and `survey` have in common, checked; returns the names of the classes."""
    check_parse(parse)
    require(seed is None or is_whole(seed), "seed", seed, "a whole number, or None")
    require(database is None or hasattr(database, "fetch"), "database", database, "a database of Hypothesis, or None")
    require(name is None or isinstance(name, str), "name", name, "a text, or None")
    return None if classes is None else list(texts("classes", classes, "the names of classes of cases, or None"))
