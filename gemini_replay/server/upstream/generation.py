"""The methods of a model that read contents: generateContent, streamGenerateContent, countTokens."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from ...errors import UsageError
from ...gemini import heads
from ...gemini.shapes import get
from . import caches, contents, files, scenarios
from .backend import Backend
from .call import Call, RefusedError, refused
from .contents import first_text, read_contents
from .keys import model_not_found
from .scenarios import Instruction, Message, Prompt, Raw, Scenario
from .timed_response import TimedResponse, first_wait, merged


def generate(backend: Backend, call: Call) -> TimedResponse:
    """``generateContent``: the whole answer in one object."""
    return _play(backend, call, *answering(backend, call, call.json, "generateContent"), unary=True)


def stream(backend: Backend, call: Call) -> TimedResponse:
    """``streamGenerateContent``: the answer as a stream."""
    return _play(backend, call, *answering(backend, call, call.json, "streamGenerateContent"))


def refuse_stream(backend: Backend, call: Call, error: dict[str, Any], **settings: Any) -> TimedResponse:
    """An error instead of a stream: one object, which Vertex AI puts into a list for JSON streams."""
    return backend.refuse(call, error, sse=call.sse, listed=call.vertex and not call.sse, **settings)


def count(backend: Backend, call: Call) -> TimedResponse:
    """``countTokens``: of contents, or of a whole request."""
    inner = get(call.json, "generateContentRequest")
    body = inner if isinstance(inner, dict) else call.json
    _, prompt = answering(backend, call, body, "countTokens")
    tokens = [{"modality": "TEXT", "tokenCount": prompt.tokens}]
    found: dict[str, Any] = {"totalTokens": prompt.tokens, "promptTokensDetails": tokens}
    if prompt.cached_tokens:
        found["cachedContentTokenCount"] = prompt.cached_tokens
    if call.vertex:
        found["totalBillableCharacters"] = sum(
            len(str(part.get("text", ""))) for part in contents.parts_of(prompt.contents)
        )
    return backend.object(call, found)


def answering(
    backend: Backend, call: Call, body: Mapping[str, Any], action: str, model: str | None = None
) -> tuple[Scenario, Prompt]:
    """The scenario that answers, and its prompt. By default, the model is the path's.

    Raises:
        RefusedError: the request is wrong, or there is no such model.
    """
    model = model or call.names["model"]
    found = read_contents(body)
    scenario = _choose(backend, call, found, model)
    if scenario is None:
        raise RefusedError(model_not_found(model, call.version, action))
    cached = caches.tokens_of(backend, body, model)
    more = [get(body, "systemInstruction"), get(body, "tools")]
    tokens = contents.prompt_tokens(found, *more, files=files.tokens_of(backend, found)) + cached
    prompt = Prompt(
        model=model if model.startswith("gemini-") else scenario.model,
        contents=found,
        tokens=tokens,
        cached_tokens=cached,
        key=call.key,
        vertex=call.vertex,
        rng=random.Random(f"{backend.seed}/{scenario.name}"),
    )
    return scenario, prompt


def _choose(backend: Backend, call: Call, found: list[Any], model: str) -> Scenario | None:
    """The scenario that answers; None for an unknown model."""
    if backend.scenario is not None:
        return backend.scenario
    by_model = scenarios.find(model)
    if by_model is not None:
        return by_model
    if not model.startswith("gemini-") or "embedding" in model:
        return None
    text = first_text(found)
    asked = call.request.header("x-scenario")
    asked = asked or (text.removeprefix("scenario:") if text.startswith("scenario:") else "story")
    try:
        return scenarios.get(asked.strip())
    except UsageError as unknown:
        raise refused(400, str(unknown)) from None


def failure_of(scenario: Scenario, instructions: list[Instruction], *, unary: bool) -> dict[str, Any] | None:
    """The error that comes instead of an answer, if one does."""
    if not unary and scenario.status == 200:
        return None
    return next((one.json for one in instructions if isinstance(one, Message) and "error" in one.json), None)


def _play(backend: Backend, call: Call, scenario: Scenario, prompt: Prompt, *, unary: bool = False) -> TimedResponse:
    instructions: list[Instruction] = list(scenario.instructions(prompt))
    gateway = scenario.framing if scenario.framing in ("gateway", "gateway-plain") else backend.gateway
    if unary:
        instructions = merged(instructions)
    failure = failure_of(scenario, instructions, unary=unary)
    if failure is not None:
        wait = first_wait(instructions)
        if unary:
            return backend.refuse(call, failure, wait=wait)
        return refuse_stream(backend, call, failure, wait=wait)
    if unary:
        return backend.framed(call, instructions, "object", heads.JSON, gateway=bool(gateway))
    if gateway == "gateway":
        # Gateways keep a connection alive while the model thinks. Here one keep-alive shows how.
        first = next((at for at, one in enumerate(instructions) if isinstance(one, Message)), -1)
        instructions.insert(first + 1, Raw(b": keep-alive\n\n"))
    if gateway:
        return backend.framed(call, instructions, gateway, "text/event-stream; charset=utf-8", gateway=True)
    if call.sse and scenario.framing is None:
        return backend.framed(call, instructions, "sse", heads.SSE)
    return backend.framed(call, instructions, "json-array", heads.JSON)
