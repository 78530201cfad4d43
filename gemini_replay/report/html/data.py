"""What a page shows, as values that JSON has. Pure: no file is read here.

A page has groups (the cassettes; or the tests of a run) of entries: interactions, and problems. Texts are safe to
show: invisible characters are escaped. The page's script only lays out what is here; it reads no answer itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from ...cassette.describing import describe
from ...cassette.encoding import encode_json
from ...cassette.files import CassetteFile
from ...cassette.model import Interaction
from ...errors import GeminiReplayError
from ...gemini.describing import Described, Describer, describe_call, describe_request
from ...plain_text import plain_lines
from ...urls import server
from ..moments import TimedEvent, timed_chunks, timed_events
from ..pages import begins, ending
from ..programs import answer_json

Json = dict[str, Any]

_LONGEST = 200_000
"""Characters of a body without events; the rest is counted."""
_NEAR = 64
"""Characters of a frame in which its JSON begins."""
_GOOD_REASONS = (None, "STOP")


def cassette_group(cassette: CassetteFile) -> Json:
    """A cassette with all its interactions."""
    about = (("recorded", cassette.recorded), ("by", cassette.recorder), ("in the test", cassette.test))
    return group(
        str(cassette.path or "cassette"),
        list(map(interaction_entry, cassette.interactions)),
        about=[(name, value) for name, value in about if value],
        notes=(*cassette.comments, *cassette.trailing_comments),
    )


def broken_group(path: str, error: GeminiReplayError) -> Json:
    """A cassette that cannot be read."""
    return group(path, [problem_entry(error, "cannot be read")])


def group(
    name: str, entries: Sequence[Json], *, about: Iterable[tuple[str, str]] = (), notes: Iterable[str] = ()
) -> Json:
    """Entries that belong together.

    Args:
        name: of the cassette, or of the test.
        entries: see `interaction_entry` and `problem_entry`.
        about: what else is known of the group, as names and values.
        notes: lines that stand in the cassette.
    """
    return {"name": name, "about": [list(one) for one in about], "notes": list(notes), "entries": list(entries)}


def problem_entry(error: GeminiReplayError, use: str) -> Json:
    """An error of this package; `use` says in a word what it is, such as "missed"."""
    return {
        "use": use,
        "problem": {
            "message": error.message,
            "suggestion": error.suggestion,
            "hint": error.hint,
            "differences": list(getattr(error, "differences", ())),
            "topic": error.slug,
        },
    }


def interaction_entry(interaction: Interaction, use: str = "") -> Json:
    """An interaction; `use` says in a word what became of it in a run, such as "replayed"."""
    return {"use": use, "interaction": _interaction(interaction)}


def _interaction(interaction: Interaction) -> Json:
    request = interaction.request
    events, last = _events(interaction)
    answer = answer_json(interaction)
    answer["request"]["body"] = request.body.decode("utf-8", "backslashreplace")
    return {
        **answer,
        "title": describe(request),
        "asked": _asked(interaction),
        "to": server(request.url),
        "ending": ended(interaction),
        "tone": tone(interaction),
        "notes": list(interaction.comments),
        "figures": [list(one) for one in figures(interaction)],
        "calls": [describe_call(call) for call in interaction.function_calls],
        "usage": [[name, _text(value)] for name, value in (interaction.usage or {}).items()],
        "events": events,
        "last": last,
        "chunks": [[round(at, 3), len(chunk.data), begins(chunk.data)] for at, chunk in timed_chunks(interaction)],
        "rest": "" if events else _body(interaction.body),
    }


def figures(interaction: Interaction) -> Iterator[tuple[str, str]]:
    """The figures of an answer by their names: its times, and how much it is."""
    chunks, events = timed_chunks(interaction), timed_events(interaction)
    if chunks:
        yield "first byte", _seconds(chunks[0].at)
    yield "whole answer", _seconds(interaction.duration)
    if gaps := [chunk.after for _, chunk in chunks[1:]]:
        yield "usual gap", _seconds(median(gaps))
        yield "longest gap", _seconds(max(gaps))
    yield "chunks", f"{len(chunks):,}"
    yield "events", f"{len(events):,}"
    yield "bytes", f"{sum(len(chunk.data) for _, chunk in chunks):,}"
    if tokens := sum(_tokens(one) or 0 for one in events):
        yield "tokens (estimated)", f"{tokens:,}"


def tone(interaction: Interaction) -> str:
    """Whether an interaction went "well", ended "oddly" (another finish than a whole answer's), or "failed"."""
    response = interaction.response
    if response is None or response.status >= 400 or interaction.error is not None or interaction.end.kind != "eof":
        return "failed"
    answers = any(event.is_answer for event in interaction.events)
    blocked = getattr(interaction.answer, "block_reason", None)
    if blocked or interaction.finish_reason not in _GOOD_REASONS or (answers and not interaction.complete):
        return "oddly"
    return "well"


def embedded(title: str, groups: Iterable[Json], nothing: str) -> str:
    """The data as JSON that can stand in a script element: it has no ``<``, and only ASCII characters.

    An interaction that several tests replayed is there once: entries have its place in the list of all.
    """
    places: dict[str, int] = {}
    shown = []
    for one in groups:
        entries = []
        for entry in one["entries"]:
            if "interaction" in entry:
                place = places.setdefault(_encoded(entry["interaction"]), len(places))
                entry = {**entry, "interaction": place}
            entries.append(entry)
        shown.append({**one, "entries": entries})
    page = _encoded({"title": title, "nothing": nothing, "groups": shown})
    return f'{{"page":{page},"interactions":[{",".join(places)}]}}'


def _encoded(value: Json) -> str:
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def ended(interaction: Interaction) -> str:
    """How an interaction ended, in a word or two, also of errors in the stream and blocked prompts."""
    error = interaction.error
    blocked = getattr(interaction.answer, "block_reason", None)
    if error is not None and interaction.response is not None and interaction.response.status < 400:
        return f"error {error.code or error.status or ''}".strip()
    return f"blocked: {blocked}" if blocked else ending(interaction)


def _asked(interaction: Interaction) -> list[list[str]]:
    body = interaction.request.json
    return [] if body is None else [list(one) for one in describe_request(body)]


def _events(interaction: Interaction) -> tuple[list[Json], list[list[str]]]:
    """The events, and what only the end of the stream says."""
    describer, found = Describer(), []
    body, starts = interaction.body, interaction.layout.starts
    for (start, event), timed in zip(starts, timed_events(interaction), strict=True):
        said = [Described("not JSON", "")] if event is None else list(describer.feed(event))
        before, text, after = _frame(body[start : start + timed.size], timed)
        found.append(
            {
                "at": round(timed.at, 3),
                "gap": round(timed.gap, 3),
                "bytes": timed.size,
                "tokens": _tokens(timed),
                "raw": [before, text, after] if after is not None else [before],
                "json": text,
                "said": [list(one) for one in said],
            }
        )
        if after is not None:
            del found[-1]["json"]
    return found, [list(one) for one in describer.close()]


def _tokens(timed: TimedEvent) -> int | None:
    return None if timed.event is None or timed.event.error is not None else timed.event.tokens


def _frame(data: bytes, timed: TimedEvent) -> tuple[str, str | None, str | None]:
    """A frame's text before its JSON, the JSON, and the text after it.

    Where the JSON does not stand in the frame as it is (it may be cut over several lines), the first is the whole
    frame, the second the JSON written anew, and the third None.
    """
    raw = data.decode("utf-8", "backslashreplace")
    if timed.event is None:
        return raw, None, None
    for at, character in enumerate(raw[:_NEAR]):
        if character in "{[":
            try:
                value, end = _DECODER.raw_decode(raw, at)
            except (ValueError, RecursionError):
                continue
            if value == timed.event.json:
                return raw[:at], raw[at:end], raw[end:]
    return raw, _text(timed.event.json), None


_DECODER = json.JSONDecoder()


def _body(body: bytes) -> str:
    text = body[: _LONGEST * 4].decode("utf-8", "backslashreplace")
    left = len(body) - _LONGEST * 4
    if len(text) <= _LONGEST and left <= 0:
        return text
    return f"{text[:_LONGEST]}\n… {len(body):,} bytes in all"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _text(value: Any) -> str:
    """A value as JSON, or in Python's words where JSON cannot hold it (NaN)."""
    try:
        return encode_json(value)
    except (ValueError, RecursionError):
        return repr(value)


def _plain(value: Any) -> Any:
    """A value whose texts are safe to show."""
    if isinstance(value, str):
        return plain_lines(value)
    if isinstance(value, dict):
        return {plain_lines(name): _plain(inner) for name, inner in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
