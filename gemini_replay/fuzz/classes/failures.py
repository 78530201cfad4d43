"""Classes about errors in the stream and about streams that end too early."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

from .. import messages as m
from .. import texts as t
from ..documents import (
    CRLF,
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
from .case_class import ARRAY, GOOGLE, SSE, CaseClass


def raw_error(source: Source) -> Document:
    """Gemini's in-band error: pretty-printed, over several lines, without ``data:``, after good events."""
    trees = m.small(source)
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
    """Nothing but an error object, as after an HTTP error: it comes out, or it raises. Silence is a bug."""
    error, said = m.error(source)
    made = policy(spell(error, PRETTY) + source.choice((LF, "")), yields=[error], unwraps=[error["error"]])
    return replace(made, says=(said,))


PAGES = (
    "<html><body>502 Bad Gateway</body></html>",
    "<!DOCTYPE html>\n<html>\n<style>p { color: #fff }</style>\n\n<body>\n<p>Not found</p></body></html>\n",
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<hr><center>nginx</center>\r\n</html>\r\n",
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
    "upstream connect error or disconnect/reset before headers. reset reason: connection timeout",
    "Service Unavailable",
    "no healthy upstream\n",
    "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<html",
)


def page(source: Source) -> Document:
    """What a gateway sends in place of an answer, or its beginning."""
    text = source.choice(PAGES)
    return policy(text[: source.choice((len(text), *range(1, len(text))))], skips=[])


def nothing(source: Source) -> Document:
    """A body without anything in it."""
    return policy(source.choice(("", LF, CRLF, " ", CRLF * 2)), skips=[])


_HEADS = ("\ufeff".encode()[:1], "\ufeff".encode()[:2], b"d", b"[", b"\x1f", b"<")


def head(source: Source) -> Document:
    """A body that ends in its head: a byte order mark, a bracket, the beginning of an error."""
    error, _ = m.error(source)
    return _cut_error(error, source.integer(1, len(spell(error, PRETTY).encode()) - 1))


def _cut_error(error: Any, at: int) -> Document:
    return policy(spell(error, PRETTY).encode()[:at], skips=[], unwraps=[error["error"]])


def _each_head() -> list[Document]:
    error = {"error": {"code": 503, "message": "é"}}
    cut = [_cut_error(error, at) for at in range(1, len(spell(error, PRETTY).encode()))]
    return [*(policy(one, skips=[]) for one in _HEADS), *cut]


def _each_page() -> list[Document]:
    return [policy(text, skips=[]) for text in PAGES]


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
    ends = list(accumulate(len(block(tree).encode()) for tree in trees))
    whole = sum(end <= at for end in ends)
    body = blocks(trees).encode()[:at]
    if whole < len(ends) and at >= ends[whole] - 2 * len(CRLF):  # its JSON is complete
        return policy(body, yields=trees[: whole + 1], discards=trees[:whole])
    return policy(body, discards=trees[:whole])


def _without_blank_line(source: Source) -> Document:
    trees = m.small(source)
    return cut_off(trees, len(blocks(trees).encode()) - source.integer(1, 2 * len(CRLF)))


def _in_mid_event(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE, *t.ESCAPES))
    last = len(block(trees[-1]).encode())
    return cut_off(trees, len(blocks(trees).encode()) - source.integer(2 * len(CRLF) + 1, last - 1))


def _error_cut_off(source: Source) -> Document:
    trees = m.small(source)
    error, _ = m.error(source)
    text = spell(error, PRETTY).encode()
    return policy(blocks(trees).encode() + text[: source.integer(1, len(text) - 1)], discards=trees)


def array_cut_off(trees: list[Any], at: int) -> Document:
    """An array that ends after ``at`` bytes; the last element counts before its comma has come."""
    elements = [element.encode() for element in google_elements(trees)]
    ends = [length - 1 for length in accumulate(map(len, elements))]  # after the brace, before the line feed
    whole = sum(end <= at for end in ends)
    body = google_array(trees).encode()[:at]
    if not whole or (whole < len(elements) and b"," in body[ends[whole - 1] :]):  # the comma after it has come
        return policy(body, yields=trees[:whole])
    return policy(body, yields=trees[:whole], discards=trees[: whole - 1])


def _array_ends_early(source: Source) -> Document:
    trees = m.small(source, (*t.ASCII, *t.WIDE, *t.ESCAPES))
    return array_cut_off(trees, source.integer(0, len(google_array(trees).encode()) - 1))


_TWO: list[Any] = [{"responseId": "a"}, {"responseId": "é\n"}]
_ENDS = [0, *accumulate(len(block(tree).encode()) for tree in _TWO)]


def _each_without_blank_line() -> list[Document]:
    return [cut_off(_TWO, end - missing) for end in _ENDS[1:] for missing in range(1, 2 * len(CRLF) + 1)]


def _each_byte_of_an_event() -> list[Document]:
    return [cut_off(_TWO, at) for start, end in pairwise(_ENDS) for at in range(start + 1, end - 2 * len(CRLF))]


def _each_byte_of_an_array() -> list[Document]:
    return [array_cut_off(_TWO, at) for at in range(len(google_array(_TWO).encode()))]


CLASSES = (
    CaseClass("raw-error", "an error object without data:, over several lines, after events", GOOGLE, raw_error),
    CaseClass("error-as-data", 'data: {"error": …}', GOOGLE, error_data),
    CaseClass("error-event", 'data: {"error": …}, perhaps with event: error', ("gateway", "sse"), error_event),
    CaseClass("error-body", "an error object and nothing else", GOOGLE, error_body, policy=True),
    CaseClass("page-body", "HTML or other text in place of a stream", GOOGLE, page, _each_page, policy=True),
    CaseClass("empty-body", "nothing in place of a stream", GOOGLE, nothing, policy=True),
    CaseClass("head-of-error", "the first bytes of an error object", GOOGLE, head, _each_head, policy=True),
    CaseClass("error-in-array", "an error object as the last element, or the only one", ARRAY, error_element),
    CaseClass(
        "end-without-blank-line",
        "a complete event, but for its blank line",
        SSE,
        _without_blank_line,
        _each_without_blank_line,
        policy=True,
    ),
    CaseClass(
        "end-in-mid-event",
        "a stream that ends at any byte within an event",
        SSE,
        _in_mid_event,
        _each_byte_of_an_event,
        policy=True,
    ),
    CaseClass("end-in-raw-error", "a stream that ends within an error", GOOGLE, _error_cut_off, policy=True),
    CaseClass(
        "end-in-mid-array",
        "an array that ends at any byte",
        ARRAY,
        _array_ends_early,
        _each_byte_of_an_array,
        policy=True,
    ),
    CaseClass("error-instead-of-array", "an error object and no array", ARRAY, error_body, policy=True),
    CaseClass("page-instead-of-array", "HTML or other text and no array", ARRAY, page, _each_page, policy=True),
    CaseClass("head-instead-of-array", "the first bytes of an error object", ARRAY, head, _each_head, policy=True),
)
