"""Classes about errors in the stream and about streams that end too early."""

from __future__ import annotations

from typing import Any

from .. import messages as m
from .. import texts as t
from ..documents import (
    CRLF,
    GOOGLE,
    LF,
    PRETTY,
    STYLES,
    Document,
    Source,
    block,
    blocks,
    document,
    google_array,
    google_elements,
    policy,
    spell,
)
from .case_class import ARRAY, SSE, CaseClass


def raw_error(source: Source) -> Document:
    """Gemini's in-band error: pretty-printed, over several lines, without ``data:``, after good events."""
    trees = m.small(source) if not source.boolean() else m.answer(source)
    error, said = m.error(source)
    return document(blocks(trees) + spell(error, PRETTY) + LF, [*trees, error], says=(said,))


def error_event(source: Source) -> Document:
    """A gateway's error: the same object as the data of an event."""
    trees, end = m.small(source, low=0), source.choice((LF, CRLF))
    error, said = m.error(source)
    name = source.choice(("", f"event: error{end}"))
    body = blocks(trees, newline=end) + name + block(error, newline=end, style=source.choice(STYLES))
    return document(body, [*trees, error], says=(said,))


def error_data(source: Source) -> Document:
    """The same in Google's framing."""
    trees = m.small(source, low=0)
    error, said = m.error(source)
    return document(blocks([*trees, error]), [*trees, error], says=(said,))


def error_body(source: Source) -> Document:
    """The body of an HTTP error: nothing but the error object."""
    error, said = m.error(source)
    text = spell(error, source.choice((PRETTY, GOOGLE))) + source.choice((LF, ""))
    readings = policy("", yields=[error], skips=[]).readings
    return Document(text.encode(), readings, malformed=True, says=(said,), free=True)


def error_element(source: Source) -> Document:
    """An error as the last element of an array, or as its only one."""
    trees = m.small(source, low=0)
    error, said = m.error(source)
    return document(google_array([*trees, error]), [*trees, error], says=(said,))


def cut_off(trees: list[Any], at: int) -> Document:
    """A stream of ``trees`` that ends after ``at`` bytes.

    An event is complete with its blank line. The standard drops an event without one, but recorded Gemini bodies end
    so.
    """
    wire = [block(tree).encode() for tree in trees]
    whole, start = 0, 0
    while whole < len(wire) and start + len(wire[whole]) <= at:
        start += len(wire[whole])
        whole += 1
    body = b"".join(wire)[:at]
    has_json = whole < len(wire) and at - start >= len(wire[whole]) - 2 * len(CRLF)
    if has_json:
        return policy(body, yields=trees[: whole + 1], discards=trees[:whole])
    return policy(body, discards=trees[:whole])


def _without_blank_line(source: Source) -> Document:
    trees = m.small(source)
    return cut_off(trees, len(blocks(trees).encode()) - source.integer(1, 2 * len(CRLF)))


def _in_mid_event(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE, *t.ESCAPES))
    last = len(block(trees[-1]).encode())
    return cut_off(trees, len(blocks(trees).encode()) - source.integer(2 * len(CRLF) + 1, last - 1))


def _at_every_byte() -> list[Document]:
    trees: list[Any] = [{"responseId": "a"}, {"responseId": "é\n"}]
    return [cut_off(trees, at) for at in range(len(blocks(trees).encode()))]


def _error_cut_off(source: Source) -> Document:
    trees = m.small(source)
    error, _ = m.error(source)
    text = spell(error, PRETTY).encode()
    return policy(blocks(trees).encode() + text[: source.integer(1, len(text) - 1)], discards=trees)


def array_cut_off(trees: list[Any], at: int) -> Document:
    """An array that ends after ``at`` bytes; the last element counts before its comma has come."""
    elements = [element.encode() for element in google_elements(trees)]
    ends, start = [], 0
    for element in elements:
        start += len(element)
        ends.append(start - 1)  # after the brace, before the line feed
    whole = sum(end <= at for end in ends)
    body = (b"".join(elements) + b"]")[:at]
    comma_came = whole < len(elements) and b"," in body[ends[whole - 1] :] if whole else True
    if comma_came:
        return policy(body, yields=trees[:whole])
    return policy(body, yields=trees[:whole], discards=trees[: whole - 1])


def _array_ends_early(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE, *t.ESCAPES))
    return array_cut_off(trees, source.integer(0, len(google_array(trees).encode()) - 1))


def _array_at_every_byte() -> list[Document]:
    trees: list[Any] = [{"responseId": "a"}, {"responseId": "é\n"}]
    return [array_cut_off(trees, at) for at in range(len(google_array(trees).encode()))]


CLASSES = (
    CaseClass("raw-error", "an error object without data:, over several lines, after events", ("gemini",), raw_error),
    CaseClass("error-as-data", 'data: {"error": …}', ("gemini",), error_data),
    CaseClass("error-event", 'data: {"error": …}, perhaps with event: error', ("gateway", "sse"), error_event),
    CaseClass("error-body", "an error object and nothing else", ("gemini",), error_body, policy=True),
    CaseClass("error-in-array", "an error object as the last element, or the only one", ARRAY, error_element),
    CaseClass(
        "end-without-blank-line",
        "a complete event, but for its blank line",
        SSE,
        _without_blank_line,
        policy=True,
    ),
    CaseClass(
        "end-in-mid-event",
        "a stream that ends at any byte of an event",
        SSE,
        _in_mid_event,
        _at_every_byte,
        policy=True,
    ),
    CaseClass("end-in-raw-error", "a stream that ends within an error", ("gemini",), _error_cut_off, policy=True),
    CaseClass(
        "end-in-mid-array",
        "an array that ends at any byte",
        ARRAY,
        _array_ends_early,
        _array_at_every_byte,
        policy=True,
    ),
    CaseClass("error-instead-of-array", "an error object and no array", ARRAY, error_body, policy=True),
)
