"""The job itself: a stream is recorded once and replayed, by each library in its own way.

A server sends 20 events, 50 ms apart, to httpx with a key in a header and one in the URL. What is counted: the chunks
that the client sees live and on replay, the gaps between them (the median), whether the replayed bytes are the ones
that were sent, and how many of the two keys are in the files that were written. Each library must at least give the
right text, live and on replay.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_least
from benchmarks.story import ASK, PATH, Story

KEYS = ("header-key-3f9a1c77d0e2", "AIzaSyUrlKey_0123456789abcdefghijklmno")
"""The one in a header and the one in the URL."""

Opened = AbstractContextManager[tuple[Any, str]]
"""Gives an httpx client and the base URL to use, for the duration of a recording or a replay."""

Way = Callable[[Path, str, bool], Opened]
"""How a library does the job, given its own folder, the server's URL, and whether to record."""


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One row for each library."""
    count, gap = (5, 0.02) if setting.quick else (20, 0.05)
    story = Story(count, gap, 0.1)

    def contestant(name: str, way: Way, environment: str = "", note: str = "") -> Contestant:
        targets = [at_least(count)] if name == "gemini-replay" else []
        return Contestant(name, _prepared(setting, story, way), environment, note=note, targets=targets)

    yield Benchmark(
        f"{count} events, {gap * 1000:g} ms apart: chunks on replay",
        "chunks",
        [
            contestant("gemini-replay", _gemini_replay),
            contestant("vcrpy", _vcrpy, "pytest-recording"),
            contestant("cassetter", _cassetter, "cassetter"),
            contestant("agent-replay-py", _agent_replay, "recorders", "knows the hosts of Anthropic and OpenAI"),
            contestant("llm-tape", _llm_tape, "recorders"),
            contestant("pytest-llm-vcr", _llm_vcr, "recorders"),
            contestant("promptecho", _promptecho, "recorders"),
            contestant(
                "aimock",
                _aimock,
                "aimock",
                "a server; it stores the text and makes events anew, which cut emoji in two",
            ),
        ],
        measures="reading",
        rounds=3,
    )


@dataclass(frozen=True)
class Seen:
    """What the client saw."""

    chunks: list[bytes]
    times: list[float]

    @property
    def text(self) -> str:
        """The text of all events. Halves of a character (surrogates) in two events are joined, as in JavaScript."""
        lines = b"".join(self.chunks).decode().splitlines()
        events = [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]
        text = "".join(part["text"] for event in events for part in event["candidates"][0]["content"]["parts"])
        return text.encode("utf-16", "surrogatepass").decode("utf-16")

    @property
    def gap(self) -> float:
        """The median gap between chunks, in ms."""
        return statistics.median([after - before for before, after in pairwise(self.times)] or [0.0]) * 1000


def _prepared(setting: Setting, story: Story, way: Way) -> Callable[[], Run]:
    def prepare() -> Run:
        from support.processes import announced

        path = setting.file("story.jsonl", story.save)
        command: list[str | Path] = [sys.executable, "-m", "benchmarks.bare_server", path]
        _, url = setting.closing.enter_context(announced(command))

        def run() -> Reading:
            folder = Path(mkdtemp(dir=setting.folder))
            live, again = (_fetched(way(folder, url, recording)) for recording in (True, False))
            also = {
                "chunks live": len(live.chunks),
                "gap live, ms": live.gap,
                "gap on replay, ms": again.gap,
                "same bytes": float(b"".join(again.chunks) == b"".join(story.chunks)),
                "keys in files": keys_in(folder),
            }
            return Reading([live.text, again.text], len(again.chunks), also)

        return run

    return prepare


def _fetched(opened: Opened) -> Seen:
    seen = Seen([], [])
    headers = {"content-type": "application/json", "accept": "text/event-stream", "x-goog-api-key": KEYS[0]}
    with opened as (client, base):
        with client.stream("POST", f"{base}{PATH}&key={KEYS[1]}", content=ASK, headers=headers) as response:
            for chunk in response.iter_bytes():
                seen.times.append(time.perf_counter())
                seen.chunks.append(chunk)
    return seen


def keys_in(folder: Path) -> int:
    """How many of the keys the files of a folder hold."""
    stored = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert stored, "nothing was recorded"
    return sum(key.encode() in stored for key in KEYS)


@contextmanager
def _inside(context: AbstractContextManager[Any], url: str) -> Iterator[tuple[Any, str]]:
    """A client that is made while a library records or replays."""
    import httpx

    with context, httpx.Client() as client:
        yield client, url


def _gemini_replay(folder: Path, url: str, recording: bool) -> Opened:
    import gemini_replay

    path = folder / "story.jsonl"
    return _inside(gemini_replay.record(path) if recording else gemini_replay.replay(path), url)


def _vcrpy(folder: Path, url: str, recording: bool) -> Opened:
    import vcr

    return _inside(vcr.use_cassette(str(folder / "story.yaml"), record_mode="once" if recording else "none"), url)


def _cassetter(folder: Path, url: str, recording: bool) -> Opened:
    import cassetter

    mode = "once" if recording else "none"
    return _inside(cassetter.use_cassette(str(folder / "story.yaml"), record_mode=mode), url)


@contextmanager
def _agent_replay(folder: Path, url: str, recording: bool) -> Iterator[tuple[Any, str]]:
    import agentreplay

    mode = "record" if recording else "replay"
    with agentreplay.cassette(str(folder / "story.jsonl"), mode=mode, stream_timing="recorded") as cassette:
        with cassette.httpx_client() as client:
            yield client, url


def _llm_tape(folder: Path, url: str, recording: bool) -> Opened:
    import llm_tape

    return _inside((llm_tape.record if recording else llm_tape.replay)(folder / "story.tape.yaml"), url)


@contextmanager
def _llm_vcr(folder: Path, url: str, recording: bool) -> Iterator[tuple[Any, str]]:
    import httpx
    from llm_vcr.cassette import Cassette
    from llm_vcr.transport import VCRTransport

    path = folder / "story.yaml"
    cassette = Cassette(name="story") if recording else Cassette.load(path)
    with httpx.Client(transport=VCRTransport(cassette, record_mode=recording)) as client:
        yield client, url
    if recording:
        cassette.save(path)


def _promptecho(folder: Path, url: str, recording: bool) -> Opened:
    import promptecho

    mode = "once" if recording else "none"
    return _inside(promptecho.use_cassette(str(folder / "story.yaml"), mode=mode), url)


@contextmanager
def _aimock(folder: Path, url: str, recording: bool) -> Iterator[tuple[Any, str]]:
    import subprocess

    import httpx

    program = Path(sys.prefix) / "node_modules/@copilotkit/aimock/dist/cli.js"
    if not program.exists():
        raise ImportError("@copilotkit/aimock, which needs node and npm")
    options = ["--record", "--provider-gemini", url] if recording else []
    command = ["node", str(program), "-p", "0", "-f", str(folder), *options]
    pipe, joined = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, stdout=pipe, stderr=joined, text=True, env=dict(os.environ)) as server:
        try:
            assert server.stdout is not None
            found = next(filter(None, (re.search(r"listening on (http://\S+)", line) for line in server.stdout)))
            with httpx.Client() as client:
                yield client, found[1]
            time.sleep(0.5)  # it writes its file after the answer
        finally:
            server.terminate()
