"""Turns a scenario's instructions into the bytes on the wire, with their times."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal

from ...engine import schedule
from ...gemini.framings import BodyFraming, encode_events
from ...gemini.heads import HeaderField
from ...gemini.spelling import pretty
from .scenarios.instructions import Close, Instruction, Message, Raw, Reset, Wait

Framing = BodyFraming | Literal["raw"]
"""How messages become bytes. "raw": the scenario has no messages, or has chunks that are sent unchanged."""

End = Literal["eof", "reset", "closed"]


@dataclass(frozen=True)
class TimedResponse:
    """One HTTP response with its times, in seconds since the request arrived.

    Attributes:
        status: the HTTP status.
        headers: name and value pairs.
        head_at: when the head is sent.
        chunks: the time and the wire's bytes of each chunk, in order; compressed if the answer is.
        end: "eof" for a complete body; "reset" for a TCP reset; "closed" for a FIN before the body is complete.
        end_at: when the end comes.
    """

    status: int
    headers: tuple[HeaderField, ...]
    head_at: float
    chunks: tuple[tuple[float, bytes], ...]
    end: End
    end_at: float

    def steps(self, pace: float = 1.0) -> Iterator[schedule.Step]:
        """The response as steps of a playback; `pace` is a factor on all times."""
        yield self.head_at * pace, schedule.Head(self.status, self.headers)
        for at, data in self.chunks:
            yield at * pace, data
        yield self.end_at * pace, self.end


def timed_response(
    instructions: Iterable[Instruction],
    framing: Framing,
    *,
    status: int = 200,
    headers: Sequence[HeaderField] = (),
    gzip: bool = False,
) -> TimedResponse:
    """Frame and time the instructions. A ``Wait`` at the beginning is the time to the response's head."""
    found = list(instructions)
    encoded = iter(_encoded(found, framing))
    clock = 0.0
    end: End = "eof"
    chunks: list[tuple[float, bytes]] = []
    for one in found:
        if isinstance(one, Wait):
            clock += one.seconds
        elif isinstance(one, Raw):
            chunks.append((clock, one.data))
        elif isinstance(one, Message):
            for nth, data in enumerate(_cut(one, next(encoded))):
                clock += one.gap if nth else 0.0
                chunks.append((clock, data))
        else:
            end = "reset" if isinstance(one, Reset) else "closed"
            break
    else:
        chunks += [(clock, data) for data in encoded if data]
    response = TimedResponse(status, tuple(headers), first_wait(found), tuple(chunks), end, clock)
    return _compressed(response) if gzip else response


def first_wait(instructions: Sequence[Instruction]) -> float:
    """Seconds until the response's head."""
    first = next(iter(instructions), None)
    return first.seconds if isinstance(first, Wait) else 0.0


def merged(instructions: Iterable[Instruction]) -> list[Instruction]:
    """The same answer in one message, as the unary method gives it, after all waits.

    Neighbouring text parts of one kind are joined. An error replaces the whole message. A broken connection breaks
    the message in its middle.
    """
    found = list(instructions)
    wait = Wait(sum(one.seconds for one in found if isinstance(one, Wait)))
    messages = [one.json for one in found if isinstance(one, Message)]
    failure = next((json for json in messages if "error" in json), None)
    if failure is not None:
        return [wait, Message(failure)]
    whole: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    candidate: dict[str, Any] = {}
    for json in messages:
        for first in json.get("candidates", [])[:1]:
            for part in first.get("content", {}).get("parts", []):
                _join(parts, part)
            candidate.update(first)
        whole.update(json)
    if candidate:
        candidate["content"] = {"parts": parts, "role": "model"}
        whole["candidates"] = [candidate]
    ending = next((one for one in found if isinstance(one, Reset | Close)), None)
    if ending is None:
        return [wait, Message(whole)]
    text = pretty(whole).encode()
    return [wait, Raw(text[: len(text) // 2]), ending]


def _join(parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    kinds = {"text", "thought"}
    last = parts[-1] if parts else {}
    both_text = "text" in part and "text" in last and last.keys() <= kinds
    if both_text and part.get("thought") == last.get("thought"):
        parts[-1] = {**last, **part, "text": last["text"] + part["text"]}
    else:
        parts.append(dict(part))


def _encoded(instructions: Sequence[Instruction], framing: Framing) -> list[bytes]:
    """The bytes of each message up to a break; then those that end the body."""
    if framing == "raw":
        return []
    intact = takewhile(lambda one: not isinstance(one, Reset | Close), instructions)
    return encode_events([one.json for one in intact if isinstance(one, Message)], framing)


def _cut(message: Message, data: bytes) -> Sequence[bytes]:
    return [data] if message.pieces is None else [piece for piece in message.pieces(data) if piece]


def _compressed(response: TimedResponse) -> TimedResponse:
    """Gzip with one sync flush for each chunk, so that each element can be read as soon as it arrives."""
    packer = zlib.compressobj(wbits=31)
    chunks = [(at, packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)) for at, data in response.chunks]
    if response.end == "eof":
        at, data = chunks.pop() if chunks else (response.end_at, b"")
        chunks.append((at, data + packer.flush(zlib.Z_FINISH)))
    return replace(response, chunks=tuple(chunks), headers=(*response.headers, ("content-encoding", "gzip")))
