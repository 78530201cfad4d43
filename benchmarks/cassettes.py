"""Cassettes: loading and saving a large one, opening one with many recordings, and finding a recording in it.

A pass over the lines with `json.loads` or `json.dumps` is the floor: it checks nothing and finds nothing. vcrpy gets
the same requests and bodies as a YAML cassette, each body in one piece.
"""

from __future__ import annotations

import importlib
import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_most
from gemini_replay import Cassette, Session
from gemini_replay.cassette.files import open_cassette
from gemini_replay.cassette.matching import Matcher, Pool
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
WORDS = (
    "the",
    "sea",
    "was",
    "quiet",
    "and",
    "问好",
    "a",
    "dragon",
    "slept",
    "under",
    "“the",
    "hill”",
    "while",
    "rain",
)
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
            Contestant(floor, lambda: _json_lines(large), expected=large.lines),
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
            Contestant(floor, lambda: _json_lines(large), expected=large.lines),
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
                Contestant(dumps, lambda: _json_dumped(large, ensure_ascii=False), expected=large.lines),
                Contestant(
                    "json.dumps in ASCII", lambda: _json_dumped(large, ensure_ascii=True), expected=large.lines
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
            Contestant(floor, lambda: _json_lines(many), expected=many.lines),
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
            Contestant(name, lambda search=search: _search(many, search), expected=found, note=note, targets=[target])
            for name, search, found, note, target in _searches(many.count)
        ],
        measures="reading",
        rounds=9,
        limit="The first search that has to look at every recording reads all requests, once in a session.",
    )
    yield Benchmark(
        "Open a small cassette, find its recording, close it",
        "µs",
        [
            Contestant(floor, lambda: _json_lines(small), expected=small.lines),
            Contestant("gemini-replay: the cassette", lambda: _pool(small)),
            Contestant("gemini-replay: a session", lambda: _replayed(small)),
        ],
        floor=floor,
        expected=small.size,
        rounds=31,
    )


class Made:
    """A cassette that is made when it is first needed, the same each time."""

    def __init__(self, setting: Setting, name: str, count: int, *, chunks: int, size: int) -> None:
        self.count = max(1, count // 100) if setting.quick else count
        self.lines = 1 + self.count * (chunks + 3)
        self._setting, self._name, self._chunks, self._characters = setting, name, chunks, size

    @property
    def size(self) -> int:
        """Bytes of all bodies, counted once in a run of the benchmarks."""
        return int(self._setting.file(f"{self._name}.size", self._count_bytes).read_text(encoding="utf-8"))

    def _count_bytes(self, path: Path) -> None:
        path.write_text(str(sum(len(interaction.body) for interaction in self.interactions())), encoding="utf-8")

    @property
    def path(self) -> Path:
        """The file."""
        return self._setting.file(f"{self._name}.jsonl", lambda path: Cassette(list(self.interactions())).save(path))

    def interactions(self) -> Iterator[Interaction]:
        """What it holds."""
        rng = random.Random(1)
        headers = (("content-type", "text/event-stream"), ("server", "scaffolding"))
        for number in range(self.count):
            chunks = tuple(self._event(rng) for _ in range(self._chunks))
            yield Interaction(asked(number, rng), Response(200, headers, 0.4), chunks, End("eof", 0.001))

    def _event(self, rng: random.Random) -> Chunk:
        text = " ".join(rng.choices(WORDS, k=self._characters // 4))[: self._characters]
        event = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
        return Chunk(0.02, b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\r\n\r\n")

    def vcr(self) -> Path:
        """The same for vcrpy."""
        return self._setting.file(f"{self._name}.yaml", lambda path: _vcr_save(path, self.interactions()))


def asked(number: int, rng: random.Random | None = None) -> Request:
    """The request of this number; without `rng`, one that was not recorded."""
    words = " ".join((rng or random.Random(number)).choices(WORDS, k=20))
    body = {
        "contents": [{"parts": [{"text": f"Tell me story {number}. {words}"}], "role": "user"}],
        "generationConfig": {"temperature": 0.7, "maxOutputTokens": 256},
    }
    headers = (("content-type", "application/json"), ("x-goog-api-key", "REDACTED"))
    return Request("POST", URL, headers, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


# --- load and save ----------------------------------------------------------------------------------------------


def _json_lines(made: Made) -> Run:
    path = made.path

    def run() -> int:
        with path.open("rb") as file:
            return len([json.loads(line) for line in file])

    return run


def _loaded(made: Made) -> Run:
    path = made.path

    def run() -> list[int]:
        found = Cassette.load(path).interactions
        return [len(found), sum(len(chunk.data) for one in found for chunk in one.chunks)]

    return run


def _opened(made: Made) -> Run:
    path = made.path
    (last,) = deque(made.interactions(), maxlen=1)  # all at once would raise the peak of memory that is measured

    def run() -> bool:
        return open_cassette(path)[-1].interaction == last

    return run


def _json_dumped(made: Made, *, ensure_ascii: bool) -> Run:
    with made.path.open("rb") as file:
        values = [json.loads(line) for line in file]
    target = made.path.with_name("dumped.jsonl")

    def run() -> int:
        with target.open("w", encoding="utf-8") as file:
            return sum(bool(file.write(json.dumps(value, ensure_ascii=ensure_ascii) + "\n")) for value in values)

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
"""Does some searches in a pool with these requests; returns how many, and what the last one found."""


def _searches(count: int) -> Iterable[tuple[str, Search, Any, str, Any]]:
    """The name of each, what it does, what it finds, a note, and its target."""
    thousand = min(1000, count)

    def each(pool: Pool, requests: Iterable[Request]) -> tuple[int, Any]:
        found = [pool.take(request) for request in requests]
        return len(found), None if found[-1] is None else found[-1][0]

    def explained(pool: Pool, requests: Sequence[Request]) -> tuple[int, Any]:
        return 1, bool(pool.nearest(asked(-1)).differences)

    few = at_most(0.1)
    yield "in order", lambda pool, ours: each(pool, ours[:thousand]), thousand - 1, "the mean of 1,000", few
    yield "the last first", lambda pool, ours: each(pool, ours[-1:]), count - 1, "reads all requests", few
    yield "in reverse", lambda pool, ours: each(pool, ours[::-1]), 0, "the mean of all", few
    yield "with repeat, again", lambda pool, ours: each(pool, ours[:1] * thousand), 0, "the mean of 1,000", few
    yield "a miss", lambda pool, ours: each(pool, [asked(-1)]), None, "reads all requests", few
    yield "a miss, the mean of 1,000", lambda pool, ours: each(pool, [asked(-1)] * 1000), None, "", few
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


def _pool(made: Made) -> Run:
    path = made.path
    (recorded,) = made.interactions()

    def run() -> int:
        pool = Pool(Matcher())
        pool.load(path)
        taken = pool.take(replace(recorded.request))
        return len(taken[1].body) if taken else 0

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


def _vcr() -> tuple[Any, Any]:
    persister = importlib.import_module("vcr.persisters.filesystem").FilesystemPersister
    return persister, importlib.import_module("vcr.serializers.yamlserializer")


def _vcr_save(path: Path, interactions: Iterable[Interaction]) -> None:
    persister, serializer = _vcr()
    persister.save_cassette(path, _vcr_data(interactions), serializer)


def _vcr_data(interactions: Iterable[Interaction]) -> dict[str, list[Any]]:
    request = importlib.import_module("vcr.request").Request
    data: dict[str, list[Any]] = {"requests": [], "responses": []}
    for one in interactions:
        asked = one.request
        data["requests"].append(request(asked.method, asked.url, asked.body, dict(asked.headers)))
        headers = {"content-type": ["text/event-stream"]}
        answer = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": one.body}}
        data["responses"].append(answer)
    return data


def _vcr_loaded(made: Made) -> Run:
    persister, serializer = _vcr()
    path = made.vcr()

    def run() -> list[int]:
        _, answers = persister.load_cassette(path, serializer)
        return [len(answers), sum(len(one["body"]["string"]) for one in answers)]

    return run


def _vcr_saved(made: Made) -> Run:
    persister, serializer = _vcr()
    data, target = _vcr_data(made.interactions()), made.path.with_name("saved.yaml")

    def run() -> int:
        persister.save_cassette(target, data, serializer)
        return len(data["requests"])

    return run
