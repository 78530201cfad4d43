"""Cassettes without a key: an answer's text or its events in, a believable recording out.

What is written says so in comments. The same arguments give the same file, on every machine and every day.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from ._version import __version__
from .cassette.atomic_write import keep_backup
from .cassette.encoding import json_body
from .cassette.files import Cassette
from .cassette.model import Chunk, Interaction, Request, Response
from .errors import UsageError
from .gemini import Event, heads
from .gemini.spelling import dumps
from .gemini.tokens import count_tokens
from .rhythm.profiles import DEFAULT_PROFILE, Profile, find_profile, profile_for
from .rhythm.retiming import retime
from .server.plan import make_plan
from .server.scenarios.reply import Reply
from .server.scenarios.script import Failure, Message, Prompt, Step

Framing = Literal["sse", "json-array", "gateway"]
"""How the events are written: as Google does with ``alt=sse``, without it, or as API gateways do."""

Json = Mapping[str, Any]

_BASE = "https://generativelanguage.googleapis.com/v1beta/models"
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SDK = 'Of an SDK\'s object take response.model_dump(mode="json", by_alias=True, exclude_none=True).'


def from_text(
    text: str,
    *,
    profile: str | Profile | None = None,
    model: str | None = None,
    prompt: str | Json | None = None,
    thoughts: str | Sequence[str] | None = None,
    finish_reason: str | None = "STOP",
    framing: Framing = "sse",
    seed: int = 0,
) -> Cassette:
    """A cassette with one answer that says ``text``, cut into events and timed as the model would.

    Args:
        text: what the model says. The events' texts together are exactly this.
        profile: the rhythm or its name, see ``engine.rhythm.PROFILES``; by default the model's own.
        model: the model that is asked; by default the profile's, and gemini-2.5-flash without either.
        prompt: what will be asked: a text, as google-genai sends it, or the whole JSON body of the request as a
            dict, where it holds more. Without one the request has no body: play the cassette with
            ``match=("model", "action")``, since a request with a body does not match by default.
        thoughts: thought summaries that come before the text, one event each.
        finish_reason: of the last event; None for an answer that never finished.
        framing: "sse", "json-array" or "gateway".
        seed: of the times, the ids and the signatures.

    Returns:
        The cassette; ``save(path)`` writes it.

    Raises:
        UsageError: an argument that cannot be used.
    """
    before = [thoughts] if isinstance(thoughts, str) else list(thoughts or ())
    for thought in before:
        _check_text("a thought", thought)
    _check_text("text", text)
    if finish_reason is not None and not (isinstance(finish_reason, str) and finish_reason):
        raise UsageError(f"finish_reason is {finish_reason!r}.", hint='Give a name such as "STOP", or None.')
    rhythm, name = _chosen(profile, model, thinking=bool(before))
    body = _request_body(prompt)
    asked = count_tokens(prompt if isinstance(prompt, str) else body.decode())
    chance = random.Random(json.dumps([seed, name, before, text, finish_reason]))
    reply = Reply(Prompt(name, tokens=asked, rng=chance), profile=rhythm)
    steps: list[Step] = [step for thought in before for step in reply.thought(thought)]
    if name.startswith("gemini-3") and finish_reason is not None:  # these end with a signature on an empty text
        signed = {"text": "", "thoughtSignature": reply.signature()}
        steps += [*reply.text(text, finish=None), Message(reply.event([signed], finish=finish_reason))]
    else:
        steps += reply.text(text, finish=finish_reason)
    events = [step for step in steps if isinstance(step, Message)]
    return _cassette(events, name, body, rhythm, framing, seed, status=200)


def from_events(
    events: Iterable[Json | Event],
    *,
    profile: str | Profile | None = None,
    model: str | None = None,
    prompt: str | Json | None = None,
    framing: Framing = "sse",
    status: int | None = None,
    seed: int = 0,
) -> Cassette:
    """A cassette with one answer of exactly these events, in Google's spelling, timed as the model would.

    An ``{"error": {…}}`` goes out as Google sends it: raw, without ``data:``. If it is all there is, it comes
    instead of a stream, with its code as the HTTP status.

    Args:
        events: decoded messages (``GenerateContentResponse`` as dicts, camelCase), or `Event` objects. Nothing is
            added to them. A lone surrogate goes out as its escape.
        profile: see `from_text`.
        model: see `from_text`.
        prompt: see `from_text`.
        framing: see `from_text`.
        status: the HTTP status, where it is to be another.
        seed: of the times.

    Raises:
        UsageError: an argument that cannot be used; of events, it tells which.
    """
    steps = [_step(nth, event) for nth, event in enumerate(_listed(events), start=1)]
    if not steps:
        raise UsageError("There are no events.", hint="Give at least one.")
    thinking = any(Event(step.json).thoughts for step in steps if isinstance(step, Message))
    rhythm, name = _chosen(profile, model, thinking=thinking)
    only = steps[0] if len(steps) == 1 else None
    refused = Event(only.error).error if isinstance(only, Failure) else None
    if status is None:
        status = refused.code if refused and refused.code and 400 <= refused.code <= 599 else 200
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 999:
        raise UsageError(f"status is {status!r}.", hint="Give an HTTP status, such as 200 or 503.")
    return _cassette(steps, name, _request_body(prompt), rhythm, framing, seed, status=status)


def retime_file(
    path: str | os.PathLike[str],
    profile: str | Profile | None = None,
    *,
    seed: int = 0,
    rechunk: str | int | None = None,
    only: Sequence[int] = (),
    out: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Retime a cassette's interactions and save it.

    Args:
        path: the cassette.
        profile: see `retime`.
        seed: see `retime`.
        rechunk: see `retime`.
        only: the numbers of the interactions to retime, counted from 1; by default all.
        out: where the result goes, by default in the cassette's place.

    Returns:
        Where the file that was replaced is kept: ``NAME.jsonl.bak``, or ``.bak.1`` and so on where there is such a
        file already. None if none was replaced.

    Raises:
        CassetteError: the cassette cannot be read or written.
        UsageError: there is no such profile or interaction, or no such way to rechunk.
    """
    cassette = Cassette.load(path)
    known = None if profile is None else find_profile(profile)
    count = len(cassette.interactions)
    for number in only:
        if not 1 <= number <= count:
            raise UsageError(
                f"{path} has no interaction {number}.",
                suggestion=f"It holds {count}, counted from 1." if count else "It holds none.",
                hint=f"See them with: gemini-replay show {path}",
            )
    cassette.interactions = [
        retime(interaction, known, seed=seed, rechunk=rechunk) if not only or number in only else interaction
        for number, interaction in enumerate(cassette.interactions, start=1)
    ]
    target = Path(path if out is None else out)
    kept = _keep(target, cassette.dumps())
    cassette.save(target)
    return kept


def _keep(target: Path, replacement: bytes) -> Path | None:
    """Copy what is about to be replaced; the times that were recorded are nowhere else."""
    if not target.is_file() or target.read_bytes() == replacement:
        return None
    return keep_backup(target)


def _cassette(
    steps: Sequence[Step],
    model: str,
    body: bytes,
    rhythm: Profile,
    framing: Framing,
    seed: int,
    *,
    status: int,
) -> Cassette:
    if framing not in get_args(Framing):
        raise UsageError(f"framing is {framing!r}.", hint=f"Use one of {', '.join(get_args(Framing))}.")
    plan = make_plan(steps, "object" if status >= 400 else framing)
    array = framing == "json-array"
    query = "" if array else "?alt=sse"
    request = Request(
        "POST",
        f"{_BASE}/{model}:streamGenerateContent{query}",
        (("content-type", "application/json"),) if body else (),
        body,
    )
    chunks = tuple(Chunk(0.0, data) for _, data in plan.chunks)
    timed = retime(Interaction(request, Response(status), chunks), rhythm, seed=seed)
    content_type = heads.JSON if array else heads.SSE
    first_byte = timed.response.after if timed.response else 0.0
    headers = (
        heads.gateway_headers(content_type)
        if framing == "gateway"
        else heads.response_headers(content_type, first_byte=first_byte)
    )
    # A date would make two equal cassettes differ.
    kept = tuple((name, value) for name, value in headers if name != "date")
    unasked = () if body else ('# Without a prompt; play it with match=("model", "action").',)
    written = replace(timed, response=Response(status, kept, first_byte), comments=(*unasked, *timed.comments))
    return Cassette(
        [written],
        recorder=f"gemini-replay {__version__}",
        comments=("# Written by gemini-replay, not recorded.",),
    )


def _chosen(profile: str | Profile | None, model: str | None, *, thinking: bool) -> tuple[Profile, str]:
    rhythm = None if profile is None else find_profile(profile)
    if model is None:
        model = (rhythm or DEFAULT_PROFILE).model
    name = model.removeprefix("models/") if isinstance(model, str) else ""
    if not _MODEL.fullmatch(name):
        raise UsageError(f"model is {model!r}.", hint='Give the name of a model, such as "gemini-2.5-flash".')
    return rhythm or profile_for(name, thinking=thinking), name


def _request_body(prompt: str | Json | None) -> bytes:
    if prompt is None:
        return b""
    if isinstance(prompt, str):
        _check_text("prompt", prompt)
        prompt = {"contents": [{"parts": [{"text": prompt}], "role": "user"}]}
    if not isinstance(prompt, dict):
        raise UsageError(
            f"prompt is {prompt!r:.60}.",
            hint='Give a text, or the whole body of the request as a dict: {"contents": […], …}.',
        )
    _check_json("prompt", prompt)
    return json_body(prompt)  # spelled as a loaded cassette has it, so that saving and loading changes nothing


def _listed(events: Iterable[Json | Event]) -> list[Json | Event]:
    if isinstance(events, Mapping | str | bytes | Event) or not isinstance(events, Iterable):
        raise UsageError(f"events is {events!r:.60}.", hint="Give a list of dicts, one for each event.")
    return list(events)


def _step(nth: int, event: Json | Event) -> Message | Failure:
    found = event.json if isinstance(event, Event) else event
    if not isinstance(found, dict):
        raise UsageError(f"Event {nth} is {found!r:.60}.", hint=f"Give a dict. {_SDK}")
    _check_json(f"event {nth}", found)
    return Failure(found) if "error" in found else Message(found)


def _check_json(what: str, value: Json) -> None:
    try:
        dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"What was given as {what} is no JSON: {error}.", hint=_SDK) from None


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise UsageError(f"{what} is {text!r:.60}.", hint="Give a str.")
    if found := _SURROGATE.search(text):
        raise UsageError(
            f"{what} has a lone surrogate, U+{ord(found[0]):04X}, at character {found.start()}.",
            hint="No UTF-8 can hold it. Decode the text it came from with errors='replace', or leave it out.",
        )
