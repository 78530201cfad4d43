"""A cassette as JSON for programs."""

from __future__ import annotations

from typing import Any

from ..cassette.encoding import encode_json
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from ..gemini.describing import describe_events
from .moments import timed_chunks, timed_events


def cassette_json(cassette: CassetteFile) -> str:
    """One line of JSON with all that `show` prints; times are in seconds since the request was sent."""
    interactions = [_interaction(one) for one in cassette.interactions]
    about = {"recorder": cassette.recorder, "recorded": cassette.recorded, "test": cassette.test}
    return encode_json({"path": str(cassette.path), **about, "interactions": interactions})


def _interaction(interaction: Interaction) -> dict[str, Any]:
    return {
        **answer_json(interaction),
        "text": interaction.text,
        "thoughts": interaction.thoughts,
        "said": [{"kind": kind, "text": text} for kind, text in describe_events(interaction.events)],
        "events": [
            {"at": round(at, 3), "bytes": size, "json": event and _valid(event.json)}
            for at, _, size, event in timed_events(interaction)
        ],
        "chunks": [{"at": round(at, 3), "bytes": len(chunk.data)} for at, chunk in timed_chunks(interaction)],
    }


def answer_json(interaction: Interaction) -> dict[str, Any]:
    """The request, and what the answer comes to in the end, as values that JSON has."""
    request, response, error = interaction.request, interaction.response, interaction.error
    return {
        "request": {
            "method": request.method,
            "url": request.url,
            "model": request.model,
            "action": request.action,
            "headers": request.headers,
            "body": request.body.decode("utf-8", "backslashreplace")
            if request.json is None
            else _valid(request.json),
            "client": request.client,
            "test": request.test,
        },
        "response": response and {"status": response.status, "headers": response.headers, "at": response.after},
        "calls": [
            {"name": call.name, "args": _valid(call.args), "id": call.id, "complete": call.complete}
            for call in interaction.function_calls
        ],
        "finish_reason": interaction.finish_reason,
        "usage": _valid(interaction.usage),
        "error": error and {"code": error.code, "status": error.status, "message": error.message},
        "complete": interaction.complete,
        "end": interaction.end.ending,
        "took": round(interaction.duration, 3),
    }


def _valid(value: Any) -> Any:
    """The value; its text, where JSON cannot hold it (NaN)."""
    try:
        encode_json(value)
    except (ValueError, RecursionError):
        return repr(value)
    return value
