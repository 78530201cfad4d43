"""From a scenario's steps to what goes over the wire, bytes with their times. Pure."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Literal

from .. import frames
from ..engine import schedule
from ..gemini.spelling import dumps, encode_array, pretty
from .scenarios.script import Close, Failure, Message, Raw, Reset, Step, Wait

Framing = Literal["sse", "json-array", "gateway", "gateway-plain", "object", "object-list", "raw"]
"""How events become bytes.

sse: Google's ``alt=sse``. json-array: Google's answer without it. gateway: SSE as API gateways send
it (wrapped events, LF, a final ``[DONE]``). gateway-plain: wrapped events and LF only. object: one
pretty-printed JSON object (a unary answer, an error instead of a stream). object-list: the same in
a list of one (Vertex AI's errors without ``alt=sse``). raw: nothing is framed.
"""

End = Literal["eof", "reset", "closed"]
Header = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """One HTTP response with its times, in seconds since the request arrived.

    Attributes:
        status: the HTTP status.
        headers: name and value pairs.
        head_at: when the head goes out.
        chunks: when and what, in order; the bytes are the wire's (compressed, where the answer is).
        end: "eof" a complete body; "reset" a TCP reset; "closed" a FIN before the body is complete.
        end_at: when the end comes.
    """

    status: int
    headers: tuple[Header, ...]
    head_at: float
    chunks: tuple[tuple[float, bytes], ...]
    end: End
    end_at: float

    def steps(self, pace: float = 1.0) -> Iterator[schedule.Step]:
        """The same as a playback's steps; `pace` is a factor on all times."""
        yield self.head_at * pace, schedule.Head(self.status, self.headers)
        for at, data in self.chunks:
            yield at * pace, data
        yield self.end_at * pace, self.end


def make_plan(
    steps: Iterable[Step],
    framing: Framing,
    *,
    status: int = 200,
    headers: Sequence[Header] = (),
    gzip: bool = False,
) -> Plan:
    """Frame and time ``steps``. A ``Wait`` that comes first is the time to the response's head."""
    script = list(steps)
    spelled = iter(_spell(script, framing))
    head_at = script[0].seconds if script and isinstance(script[0], Wait) else 0.0
    clock = 0.0
    end: End = "eof"
    chunks: list[tuple[float, bytes]] = []
    for step in script:
        if isinstance(step, Wait):
            clock += step.seconds
        elif isinstance(step, Raw):
            chunks.append((clock, step.data))
        elif isinstance(step, Message | Failure):
            for nth, data in enumerate(_cut(step, next(spelled))):
                clock += step.gap if nth else 0.0
                chunks.append((clock, data))
        else:
            end = "reset" if isinstance(step, Reset) else "closed"
            break
    else:
        chunks += [(clock, data) for data in spelled if data]
    plan = Plan(status, tuple(headers), head_at, tuple(chunks), end, clock)
    return _compressed(plan) if gzip else plan


def merged(steps: Iterable[Step]) -> list[Step]:
    """The same answer in one message, as the unary method gives it, after all the waits.

    Neighbouring text parts of one kind become one. A ``Failure`` stands alone, since a unary answer
    is either an error or not. A broken connection breaks the one message in its middle.
    """
    script = list(steps)
    wait = Wait(sum(step.seconds for step in script if isinstance(step, Wait)))
    failure = next((step for step in script if isinstance(step, Failure)), None)
    if failure is not None:
        return [wait, Failure(failure.error)]
    whole: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    candidate: dict[str, Any] = {}
    for step in script:
        if not isinstance(step, Message):
            continue
        for found in step.json.get("candidates", [])[:1]:
            for part in found.get("content", {}).get("parts", []):
                _join(parts, part)
            candidate.update(found)
        whole.update(step.json)
    if candidate:
        candidate["content"] = {"parts": parts, "role": "model"}
        whole["candidates"] = [candidate]
    ending = next((step for step in script if isinstance(step, Reset | Close)), None)
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


def _spell(script: Sequence[Step], framing: Framing) -> list[bytes]:
    """The bytes of each ``Message`` and ``Failure`` up to a break; then those that end the body."""
    intact = takewhile(lambda step: not isinstance(step, Reset | Close), script)
    events = [step for step in intact if isinstance(step, Message | Failure)]
    objects = [step.error if isinstance(step, Failure) else step.json for step in events]
    if framing == "raw":
        return []
    if framing == "json-array":
        spelled = encode_array([pretty(found) for found in objects])
        return [*spelled[: len(events)], b"".join(spelled[len(events) :])]
    if framing in ("gateway", "gateway-plain"):
        done = b"data: [DONE]\n\n" if framing == "gateway" else b""
        return [*map(_gateway_event, objects), done]
    if framing == "sse":
        return [
            pretty(found).encode() + b"\n" if isinstance(step, Failure) else frames.encode_sse(dumps(found))
            for step, found in zip(events, objects, strict=True)
        ]
    texts = [pretty(found) for found in objects]
    return [f"[{text}\n]".encode() if framing == "object-list" else f"{text}\n".encode() for text in texts]


def _gateway_event(found: dict[str, Any]) -> bytes:
    if "error" not in found:
        found = {"sdkHttpResponse": {"headers": {"content-type": "text/event-stream"}}, **found}
    return b"data: " + json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _cut(step: Message | Failure, data: bytes) -> Sequence[bytes]:
    return [data] if step.pieces is None else [piece for piece in step.pieces(data) if piece]


def _compressed(plan: Plan) -> Plan:
    """Gzip with one sync flush for each chunk: every element can be read as soon as it arrives."""
    packer = zlib.compressobj(wbits=31)
    chunks = [(at, packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)) for at, data in plan.chunks]
    if plan.end == "eof":
        at, data = chunks.pop() if chunks else (plan.end_at, b"")
        chunks.append((at, data + packer.flush(zlib.Z_FINISH)))
    return replace(plan, chunks=tuple(chunks), headers=(*plan.headers, ("content-encoding", "gzip")))
