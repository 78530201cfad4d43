"""Retiming changes only times, whatever the body holds."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.retimed import EVENTS, assert_only_times_differ, head, interaction, said, sse, waits

from gemini_replay import Cassette, frames
from gemini_replay.cassette.model import End, EndKind, Interaction, Request
from gemini_replay.gemini import spelling
from gemini_replay.rhythm.retiming import retime
from gemini_replay.rhythm.rhythms import RHYTHMS

CURATED = sorted((Path(__file__).parents[2] / "cassettes").glob("*.jsonl"))
URL = "https://generativelanguage.googleapis.com/v1beta/models/{model}:streamGenerateContent?alt=sse"
FLASH = RHYTHMS["gemini-2.5-flash"]
LONG = "x" * 600
CALL = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": LONG}}}]}}]}


@pytest.mark.parametrize(
    ("chunk", "body"),
    [
        (b"\xff" * 600, None),
        (f": nothing but a comment {LONG}\n\n".encode(), None),
        (f"data: {{no JSON{LONG}\r\n\r\n".encode(), None),
        (zlib.compress(LONG.encode(), 0), "wire"),
        (frames.encode_sse(spelling.dumps({"choices": [{"delta": {"content": LONG}}]})), None),
        (frames.encode_sse(spelling.dumps(CALL)), None),
    ],
    ids=["binary", "comments", "no-json", "wire", "another-api", "function-calls"],
)
def test_bodies_without_text_are_timed_by_bytes(chunk: bytes, body: Any) -> None:
    """Even a long chunk takes no longer than one text event of the model."""
    original = interaction(*[chunk] * 5, body=body)
    timed = retime(original)
    assert_only_times_differ(timed, original)
    first, second, *rest = waits(timed)
    assert first <= 0.001
    assert second <= 0.011
    assert all(0.075 <= wait <= 0.208 for wait in rest)


def test_an_image_takes_its_tokens() -> None:
    """An image counts as 1290 tokens, whatever its size."""
    part = {"inlineData": {"mimeType": "image/png", "data": "A" * 200_000}}
    picture = {"candidates": [{"content": {"parts": [part]}}]}
    timed = retime(interaction(*sse(said("Here"), said(" it is"), picture)))
    assert 2.0 <= waits(timed)[-1] <= 5.6


@pytest.mark.parametrize("end", ["reset", "cancelled", "timeout"])
def test_another_end_than_eof_keeps_its_time(end: EndKind) -> None:
    """Such an end depends on the connection or the client, not on the model."""
    assert retime(interaction(*sse(*EVENTS), end=end)).end.after == 9.0


def test_without_a_response_there_is_nothing_to_time() -> None:
    """An interaction whose connection ended before the head comes back unchanged."""
    original = Interaction(Request("POST", URL.format(model="m")), None, (), End("reset", 1.5))
    assert retime(original) is original


def saved(timed: Interaction) -> Interaction:
    return Cassette.loads(Cassette([timed]).dumps()).interactions[0]


@pytest.mark.parametrize("rhythm", RHYTHMS)
@pytest.mark.parametrize("path", CURATED, ids=lambda path: path.stem)
def test_curated_cassettes_keep_all_but_their_times(path: Path, rhythm: str) -> None:
    """Calls, errors, arrays and split events stay. Drawn times are the same after saving and loading."""
    for original in Cassette.load(path).interactions:
        timed = retime(original, rhythm)
        assert_only_times_differ(timed, original)
        assert saved(timed) == timed


def test_every_body_of_the_corpus_keeps_its_bytes(corpus_entry: dict[str, Any]) -> None:
    """The bytes stay, in one chunk and in the wire's chunks, and a file keeps the times exactly."""
    body, sizes = corpus_entry["body"], corpus_entry.get("wire_chunk_sizes") or [len(corpus_entry["body"])]
    chunks, at = [], 0
    for size in sizes:
        chunks.append(body[at : at + size])
        at += size
    original = interaction(*chunks, status=corpus_entry["status"] or 200)
    timed = retime(original)
    assert_only_times_differ(timed, original)
    assert saved(timed) == timed
    assert timed.duration < 120


PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [*sse(*EVENTS), b"[", b",\r\n", b"]", b"data: [DONE]\n\n", b": ping\n\n", json.dumps(EVENTS).encode()]
    ),
)


@given(
    st.lists(PIECES, max_size=8),
    st.sampled_from([200, 204, 400, 500]),
    st.sampled_from([None, "decoded", "wire"]),
    st.integers(0, 5),
)
def test_any_bytes_in_any_chunks_can_be_timed(chunks: list[bytes], status: int, body: Any, seed: int) -> None:
    """Only times change. They are whole milliseconds, not negative, and a file keeps them exactly."""
    original = interaction(*chunks, status=status, body=body)
    timed = retime(original, FLASH, seed=seed)
    assert_only_times_differ(timed, original)
    times = [head(timed), *waits(timed), timed.end.after]
    assert all(after >= 0 and round(after, 3) == after for after in times)
    assert [head(saved(timed)), *waits(saved(timed)), saved(timed).end.after] == times
