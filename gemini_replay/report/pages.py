"""A cassette for a person to read: what was asked, what was answered, and when each event came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from ..cassette.describing import describe
from ..cassette.files import CassetteFile
from ..cassette.model import Headers, Interaction, header
from ..gemini.describing import ABOUT, Described, describe_events, describe_request, describe_usage
from ..plain_text import plain
from ..urls import server
from . import terminal
from .moments import timed_chunks, timed_events
from .terminal import clipped, styled, table, wrapped

_LABEL = 10
"""Columns of the labels."""

_COLOURS = {"error": "red", "blocked": "red", "thoughts": "dim", "call": "cyan", "finish": "green"}


def cassette_head(cassette: CassetteFile) -> str:
    """The file, and when, by what and in which test it was recorded."""
    about = [f"recorded {cassette.recorded}" if cassette.recorded else "", cassette.recorder or ""]
    lines = [styled(plain(str(cassette.path or "cassette")), "bold"), ", ".join(map(plain, filter(None, about)))]
    lines += [plain(f"test {cassette.test}")] if cassette.test else []
    lines += map(plain, (*cassette.comments, *cassette.trailing_comments))
    count = len(cassette.interactions)
    lines.append("" if count == 1 else f"{count} interactions")
    return "\n".join(filter(None, lines))


def page(number: int, interaction: Interaction, *, whole_request: bool = False) -> str:
    """What was asked, by whom, and what was answered.

    Args:
        number: the interaction's, counted from 1.
        interaction: what was recorded.
        whole_request: print the request's headers and body as they are, instead of what they ask.
    """
    request = interaction.request
    title = f"{number}  {describe(request)}"
    lines = ["", styled(plain(title), "bold", "cyan"), *map(plain, interaction.comments)]
    lines += _labelled([Described("to", server(request.url))])
    about = [Described("client", request.client or ""), Described("test", request.test or "")]
    lines += _labelled(one for one in about if one.text)
    if whole_request:
        lines += _labelled([Described("url", request.url), *_headers(request.headers)])
        body = request.body.decode("utf-8", "backslashreplace") if request.json is None else _json(request.json)
        lines += _labelled([Described("body", body)] if body else [])
    elif request.json is not None:
        lines += _labelled(describe_request(request.json))
    elif request.body:
        kind = header(request.headers, "content-type") or "unknown type"
        lines += _labelled([Described("body", f"{kind}, {len(request.body):,} bytes")])
    return "\n".join([*lines, "", *_answer(interaction)])


def event_table(interaction: Interaction, *, whole: bool = False) -> str:
    """One row for each event: its time, its size and what it says; or, with `whole`, its JSON."""
    rows = []
    for number, (at, gap, size, event) in enumerate(timed_events(interaction), 1):
        if event is None:
            says = "not JSON"
        elif whole:
            says = _json(event.json)
        else:
            said = [one.text if one.kind == "text" else f"{one.kind}: {one.text}" for one in describe_events([event])]
            says = " · ".join(said) or ("usage" if event.usage else "")
        rows.append((str(number), f"{at:.3f} s", f"+{gap * 1000:.0f} ms", str(size), says))
    return table(
        ("event", "at", "gap", "bytes", "JSON" if whole else "says"),
        rows,
        fitted=not whole,
        spare=("bytes", "event", "gap"),
    )


def chunk_table(interaction: Interaction) -> str:
    """One row for each chunk: its time, size and beginning."""
    rows = [
        (str(number), f"{at:.3f} s", f"+{chunk.after * 1000:.0f} ms", str(len(chunk.data)), begins(chunk.data))
        for number, (at, chunk) in enumerate(timed_chunks(interaction), 1)
    ]
    return table(("chunk", "at", "gap", "bytes", "begins with"), rows, fitted=True, spare=("bytes", "chunk", "gap"))


def cassette_table(cassette: CassetteFile) -> str:
    """One row for each interaction: the request, how the answer ended, and what it says; whole in a pipe."""
    rows = [
        (
            str(number),
            describe(interaction.request),
            ending(interaction),
            _says(interaction),
        )
        for number, interaction in enumerate(cassette.interactions, 1)
    ]
    columns = ("#", "request", "end", "says")
    return f"{plain(str(cassette.path or 'cassette'))}\n{table(columns, rows, fitted=True)}"


def _says(interaction: Interaction) -> str:
    text = " ".join(one.text for one in joined(describe_events(interaction.events)))
    return text if terminal.width() is None else clipped(text, 100)


def joined(described: Iterable[Described]) -> Iterator[Described]:
    """What a stream says: a text that came in pieces is whole again, and what is about it stands last."""
    found = list(described)
    said = [one for one in found if one.kind not in ABOUT]
    about = dict.fromkeys(one for kind in ABOUT for one in found if one.kind == kind)
    for kind, group in groupby([*said, *about], lambda one: one.kind):
        separator = "" if kind in ("text", "thoughts") else "\n"
        yield Described(kind, separator.join(one.text for one in group))


def _answer(interaction: Interaction) -> Iterator[str]:
    response = interaction.response
    if response is None:
        yield from _labelled([Described("response", "none: the connection ended before one came")])
    else:
        kind = header(response.headers, "content-type") or "unknown type"
        yield from _labelled([Described("response", f"{response.status} {kind}, after {response.after:.3f} s")])
        yield from _labelled(joined(describe_events(interaction.events)))
        if not interaction.events and interaction.body:
            yield from _labelled([Described("body", begins(interaction.body))])
        if interaction.usage:
            yield from _labelled([Described("usage", describe_usage(interaction.usage))])
    count, size = len(interaction.chunks), len(interaction.body)
    took = f"{interaction.duration:.3f} s, {count} chunk{'s' if count != 1 else ''}, {size:,} bytes"
    end = "" if interaction.end.kind == "eof" else f", ended by: {interaction.end.ending}"
    yield from _labelled([Described("took", took + end)])


def _labelled(described: Iterable[Described]) -> Iterator[str]:
    for kind, text in described:
        colour = [_COLOURS[kind]] if kind in _COLOURS else []
        label = plain(kind)
        for line in wrapped(text.strip("\r\n"), _LABEL):
            yield f"{styled(label, 'dim')}{' ' * max(_LABEL - len(label), 1)}{styled(line, *colour)}".rstrip()
            label = ""


def _headers(headers: Headers) -> Iterator[Described]:
    lines = "\n".join(f"{name}: {value}" for name, value in headers)
    return iter([Described("headers", lines)] if lines else [])


def ending(interaction: Interaction) -> str:
    """How an interaction ended, in a word: its HTTP error, its broken end, or why the model stopped."""
    response = interaction.response
    if response is not None and response.status >= 400:
        return f"HTTP {response.status}"
    return interaction.end.kind if interaction.end.kind != "eof" else interaction.finish_reason or "eof"


def begins(data: bytes) -> str:
    """The beginning of some bytes, in a line."""
    return clipped(data.decode("utf-8", "backslashreplace"), 80)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
