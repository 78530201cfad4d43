"""The public class `Cassette`: a cassette file that can also be written, and timed, without a recording.

Comments say what was written instead of recorded. The same arguments give the same file, on every machine and day.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from .._version import __version__
from ..arguments import is_whole, require, require_whole, texts, wrong_argument
from ..cassette.encoding import json_body
from ..cassette.files import CassetteFile
from ..cassette.model import Chunk, Interaction, Request, Response
from ..errors import UsageError
from ..provider import Event, Writer
from ..shipped import shipped
from .retiming import retime
from .rhythms import DEFAULT_RHYTHM, Rhythm, find_rhythm, rhythm_for

Json = Mapping[str, Any]

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SDK = 'For an SDK\'s object, give response.model_dump(mode="json", by_alias=True, exclude_none=True).'


class Cassette(CassetteFile):
    """A file of interactions, see `cassette.files.CassetteFile`."""

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        rhythm: str | Rhythm | None = None,
        model: str | None = None,
        prompt: str | Json | None = None,
        thoughts: str | Sequence[str] | None = None,
        finish_reason: str | None = "STOP",
        framing: str = "sse",
        seed: int = 0,
        provider: Writer | None = None,
    ) -> Self:
        """A cassette with one answer with this ``text``, cut into events and timed as the model would do it.

        Args:
            text: what the model says. The texts of the events add up to exactly this.
            rhythm: the rhythm or its name, see ``rhythm.rhythms.RHYTHMS``; by default the model's own.
            model: the model that answers; by default the rhythm's, or gemini-2.5-flash if neither is given.
            prompt: a text, as google-genai sends it, or the whole JSON body of the request as a dict, if it has more
                members. Without a prompt, the request has no body: play the cassette with
                ``match=("model", "action")``, since a request with a body does not match by default.
            thoughts: thought summaries that come before the text, one event each.
            finish_reason: the last event's; None for an answer that never finished.
            framing: "sse", "json-array" or "gateway": as Google writes with ``alt=sse``, without it, or as API
                gateways do.
            seed: the seed of the times, the ids and the signatures.
            provider: the API that answers; None for Gemini.

        Returns:
            The cassette; ``save(path)`` writes it.

        Raises:
            UsageError: an argument that cannot be used.
        """
        before = list(texts("thoughts", () if thoughts is None else thoughts, "a text, several in a list, or None"))
        for thought in before:
            _check_text("a thought", thought)
        _check_text("text", text)
        holds = finish_reason is None or (isinstance(finish_reason, str) and bool(finish_reason))
        require(holds, "finish_reason", finish_reason, 'a name such as "STOP", or None')
        name, known = _chosen(rhythm, model)
        prompt = _checked_prompt(prompt)
        require_whole("seed", seed)
        provider = _writer(provider)
        known = known or rhythm_for(name, thinking=bool(before))
        events = provider.compose(
            text,
            model=name,
            prompt_tokens=provider.tokens(prompt if isinstance(prompt, str) else _body(prompt).decode()),
            thoughts=before,
            finish_reason=finish_reason,
            event_tokens=known.event_tokens,
            rng=random.Random(json.dumps([seed, name, before, text, finish_reason])),
        )
        return cls._written(events, name, prompt, known, framing, seed, None, provider)

    @classmethod
    def from_events(
        cls,
        events: Iterable[Json | Event],
        *,
        rhythm: str | Rhythm | None = None,
        model: str | None = None,
        prompt: str | Json | None = None,
        framing: str = "sse",
        status: int | None = None,
        seed: int = 0,
        provider: Writer | None = None,
    ) -> Self:
        """A cassette with one answer of exactly these events, spelled as the API and timed as the model would do it.

        An ``{"error": {…}}`` is written as Google sends it: raw, without ``data:``. If it is the only event, it comes
        instead of a stream, with its code as the HTTP status.

        Args:
            events: decoded messages (``GenerateContentResponse`` as dicts, camelCase), or `Event` objects. Nothing is
                added to them. A lone surrogate is written as its escape.
            rhythm: see `from_text`.
            model: see `from_text`.
            prompt: see `from_text`.
            framing: see `from_text`.
            status: the HTTP status; None for 200, or for the code of an error that is the only event.
            seed: the seed of the times.
            provider: see `from_text`.

        Raises:
            UsageError: an argument that cannot be used; for an event, the message says which.
        """
        if isinstance(events, Mapping | str | bytes | Event) or not isinstance(events, Iterable):
            raise wrong_argument("events", events, "a list of dicts, one for each event")
        found = [_message(nth, event) for nth, event in enumerate(events, start=1)]
        if not found:
            raise UsageError("There are no events.", hint="Give at least one.")
        name, known = _chosen(rhythm, model)
        holds = status is None or (is_whole(status, 100) and status <= 999)
        require(holds, "status", status, "an HTTP status, such as 200 or 503, or None")
        require_whole("seed", seed)
        return cls._written(found, name, _checked_prompt(prompt), known, framing, seed, status, _writer(provider))

    @classmethod
    def _written(
        cls,
        events: Sequence[Json],
        model: str,
        prompt: str | Json | None,
        rhythm: Rhythm | None,
        framing: str,
        seed: int,
        status: int | None,
        provider: Writer,
    ) -> Self:
        untimed = provider.interaction(events, model=model, prompt=prompt, framing=framing, status=status)
        body = _body(untimed.json)
        headers = (("content-type", "application/json"),) if body else ()
        written = Interaction(
            Request("POST", untimed.url, headers, body, provider=provider),
            Response(untimed.status, untimed.headers),
            tuple(Chunk(0.0, data) for data in untimed.chunks),
            comments=() if body else ('# Without a prompt; play it with match=("model", "action").',),
        )
        return cls(
            [retime(written, rhythm, seed=seed)],
            recorder=f"gemini-replay {__version__}",
            comments=("# Written by gemini-replay, not recorded.",),
        )

    def retime(
        self,
        rhythm: str | Rhythm | None = None,
        *,
        seed: int = 0,
        rechunk: str | int | None = None,
        only: Sequence[int] = (),
    ) -> Self:
        """A cassette with times drawn from a rhythm; see `rhythm.retiming.retime` for details.

        Args:
            rhythm: the rhythm or its name, see ``rhythm.rhythms.RHYTHMS``; by default that of each model.
            seed: the same seed gives the same times for the same bytes, on every machine.
            rechunk: cut the bodies anew first: "events" cuts a body in a single chunk, which would otherwise stay in
                one. None: keep the chunks.
            only: the numbers of the interactions to retime, counted from 1; by default all.

        Returns:
            A new cassette with the same path; this one stays unchanged.

        Raises:
            UsageError: an unknown rhythm, interaction or way to rechunk.
        """
        known = None if rhythm is None else find_rhythm(rhythm)
        require_whole("seed", seed)
        count, numbers = len(self.interactions), "the numbers of interactions, counted from 1, in a list"
        if not isinstance(only, Collection) or isinstance(only, str | bytes | Mapping):
            raise wrong_argument("only", only, numbers)
        for number in only:
            require(is_whole(number), "only", only, numbers)
            if not 1 <= number <= count:
                raise UsageError(
                    f"{self.path or 'The cassette'} has no interaction {number}.",
                    suggestion=f"It has {count}, counted from 1." if count else "It has none.",
                    hint=f"See them with: gemini-replay show {self.path or 'CASSETTE'}",
                )
        return replace(
            self,
            interactions=[
                retime(one, known, seed=seed, rechunk=rechunk) if not only or number in only else one
                for number, one in enumerate(self.interactions, start=1)
            ],
        )


def _writer(provider: Writer | None) -> Writer:
    holds = provider is None or (isinstance(provider, Writer) and not isinstance(provider, type))
    takes = "an object that has all that a `gemini_replay.provider.Writer` has, or None"
    require(holds, "provider", provider, takes)
    return provider or shipped()


def _chosen(rhythm: str | Rhythm | None, model: str | None) -> tuple[str, Rhythm | None]:
    """The name of the model, and the rhythm, if one is given."""
    known = None if rhythm is None else find_rhythm(rhythm)
    if model is None:
        model = (known or DEFAULT_RHYTHM).model
    name = model.removeprefix("models/") if isinstance(model, str) else ""
    require(bool(_MODEL.fullmatch(name)), "model", model, 'the name of a model, such as "gemini-2.5-flash"')
    return name, known


def _checked_prompt(prompt: str | Json | None) -> str | Json | None:
    if isinstance(prompt, str):
        _check_text("prompt", prompt)
    elif isinstance(prompt, dict):
        _check_json("prompt", prompt)
    elif prompt is not None:
        takes = 'a text, or the whole body of the request as a dict: {"contents": […], …}'
        raise wrong_argument("prompt", prompt, takes)
    return prompt


def _body(prompt: Json | None) -> bytes:
    """The body in the spelling of a loaded cassette, so that saving and loading changes nothing."""
    return b"" if prompt is None else json_body(prompt)


def _message(nth: int, event: Json | Event) -> Json:
    found = event.json if isinstance(event, Event) else event
    if not isinstance(found, dict):
        raise wrong_argument(f"Event {nth}", found, f"a dict. {_SDK.removesuffix('.')}")
    _check_json(f"event {nth}", found)
    return found


def _check_json(what: str, value: Json) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The value given as {what} is not JSON: {error}.", hint=_SDK) from None


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise wrong_argument(what, text, "a text")
    if found := _SURROGATE.search(text):
        raise UsageError(
            f"{what} has a lone surrogate, U+{ord(found[0]):04X}, at character {found.start()}.",
            hint="UTF-8 cannot encode it. Decode the text it came from with errors='replace', or leave it out.",
        )
