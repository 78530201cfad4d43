"""The steps of interactions: from a request's input to contents, and from the model's events to steps.

A step is something that the user, the model or a tool did; the events of a stream tell how each one grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...gemini.shapes import dict_of, dicts_of
from ...gemini.spelling import dumps
from .call import refused
from .contents import parts_of

Json = dict[str, Any]

DONE = b"event: done\ndata: [DONE]\n\n"
"""The end of a stream."""

_TOKENS = {
    "promptTokenCount": "total_input_tokens",
    "cachedContentTokenCount": "total_cached_tokens",
    "candidatesTokenCount": "total_output_tokens",
    "thoughtsTokenCount": "total_thought_tokens",
    "totalTokenCount": "total_tokens",
}


def contents_of(given: Any) -> list[Json]:
    """The contents for an input, or for the steps of an answer.

    Raises:
        RefusedError: there is no input.
    """
    if isinstance(given, str):
        given = [{"type": "text", "text": given}]
    found: list[Json] = []
    for one in dicts_of(given):
        role, parts = _parts(one)
        if not parts:
            continue
        if found and found[-1]["role"] == role and one.get("type") != "user_input":
            found[-1]["parts"] += parts
        else:
            found.append({"role": role, "parts": parts})
    if not found and not isinstance(given, list):
        raise refused(400, "An input is needed.")
    return found


def _parts(one: Mapping[str, Any]) -> tuple[str, list[Json]]:
    """The role and the parts of a step, or of a piece of content."""
    kind = one.get("type")
    if kind in ("user_input", "model_output"):
        return "user" if kind == "user_input" else "model", [_part(piece) for piece in dicts_of(one.get("content"))]
    if kind == "function_call":
        return "model", [
            {"functionCall": {"name": one.get("name"), "args": one.get("arguments"), "id": one.get("id")}}
        ]
    if kind == "function_result":
        response = {"name": one.get("name"), "id": one.get("call_id"), "response": {"result": one.get("result")}}
        return "user", [{"functionResponse": response}]
    if kind == "thought":
        return "model", []
    return "user", [_part(one)]


def _part(piece: Mapping[str, Any]) -> Json:
    if piece.get("type") == "text":
        return {"text": str(piece.get("text", ""))}
    if uri := piece.get("uri"):
        return {"fileData": {"fileUri": uri, "mimeType": piece.get("mime_type")}}
    return {"inlineData": {"mimeType": piece.get("mime_type"), "data": piece.get("data")}}


class Events:
    """Makes the events of an interaction, and the interaction itself, from a model's events.

    Attributes:
        interaction: the interaction so far.
    """

    def __init__(self, interaction: Json) -> None:
        self.interaction: Json = {**interaction, "steps": []}
        self._number = 0
        self._finish = ""
        self._started = False
        self._open = False

    def _event(self, kind: str, **fields: Any) -> bytes:
        found = {**fields, "event_type": kind, "event_id": str(self._number)}
        self._number += 1
        return f"event: {kind}\ndata: {dumps(found)}\n\n".encode()

    def add(self, json: Json) -> list[bytes]:
        """The interaction's events for one of the model's events."""
        found = self._begin()
        candidate = dict_of(next(iter(json.get("candidates") or [{}])))
        for part in parts_of([candidate.get("content")]):
            found += self._part(part)
        self._finish = str(candidate.get("finishReason") or self._finish)
        if "promptFeedback" in json:
            self._finish = "SAFETY"
        usage = dict_of(json.get("usageMetadata"))
        if usage:
            self.interaction["usage"] = {ours: usage[name] for name, ours in _TOKENS.items() if name in usage}
        return found

    def end(self) -> list[bytes]:
        """The last events."""
        found = [*self._begin(), *self._stop()]
        steps = self.interaction["steps"]
        called = bool(steps) and steps[-1]["type"] == "function_call"
        status = "requires_action" if called else "completed" if self._finish in ("STOP", "") else "incomplete"
        self.interaction["status"] = status
        last = {name: value for name, value in self.interaction.items() if name != "steps"}
        return [*found, self._event("interaction.completed", interaction=last)]

    def fail(self, error: Json) -> bytes:
        """The last event of an interaction that fails."""
        self.interaction["status"] = "failed"
        return self._event("error", error=error)

    def _begin(self) -> list[bytes]:
        if self._started:
            return []
        self._started = True
        first = {name: value for name, value in self.interaction.items() if name != "steps"}
        about = {"interaction_id": first["id"], "status": "in_progress"}
        return [
            self._event("interaction.created", interaction=first),
            self._event("interaction.status_update", **about),
        ]

    def _part(self, part: Mapping[str, Any]) -> list[bytes]:
        found: list[bytes] = []
        if signature := part.get("thoughtSignature"):
            found += self._grow("thought", {"type": "thought_signature", "signature": signature})
        if call := dict_of(part.get("functionCall")):
            if call.get("name"):
                named = {"id": call.get("id") or f"call-{self._number}", "name": call["name"], "arguments": {}}
                found += self._start({"type": "function_call", **named})
            if args := call.get("args"):
                found += self._grow("function_call", {"type": "arguments_delta", "arguments": dumps(args)})
                self.interaction["steps"][-1]["arguments"] = dict(args)
        elif part.get("thought"):
            piece = {"type": "text", "text": part.get("text", "")}
            found += self._grow("thought", {"type": "thought_summary", "content": piece})
        elif part.get("text"):
            found += self._grow("model_output", {"type": "text", "text": part["text"]})
        elif data := dict_of(part.get("inlineData")):
            image = {"type": "image", "mime_type": data.get("mimeType"), "data": data.get("data")}
            found += self._grow("model_output", image)
        return found

    def _grow(self, kind: str, delta: Json) -> list[bytes]:
        """A piece of a step. If the step before has another kind, a new one begins."""
        steps = self.interaction["steps"]
        found = [] if self._open and steps[-1]["type"] == kind else self._start({"type": kind})
        _keep(steps[-1], delta)
        return [*found, self._event("step.delta", index=len(steps) - 1, delta=delta)]

    def _start(self, step: Json) -> list[bytes]:
        found = self._stop()
        self._open = True
        steps = self.interaction["steps"]
        begun = self._event("step.start", index=len(steps), step=dict(step))
        steps.append(step)
        return [*found, begun]

    def _stop(self) -> list[bytes]:
        if not self._open:
            return []
        self._open = False
        return [self._event("step.stop", index=len(self.interaction["steps"]) - 1)]


def _keep(step: Json, delta: Json) -> None:
    """Add a piece to a step."""
    kind = delta["type"]
    if kind == "thought_signature":
        step["signature"] = delta["signature"]
    elif kind == "thought_summary":
        step.setdefault("summary", []).append(delta["content"])
    elif kind == "text":
        content = step.setdefault("content", [])
        if content and content[-1]["type"] == "text":
            content[-1] = {"type": "text", "text": content[-1]["text"] + delta["text"]}
        else:
            content.append(delta)
    elif kind == "image":
        step.setdefault("content", []).append(delta)
