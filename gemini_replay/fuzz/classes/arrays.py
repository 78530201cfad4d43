"""Classes about the JSON array itself."""

from __future__ import annotations

from .. import messages as m
from .. import texts as t
from ..documents import COMPACT, CRLF, LF, STYLES, Document, Source, Style, document, google_array, policy, spell
from .case_class import ARRAY, CaseClass
from .failures import nothing
from .hostile import around, bad_text, damaged_document, half_pair

BLANKS = ("", " ", LF, CRLF, "\t", " \n  ", "\n\n")


def _compact(source: Source) -> Document:
    trees = m.messages(source, (*t.ASCII, *t.BRACKETS), longest=3)
    return document(f"[{','.join(spell(tree, COMPACT) for tree in trees)}]", trees)


def white_space(source: Source) -> Document:
    """Between the elements and their commas, before the array and after it."""
    trees = m.small(source)

    def blank() -> str:
        return source.choice(BLANKS)

    parts = [f"{blank()}{spell(tree, source.choice(STYLES))}{blank()}" for tree in trees]
    return document(f"{blank()}[{','.join(parts)}]{blank()}", trees)


def indents(source: Source) -> Document:
    """Pretty-printed in other ways, down to braces that stand alone in the first column, within an element too."""
    trees = m.messages(source, (*t.ASCII, *t.BRACKETS), high=2, longest=2)
    style = Style(indent=source.choice((4, 1, 0)))
    text = f"[{','.join(LF + spell(tree, style) for tree in trees)}{LF}]"
    return document(text.replace(LF, source.choice((LF, CRLF))), trees)


def _empty(source: Source) -> Document:
    return document(f"{source.choice(BLANKS)}[{source.choice(BLANKS)}]{source.choice(BLANKS)}", [])


def bom(source: Source) -> Document:
    """RFC 8259, section 8.1: a sender must not add one, a parser may ignore it."""
    trees = m.small(source)
    return policy("\ufeff" + google_array(trees), yields=trees)


def commas(source: Source) -> Document:
    """A comma too many, at the end."""
    trees = m.small(source)
    return policy(f"[{','.join(spell(tree) for tree in trees)},]", yields=trees)


def _between(raw: bytes) -> bytes:
    return b'[{"responseId": "a"}\n,\r\n' + raw + b'\n,\r\n{"responseId": "b"}\n]'


def _invalid_utf8(source: Source) -> Document:
    raw, readings = bad_text(source)
    return policy(_between(raw), **{label: around(*values) for label, values in readings.items()})


def _no_json(source: Source) -> Document:
    bad = source.choice(("hello", '{"a": }', "{a: 1}", "<p>", '{"a": 01}', "tru", "{'a': 1}"))
    return policy(_between(bad.encode()), skips=around(), stops=around()[:1])


def _scalars(source: Source) -> Document:
    value = source.choice((None, True, 5, "x", "", -0.5, "},{", "]"))
    return policy(_between(spell(value).encode()), yields=around(value), skips=around())


def _lone_surrogates(source: Source) -> Document:
    half, replaced = half_pair(source)
    return policy(
        _between(spell({"responseId": half}).encode()),
        keeps=around({"responseId": half}),
        replaces=around({"responseId": replaced}),
        skips=around(),
    )


def _damaged(source: Source) -> Document:
    return damaged_document(source, google_array(m.messages(source, t.ANYTHING)).encode())


CLASSES = (
    CaseClass("compact-array", "an array on one line, without white space", ARRAY, _compact),
    CaseClass("white-space-in-array", "white space wherever JSON allows it", ARRAY, white_space),
    CaseClass("indents-in-array", "other indents, and none", ARRAY, indents),
    CaseClass("empty-array", "no elements at all", ARRAY, _empty),
    CaseClass("byte-order-mark-before-array", "a BOM before the bracket", ARRAY, bom, policy=True),
    CaseClass("trailing-comma", "a comma after the last element", ARRAY, commas, policy=True),
    CaseClass("no-array", "an empty body instead of an array", ARRAY, nothing, policy=True),
    CaseClass("invalid-utf-8-in-array", "bytes that are not UTF-8, in one text", ARRAY, _invalid_utf8, policy=True),
    CaseClass("element-not-json", "one, between good ones", ARRAY, _no_json, policy=True),
    CaseClass("element-not-object", "null, a number or text among objects", ARRAY, _scalars, policy=True),
    CaseClass("lone-surrogates-in-array", "half a surrogate pair as an escape", ARRAY, _lone_surrogates, policy=True),
    CaseClass("damaged-arrays", "any damage; the result may not depend on the cuts", ARRAY, _damaged, policy=True),
)
