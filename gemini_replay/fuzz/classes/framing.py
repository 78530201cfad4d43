"""Classes about SSE itself: what gateways write, and what the standard allows.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .. import messages as m
from .. import texts as t
from ..documents import CR, CRLF, LF, STYLES, Document, Source, block, blocks, document, policy, spell
from .case_class import CaseClass, ProfileName

GATEWAY: tuple[ProfileName, ...] = ("gateway", "sse")
ONLY_SSE: tuple[ProfileName, ...] = ("sse",)

COMMENTS = (
    ":",
    ": keep-alive",
    ":ping",
    ": data: {}",
    ":data: [DONE]",
    ": {",
    ": 你好",
    ':: {"responseId": "no"}',
    ": " + "=" * 70,
)
NAMES = ("event: message", "id: 1", "retry: 3000", "event:message", "id:", "id: 你", "event: ")
UNKNOWN_FIELDS = ("foo: bar", "foo", "x:y:z", "comment", "Event: x", "ID: 1", "retry: soon", "retry: -1", "id: a\0b")
LOOKALIKES = ("Data: ", " data: ", "data : ", "database: ", "data-x: ", "DATA:", "xdata: ", "datum:", ".data: ")
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


def _end(source: Source) -> str:
    return source.choice((LF, CRLF))


def _in_lines(source: Source, trees: Sequence[Any], ends: Sequence[str]) -> Document:
    lines = [line for tree in trees for line in (f"data: {spell(tree)}", "")]
    return document(write(lines, source, ends), trees)


def _line_ends_lf(source: Source) -> Document:
    trees = m.small(source)
    return document(blocks(trees, newline=LF), trees)


def _line_ends_cr(source: Source) -> Document:
    return _in_lines(source, m.small(source), (CR,))


def _line_ends_mixed(source: Source) -> Document:
    return _in_lines(source, m.small(source), (LF, CRLF, CR))


def _no_space(source: Source) -> Document:
    trees = m.small(source)
    return document(blocks(trees, newline=_end(source), space=False), trees)


def comments(source: Source) -> Document:
    """Before, between, within and after events; as a block of their own, and as a line among others."""
    end, trees = _end(source), m.small(source)
    body = ""

    def comment() -> str:
        return source.choice(("", *COMMENTS))

    def line(text: str) -> str:
        return text + end if text else ""

    for tree in trees:
        own, before, after = comment(), comment(), comment()
        body += line(own) + (end if own else "") + line(before) + f"data: {spell(tree)}{end}" + line(after) + end
    return document(body + line(comment()), trees)


def _blank_lines(source: Source) -> Document:
    end, trees = _end(source), m.small(source)
    body = "".join(end * source.integer(0, 3) + block(tree, newline=end) for tree in trees)
    return document(body + end * source.integer(0, 3), trees)


def _done(source: Source) -> Document:
    end, trees = _end(source), m.small(source)
    body = blocks(trees, newline=end) + source.choice(("data: [DONE]", "data:[DONE]")) + end * 2
    return policy(body, skips=trees, yields=[*trees, "[DONE]"])


def wrapped(source: Source) -> Document:
    """Response headers inside the JSON, as some gateways put them."""
    end = _end(source)
    headers = {"content-type": "text/event-stream", "alt-svc": 'h3=":443"', "x": "data: {}"}
    trees = [{"sdkHttpResponse": {"headers": headers}, **tree} for tree in m.small(source)]
    if source.boolean():
        trees = [{"response": tree, "traceId": "1"} for tree in trees]
    return document(blocks(trees, newline=end), trees)


def names(source: Source) -> Document:
    """Event, id and retry, before or after the data."""
    end, trees = _end(source), m.small(source)
    body = ""
    for tree in trees:
        before = source.many(lambda: source.choice(NAMES), 0, 2)
        after = source.many(lambda: source.choice(NAMES), 0, 1)
        body += "".join(line + end for line in (*before, f"data: {spell(tree)}", *after)) + end
    return document(body, trees)


def spacing(source: Source) -> Document:
    """White space where JSON and SSE allow it: between tokens, before and after the JSON text."""
    end, trees = _end(source), m.messages(source, t.ASCII, longest=2)
    body = ""
    for tree in trees:
        text = spell(tree, source.choice(STYLES))
        body += (
            f"data:{source.choice((' ', '  ', ' ' + chr(9), ''))}{text}{source.choice(('', ' ', chr(9)))}{end}{end}"
        )
    return document(body, trees)


def anything_of_gateways(source: Source) -> Document:
    """All that gateways do, at once."""
    end, trees = _end(source), m.messages(source, t.ANYTHING)
    style, space = source.choice(STYLES), source.boolean()
    body = ""
    for tree in trees:
        before = source.many(lambda: source.choice((*COMMENTS, *NAMES)), 0, 2)
        text = block(tree, newline=end, space=space, style=style)
        body += "".join(line + end for line in before) + (end if before and source.boolean() else "") + text
    return document(body, trees)


def each(lines: Sequence[str]) -> list[Document]:
    """Each of some lines before an event, and between its data and its blank line."""
    tree = {"responseId": "a"}
    first = [document(f"{line}{LF}{block(tree, newline=LF)}", [tree]) for line in lines]
    return [*first, *(document(f"data: {spell(tree)}{LF}{line}{LF}{LF}", [tree]) for line in lines)]


def _bom(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE))
    return document("\ufeff" + blocks(trees, newline=_end(source)), trees)


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def data_lines(source: Source, text: str) -> list[str]:
    """A JSON text as several data lines, cut between tokens, where white space means nothing."""
    lines = [""]
    for token in _TOKEN.findall(text):
        if lines[-1] and source.integer(0, 2) == 1:
            lines.append("")
        lines[-1] += token
    return [f"data: {line}" for line in lines]


def multi_line(source: Source) -> Document:
    """Cut between tokens; some lines of data are empty, and other fields may stand between them."""
    end = _end(source)
    trees = m.small(source, high=2)
    if source.boolean():
        trees.append({"thought": True, "t": [None, False], "d": {}})
    body = ""
    for tree in trees:
        lines = data_lines(source, spell(tree))
        at = source.integer(0, len(lines))
        lines[at:at] = source.many(lambda: source.choice(("data:", "data", ": x", "id: 1", "foo: 1")), 0, 1)
        body += "".join(line + end for line in lines) + end
    return document(body, trees)


def broken_text(source: Source) -> Document:
    """A text cut over two data lines: a raw line feed in a JSON string. No reading of it loses the line feed."""
    end, before, after = _end(source), m.small(source, high=1), m.small(source, high=1)
    one, two = t.text(source, t.ASCII, 1, 2), t.text(source, t.ASCII, 1, 2)
    body = f'data: {{"responseId": "{one.value}{end}data: {two.value}"}}{end}{end}'
    kept = {"responseId": f"{one.value}\n{two.value}"}
    return policy(
        blocks(before, newline=end) + body + blocks(after, newline=end),
        skips=[*before, *after],
        keeps=[*before, kept, *after],
    )


def _other_fields(source: Source) -> Document:
    end, trees = _end(source), m.small(source)
    body = ""
    for tree in trees:
        before = source.many(lambda: source.choice((*UNKNOWN_FIELDS, *NAMES)), 0, 2)
        after = source.many(lambda: source.choice(UNKNOWN_FIELDS), 0, 1)
        body += "".join(line + end for line in (*before, f"data: {spell(tree)}", *after)) + end
    return document(body, trees)


def _lookalikes(source: Source) -> Document:
    end, trees = _end(source), m.small(source)
    body = ""
    for tree in trees:
        lines = source.many(lambda: source.choice(LOOKALIKES) + HIDDEN, 0, 2)
        body += "".join(line + end + (end if source.boolean() else "") for line in lines) + block(tree, newline=end)
    return document(body, trees)


def _event_types(source: Source) -> Document:
    end, trees = _end(source), m.small(source)
    types = ("message", "chunk", "data", "content_block_delta", "")
    body = "".join(f"event: {source.choice(types)}{end}{block(tree, newline=end)}" for tree in trees)
    return document(body, trees)


def without_data(source: Source) -> Document:
    """Blocks of other fields: no event is dispatched."""
    end, trees = _end(source), m.small(source)
    body = ""
    for tree in trees:
        empty = source.many(lambda: source.choice(NO_DATA) + end, 0, 2)
        body += "".join(empty) + (end if empty else "") + block(tree, newline=end)
    return document(body + source.choice(NO_DATA) + end * 2, trees)


def empty_data(source: Source) -> Document:
    """An event with empty data is dispatched; it holds no JSON."""
    end, before, after = _end(source), m.small(source, high=1), m.small(source, high=1)
    body = (
        blocks(before, newline=end)
        + source.choice(("data:", "data: ", "data"))
        + end * 2
        + blocks(after, newline=end)
    )
    return policy(
        body,
        skips=[*before, *after],
        yields_null=[*before, None, *after],
        yields_text=[*before, "", *after],
        yields_object=[*before, {}, *after],
    )


def controls_elsewhere(source: Source) -> Document:
    """Characters that other standards take for line ends, in comments and in fields other than data."""
    end, trees = _end(source), m.small(source)
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
    CaseClass("line-ends-lf", "LF instead of CRLF", GATEWAY, _line_ends_lf),
    CaseClass("no-space-after-colon", "data:{…}", GATEWAY, _no_space),
    CaseClass(
        "comments",
        "comments before, between, within and after events",
        GATEWAY,
        comments,
        lambda: each(COMMENTS),
    ),
    CaseClass("blank-lines", "more blank lines than events need", GATEWAY, _blank_lines),
    CaseClass("done", "data: [DONE] at the end", GATEWAY, _done, policy=True),
    CaseClass("wrapped-events", "events inside another object, with response headers in the JSON", GATEWAY, wrapped),
    CaseClass("names-and-ids", "event, id and retry fields around the data", GATEWAY, names, lambda: each(NAMES)),
    CaseClass("spacing", "white space between the tokens and around the JSON text", GATEWAY, spacing),
    CaseClass("anything-of-gateways", "all of the above at once", GATEWAY, anything_of_gateways, mixed=True),
    CaseClass("line-ends-cr", "CR instead of CRLF", ONLY_SSE, _line_ends_cr),
    CaseClass("line-ends-mixed", "CR, LF and CRLF in one stream", ONLY_SSE, _line_ends_mixed),
    CaseClass("byte-order-mark", "a BOM at the start of the stream", ONLY_SSE, _bom),
    CaseClass("data-over-several-lines", "several data lines in an event, cut between tokens", ONLY_SSE, multi_line),
    CaseClass(
        "text-over-two-lines", "a JSON string cut by the end of a data line", ONLY_SSE, broken_text, policy=True
    ),
    CaseClass(
        "other-fields",
        "unknown and malformed fields: ignored",
        ONLY_SSE,
        _other_fields,
        lambda: each(UNKNOWN_FIELDS),
    ),
    CaseClass(
        "fields-like-data",
        "Data:, ' data:', database: are not data fields",
        ONLY_SSE,
        _lookalikes,
        lambda: each([name + HIDDEN for name in LOOKALIKES]),
    ),
    CaseClass("event-types", "events of other types than message", ONLY_SSE, _event_types),
    CaseClass(
        "blocks-without-data",
        "an id, event or retry alone is not an event",
        ONLY_SSE,
        without_data,
        lambda: each([field + LF for field in NO_DATA]),
    ),
    CaseClass("data-without-value", "an event with empty data", GATEWAY, empty_data, policy=True),
    CaseClass(
        "controls-elsewhere",
        "U+2028, VT, FS … in comments and other fields",
        ONLY_SSE,
        controls_elsewhere,
        lambda: each([f": {control}data: {HIDDEN}{control}" for control in CONTROLS]),
    ),
    CaseClass("anything-of-sse", "all of SSE at once", ONLY_SSE, _anything_of_sse, mixed=True),
)
