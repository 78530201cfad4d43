"""The Interactions API: create (whole or streamed), get, delete, cancel."""

from __future__ import annotations

import base64
import random
from typing import Any

from ...gemini import heads
from . import interaction_steps as steps
from .backend import Backend, error_name
from .call import Call, number_in, refused
from .generation import answering, failure_of
from .scenarios import Instruction, Message, Raw, Wait
from .shelf import stamp
from .timed_response import TimedResponse, first_wait, merged

Json = dict[str, Any]

_AGENT = "gemini-2.5-pro"
"""The model that answers for every agent."""


def create(backend: Backend, call: Call) -> TimedResponse:
    """``POST /interactions``."""
    asked = call.json
    agent, model = asked.get("agent"), str(asked.get("model") or "").rpartition("/")[2]
    if not (agent or model):
        raise refused(400, "A model or an agent is needed.")
    found = [*_history(backend, asked.get("previous_interaction_id")), *steps.contents_of(asked.get("input"))]
    body = {"contents": found, "tools": asked.get("tools"), "cachedContent": asked.get("cached_content")}
    if instruction := asked.get("system_instruction"):
        body["systemInstruction"] = {"parts": [{"text": str(instruction)}]}
    scenario, prompt = answering(backend, call, body, "interactions", model or _AGENT)
    instructions: list[Instruction] = list(scenario.instructions(prompt))
    streamed = asked.get("stream") is True
    whole = merged(instructions)
    failure = failure_of(scenario, instructions if streamed else whole, unary=not streamed)
    if failure is not None:
        return backend.refuse(call, failure, wait=first_wait(instructions))
    interaction = _described(backend, asked, stamp(backend.calendar.now()))
    told, events = _told(instructions, interaction)
    kept = {"id": interaction["id"], "interaction": events.interaction, "input": asked.get("input")}
    if asked.get("store") is not False:
        texts = [one.data.decode() for one in told if isinstance(one, Raw)]
        backend.interactions.put(interaction["id"], {**kept, "events": texts})
    if streamed:
        return backend.chunks(call, told)
    if asked.get("background") is True:
        return backend.object(call, {**interaction, "steps": []})
    found = [Message(events.interaction) if isinstance(one, Message) else one for one in whole]
    return backend.framed(call, found, "object", heads.JSON, gateway=bool(backend.gateway))


def _described(backend: Backend, asked: Json, now: str) -> Json:
    """A new interaction."""
    rng = random.Random(f"{backend.seed}/{backend.interactions.new_id(16)}")
    name = "v1_" + base64.urlsafe_b64encode(rng.randbytes(36)).decode()
    kept = ("agent", "model", "previous_interaction_id", "labels", "service_tier")
    more = {field: asked[field] for field in kept if asked.get(field)}
    return {"id": name, "object": "interaction", "status": "in_progress", "created": now, "updated": now, **more}


def _history(backend: Backend, previous: Any) -> list[Any]:
    """The contents of the previous interactions, from the first one on."""
    found: list[Any] = []
    while previous:
        kept = _find(backend, str(previous))
        found = [*steps.contents_of(kept["input"]), *steps.contents_of(kept["interaction"]["steps"]), *found]
        previous = kept["interaction"].get("previous_interaction_id")
        if str(previous) not in backend.interactions:
            break  # older interactions are no longer kept
    return found


def _told(instructions: list[Instruction], interaction: Json) -> tuple[list[Instruction], steps.Events]:
    """The same stream with the events of the Interactions API, and the object that made them."""
    events = steps.Events(interaction)
    found: list[Instruction] = []
    for one in instructions:
        if isinstance(one, Message) and "error" in one.json:
            error = {"code": error_name(one.json), "message": one.json["error"]["message"]}
            return [*found, *map(Raw, [events.fail(error), steps.DONE])], events
        if isinstance(one, Message):
            found += map(Raw, events.add(one.json))
        elif not isinstance(one, Raw):
            found.append(one)
    return [*found, *map(Raw, [*events.end(), steps.DONE])], events


def get_interaction(backend: Backend, call: Call) -> TimedResponse:
    """``GET /interactions/ID``: whole, or its events again, from the one after ``last_event_id``."""
    kept = _find(backend, call.names["interaction"])
    if call.query.get("stream", "").lower() == "true":
        seen = number_in(call.query.get("last_event_id", ""))
        start = 0 if seen is None else seen + 1
        return backend.chunks(call, [Wait(0.03), *(Raw(text.encode()) for text in kept["events"][start:])])
    if call.query.get("include_input", "").lower() == "true":
        return backend.object(call, {**kept["interaction"], "input": kept["input"]})
    return backend.object(call, kept["interaction"])


def delete(backend: Backend, call: Call) -> TimedResponse:
    """``DELETE /interactions/ID``."""
    backend.interactions.take(_find(backend, call.names["interaction"])["id"])
    return backend.object(call, {})


def cancel(backend: Backend, call: Call) -> TimedResponse:
    """``POST /interactions/ID/cancel``."""
    kept = _find(backend, call.names["interaction"])
    cancelled = {**kept["interaction"], "status": "cancelled"}
    backend.interactions.put(kept["id"], {**kept, "interaction": cancelled})
    return backend.object(call, cancelled)


def _find(backend: Backend, name: str) -> Json:
    found = backend.interactions.get(name)
    if found is None:
        raise refused(404, f"The interaction {name} was not found.")
    return found
