"""Interactions with Gemini, written instead of recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..errors import UsageError
from ..frames import Framing as BodyKind
from ..frames import encode_sse
from ..provider import Event as AnyEvent
from ..provider import UntimedInteraction
from . import heads
from .addresses import base_url
from .event import Event
from .framings import encode_events
from .reply import Reply
from .spelling import dumps, pretty

if TYPE_CHECKING:
    import random

Framing = Literal["sse", "json-array", "gateway"]
"""How events are written: as Google does with ``alt=sse``, as without it, or as API gateways do."""


def compose(
    text: str,
    *,
    model: str,
    prompt_tokens: int,
    thoughts: Sequence[str],
    finish_reason: str | None,
    event_tokens: int,
    rng: random.Random,
) -> list[dict[str, Any]]:
    """The events of an answer, see `provider.Writer.compose`."""
    reply = Reply(model, prompt_tokens=prompt_tokens, rng=rng)
    events = [reply.thought_event(thought) for thought in thoughts]
    signed = model.startswith("gemini-3") and finish_reason is not None
    events += [one for _, one in reply.text_events(text, event_tokens, finish=None if signed else finish_reason)]
    if signed:  # Gemini 3 ends with a signature on an empty text
        events.append(reply.event([{"text": "", "thoughtSignature": reply.signature()}], finish=finish_reason))
    return events


def interaction(
    events: Sequence[Mapping[str, Any]],
    *,
    model: str,
    prompt: str | Mapping[str, Any] | None,
    framing: str,
    status: int | None,
) -> UntimedInteraction:
    """A request and its answer, see `provider.Writer.interaction`."""
    form = next((one for one in get_args(Framing) if one == framing), None)
    if form is None:
        raise UsageError(f"framing is {framing!r}.", hint=f"Use one of {', '.join(get_args(Framing))}.")
    status = _status(events) if status is None else status
    array = form == "json-array"
    content_type = heads.JSON if array else heads.SSE
    headers = heads.gateway_headers(content_type) if form == "gateway" else heads.response_headers(content_type)
    if isinstance(prompt, str):
        prompt = {"contents": [{"parts": [{"text": prompt}], "role": "user"}]}
    return UntimedInteraction(
        url=f"{base_url()}/v1beta/models/{model}:streamGenerateContent{'' if array else '?alt=sse'}",
        json=prompt,
        status=status,
        headers=tuple(pair for pair in headers if pair[0] != "date"),  # a date would make equal cassettes differ
        chunks=tuple(filter(None, encode_events([*map(dict, events)], "object" if status >= 400 else form))),
    )


def finished(event: AnyEvent | None, *, framing: BodyKind | None, first: bool) -> bytes:
    """An event with the finish reason STOP, see `provider.Provider.finished`."""
    found = event.json if event is not None else {"candidates": [{"content": {"parts": [{"text": ""}]}}]}
    if isinstance(found, dict):
        candidate, *others = found.get("candidates") or [{}]
        found = {**found, "candidates": [{**candidate, "finishReason": "STOP"}, *others]}
    if framing == "json-array":
        return (b"[" if first else b",\r\n") + pretty(found).encode() + b"\n]"
    return encode_sse(dumps(found))


def _status(events: Sequence[Mapping[str, Any]]) -> int:
    """The code of an error that comes instead of a stream, or else 200."""
    error = Event(events[0]).error if len(events) == 1 else None
    return error.code if error and error.code and 400 <= error.code <= 599 else 200
