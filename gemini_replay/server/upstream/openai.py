"""The OpenAI-compatible methods: chat completions, whole and streamed, models, embeddings."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from ...gemini import heads
from ...gemini.shapes import dict_of
from ...gemini.spelling import dumps
from . import embeddings, models
from .backend import Backend
from .call import Call, refused
from .contents import parts_of
from .generation import answering, failure_of
from .openai_messages import body_of
from .scenarios import Instruction, Message, Raw
from .timed_response import TimedResponse, first_wait, merged

Json = dict[str, Any]

_CREATED = 1767258000
"""The creation time of everything. It is fixed, so that equal requests get equal answers."""

_FINISH = {"STOP": "stop", "MAX_TOKENS": "length"}


def complete(backend: Backend, call: Call) -> TimedResponse:
    """``/chat/completions``."""
    asked = call.json
    model = model_name(asked)
    scenario, prompt = answering(backend, call, body_of(asked), "generateContent", model)
    instructions: list[Instruction] = list(scenario.instructions(prompt))
    streamed = asked.get("stream") is True
    if not streamed:
        instructions = merged(instructions)
    failure = failure_of(scenario, instructions, unary=not streamed)
    if failure is not None:
        return backend.refuse(call, failure, wait=first_wait(instructions))
    if streamed:
        with_usage = dict_of(asked.get("stream_options")).get("include_usage") is True
        return backend.chunks(call, _streamed(instructions, model, with_usage=with_usage))
    found = [Message(_whole(one.json, model)) if isinstance(one, Message) else one for one in instructions]
    return backend.framed(call, found, "object", heads.JSON, gateway=bool(backend.gateway))


def model_name(asked: Json) -> str:
    """The model of a request, without ``models/`` or ``google/``."""
    name = asked.get("model")
    if not isinstance(name, str) or not name:
        raise refused(400, "* ChatCompletionRequest.model: model is not specified\n")
    return name.rpartition("/")[2]


def list_models(backend: Backend, call: Call) -> TimedResponse:
    """``/models``."""
    return backend.object(call, {"object": "list", "data": [_model(name) for name in models.every()]})


def get_model(backend: Backend, call: Call) -> TimedResponse:
    """``/models/NAME``."""
    name = call.names["model"]
    if not models.exists(name):
        raise refused(404, f"models/{name} is not found.")
    return backend.object(call, _model(name))


def _model(name: str) -> Json:
    return {"id": f"models/{name}", "object": "model", "owned_by": "google", "display_name": name}


def embed(backend: Backend, call: Call) -> TimedResponse:
    """``/embeddings``, as numbers or in base64."""
    asked = call.json
    model = model_name(asked)
    embeddings.check_model(call, model, "embedContent")
    given = asked.get("input")
    texts = [given] if isinstance(given, str) else given
    if not texts or not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise refused(400, "* EmbeddingsRequest.input: a string, or a list of strings, is needed\n")
    embeddings.check_number(len(texts))
    size = embeddings.size_for(model, asked.get("dimensions"))
    data = []
    for nth, text in enumerate(texts):
        found: Any = embeddings.vector(text, size)
        if asked.get("encoding_format") == "base64":
            found = base64.b64encode(struct.pack(f"<{size}f", *found)).decode()
        data.append({"object": "embedding", "embedding": found, "index": nth})
    return backend.object(call, {"object": "list", "data": data, "model": model})


def _streamed(instructions: Iterable[Instruction], model: str, *, with_usage: bool) -> Iterator[Instruction]:
    """The same stream in OpenAI's chunks, without another framing."""
    calls = 0
    for one in instructions:
        if isinstance(one, Raw):
            continue
        if not isinstance(one, Message):
            yield one
            continue
        if "error" in one.json:
            yield _data(one.json)
            return
        delta, finish = _delta(one.json, calls)
        calls += len(delta.get("tool_calls", ()))
        if calls and finish == "stop":
            finish = "tool_calls"
        if not delta and finish is None:
            continue
        choice = {"delta": {"role": "assistant", **delta}, "finish_reason": finish, "index": 0}
        chunk = _answer(one.json, model, "chat.completion.chunk", choice)
        if with_usage:
            chunk["usage"] = _usage(one.json)
        yield _data(chunk)
    yield Raw(b"data: [DONE]\n\n")


def _data(found: Json) -> Raw:
    return Raw(f"data: {dumps(found)}\n\n".encode())


def _whole(json: Json, model: str) -> Json:
    """A whole answer as a chat completion."""
    delta, finish = _delta(json, 0)
    for one in delta.get("tool_calls", ()):
        del one["index"]
    if "tool_calls" in delta and finish == "stop":
        finish = "tool_calls"
    choice = {"finish_reason": finish, "index": 0, "message": {"role": "assistant", **delta}}
    return {**_answer(json, model, "chat.completion", choice), "usage": _usage(json)}


def _answer(json: Json, model: str, kind: str, choice: Json) -> Json:
    return {
        "choices": [choice],
        "created": _CREATED,
        "id": json.get("responseId", ""),
        "model": model,
        "object": kind,
    }


def _delta(json: Json, calls: int) -> tuple[Json, str | None]:
    """What an event adds to a message after this many calls, and the finish reason. Thoughts are left out."""
    candidate = dict_of(next(iter(json.get("candidates") or [{}])))
    parts = list(parts_of([candidate.get("content")]))
    text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    delta: Json = {"content": text} if text else {}
    found = [part for part in parts if dict_of(part.get("functionCall")).get("name")]
    if found:
        delta["tool_calls"] = [_tool_call(part, calls + nth) for nth, part in enumerate(found)]
    finish = candidate.get("finishReason")
    if finish is None:
        blocked = "promptFeedback" in json
        return delta, "content_filter" if blocked else None
    return delta, _FINISH.get(finish, "content_filter")


def _tool_call(part: Any, nth: int) -> Json:
    call = part["functionCall"]
    function = {"name": call["name"], "arguments": dumps(call.get("args", {}))}
    found: Json = {"index": nth, "id": call.get("id") or f"call-{nth}", "type": "function", "function": function}
    if "thoughtSignature" in part:
        found["extra_content"] = {"google": {"thought_signature": part["thoughtSignature"]}}
    return found


def _usage(json: Json) -> Json:
    usage = dict_of(json.get("usageMetadata"))
    asked, total = usage.get("promptTokenCount", 0), usage.get("totalTokenCount", 0)
    return {"completion_tokens": usage.get("candidatesTokenCount", 0), "prompt_tokens": asked, "total_tokens": total}
