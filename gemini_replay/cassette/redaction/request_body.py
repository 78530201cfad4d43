"""Removes secrets from the body of a request."""

from __future__ import annotations

import re

from ..model import Request, header
from .encodings import Decompressor, coding_of
from .finder import Finder
from .parsed_body import Leaf, ParsedBody
from .randomness import could_be_secret, is_placeholder
from .replacements import MARK, REDACTED, mark
from .secret_names import Secrecy, SecretNames
from .text import TextRedactor

_PROJECT = re.compile(r"((?<![\w-])projects/)([\w:.\-]+)(?=/locations/)")
_SCHEME = re.compile(r"(?:bearer|basic|token|bot|digest|apikey)[:=]?\s+", re.IGNORECASE)


class RequestBody:
    """The body of a request, decompressed (`plain`) and parsed.

    Each of the `named` texts has a name that says that it is secret: its index, the text, and what the name says.

    Raises:
        UnsearchableError: the body cannot be decompressed.
    """

    def __init__(self, request: Request, names: SecretNames) -> None:
        self.plain = request.body
        if coding := coding_of(request.headers):
            decompressor = Decompressor(coding, "The body of a request", "Send it uncompressed while recording.")
            self.plain = decompressor.feed(self.plain)
        kind = header(request.headers, "content-type") or ""
        self._parsed = ParsedBody(self.plain, kind, numbers=bool(names.redacted_fields))
        self.named: list[tuple[int, Leaf, Secrecy]] = [
            (index, leaf, level)
            for index, leaf in enumerate(self._parsed.leaves)
            if leaf.name and not leaf.number and (level := _secrecy(leaf, names))
        ]
        self._declared = [
            (index, leaf)
            for index, leaf in enumerate(self._parsed.leaves if names.redacted_fields else ())
            if any(map(names.redacts_field, leaf.names))
        ]

    def redacted(self, redactor: TextRedactor) -> bytes:
        """The body without secrets. Without any, it is `plain`."""
        changes = {
            index: new for index, leaf, level in self.named if (new := _by_name(leaf, level, redactor)) is not None
        }
        for index, leaf in self._declared:
            if leaf.text and not MARK.fullmatch(leaf.text):
                if index not in changes:
                    redactor.removals.add(f"request body {leaf.where}", f"value of {leaf.name}")
                changes[index] = mark(leaf.text, "body", always=True)
        found = self._finds_anything(redactor.finder)
        if found:
            for index, leaf in enumerate(self._parsed.leaves):
                if index not in changes and not leaf.number and (text := _searched(leaf, redactor)) != leaf.text:
                    changes[index] = text
        if not changes and not found:
            return self.plain
        body = self._parsed.render(changes, lambda name: redactor.text(name, "request body, a name", "body"))
        for number in redactor.finder.numbers:  # a known value of digits that is a JSON number stays a number
            if number in body:
                body = re.sub(rb"(?<![\w.\-])" + number + rb"(?![\w.\-])", b"9" * len(number), body)
        return body

    def _finds_anything(self, finder: Finder) -> bool:
        """Whether a search finds anything in the body, raw or parsed. Usually it does not."""
        if finder.search(self.plain).spans or _has_project(self.plain):
            return True
        if self._parsed.as_written:
            return False
        texts = b"\0\0".join(leaf.data for leaf in self._parsed.leaves if not leaf.opaque)
        return bool(finder.search(texts).spans) or _has_project(texts)


def _secrecy(leaf: Leaf, names: SecretNames) -> Secrecy:
    """What the names of a text, and of the objects around it, say about it."""
    within = leaf.within if leaf.within and not any(map(names.keeps_field, leaf.names)) else ""
    return names.field(leaf.name, parameter=leaf.form, within=within)


def _has_project(data: bytes) -> bool:
    return b"projects/" in data and b"/locations/" in data


def _by_name(leaf: Leaf, level: Secrecy, redactor: TextRedactor) -> str | None:
    """The replacement of a text with a secret name; None if the text is not secret."""
    text = leaf.text
    if not text or MARK.fullmatch(text) or is_placeholder(text):
        return None
    value = _SCHEME.sub("", text.strip(), count=1) or text
    if level == "likely" and not could_be_secret(value):
        return None
    if level == "certain" and len(text.split()) > 2 and "=" not in text and "pass" not in leaf.name.lower():
        return None  # words about a secret
    redactor.removals.add(f"request body {leaf.where}", f"value of {leaf.name}")
    return mark(text, "body")


def _searched(leaf: Leaf, redactor: TextRedactor) -> str:
    spans = redactor.finder.search(leaf.data, opaque=leaf.opaque).spans
    new = redactor.replace(leaf.data, spans, f"request body {leaf.where}", "body")
    text = new.decode("latin-1") if leaf.raw else new.decode("utf-8", "surrogatepass")
    return _PROJECT.sub(rf"\1{REDACTED}", text) if "projects/" in text and not leaf.opaque else text
