"""Cassettes: loading and saving a large one, opening one with many recordings, and finding a recording in it.

A pass over the lines with `json.loads` or `json.dumps` is the floor: it checks nothing and finds nothing. vcrpy gets
the same requests and bodies as a YAML cassette, each body in one piece.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks import cassette_floors as floors
from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_most
from benchmarks.made_cassettes import Made, asked, vcr_data, vcr_parts
from gemini_replay import Cassette, Session
from gemini_replay.cassette.files import open_cassette
from gemini_replay.cassette.matching import Matcher, Pool
from gemini_replay.cassette.matching.keys import canonical_body
from gemini_replay.cassette.model import Request

VCR = "pytest-recording"


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """The large cassette, the one with many recordings, the small one."""
    large = Made(setting, "large", 7_810, chunks=5, size=1_000)
    many = Made(setting, "many", 10_000, chunks=1, size=80)
    small = Made(setting, "small", 1, chunks=20, size=1_200)
    floor, ours = "json.loads of each line", "gemini-replay"
    yield Benchmark(
        f"Load a cassette of {large.count} interactions",
        "s",
        [
            Contestant(floor, lambda: floors.parsed(large.path), expected=large.lines),
            Contestant(
                "the objects that are kept, unchecked",
                lambda: floors.unchecked(large.path),
                note="decoded and encoded, nothing verified",
            ),
            Contestant(ours, lambda: _loaded(large), targets=[at_most(1.1, times=floor)]),
            Contestant(
                "gemini-replay: open it, read the last", lambda: _opened(large), expected=1, targets=[at_most(0.15)]
            ),
            Contestant("vcrpy", lambda: _vcr_loaded(large), environment=VCR),
        ],
        floor=floor,
        expected=[large.count, large.size],
        rounds=7,
        limit="Python's JSON decoder, which calls back for each object so that no key is lost; the checks of what "
        "HTTP allows; the garbage collector, which looks at what is kept.",
    )
    yield Benchmark(
        "Memory to load it",
        "MB",
        [
            Contestant(floor, lambda: floors.parsed(large.path), expected=large.lines),
            Contestant(ours, lambda: _loaded(large)),
            Contestant("gemini-replay: open it, read the last", lambda: _opened(large), expected=1),
            Contestant("vcrpy", lambda: _vcr_loaded(large), environment=VCR),
        ],
        floor=floor,
        expected=[large.count, large.size],
        measures="memory",
        rounds=3,
    )
    for what, unit, kind, rounds in (("Save it", "s", "cpu", 7), ("Memory to save it", "MB", "memory", 3)):
        dumps = "json.dumps of each line"
        yield Benchmark(
            what,
            unit,
            [
                Contestant(dumps, lambda: floors.dumped(large.path, ensure_ascii=False), expected=large.lines),
                Contestant(
                    "json.dumps in ASCII", lambda: floors.dumped(large.path, ensure_ascii=True), expected=large.lines
                ),
                Contestant(
                    "json.dumps of bytes, into place",
                    lambda: floors.placed(large.path),
                    expected=large.lines,
                    note="each chunk decoded, the file synced and moved",
                ),
                Contestant(ours, lambda: _saved(large), targets=[at_most(1.3, times=dumps)] * (unit == "s")),
                Contestant("vcrpy", lambda: _vcr_saved(large), environment=VCR),
            ],
            floor=dumps,
            expected=large.count,
            measures=kind,  # type: ignore[arg-type]
            rounds=rounds,
            limit="Every chunk is read as UTF-8, searched for invisible characters, escaped and written as UTF-8.",
        )
    yield Benchmark(
        f"Open a cassette of {many.count} interactions",
        "ms",
        [
            Contestant(floor, lambda: floors.parsed(many.path), expected=many.lines),
            Contestant("gemini-replay: a session", lambda: _session(many), targets=[at_most(100)]),
            Contestant("vcrpy", lambda: _vcr_loaded(many), environment=VCR, expected=[many.count, many.size]),
        ],
        floor=floor,
        expected=True,
        rounds=9,
    )
    yield Benchmark(
        "Find a recording in it",
        "ms",
        [
            Contestant(name, partial(_search, many, search), expected=found, note=note, targets=[target])
            for name, search, found, note, target in _searches(many.count)
        ]
        + [
            Contestant("decode all requests", lambda: _requests_decoded(many), expected=many.count, note="no search"),
            Contestant(
                "decode all requests, bodies in order",
                lambda: _requests_decoded(many, bodies=_in_order),
                expected=many.count,
                note="each body as it is compared; no search",
            ),
            Contestant(
                "… and filed by what is compared",
                lambda: _requests_decoded(many, bodies=_filed),
                expected=many.count,
                note="a table of method, model, action, framing and body; no search",
            ),
            Contestant(
                "… and compared with one, leaf by leaf",
                lambda: _requests_decoded(many, bodies=_compared),
                expected=many.count,
                note="no difference is described",
            ),
        ],
        measures="reading",
        rounds=9,
        limit="The first search that has to look at every recording reads all requests, once in a session: a line "
        "that cannot be read is an error, so none is passed over. A search that follows reads none. A miss is "
        "explained by the recording whose body differs least, so each body is compared, leaf by leaf.",
    )
    yield Benchmark(
        "Open a small cassette, find its recording, close it",
        "µs",
        [
            Contestant(floor, lambda: floors.parsed(small.path), expected=small.lines),
            Contestant("gemini-replay: the cassette", lambda: _pool(small)),
            Contestant("gemini-replay: a session", lambda: _replayed(small)),
        ],
        floor=floor,
        expected=small.size,
        rounds=31,
    )


# --- load and save ----------------------------------------------------------------------------------------------


def _loaded(made: Made) -> Run:
    path = made.path

    def run() -> list[int]:
        found = Cassette.load(path).interactions
        return [len(found), sum(len(chunk.data) for one in found for chunk in one.chunks)]

    return run


def _opened(made: Made) -> Run:
    path = made.path
    (last,) = deque(
        made.interactions(), maxlen=1
    )  # making all of them at once would raise the measured peak of memory

    def run() -> bool:
        return open_cassette(path)[-1].interaction == last

    return run


def _saved(made: Made) -> Run:
    cassette, target = Cassette(list(made.interactions())), made.path.with_name("saved.jsonl")
    size = made.path.stat().st_size

    def run() -> int:
        cassette.save(target)
        return len(cassette.interactions) if target.stat().st_size == size else 0

    return run


def _session(made: Made) -> Run:
    path = made.path

    def run() -> bool:
        session = Session(path)
        session.close()
        return session.problem is None

    return run


# --- search -----------------------------------------------------------------------------------------------------

Search = Callable[[Pool, Sequence[Request]], tuple[int, Any]]
"""Searches a pool with these requests; returns the number of searches and the last result."""


def _searches(count: int) -> Iterable[tuple[str, Search, Any, str, Any]]:
    """The name of each, what it does, what it finds, a note, and its target."""
    thousand = min(1000, count)

    def each(pool: Pool, requests: Iterable[Request]) -> tuple[int, Any]:
        found = [pool.take(request) for request in requests]
        return len(found), None if found[-1] is None else found[-1].number

    def explained(pool: Pool, requests: Sequence[Request]) -> tuple[int, Any]:
        return 1, bool(pool.nearest(asked(-1)).differences)

    few = at_most(0.1)
    yield "in order", lambda pool, ours: each(pool, ours[:thousand]), thousand - 1, "the mean of 1,000", few
    yield "the last first", lambda pool, ours: each(pool, ours[-1:]), count - 1, "reads all requests", few
    yield "in reverse", lambda pool, ours: each(pool, ours[::-1]), 0, "the mean of all", few
    yield (
        "with repeat, again",
        lambda pool, ours: each(pool, [ours[0]] * thousand),
        0,
        "the mean of 1,000; the second reads all requests",
        few,
    )
    yield "a miss", lambda pool, ours: each(pool, [asked(-1)]), None, "reads all requests", few
    yield (
        "a miss, the mean of 1,000",
        lambda pool, ours: each(pool, [asked(-1)] * 1000),
        None,
        "the first reads all requests",
        few,
    )
    yield "a miss explained", explained, True, "reads all requests", at_most(300)


def _search(made: Made, search: Search) -> Run:
    path = made.path
    requests = [replace(one.request) for one in made.interactions()]

    def run() -> Reading:
        pool = Pool(Matcher(), repeat=True)
        pool.load(path)
        began = time.process_time()
        count, found = search(pool, requests)
        return Reading(found, (time.process_time() - began) * 1000 / count)

    return run


Bodies = Callable[[Sequence[Request]], Sequence[Any]]
"""What is done with the bodies of requests; returns something for each."""


def _in_order(requests: Sequence[Request]) -> Sequence[Any]:
    return [canonical_body(one) for one in requests]


def _filed(requests: Sequence[Request]) -> Sequence[Any]:
    """The values by which each request is found."""
    filed: dict[tuple[Any, ...], list[Request]] = {}
    for one in requests:
        target = one.target
        values = one.method, target.resource, target.action, target.alt, canonical_body(one)
        filed.setdefault(values, []).append(one)
    return [values for values, found in filed.items() for _ in found]


def _compared(requests: Sequence[Request]) -> Sequence[Any]:
    """How many leaves of each body differ from those of another request."""
    other = json.loads(canonical_body(asked(-1)))
    return [floors.unlike_leaves(json.loads(values[-1]), other) for values in _filed(requests)]


def _requests_decoded(made: Made, *, bodies: Bodies = lambda requests: requests) -> Run:
    path = made.path

    def run() -> Reading:
        found = open_cassette(path)
        began = time.process_time()
        count = len(bodies([stored.request for stored in found]))
        return Reading(count, (time.process_time() - began) * 1000)

    return run


def _pool(made: Made) -> Run:
    path = made.path
    (recorded,) = made.interactions()

    def run() -> int:
        pool = Pool(Matcher())
        pool.load(path)
        taken = pool.take(replace(recorded.request))
        return len(taken.interaction.body) if taken else 0

    return run


def _replayed(made: Made) -> Run:
    path = made.path
    (recorded,) = made.interactions()

    def run() -> int:
        session = Session(path)
        session.decide(replace(recorded.request))
        session.close()
        return sum(len(one.body) for one in session.played)

    return run


# --- vcrpy ------------------------------------------------------------------------------------------------------


def _vcr_loaded(made: Made) -> Run:
    persister, serializer = vcr_parts()
    path = made.vcr()

    def run() -> list[int]:
        _, answers = persister.load_cassette(path, serializer)
        return [len(answers), sum(len(one["body"]["string"]) for one in answers)]

    return run


def _vcr_saved(made: Made) -> Run:
    persister, serializer = vcr_parts()
    data, target = vcr_data(made.interactions()), made.path.with_name("saved.yaml")

    def run() -> int:
        persister.save_cassette(target, data, serializer)
        return len(data["requests"])

    return run
