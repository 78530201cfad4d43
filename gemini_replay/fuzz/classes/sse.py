"""Classes about what the standard of SSE allows, beyond what gateways write.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .. import messages as m
from .. import texts as t
from ..documents import CR, CRLF, LF, Document, Source, block, blocks, document, policy, spell
from .case_class import CaseClass, ProfileName
from .gateways import COMMENTS, NAMES, among_fields, choose_end, each

ONLY_SSE: tuple[ProfileName, ...] = ("sse",)

UNKNOWN_FIELDS = (
    "foo: bar",
    "foo",
    "x:y:z",
    "comment",
    "Event: x",
    "ID: 1",
    "retry: soon",
    "retry: -1",
    "retry: ²",
    "id: a\0b",
)
LOOKALIKES = ("Data: ", " data: ", "data : ", "database: ", "data-x: ", "DATA:", "xdata: ", "datum:", ".data: ")
EVENT_TYPES = ("message", "chunk", "data", "content_block_delta", "end", "done", "close", "ping", "")
NO_DATA = ("id: 7", "event: ping", "retry: 100", ": nothing", "id", "event", "foo: bar", "retry")
HIDDEN = '{"responseId": "no"}'
CONTROLS = ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e")


def write(lines: Sequence[str], source: Source, ends: Sequence[str]) -> str:
    """Lines with an end each.

    A blank line after one that ends with CR does not end with LF: the two would be one CRLF.
    """
    written = ""
    for line in lines:
        end = source.choice(ends)
        if end == LF and not line and written.endswith(CR):
            end = CR
        written += line + end
    return written


def _line_ends(source: Source, *ends: str) -> Document:
    trees = m.small(source)
    lines = [line for tree in trees for line in (f"data: {spell(tree)}", "")]
    return document(write(lines, source, ends), trees)


def _bom(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE))
    return document("\ufeff" + blocks(trees, newline=choose_end(source)), trees)


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def data_lines(source: Source, text: str) -> list[str]:
    """A JSON text as several data lines, cut between tokens, where white space means nothing."""
    lines = [""]
    for token in _TOKEN.findall(text):
        if lines[-1] and source.integer(0, 2) == 1:
            lines.append("")
        lines[-1] += token
    return [f"data: {line}" for line in lines]


def multi_line(source: Source, between: Sequence[str] = ()) -> Document:
    """Cut between tokens, where white space means nothing; the lines of ``between`` may stand among them."""
    end = choose_end(source)
    trees = m.small(source, high=2)
    if source.boolean():
        trees.append({"thought": True, "t": [None, False], "d": {}})
    body = ""
    for tree in trees:
        lines = data_lines(source, spell(tree))
        if between:
            at = source.integer(0, len(lines))
            lines[at:at] = [source.choice(between)]
        body += "".join(line + end for line in lines) + end
    return document(body, trees)


def _empty_lines(source: Source) -> Document:
    return multi_line(source, ("data:", "data", "data: "))


def _fields_between(source: Source) -> Document:
    return multi_line(source, (": x", "id: 1", "foo: 1"))


def broken_text(source: Source) -> Document:
    """A text cut over two data lines: a raw line feed in a JSON string. No reading of it loses the line feed."""
    end, before, after = choose_end(source), m.small(source, high=1), m.small(source, high=1)
    one, two = t.text(source, t.ASCII, 1, 2), t.text(source, t.ASCII, 1, 2)
    body = f'data: {{"responseId": "{one.value}{end}data: {two.value}"}}{end}{end}'
    kept = {"responseId": f"{one.value}\n{two.value}"}
    return policy(
        blocks(before, newline=end) + body + blocks(after, newline=end),
        skips=[*before, *after],
        keeps=[*before, kept, *after],
    )


def _other_fields(source: Source) -> Document:
    return among_fields(source, (*UNKNOWN_FIELDS, *NAMES), UNKNOWN_FIELDS)


def _lookalikes(source: Source) -> Document:
    end, trees = choose_end(source), m.small(source)
    body = ""
    for tree in trees:
        lines = source.many(lambda: source.choice(LOOKALIKES) + HIDDEN, 0, 2)
        body += "".join(line + end + (end if source.boolean() else "") for line in lines) + block(tree, newline=end)
    return document(body, trees)


def _event_types(source: Source) -> Document:
    end, trees = choose_end(source), m.small(source)
    body = "".join(f"event: {source.choice(EVENT_TYPES)}{end}{block(tree, newline=end)}" for tree in trees)
    return document(body, trees)


def without_data(source: Source) -> Document:
    """Blocks of other fields: no event is dispatched."""
    end, trees = choose_end(source), m.small(source)
    body = ""
    for tree in trees:
        empty = source.many(lambda: source.choice(NO_DATA) + end, 0, 2)
        body += "".join(empty) + (end if empty else "") + block(tree, newline=end)
    return document(body + source.choice(NO_DATA) + end * 2, trees)


def controls_elsewhere(source: Source) -> Document:
    """Characters that other standards take for line ends, in comments and in fields other than data."""
    end, trees = choose_end(source), m.small(source)
    body = ""
    for tree in trees:
        control = source.choice(CONTROLS)
        start = source.choice((": x", "id: 1", "foo: ", ":"))
        body += f"{start}{control}data: {HIDDEN}{control}{control}{end}{block(tree, newline=end)}"
    return document(body, trees)


def _anything_of_sse(source: Source) -> Document:
    trees = m.messages(source, t.ANYTHING, high=3, longest=4)
    lines: list[str] = []
    others = (*COMMENTS, *NAMES, *UNKNOWN_FIELDS)
    for tree in trees:
        lines += source.many(lambda: source.choice(others), 0, 2)
        lines += data_lines(source, spell(tree)) if source.boolean() else [f"data: {spell(tree)}"]
        lines += ["", *source.many(lambda: "", 0, 2)]
    return document(source.choice(("", "\ufeff")) + write(lines, source, (LF, CRLF, CR)), trees)


CLASSES = (
    CaseClass("line-ends-cr", "CR instead of CRLF", ONLY_SSE, lambda source: _line_ends(source, CR)),
    CaseClass(
        "line-ends-mixed", "CR, LF and CRLF in one stream", ONLY_SSE, lambda source: _line_ends(source, LF, CRLF, CR)
    ),
    CaseClass("byte-order-mark", "a BOM at the start of the stream", ONLY_SSE, _bom),
    CaseClass("data-over-several-lines", "several data lines in an event, cut between tokens", ONLY_SSE, multi_line),
    CaseClass(
        "empty-data-lines", "an empty data line before, among or after those of an event", ONLY_SSE, _empty_lines
    ),
    CaseClass("fields-between-data-lines", "a comment or another field among data lines", ONLY_SSE, _fields_between),
    CaseClass(
        "text-over-two-lines", "a JSON string cut by the end of a data line", ONLY_SSE, broken_text, policy=True
    ),
    CaseClass(
        "other-fields", "unknown and malformed fields: ignored", ONLY_SSE, _other_fields, lambda: each(UNKNOWN_FIELDS)
    ),
    CaseClass(
        "fields-like-data",
        "Data:, ' data:', database: are not data fields",
        ONLY_SSE,
        _lookalikes,
        lambda: each([name + HIDDEN for name in LOOKALIKES]),
    ),
    CaseClass(
        "event-types",
        "events of other types than message",
        ONLY_SSE,
        _event_types,
        lambda: each([f"event: {one}" for one in EVENT_TYPES]),
    ),
    CaseClass(
        "blocks-without-data",
        "an id, event or retry alone is not an event",
        ONLY_SSE,
        without_data,
        lambda: each([field + LF for field in NO_DATA]),
    ),
    CaseClass(
        "controls-elsewhere",
        "U+2028, VT, FS … in comments and other fields",
        ONLY_SSE,
        controls_elsewhere,
        lambda: each([f": {control}data: {HIDDEN}{control}" for control in CONTROLS]),
    ),
    CaseClass("anything-of-sse", "all of SSE at once", ONLY_SSE, _anything_of_sse, mixed=True),
)
