"""What is told of a recorded answer."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from support.cassettes import streaming

from gemini_replay.cassette.model import End, EndKind, Interaction, Response
from gemini_replay.checks.answers import answer_faults

EVENT = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}\n\n'
LAST = b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n'
ERROR = b'{"error": {"code": 503, "message": "over", "status": "UNAVAILABLE"}}\n'


def told(*chunks: bytes, **changes: object) -> list[tuple[str, str]]:
    """The findings of an answer."""
    return list(answer_faults(replace(streaming(*chunks), **changes)))  # type: ignore[arg-type]


def response(status: int = 200, kind: str = "text/event-stream", **changes: object) -> Response:
    return replace(Response(status, (("content-type", kind),)), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("lines", [EVENT + LAST, b": hi\n\n" + EVENT + LAST + b"data: [DONE]\n\n"])
def test_a_whole_answer_is_well(lines: bytes) -> None:
    """Comments and the mark of the end are no findings."""
    assert told(lines) == []


def test_lines_without_blank_lines_between_them_are_told() -> None:
    """They are one frame, of which nothing can be read."""
    ((slug, message),) = told((EVENT + LAST).replace(b"\n\n", b"\n"))
    assert slug == "unreadable-body"
    assert message.endswith("1 frame is not JSON, since no blank lines are between the data: lines")


@pytest.mark.parametrize("body", [b"<html>\n<p>hello</p>", b"data: nonsense\n\n", b"\x80\x81\n"])
def test_a_body_of_which_nothing_can_be_read_is_told(body: bytes) -> None:
    """Whatever it is; not where neither request nor answer speaks of a stream, as for a file."""
    assert [slug for slug, _ in told(body)] == ["unreadable-body"]
    asked = replace(streaming().request, url="https://generativelanguage.googleapis.com/v1beta/files/x", method="GET")
    assert told(body, request=asked, response=response(kind="image/png")) == []
    assert [slug for slug, _ in told(body, request=asked, response=response(kind="application/json"))] == [
        "unreadable-body"
    ]


def test_frames_that_are_lost_beside_events_are_told() -> None:
    """How many, beside how many events."""
    assert told(b"data: nonsense\n\n" + EVENT + LAST) == [("skipped-frames", "1 frame is not JSON, beside 2 events")]
    ((slug, message),) = told(b"ata: {}\n" + EVENT + b"data: {\n\n" + LAST)
    assert (slug, message) == ("skipped-frames", "2 frames or lines give no event, beside 2 events")


@pytest.mark.parametrize("ending", ["reset", "cancelled", "timeout"])
def test_the_last_frame_of_a_body_that_breaks_off_is_no_finding(ending: EndKind) -> None:
    """The answer has no finish reason, which is told."""
    for chunks, events in (((EVENT, EVENT[:20]), "1 event"), ((EVENT[:20],), "no events")):
        assert told(*chunks, end=End(ending)) == [
            ("no-finish-reason", f"the answer has no finish reason; it has {events}, and ended by: {ending}")
        ]


def test_an_answer_without_a_finish_reason_is_told() -> None:
    """An empty one, too; not a count of tokens, which has none."""
    assert [slug for slug, _ in told(EVENT)] == ["no-finish-reason"]
    assert [slug for slug, _ in told()] == ["no-finish-reason"]
    assert [slug for slug, _ in told(b'data: {"candidates": [{"finishReason": "CONTINUATION"}]}\n\n')] == [
        "no-finish-reason"
    ]
    assert told(b'data: {"promptFeedback": {"blockReason": "SAFETY"}}\n\n') == []
    assert told(b'{"totalTokens": 3}', response=response(kind="application/json")) == []


@pytest.mark.parametrize(
    ("interaction", "message"),
    [
        (streaming(EVENT, ERROR), "the answer has an error: 503 UNAVAILABLE"),
        (streaming(b'data: {"error": "no"}\n\n'), "the answer has an error"),
        (replace(streaming(ERROR), response=response(503)), "the answer is an error: HTTP 503 UNAVAILABLE"),
        (replace(streaming(b"<html>"), response=response(502, "text/html")), "the answer is an error: HTTP 502"),
        (
            replace(streaming(end=End("reset")), response=None),
            "no response: the connection ended before one came (reset)",
        ),
    ],
)
def test_a_recorded_error_is_told_and_nothing_else(interaction: Interaction, message: str) -> None:
    """With its code and its name; an error needs no finish reason and no readable body."""
    assert list(answer_faults(interaction)) == [("recorded-error", message)]


def test_a_body_that_is_stored_compressed_is_read() -> None:
    """Decoded for the check; one that cannot be decoded is left to the search for secrets."""
    coded = replace(response(body="wire"), headers=(("content-encoding", "gzip"),))
    assert told(gzip.compress(EVENT + LAST), response=coded) == []
    assert told(gzip.compress(EVENT + ERROR), response=coded)[0][0] == "recorded-error"
    assert told(gzip.compress(b"data: no\n\n" + EVENT + LAST), response=coded)[0][0] == "skipped-frames"
