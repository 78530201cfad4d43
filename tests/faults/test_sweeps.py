"""Sweeps: the faults that would change a recorded answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_replay import Cassette, faults
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.script import Scripting
from gemini_replay.errors import UsageError
from gemini_replay.frames import encode_sse
from gemini_replay.gemini.spelling import encode_array

FOLDER = Path(__file__).parents[2] / "cassettes"
ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1/models/m:streamGenerateContent?alt=sse")
PARTS = [encode_sse('{"n": 1}'), encode_sse('{"candidates": [{"finishReason": "STOP"}]}')]


def answer(parts: list[bytes], **rest: object) -> Interaction:
    return Interaction(ASKED, Response(200), tuple(Chunk(0.01, part) for part in parts), **rest)  # type: ignore[arg-type]


def test_the_places_of_an_answer() -> None:
    """Places are the head, events' boundaries and their middles. At the body's end, only an eof is not a fault."""
    assert faults.faults_of(answer(PARTS), kinds=["reset", "eof", "error", "duplicate"]) == [
        "reset@head",
        "reset@event:0",
        "reset@event:1",
        "reset@event:2",
        "reset@event:0.5",
        "reset@event:1.5",
        "eof@event:0",
        "eof@event:1",
        "eof@event:0.5",
        "eof@event:1.5",
        "error@event:0",
        "error@event:1",
        "error@event:2",
        "duplicate@event:1",
        "duplicate@event:2",
    ]


def test_an_array_can_end_without_its_bracket() -> None:
    """In an array, the place after the last event is not the end of the body."""
    array = answer(encode_array(['{"n": 1}', '{"n": 2}']))
    assert "eof@event:2" in faults.faults_of(array, kinds=["eof"])
    assert faults.faults_of(array, kinds=["reset"])[-1] == "reset@end"


@pytest.mark.parametrize(
    ("interaction", "some"),
    [
        (answer([b"no events", b"at all"]), "reset@chunk:1.5"),
        (Interaction(ASKED, Response(200, body="wire"), (Chunk(0.0, b"\x1f\x8b"),)), "eof@chunk:0.5"),
    ],
    ids=["no-events", "compressed"],
)
def test_without_events_places_are_counted_in_chunks(interaction: Interaction, some: str) -> None:
    """So every answer has some places."""
    assert some in faults.faults_of(interaction)


def test_a_connection_without_a_response_has_few_faults() -> None:
    """Without a body, it can only break at the head or fail to connect."""
    found = faults.faults_of(Interaction(ASKED, None, (), End("reset")), kinds=["reset", "eof", "refuse"])
    assert found == ["reset@head", "refuse"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_every_fault_of_a_curated_cassette_is_applied(path: Path) -> None:
    """No listed fault leaves the answer unchanged."""
    for interaction in Cassette.load(path).interactions:
        for text in faults.faults_of(interaction, most=7):
            for fault in faults.parse_faults(text):
                assert fault.cause is not None or Scripting(interaction).apply(fault), text


def test_a_sweep_is_parameters_with_readable_ids() -> None:
    """The id is the fault. If a cassette has several answers, the id also names the request."""
    (first, *_) = swept = faults.sweep(FOLDER / "story.jsonl", kinds=["reset"])
    assert (first.values, first.id) == (("reset@head",), "reset@head")
    assert len({param.id for param in swept}) == len(swept)
    ids = [param.id for param in faults.sweep(FOLDER / "afc.jsonl", kinds=["refuse"])]
    assert ids == ["refuse;request=1", "refuse;request=2"]


def test_the_most_places_of_a_kind_are_spread() -> None:
    """If `most` limits the places, they are spread evenly, with the first and the last among them."""
    long = answer([PARTS[0]] * 20)
    assert faults.faults_of(long, kinds=["error"], most=3) == ["error@event:0", "error@event:10", "error@event:20"]
    assert faults.faults_of(long, kinds=["error"], most=1) == ["error@event:0"]


def test_an_unknown_kind_is_refused() -> None:
    """The error lists all kinds and names the closest."""
    with pytest.raises(UsageError, match=r"Unknown kind of fault 'resett'(?s:.*)'reset'"):
        faults.sweep(FOLDER / "story.jsonl", kinds=["resett"])


def test_a_sweep_without_places_is_refused() -> None:
    """An empty sweep would prove nothing."""
    with pytest.raises(UsageError, match="most is 0"):
        faults.sweep(FOLDER / "story.jsonl", most=0)
