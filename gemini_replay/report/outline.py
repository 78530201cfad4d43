"""A cassette as text that is the same after each recording of the same thing: what `diff` and git compare.

What changes with every recording is folded away, unless it is asked for: ids, dates, signatures, headers, the
client's and the recorder's versions, times and chunk boundaries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from ..cassette.describing import describe
from ..cassette.encoding import encode_parts
from ..cassette.files import CassetteFile
from ..cassette.forms import Form
from ..cassette.model import Interaction, header
from ..gemini.describing import describe_events
from .moments import timed_chunks, timed_events
from .other_texts import other_texts

_SIGNATURES = {"thoughtSignature", "thought_signature"}
_CALLS = {"functionCall", "function_call", "functionResponse", "function_response"}
_FOLDED = "…"
WORDS = ("thoughts", "text", "calls", "data", "other texts")
"""The sections that hold what a model says in its own words, which cost tokens."""
_OF_THE_REQUEST = ("prompt", "cache", "toolUse")
_TIMES = 5
_APART_S = 1.0
"""Two times of a model vary from one recording to the next, but seldom by more than both of these."""


class Section(NamedTuple):
    """A part of an outline: what its lines are about, and the lines."""

    title: str
    lines: tuple[str, ...]


class Rhythm(NamedTuple):
    """The rhythm of an answer, in seconds: until its head, between two events (the median), until its end."""

    head: float
    gap: float
    took: float

    def __str__(self) -> str:
        return f"head after {self.head:.2f} s, gaps of {self.gap * 1000:.0f} ms, took {self.took:.2f} s"


def outline(cassette: CassetteFile, *, all: bool = False) -> str:
    """The whole cassette as lines of text; with `all`, what changes with every recording, too."""
    lines: list[str] = []
    if all:
        lines += (f"{title}: {line}" for title, found in about(cassette) for line in found)
    for number, interaction in enumerate(cassette.interactions, 1):
        lines += ["", f"{number}  {describe(interaction.request)}"]
        for title, found in sections(interaction, all=all):
            lines += [title, *(f"  {line}".rstrip() for line in found)]
    return "\n".join(lines).lstrip("\n")


def about(cassette: CassetteFile) -> Iterator[Section]:
    """Who recorded the cassette, when and in which test."""
    for title in ("recorder", "recorded", "test"):
        if (value := getattr(cassette, title)) is not None:
            yield Section(title, (value,))


def sections(interaction: Interaction, *, all: bool = False) -> list[Section]:
    """What there is to compare of an interaction; sections without lines are left out."""
    made = [*_request(interaction, all), *_response(interaction, all)]
    return [Section(title, tuple(lines)) for title, lines in made if lines]


def rhythm(interaction: Interaction) -> Rhythm:
    """The rhythm of an interaction."""
    gaps = [timed.gap for timed in timed_events(interaction)[1:]]
    head = interaction.response.after if interaction.response else 0.0
    return Rhythm(head, median(gaps) if gaps else 0.0, interaction.duration)


def asked(interaction: Interaction, *, all: bool = False) -> Sequence[str]:
    """The request's body: JSON with indents, or its bytes as a cassette writes them."""
    request = interaction.request
    if request.json is None:
        return encode_parts(request.body)
    return _json(request.json if all else _steady(request.json), indent=2).split("\n")


def is_of_the_request(usage: str) -> bool:
    """Whether a line of the section "usage" counts tokens of the request, not of the answer."""
    return usage.startswith(_OF_THE_REQUEST)


def _request(interaction: Interaction, all: bool) -> Iterator[tuple[str, Sequence[str]]]:
    request = interaction.request
    if all:
        yield "client", [one for one in (request.client, request.test) if one]
        yield "url", [request.url]
        yield "request headers", [f"{name}: {value}" for name, value in request.headers]
    yield "request", asked(interaction, all=all)


def _response(interaction: Interaction, all: bool) -> Iterator[tuple[str, Sequence[str]]]:
    response, answer = interaction.response, interaction.answer
    if response is None:
        yield "response", ["none"]
    else:
        yield "response", [f"{response.status} {header(response.headers, 'content-type') or ''}".strip()]
        if all:
            yield "response headers", [f"{name}: {value}" for name, value in response.headers]
    yield "model", [model] if (model := getattr(answer, "model_version", None)) else []
    yield "thoughts", answer.thoughts.split("\n") if answer.thoughts else []
    yield "text", answer.text.split("\n") if answer.text else []
    yield "calls", [f"{call.name}({_json(call.args)})" + (f" id {call.id}" * all) for call in answer.function_calls]
    yield "data", [f"{data.mime_type}, {_digest(data.data)}" for data in getattr(answer, "inline_data", ())]
    yield "other texts", other_texts(interaction)
    told = (one for one in describe_events(interaction.events) if one.kind in ("error", "blocked", "finish"))
    ends = [f"{one.kind}: {one.text}" for one in told]
    yield "end", [*ends, *([] if interaction.end.kind == "eof" else [f"ended by: {interaction.end.ending}"])]
    yield "usage", [f"{key} {_json(value)}" for key, value in (answer.usage or {}).items()]
    if interaction.events and interaction.layout.skipped:
        yield "not read", list(_not_read(interaction))
    if not interaction.events:
        yield "body", encode_parts(interaction.body)
    elif all:
        yield "events", [_json(event and event.json) for *_, event in timed_events(interaction)]
    else:
        yield "fields", list(Form.of(interaction).lines())
    if all:
        yield "rhythm", [f"head after {response.after if response else 0:.3f} s", *_chunks(interaction)]


def _chunks(interaction: Interaction) -> Iterator[str]:
    for at, chunk in timed_chunks(interaction):
        yield f"{at:.3f} s {len(chunk.data)} bytes"


def _not_read(interaction: Interaction) -> Iterator[str]:
    """What is between the events."""
    body, layout, at = interaction.body, interaction.layout, 0
    starts = (start for start, event in layout.starts if event is not None)
    for start, end in zip(starts, layout.ends, strict=True):
        yield from encode_parts(body[at:start].strip())
        at = end
    yield from encode_parts(body[at:].strip())


def _steady(value: Any, of_a_call: bool = False) -> Any:
    """JSON without what changes with every recording: signatures, and the ids of calls."""
    if isinstance(value, dict):
        return {
            name: _FOLDED
            if name in _SIGNATURES or (of_a_call and name == "id")
            else _steady(inner, of_a_call=name in _CALLS)
            for name, inner in value.items()
        }
    return [_steady(one) for one in value] if isinstance(value, list) else value


def _digest(text: str) -> str:
    return f"{len(text)} characters of base64, sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def differs(old: Rhythm, new: Rhythm) -> bool:
    """Whether two rhythms are more unlike than two recordings of the same thing are."""
    pairs: Iterable[tuple[float, float]] = zip(old, new, strict=True)
    return any(max(pair) > _TIMES * min(pair) and max(pair) - min(pair) > _APART_S for pair in pairs)
