"""Uses of every public name that mypy and pyright must accept, in their strict modes. It is checked and never run."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, assert_type

import httpx
import pytest

import gemini_replay
from gemini_replay import Cassette, CassetteConfig, Event, Interaction, Request, Session, StreamParser, faults, fuzz
from gemini_replay.transports import httpx as for_httpx
from gemini_replay.transports.respx import from_cassette

# -- recording and replaying -----------------------------------------------------------------------------------------


def same(recorded: Request, asked: Request) -> bool | str:
    return recorded.json == asked.json or f"{recorded.model} is not {asked.model}"


def normal(request: Request) -> Request:
    return request


def kept(interaction: Interaction) -> Interaction | None:
    return interaction if interaction.complete else None


def changed(interaction: Interaction) -> Interaction:
    return interaction


def replaying(path: Path) -> None:
    with gemini_replay.replay(
        path, speed="instant", max_gap=0.5, rechunk="bytes", match=("model", "body")
    ) as session:
        assert_type(session, Session)
        assert_type(session.played, list[Interaction])
    with gemini_replay.replay("story.jsonl", fault=["reset@event:3", "slow:x2"], hosts=None, redact=("secret",)):
        pass
    with gemini_replay.replay("story.jsonl", match=["model", same], ignore=["body.seed"], normalize=normal):
        pass
    with gemini_replay.replay("story.jsonl", match=same, ignore="body.seed", normalize=None):
        pass
    with gemini_replay.replay("story.jsonl", redact_patterns=[re.compile("x"), "y"], ignore_hosts=["localhost"]):
        pass


def recording(path: Path) -> None:
    with gemini_replay.record(path, mode="new", upstream="http://127.0.0.1:1", wire=True, speed=4) as session:
        assert_type(session, Session)
    assert_type(session.recorded_count, int)
    with gemini_replay.record(path, before_record=kept, before_replay=changed, allow_unused=False):
        pass


def configured() -> CassetteConfig:
    return {"mode": "once", "cassette_dir": lambda item: item.path, "repeat": True}


@gemini_replay.replay("story.jsonl")
def plain(count: int) -> str:
    return "x" * count


@gemini_replay.record("story.jsonl", keep_headers=["x-tenant"])
async def awaited(name: str, *, times: int = 1) -> list[str]:
    return [name] * times


@gemini_replay.replay("story.jsonl")
def generated() -> Iterator[int]:
    yield 1


async def decorated() -> None:
    assert_type(plain(3), str)
    assert_type(await awaited("a", times=2), list[str])
    assert_type(generated(), Iterator[int])
    async with gemini_replay.replay("story.jsonl") as session:
        assert_type(session, Session)
    with gemini_replay.virtual_time():
        pass


def sessions() -> None:
    Session("story.jsonl", mode="once", speed="virtual", test="tests/test_x.py::test_y", repeat=False)
    assert_type(Session.replaying(["a.jsonl", Path("b.jsonl")], hosts=["*.example.org"], repeat=True), Session)


def transports() -> Callable[[httpx.Request], httpx.Response]:
    httpx.Client(transport=for_httpx.ReplayTransport("story.jsonl", speed=2, fault="reset@event:1"))
    httpx.AsyncClient(transport=for_httpx.RecordTransport("story.jsonl", mode="once", redact=["secret"]))
    return from_cassette("story.jsonl", rechunk=16)


# -- cassettes and events --------------------------------------------------------------------------------------------


def cassettes(path: Path) -> None:
    for interaction in Cassette.load(path).interactions:
        assert_type(interaction, Interaction)
        assert_type(interaction.text, str)
        assert_type(interaction.body, bytes)
        assert_type([chunk.data for chunk in interaction.chunks], list[bytes])
    written = Cassette.from_text("One two three.", prompt="?", thoughts=["first"], framing="json-array", seed=1)
    assert_type(written.retime("gemini-2.5-flash", rechunk="bytes", only=[0]), Cassette)
    Cassette.from_events([{"candidates": []}], status=503).save(path)


def events(chunks: Iterable[bytes]) -> list[Event]:
    parser = StreamParser()
    return [*(event for chunk in chunks for event in parser.feed(chunk)), *gemini_replay.parse_stream(chunks)]


async def async_events(chunks: AsyncIterator[bytes]) -> list[Event]:
    return [event async for event in gemini_replay.aparse_stream(chunks)]


# -- errors ----------------------------------------------------------------------------------------------------------


def errors() -> list[str]:
    try:
        plain(1)
    except gemini_replay.MissError as error:
        return [*error.differences, error.message, error.suggestion, error.hint]
    except gemini_replay.RecordingError as error:
        assert_type(error.part, Path | None)
    except (gemini_replay.RefusedError, gemini_replay.FaultUnusedError, gemini_replay.GeminiReplayError) as error:
        return [error.message]
    return []


# -- faults and the fuzz kit -----------------------------------------------------------------------------------------


def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in gemini_replay.parse_stream(chunks):
        yield event.json


def fuzzing() -> None:
    fuzz.check_parser(parse, profile="gemini", max_examples=5)
    assert_type(fuzz.survey(parse), fuzz.Survey)
    assert_type(faults.check_client(lambda: plain(1), "story.jsonl"), faults.ClientReport)


# -- the plug-in -----------------------------------------------------------------------------------------------------


@pytest.mark.gemini_cassette("story", speed=4)
def test_story(
    gemini_cassette: Session, gemini_server: str, check_gemini_client: Callable[..., faults.ClientReport]
) -> None:
    assert_type(gemini_cassette.misses, list[gemini_replay.RefusedError])
