"""Scenarios of the wire: where chunks are cut, how many there are, and how events are wrapped."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.answers import collected, events

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario
from gemini_replay.server.upstream.scenarios.answers import cut_at_traps


def test_long_answer_is_long(stream: Any) -> None:
    """About 40 events."""
    assert 35 <= len(stream("long_answer").chunks) <= 45


def test_split_cuts_where_parsers_break(stream: Any) -> None:
    """Chunks end inside CRLF, inside characters, and inside escapes, and the whole still parses."""
    answer = stream("split")
    starts = [bytes(chunk) for chunk in answer.chunks]
    assert any(chunk.endswith(b"\r") for chunk in starts)
    assert any(chunk.endswith(b"\\") for chunk in starts)
    assert any(0x80 <= chunk[0] < 0xC0 for chunk in starts)
    assert collected(answer).text == "你好！😀 1 < 2\nC’est “déjà” \u2028 l’été\t🌞"


@pytest.mark.parametrize("data", [b"", b"d", b"\r\n", "é\\u003c".encode(), b"\\"])
def test_cuts_lose_nothing(data: bytes) -> None:
    """The pieces, joined in order, are the whole."""
    assert b"".join(cut_at_traps(data)) == data


def test_image_is_a_png_of_1_mb_in_pieces(stream: Any) -> None:
    """It is one event in chunks of 64 KB. The PNG's data contains a look-alike of a key."""
    answer = stream("image")
    assert len(answer.chunks) > 16
    assert max(map(len, answer.chunks)) == 65536
    data = events(answer)[-1].json["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n\x1a\n")
    assert 1_000_000 < len(data) < 1_200_000
    assert "AIzaSyLooksLikeAKey" in data


def test_array_is_an_array_whatever_is_asked(stream: Any) -> None:
    """The scenario array answers with a JSON array even to alt=sse."""
    assert stream("array").body.startswith(b"[{\n")


def test_many_chunks(stream: Any) -> None:
    """200 events, each in an HTTP chunk of its own."""
    answer = stream("many_chunks")
    assert len(answer.chunks) == len(events(answer)) == 200


@pytest.mark.parametrize("key", ["an-example-key", 'quo"te<', "k"], ids=["plain", "escapes", "short"])
def test_echo_cuts_the_key_in_two(stream: Any, key: str) -> None:
    """The text contains the key, but the end of a chunk or an event cuts it."""
    answer = stream("echo", key=key)
    text = collected(answer).text
    assert f"Your key is {key}. " in text
    assert f"Once more: {key}. " in text
    if len(key) > 1:
        assert not any(json.dumps(key)[1:-1].encode() in chunk for chunk in answer.chunks)


@pytest.mark.parametrize("key", ["an-example-key"])
@pytest.mark.parametrize("place", ["query", "bearer"])
def test_echo_finds_the_key_in_every_place(stream: Any, place: str, key: str) -> None:
    """A key in the query or as Bearer is echoed too."""
    query, headers = ("?alt=sse", {"authorization": f"Bearer {key}"})
    if place == "query":
        query, headers = (f"?alt=sse&key={key}", {})
    assert key in collected(stream("echo", query, key=None, headers=headers)).text


def test_gateway_wraps_events(stream: Any) -> None:
    """Each event of the scenario gateway contains headers. The text is still the story's."""
    wrapped, plain = collected(stream("gateway")), collected(stream("story"))
    assert wrapped.text == plain.text
    assert stream("gateway").body.endswith(b"data: [DONE]\n\n")
    assert not stream("gateway_plain").body.endswith(b"data: [DONE]\n\n")


CORPUS = os.environ.get("GEMINI_REPLAY_CORPUS")


@pytest.mark.skipif(not CORPUS, reason="GEMINI_REPLAY_CORPUS is not set")
def test_every_recorded_body_can_be_sent_in_its_chunks(fetch: Callable[..., Any]) -> None:
    """Each body of the corpus goes over a real socket in exactly its chunks."""
    folder = Path(CORPUS or "")
    index = json.loads((folder / "INDEX.json").read_text())
    assert index
    for entry in index:
        body = (folder / "bodies" / f"{entry['name']}.body").read_bytes()
        sizes = entry.get("wire_chunk_sizes") or [len(body)]
        chunks, start = [], 0
        for size in sizes:
            chunks.append(body[start : start + size])
            start += size
        assert b"".join(chunks) == body, entry["name"]
        scenario = Scenario.from_chunks(chunks, status=entry["status"] or 200)
        with upstream.start(scenario) as server:
            answer = fetch(server.url)
        assert (answer.chunks, answer.complete) == (chunks, True), entry["name"]
