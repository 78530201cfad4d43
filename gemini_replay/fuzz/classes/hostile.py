"""Classes of streams that are damaged or that nobody should send: what a parser must survive."""

from __future__ import annotations

import re
from dataclasses import replace

from .. import texts as t
from ..documents import CRLF, Document, Reading, Source, Spelled, block, policy
from .case_class import CaseClass, ProfileName
from .failures import page
from .gateways import anything_of_gateways

HOSTILE: tuple[ProfileName, ...] = ("hostile",)

NO_JSON = ("{", "hello", '{"a": }', "}", '{"a"', "[1,", '"', "tru", "-", '{"a": 01}', "<p>", "{{", "\\", "{a: 1}")
NO_FIELD = ("hello", "<html>", "HTTP/1.1 502 Bad Gateway", "1f", "}", "]", ",", "--", "null", "=", "\\")
NO_OBJECTS: tuple[object, ...] = (None, True, 5, "x", [], [1, [2]], 0, "", -0.5)


def _between(bad: str | bytes) -> bytes:
    raw = bad.encode() if isinstance(bad, str) else bad
    return b'data: {"responseId": "a"}\r\n\r\n' + raw + b'data: {"responseId": "b"}\r\n\r\n'


def around(*middle: object) -> list[object]:
    """The events around the bad one, with what is read instead of it."""
    return [{"responseId": "a"}, *middle, {"responseId": "b"}]


def bad_text(source: Source) -> tuple[bytes, dict[str, list[object]]]:
    """An object with bytes in its text that are not UTF-8, and what may be read instead."""
    bad = source.choice((b"\xff", b"\x80", b"\xe5", b"\xf0\x9f"))
    before, after = t.text(source, t.ASCII, 0, 1).value, t.text(source, t.ASCII, 1, 1).value

    def read(errors: str, encoding: str = "utf-8") -> list[object]:
        return [{"responseId": before + bad.decode(encoding, errors) + after}]

    readings: dict[str, list[object]] = {
        "replaces": read("replace"),
        "replaces_each_byte": [{"responseId": before + "\ufffd" * len(bad) + after}],
        "skips": [],
        "drops_bytes": read("ignore"),
        "escapes": read("surrogateescape"),
        "reads_latin_1": read("strict", "latin-1"),
    }
    return b'{"responseId": "' + before.encode() + bad + after.encode() + b'"}', readings


def invalid_utf8(source: Source) -> Document:
    """A byte in a text that is not UTF-8: the event comes out marked, or not at all, or as an error; others stay."""
    raw, readings = bad_text(source)
    body = _between(b"data: " + raw + CRLF.encode() * 2)
    return policy(body, **{label: around(*values) for label, values in readings.items()})


def _no_json(source: Source) -> Document:
    bad = source.choice(NO_JSON)
    return policy(_between(f"data: {bad}{CRLF}{CRLF}"), skips=around(), yields_text=around(bad))


def no_field(source: Source) -> Document:
    """A line that is not a field, alone or with an event: the standard ignores it."""
    bad = source.choice(NO_FIELD) + CRLF * source.integer(1, 2)
    return policy(_between(bad), skips=around())


def _no_objects(source: Source) -> Document:
    value = source.choice(NO_OBJECTS)
    return policy(_between(block(value)), yields=around(value), skips=around())


def raw_controls(source: Source) -> Document:
    """Control characters that JSON wants escaped, raw in a text."""
    before, after = t.text(source, t.ASCII, 0, 1).value, t.text(source, t.ASCII, 1, 1).value
    control = source.choice(("\t", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x01", "\x1f", "\0"))
    value = before + control + after
    raw = f'data: {{"responseId": "{value}"}}{CRLF}{CRLF}'
    return policy(_between(raw), skips=around(), keeps=around({"responseId": value}))


_LONE = re.compile("[\ud800-\udfff]")


def half_pair(source: Source) -> tuple[Spelled, str]:
    """Half a surrogate pair, as an escape, which JSON can write and UTF-8 cannot; and what may be read instead."""
    half = source.choice(("\ud800", "\udc00", "\udfff\ud83d", "\ud83da", "a\udbff", "\ud83d\ud83d"))
    escaped = '"' + _LONE.sub(lambda one: f"\\u{ord(one[0]):04x}", half) + '"'
    return Spelled(half, escaped), _LONE.sub("\ufffd", half)


def lone_surrogates(source: Source) -> Document:
    """An event with half a surrogate pair."""
    half, replaced = half_pair(source)
    return policy(
        _between(block({"responseId": half})),
        keeps=around({"responseId": half}),
        replaces=around({"responseId": replaced}),
        skips=around(),
    )


def _larger_integers(source: Source) -> Document:
    number = source.choice(t.HUGE)
    return policy(
        _between(block({"n": number})),
        keeps=around({"n": number}),
        rounds=around({"n": float(number.value)}),
        rounds_to_integer=around({"n": int(float(number.value))}),
        skips=around(),
    )


def _infinity(source: Source) -> Document:
    name, value = source.choice((("Infinity", float("inf")), ("-Infinity", float("-inf"))))
    return policy(
        _between(f'data: {{"n": {name}}}{CRLF}{CRLF}'),
        skips=around(),
        keeps=around({"n": value}),
        yields_null=around({"n": None}),
    )


def nesting(size: int) -> Document:
    """More brackets than a recursive decoder can follow; one that can may return them."""
    made = policy(_between(f"data: {'[' * (size // 2)}{']' * (size // 2)}{CRLF}{CRLF}"), skips=around())
    return replace(made, free=True)


def late_bom(source: Source) -> Document:
    """A BOM within the stream belongs to the field's name, so the standard ignores the line."""
    hidden = {"responseId": "x"}
    return policy(_between("\ufeff" + block(hidden)), ignores=around(), yields=around(hidden))


def _nul(source: Source) -> Document:
    hidden = {"responseId": "x"}
    return policy(_between("\0" * source.integer(1, 2) + block(hidden)), ignores=around(), yields=around(hidden))


def damaged_document(source: Source, body: bytes) -> Document:
    """A good stream with any damage: what comes of it must not depend on the cuts."""
    return Document(damage(source, body), (Reading("returns nothing", ()),), malformed=True, free=True)


def _damaged(source: Source) -> Document:
    return damaged_document(source, anything_of_gateways(source).body)


def damage(source: Source, body: bytes) -> bytes:
    """A body with one to three small damages, which leave it another body."""
    damaged = body
    for _ in range(source.integer(1, 3)):
        damaged = _damage_once(source, damaged)
    return damaged if damaged != body else body + b"\0"


def _damage_once(source: Source, body: bytes) -> bytes:
    """One small damage: bytes dropped, doubled, inserted or changed, or the end missing."""
    at = source.integer(0, len(body))
    until = min(len(body), at + source.integer(1, 8))
    junk = source.choice((b"\n", b"\r", b"\0", b"\xff", b'"', b"\\", b"{", b"}", b"data:", b":", b"\xef\xbb\xbf"))
    # What comes instead of the bytes from `at` to `end`.
    instead, end = source.choice(((b"", until), (junk, at), (junk, until), (body[at:until], at), (b"", len(body))))
    return body[:at] + instead + body[end:]


CLASSES = (
    CaseClass("invalid-utf-8", "bytes that are not UTF-8, in one text", HOSTILE, invalid_utf8, policy=True),
    CaseClass("data-not-json", "one event that is not JSON, between good ones", HOSTILE, _no_json, policy=True),
    CaseClass("lines-not-fields", "foreign lines between events", HOSTILE, no_field, policy=True),
    CaseClass("data-not-object", "null, numbers, text and arrays as events", HOSTILE, _no_objects, policy=True),
    CaseClass("raw-controls", "raw control characters in a JSON text", HOSTILE, raw_controls, policy=True),
    CaseClass("lone-surrogates", "half a surrogate pair as an escape", HOSTILE, lone_surrogates, policy=True),
    CaseClass("huge-integers", "integers of more than 63 bits", HOSTILE, _larger_integers, policy=True),
    CaseClass("infinity", "Infinity, which is not JSON", HOSTILE, _infinity, policy=True),
    CaseClass("deep-nesting", "100 000 brackets", HOSTILE, _no_json, sized=nesting, size=200_000, policy=True),
    CaseClass("byte-order-mark-within", "a BOM between events", HOSTILE, late_bom, policy=True),
    CaseClass("nul-bytes", "NUL bytes between events", HOSTILE, _nul, policy=True),
    CaseClass("html-body", "HTML or other text in place of a stream", HOSTILE, page, policy=True),
    CaseClass("damaged-streams", "any damage; the result may not depend on the cuts", HOSTILE, _damaged, policy=True),
)
