"""The fuzz kit: how many streams it tries in a second, and how soon it finds a bug.

The parsers with a planted bug are those of `tests/quality/planted`; each must be found, at the default settings. The
kit's own time is what counts: the parsers are small.
"""

from __future__ import annotations

import functools
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting

PROFILES = ("gemini", "gateway", "sse", "json-array")


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """Cases of a correct parser, then planted bugs."""
    examples = 5 if setting.quick else 20
    yield Benchmark(
        f"A correct parser, {examples} examples of each class",
        "cases/s",
        [Contestant(profile, _correct(profile, examples)) for profile in PROFILES],
        expected="no bug",
        measures="reading",
        rounds=3,
        limit=(
            "Hypothesis, which draws each document, and the parser itself. A case is one run of the parser on one "
            "way to cut one document."
        ),
    )
    yield Benchmark(
        "Processor time until a planted bug is found and shrunk, median of all bugs",
        "s",
        [Contestant(profile, _planted(profile, 2 if setting.quick else None)) for profile in PROFILES],
        expected="all found",
        measures="reading",
        rounds=2,
        limit="Shrinking: the smallest stream is found by trying smaller ones.",
    )


def _correct(profile: str, examples: int) -> Callable[[], Run]:
    def prepare() -> Run:
        from quality.planted.registry import good_elements

        from gemini_replay import fuzz, parse_stream

        def parse(chunks: Iterable[bytes]) -> list[Any]:
            return [event.json for event in parse_stream(chunks)]

        parser = good_elements if profile == "json-array" else parse
        counted, runs = _counting(parser)

        def run() -> Reading:
            before, began = runs(), time.process_time()
            fuzz.check_parser(counted, profile=profile, max_examples=examples)
            return Reading("no bug", (runs() - before) / (time.process_time() - began))

        return run

    return prepare


def _planted(profile: str, most: int | None) -> Callable[[], Run]:
    def prepare() -> Run:
        from quality.planted import PLANTED

        assert any(one.profile == profile for one in PLANTED)

        def run() -> Reading:
            # Each round has a process of its own: the parsers that share a cache by mistake have filled it after one.
            with multiprocessing.get_context("fork").Pool(1) as pool:
                return pool.apply(_all_found, (profile, most))

        return run

    return prepare


def _all_found(profile: str, most: int | None) -> Reading:
    """The processor time of each search for a bug."""
    from quality.planted import PLANTED

    found = [_found(one.parse, profile) for one in [one for one in PLANTED if one.profile == profile][:most]]
    times = [one for one, _ in found]
    also = {
        "bugs": len(found),
        "the slowest, s": max(times),
        "cases, median": statistics.median(cases for _, cases in found),
    }
    return Reading("all found", statistics.median(times), also)


def _found(parse: Callable[..., Any], profile: str) -> tuple[float, int]:
    from gemini_replay import fuzz

    counted, runs = _counting(parse)
    began = time.process_time()
    try:
        fuzz.check_parser(counted, profile=profile)
    except fuzz.ParserBug:
        return time.process_time() - began, runs()
    raise AssertionError(f"{parse.__name__} has a bug that was not found")


def _counting(parse: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[], int]]:
    """The parser, and what tells how often it ran."""
    runs = 0

    @functools.wraps(parse)
    def counted(chunks: Any) -> Any:
        nonlocal runs
        runs += 1
        return parse(chunks)

    return counted, lambda: runs
