"""Instant replay of one answer of 20 events, beside the least that each client library needs for the same.

The floor of httpx and httpx2 is their own `MockTransport`, which streams the same chunks; that of requests an adapter
over `BytesIO`; that of aiohttp a real `ResponseHandler` that is fed one chunk in each turn of the loop. "The seam
alone" stands where gemini-replay does, knows the answer already and decides nothing: what it costs is the price of
real connection pools, parsers and errors. The contestants below it do one more thing each: they read the request,
look it up in a table by its exact bytes, and give the loop the turns that a replay gives it. "A turn for each chunk"
is what the same costs where the loop has one, as it has in a replay beside other tasks that are ready to run; beside
a client that is alone, as here, it has fewer. Every client must get every chunk, byte for byte and in the recorded
boundaries; the adapter over `BytesIO`, and the peers that say so, give one lump.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import canned, canned_aiohttp
from benchmarks.canned import REQUESTS, TYPE, chunks
from benchmarks.harness import Benchmark, Contestant, Run, Setting, at_most
from benchmarks.story import ASK, GOOGLE

TARGETS = {
    ("httpx", False): 1.2,
    ("httpx", True): 1.3,
    ("httpx2", False): 1.3,
    ("httpx2", True): 1.4,
    ("requests", False): 1.4,
    ("aiohttp", True): 1.25,
}
FLOORS = {"requests": "adapter over BytesIO", "aiohttp": "a real ResponseHandler"}
MOCK = "bare MockTransport"
FOUND = "… and found in a table"


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One for each library, sync and async, and for each way to read."""
    rounds = 3 if setting.quick else 25
    for library in ("httpx", "httpx2"):
        for reads in ("iter_raw", "iter_lines"):
            for awaits in (False, True):
                yield _of_httpx(setting, library, reads, awaits, rounds)
    yield Benchmark(
        "requests",
        "µs/request",
        [
            Contestant(FLOORS["requests"], lambda: canned.requests_run(canned.bytes_adapter)),
            Contestant("the seam alone", lambda: canned.requests_run(canned.urllib3_seam)),
            Contestant("responses", lambda: canned.requests_run(canned.responses_peer), "pytest-httpx"),
            _ours(setting, "requests", False, lambda: canned.requests_run(lambda session: None)),
        ],
        floor=FLOORS["requests"],
        amount=REQUESTS,
        expected=b"".join(chunks()),
        rounds=rounds,
        limit="urllib3's connection and http.client's parser, which read true wire bytes: see the seam alone, whose "
        "bytes are framed beforehand. A replay frames each HTTP chunk when it is due.",
    )
    yield Benchmark(
        "aiohttp",
        "µs/request",
        [
            Contestant(FLOORS["aiohttp"], lambda: canned_aiohttp.run(setting, fed=True)),
            Contestant(
                "the same, and the request found in a table",
                lambda: canned_aiohttp.run(setting, fed=True, finds=True),
            ),
            _ours(setting, "aiohttp", True, lambda: canned_aiohttp.run(setting, fed=False)),
        ],
        floor=FLOORS["aiohttp"],
        amount=REQUESTS,
        rounds=rounds,
        limit="A turn of the loop for each chunk, as in the floor; a replay frames the chunk in it. The rest is "
        "spent once for each request: it is read, its recording is found, and its connection is made.",
    )


def _of_httpx(setting: Setting, library: str, reads: str, awaits: bool, rounds: int) -> Benchmark:
    def through(make: Callable[[Any, bool], Any]) -> Callable[[], Run]:
        def prepare() -> Run:
            client = make(importlib.import_module(library), awaits)
            return canned.async_run(setting, client, reads) if awaits else canned.run(client, reads)

        return prepare

    contestants = [
        Contestant(MOCK, through(canned.mock)),
        Contestant("the seam alone", through(canned.core_seam)),
        Contestant("the seam, and the request read", through(partial(canned.core_seam, reads=True))),
        Contestant(FOUND, through(partial(canned.core_seam, reads=True, finds=True))),
    ]
    if awaits:
        seam = partial(canned.core_seam, reads=True, finds=True, turns=True)
        contestants.append(Contestant("… and two turns of the loop", through(seam)))
        contestants.append(Contestant("MockTransport, a turn for each chunk", through(canned.turning)))
    if library == "httpx":
        contestants.append(Contestant("pytest-httpx", through(canned.pytest_httpx_peer), "pytest-httpx"))
        contestants.append(Contestant("respx", through(canned.respx_peer), "pytest-httpx"))
    contestants.append(_ours(setting, library, awaits, through(canned.plain)))
    return Benchmark(
        f"{library}, {'async' if awaits else 'sync'}, {'a' if awaits else ''}{reads}",
        "µs/request",
        contestants,
        floor=MOCK,
        amount=REQUESTS,
        rounds=rounds,
        limit="The seam, then what must be done once for each request: read it, and find its recording. What a table "
        "of exact bytes does not do is also done once: find the session of the context, compare by model, action and "
        "JSON body, count what was played, and time the answer by a clock"
        + (". The loop has a turn for the head, and one after each 16 chunks." if awaits else "."),
    )


# -- gemini-replay ---------------------------------------------------------------------------------------------------


def _ours(setting: Setting, library: str, awaits: bool, prepare: Callable[[], Run]) -> Contestant:
    def prepared() -> Run:
        from gemini_replay import Session, interception

        path = setting.file("replay.jsonl", _save)
        setting.closing.enter_context(interception.intercepted(Session.replaying(path, repeat=True, speed="instant")))
        return prepare()

    target = at_most(TARGETS[library, awaits], times=FLOORS.get(library, MOCK))
    return Contestant("gemini-replay", prepared, targets=[target])


def _save(path: Any) -> None:
    from gemini_replay import Cassette, Interaction
    from gemini_replay.cassette.model import Chunk, Request, Response

    response = Response(200, (("content-type", TYPE),), 0.4)
    timed = tuple(Chunk(0.05, data) for data in chunks())
    Cassette([Interaction(Request("POST", GOOGLE, body=ASK), response, timed)]).save(path)
