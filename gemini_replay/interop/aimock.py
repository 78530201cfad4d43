"""Fixtures of aimock. They have answers and the messages that they match, but no requests, bytes or times.

The answer is written as Gemini would send it, in pieces of as many characters as aimock sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..cassette.encoding import encode_json, json_body
from ..cassette.model import Request
from ..provider import Writer
from .checked import CheckedObject
from .genai_replay import events_of
from .stored_interaction import NotStorableError, StoredInteraction

SOURCE = "aimock's fixtures"

_MODEL = "gemini-2.5-flash"
_CHARACTERS = 20
"""The characters in each piece of text, unless the fixture's ``chunkSize`` says how many."""
_WITHOUT_PROMPT = '# Without a prompt; play it with match=("model", "action").'
_FINISH = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}


def read(value: Any, path: Path | None, provider: Writer) -> tuple[list[StoredInteraction], list[str]]:
    """The interactions in a file of fixtures, and what the result leaves out.

    Raises:
        CassetteFormatError: it is not a file of fixtures.
    """
    found, notes = [], []
    for number, fixture in enumerate(CheckedObject(value, "", path).each("fixtures"), start=1):
        try:
            found.append(_stored(fixture, provider))
        except NotStorableError as reason:
            notes.append(f"fixture {number} is left out: {reason}")
    return found, notes


def _stored(fixture: CheckedObject, provider: Writer) -> StoredInteraction:
    match, answer = fixture.inner("match"), fixture.inner("response")
    if match.get("endpoint") not in (None, "chat"):
        raise NotStorableError(f"it is for the endpoint {match.get('endpoint')!r:.40}, not for chats")
    status, events = _events(answer, fixture.get("chunkSize"))
    written = events_of(events, "sse", provider, status)
    said = match.get("userMessage")
    known = isinstance(said, str)
    body = json_body({"contents": [{"parts": [{"text": said}], "role": "user"}]}) if known else b""
    about = "# The whole message is compared, not a part of it." if known else _WITHOUT_PROMPT
    model = match.text("model") if match.get("model") else _MODEL
    url = f"{provider.base_url()}/v1beta/models/{model}:streamGenerateContent?alt=sse"
    return StoredInteraction(
        Request("POST", url, (("content-type", "application/json"),) if known else (), body, provider=provider),
        status,
        (("content-type", "text/event-stream" if status < 400 else "application/json"),),
        written,
        comments=(f"# aimock answers: {encode_json(dict(match.all))}", about),
    )


def _events(answer: CheckedObject, characters: Any) -> tuple[int, list[dict[str, Any]]]:
    """The status and the events of the answer."""
    if answer.get("error") is not None:
        code = answer.get("status")
        code = code if isinstance(code, int) and 400 <= code <= 599 else 500
        error = answer.inner("error")
        return code, [{"error": {"code": code, "message": error.text("message"), "status": error.get("type")}}]
    parts = list(_parts(answer, characters if isinstance(characters, int) and characters > 0 else _CHARACTERS))
    if not parts:
        raise NotStorableError(f"its answer has no text and no calls, but {', '.join(answer.all) or 'nothing'}")
    events = [{"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}]} for part in parts]
    last: dict[str, Any] = events[-1]
    finish = answer.get("finishReason")
    last["candidates"][0]["finishReason"] = _FINISH.get(finish or "stop", str(finish))
    if usage := answer.get("usage"):
        last["usageMetadata"] = usage
    return 200, events


def _parts(answer: CheckedObject, characters: int) -> Iterator[dict[str, Any]]:
    for piece in _cut(answer.get("reasoning"), characters):
        yield {"text": piece, "thought": True}
    blocks = answer.each("blocks")
    for block in blocks:
        if block.get("type") == "toolCall":
            yield _call(block)
        else:
            yield from ({"text": piece} for piece in _cut(block.get("text"), characters))
    if not blocks:
        yield from ({"text": piece} for piece in _cut(answer.get("content"), characters))
        yield from map(_call, answer.each("toolCalls"))


def _cut(text: Any, characters: int) -> list[str]:
    """A text in pieces. For an object, aimock sends its JSON."""
    if text is None:
        return []
    whole = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return [whole[at : at + characters] for at in range(0, len(whole), characters)]


def _call(call: CheckedObject) -> dict[str, Any]:
    arguments = call.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            raise call.error(f"the arguments of {call.text('name')!r:.60} are not JSON") from None
    made = {"name": call.text("name"), "args": arguments or {}}
    return {"functionCall": made if call.get("id") is None else {**made, "id": call.get("id")}}
