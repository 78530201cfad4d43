"""Mistakes that mypy and pyright must find: an ignore comment without a mistake is itself an error."""

from __future__ import annotations

import gemini_replay
from gemini_replay import Session, fuzz
from gemini_replay.transports.httpx import RecordTransport, ReplayTransport
from gemini_replay.transports.respx import from_cassette

# -- names that do not exist
gemini_replay.replya("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
fuzz.chek_parser()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

# -- settings that do not exist, or belong to another function
gemini_replay.replay("x", sped=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
gemini_replay.replay("x", upstream="http://x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
gemini_replay.record("x", fault="reset@event:1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Session("x", modes="once")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
ReplayTransport("x", hosts=["x"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RecordTransport("x", fault="slow:x2")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
from_cassette("x", mode="once")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# -- values of another type
gemini_replay.replay(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", speed=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", match=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", ignore=[5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", normalize=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", before_replay=len)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.replay("x", before_record=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
gemini_replay.replay("x", match=[len])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
gemini_replay.record("x", mode="twice")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.record("x", wire="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
gemini_replay.Cassette.from_text(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@gemini_replay.replay("x")
def decorated(count: int) -> str:
    return "x" * count


decorated("three")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
decorated(3).append("y")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
