"""Parses the body of a request into its texts, and writes it again with some of them changed.

JSON, JSON Lines, forms and multipart bodies are parsed, and also JSON in a JSON string or in a form field, at any
depth. What does not change comes back byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote_plus, unquote_plus

from .secret_names import OPAQUE_MEMBERS, VALUES, Contents, called, contents

Changes = Mapping[int, str]
"""New texts, by the index of their leaf."""

_STRING_OR_NUMBER = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?\d[\d.eE+\-]*', re.DOTALL)
_JSON_LINE = re.compile(rb"^(?:data:[ \t]*)?([\[{].*?)\r?$", re.MULTILINE)
_FORM = re.compile(r"[\w.~%+\-\[\]]{1,80}=[^&\s]*(?:&[\w.~%+\-\[\]]{1,80}=[^&\s]*)+")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^\s;,]+))', re.IGNORECASE)
_FIELD = re.compile(
    rb'^content-disposition:[^\r\n]*?[;\s]name=(?:"([^"\r\n]*)"|([^\s;]+))', re.IGNORECASE | re.MULTILINE
)
_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DEEPEST = 100

Path = tuple[Any, ...]
"""Linked from the inside out: (outer path, member or index); () is the root."""


class Leaf:
    """One text of a body, without escapes.

    Attributes:
        name: the member, field or parameter with this value; "" if none.
        within: what the objects around it hold, judged by their names.
        opaque: whether it is binary data or an id.
        form: whether it is the value of a form field or query parameter.
        raw: whether it is bytes that are not text, with one character for each byte.
        number: whether it is a JSON number; a new text for it becomes a JSON string.
    """

    __slots__ = ("form", "name", "number", "opaque", "path", "raw", "text", "within")

    def __init__(
        self, text: str, name: str, path: Path, within: Contents = "", form: bool = False, raw: bool = False
    ) -> None:
        self.text, self.name, self.path = text, name, path
        self.within: Contents = within
        self.form, self.raw, self.number = form, raw, False
        self.opaque = name in OPAQUE_MEMBERS and not form

    @property
    def names(self) -> Iterator[str]:
        """Its own name, and those of everything that it is in."""
        yield self.name
        path = self.path
        while path:
            path, step = path
            if isinstance(step, str):
                yield step

    @property
    def where(self) -> str:
        """Its path: "$.tools[0].headers.X-Auth-Token"."""
        steps: list[str] = []
        path = self.path
        while path:
            path, step = path
            steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
        return "$" + "".join(reversed(steps))

    @property
    def data(self) -> bytes:
        """The text as bytes."""
        return self.text.encode("latin-1") if self.raw else self.text.encode("utf-8", "surrogatepass")


class _Part(Protocol):
    def render(self, changes: Changes) -> str | bytes: ...


class ParsedBody:
    """A parsed body, decompressed: its texts in order, without the names of members.

    With `numbers`, the numbers of JSON are among the texts. `as_written` says whether every text is in the body as it
    is, except for escapes of single characters.
    """

    def __init__(self, body: bytes, content_type: str = "", *, numbers: bool = False) -> None:
        self.leaves: list[Leaf] = []
        self.numbers = numbers
        self.as_written = b"\\" not in body
        self.rename: Callable[[str], str] = str
        self._root = self._bytes(body, content_type, (), "")

    def render(self, changes: Changes, rename: Callable[[str], str] = str) -> bytes:
        """The body with the texts of some leaves changed, and all names of members changed by `rename`."""
        self.rename = rename
        rendered = self._root.render(changes)
        assert isinstance(rendered, bytes)
        return rendered

    def _leaf(self, leaf: Leaf) -> int:
        self.leaves.append(leaf)
        return len(self.leaves) - 1

    def _bytes(self, body: bytes, content_type: str, path: Path, name: str) -> _Part:
        kind = content_type.lower().lstrip()
        if kind.startswith(("multipart/", "application/x-www-form")):
            self.as_written = False
        if kind.startswith("multipart/") and (found := _BOUNDARY.search(content_type)):
            return _Multipart(self, body, (found[1] or found[2]).encode("latin-1", "replace"), path)
        if kind.startswith("application/x-www-form-urlencoded"):
            return _Encoded(_Form(self, body.decode("latin-1"), path), "latin-1")
        start = body[:64].lstrip()[:1]
        if start in {b"{", b"[", b'"', b"\xef", b"\xff", b"\xfe", b"\0"}:
            encoding = json.detect_encoding(body)
            with suppress(ValueError, RecursionError):
                if part := self._json(body.decode(encoding, "surrogatepass"), path, 0, name):
                    return _Encoded(part, encoding)
        if not kind.startswith("text/plain") and (lines := [*_JSON_LINE.finditer(body)]):
            return _Lines(self, body, lines, path)
        return self._text(body, path, name)

    def _text(self, body: bytes, path: Path, name: str) -> _Part:
        try:
            text, raw = body.decode("utf-8", "surrogatepass"), False
        except UnicodeDecodeError:
            text, raw = body.decode("latin-1"), True
        return _Plain(self._leaf(Leaf(text, name, path, raw=raw)), body, raw)

    def _json(self, text: str, path: Path, depth: int, name: str = "", *, within: Contents = "") -> _Json | None:
        """JSON as a part; None if the text is not JSON."""
        if depth > _DEEPEST:
            return None
        before = len(self.leaves)
        try:
            value = json.loads(text, object_pairs_hook=_Pairs, parse_constant=lambda name: None)
            return _Json(self, text, value, path, depth, name, within=within)
        except (ValueError, RecursionError):
            del self.leaves[before:]
            return None

    def text_part(self, leaf: Leaf, depth: int) -> int | _Json | _Form:
        """The number of a leaf, or its parts if the text is itself JSON or a form."""
        text = leaf.text
        if leaf.opaque or len(text) < 6:
            return self._leaf(leaf)
        start = text[0] if text[0] > " " else text[:64].lstrip()[:1]
        if (
            start
            and start in '{["'
            and (part := self._json(text, leaf.path, depth + 1, leaf.name, within=leaf.within))
        ):
            self.as_written = False
            return part
        if "&" in text and "=" in text and _FORM.fullmatch(text):
            return _Form(self, text, leaf.path)
        return self._leaf(leaf)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object: its members in order, including duplicates."""


class _Json:
    """The strings and numbers of a JSON text, in order."""

    def __init__(
        self, parsed: ParsedBody, text: str, value: Any, path: Path, depth: int, name: str, *, within: Contents
    ) -> None:
        self.source = text
        self._parsed = parsed
        self._depth = depth
        self._items: list[int | str | _Json | _Form | None] = []  # a str is the name of a member
        self._walk(value, name, path, within)

    def _walk(self, value: Any, name: str, path: Path, within: Contents) -> None:
        kind = type(value)
        if kind is str:
            self._items.append(self._parsed.text_part(Leaf(value, name, path, within), self._depth))
        elif kind is _Pairs:
            inside = within if within == "secret" else contents(name)
            named = called(value)
            for key, member in value:
                self._items.append(key)
                own = named if named and key in VALUES else key
                if type(member) is str:
                    self._items.append(self._parsed.text_part(Leaf(member, own, (path, key), inside), self._depth))
                else:
                    self._walk(member, own, (path, key), inside)
        elif kind is list:
            pair = len(value) == 2 and type(value[0]) is str and type(value[1]) is str and not name
            for at, member in enumerate(value):
                own = value[0] if pair and at == 1 else "" if type(member) is list else name
                if at and type(before := value[at - 1]) is str and before.startswith("--"):
                    own = before.lstrip("-")  # an option of a command line
                self._walk(member, own, (path, at), within)
        elif kind is int or kind is float:
            self._items.append(self._number(value, name, path))

    def _number(self, value: float, name: str, path: Path) -> int | None:
        if not self._parsed.numbers:
            return None
        # 1.0 and 1 are the same number in JSON.
        leaf = Leaf(str(int(value) if isinstance(value, float) and value.is_integer() else value), name, path)
        leaf.number = True
        return self._parsed._leaf(leaf)

    def render(self, changes: Changes) -> str:
        items = iter(self._items)

        def new(token: re.Match[str]) -> str:
            item = next(items)
            if isinstance(item, int):
                text = changes.get(item)
            elif isinstance(item, str):
                text = renamed if (renamed := self._parsed.rename(item)) != item else None
            else:
                text = _changed(item, changes)
            return token[0] if text is None else json.dumps(text, ensure_ascii=token[0].isascii())

        return _STRING_OR_NUMBER.sub(new, self.source)


class _Form:
    """The fields of a form or of a query string."""

    def __init__(self, parsed: ParsedBody, text: str, path: Path) -> None:
        self._parsed = parsed
        self.source = text
        self._pairs: list[tuple[str, str, int | _Json | _Form | None]] = []
        for pair in text.split("&"):
            name, equals, value = pair.partition("=")
            own = unquote_plus(name)
            leaf = Leaf(unquote_plus(value), own, (path, own), form=True) if value else None
            self._pairs.append((name + equals, value, parsed.text_part(leaf, 1) if leaf else None))

    def render(self, changes: Changes) -> str:
        pairs = []
        for name, value, item in self._pairs:
            new = changes.get(item) if isinstance(item, int) else _changed(item, changes)
            pairs.append(name + (value if new is None else quote_plus(new, errors="surrogatepass")))
        return "&".join(pairs)


class _Row:
    """Parts in a row, and bytes between them that stay."""

    def __init__(self) -> None:
        self._parts: list[_Part | bytes] = []

    def render(self, changes: Changes) -> bytes:
        parts = (part if isinstance(part, bytes) else part.render(changes) for part in self._parts)
        return b"".join(parts)  # type: ignore[arg-type]


class _Lines(_Row):
    """JSON Lines, and what is between them."""

    def __init__(self, parsed: ParsedBody, body: bytes, lines: list[re.Match[bytes]], path: Path) -> None:
        super().__init__()
        past = 0
        for number, line in enumerate(lines):
            self._between(parsed, body[past : line.start(1)], path)
            # As "text/plain", a line that is not JSON is not split into lines again.
            self._parts.append(parsed._bytes(line[1], "text/plain", (path, number), ""))
            past = line.end(1)
        self._between(parsed, body[past:], path)

    def _between(self, parsed: ParsedBody, text: bytes, path: Path) -> None:
        if text:
            self._parts.append(parsed._text(text, path, "") if text.strip() else text)


class _Multipart(_Row):
    """The parts of a multipart body, each with its own type and perhaps the name of a field."""

    def __init__(self, parsed: ParsedBody, body: bytes, boundary: bytes, path: Path) -> None:
        super().__init__()
        for number, piece in enumerate(body.split(b"--" + boundary)):
            if number:
                self._parts.append(b"--" + boundary)
            head, gap, content = self._split(piece)
            if head.strip(b"\r\n- "):
                field, kind = _FIELD.search(head), _TYPE.search(head)
                name = (field[1] or field[2] or b"").decode("utf-8", "replace") if field else ""
                self._parts += [parsed._text(head, (path, number), ""), gap]
                end = len(content) - (2 if content.endswith(b"\r\n") else 1 if content.endswith(b"\n") else 0)
                inner = kind[1].decode("latin-1") if kind else ""
                self._parts += [parsed._bytes(content[:end], inner, (path, name or number), name), content[end:]]
            else:
                self._parts.append(piece)

    @staticmethod
    def _split(piece: bytes) -> tuple[bytes, bytes, bytes]:
        for gap in (b"\r\n\r\n", b"\n\n"):
            head, found, content = piece.partition(gap)
            if found:
                return head, gap, content
        return b"", b"", piece


class _Plain:
    """Text, or bytes that are not text."""

    def __init__(self, leaf: int, body: bytes, raw: bool) -> None:
        self._leaf, self._body, self._raw = leaf, body, raw

    def render(self, changes: Changes) -> bytes:
        new = changes.get(self._leaf)
        if new is None:
            return self._body
        return new.encode("latin-1", "replace") if self._raw else new.encode("utf-8", "surrogatepass")


class _Encoded:
    """A part of text, as bytes."""

    def __init__(self, part: _Part, encoding: str) -> None:
        self._part, self._encoding = part, encoding

    def render(self, changes: Changes) -> bytes:
        text = self._part.render(changes)
        assert isinstance(text, str)
        return text.encode(self._encoding, "surrogatepass")


def _changed(part: _Json | _Form | None, changes: Changes) -> str | None:
    """The new text of a nested part; None if it has not changed."""
    if part is None:
        return None
    new = part.render(changes)
    assert isinstance(new, str)
    return None if new == part.source else new
