"""Removes secrets from texts and URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from .finder import Finder
from .randomness import could_be_secret
from .replacements import MARK, REDACTED, Removals, mark
from .secret_names import QUERY_NAMES, SecretNames
from .spans import Span

_QUERY_VALUE = re.compile(
    rf"((?:[?&;]|\\u0026|^)(?:{'|'.join(map(re.escape, sorted(QUERY_NAMES | {'token'})))})=)([^&\s\"'<>#;\\]+)",
    re.IGNORECASE,
)
_PROJECT = re.compile(r"(?<=/projects/)[^/?#]+")
_USERINFO = re.compile(r"(?<=://)[^/?#@]*@")

_SHORTEST_FOUND = 8


class TextRedactor:
    """Removes secrets from texts and URLs, and lists what it removed.

    The finder can be replaced by one that knows more. `found` has the secrets that a mark replaced, with their kinds.
    """

    def __init__(self, finder: Finder, names: SecretNames) -> None:
        self.finder = finder
        self.names = names
        self.removals = Removals()
        self.found: dict[str, str] = {}

    def message(self, text: str) -> str:
        """A message for people without secrets."""
        text = self.text(text, "message")
        if "=" in text:
            text = _QUERY_VALUE.sub(rf"\1{REDACTED}", text)
        return _USERINFO.sub(f"{REDACTED}@", text) if "@" in text else text

    def text(self, text: str, place: str, marked: str = "") -> str:
        """A text without secrets; `marked` is the place for `mark`, if requests are matched on it."""
        data = text.encode("utf-8", "surrogatepass")
        spans = self.finder.search(data).spans
        return self.replace(data, spans, place, marked).decode("utf-8", "surrogatepass") if spans else text

    def replace(self, data: bytes, spans: Iterable[Span], place: str, marked: str) -> bytes:
        """The data with each of the found secrets replaced."""
        pieces, past = [], 0
        for start, end, _, kind in spans:
            secret = data[start:end].decode("utf-8", "replace")
            new = mark(secret, marked, always=True) if marked else REDACTED
            pieces += [data[past:start], new.encode()]
            past = end
            self.removals.add(place, kind)
            if marked and len(secret) >= _SHORTEST_FOUND:
                self.found[secret] = kind
        return b"".join([*pieces, data[past:]]) if pieces else data

    def url(self, url: str, place: str, *, marks: bool = False, search: bool = True) -> str:
        """A URL, absolute or relative, without secrets. Everything else in it stays.

        If requests are matched on its query, secrets there get `marks`. Without `search`, only passwords, projects
        and secret parameters are removed, not known values and keys.
        """
        address, sign, rest = url.partition("?")
        if (bare := _USERINFO.sub(f"{REDACTED}@", address)) != address and f"{REDACTED}@" not in address:
            self.removals.add(place, "password in a URL")
        if (hidden := _PROJECT.sub(REDACTED, bare)) != bare:
            self.removals.add(place, "project in a URL")
        query, hash_mark, fragment = rest.partition("#")
        query = self._query(query, place, marks=marks) if query else ""
        if search:
            hidden, fragment = self.text(hidden, place), self.text(fragment, place)
            query = self.text(query, place, "query" if marks else "")
        return hidden + sign + query + hash_mark + fragment

    def _query(self, query: str, place: str, *, marks: bool) -> str:
        pairs = []
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            own, text = unquote(name), unquote(value)
            secrecy = self.names.field(own, parameter=True) if value and not MARK.fullmatch(text) else ""
            if secrecy == "certain" or (secrecy and could_be_secret(text)):
                self.removals.add(place, f"query parameter {own}")
                matched = marks and not self.names.is_credential_parameter(own)
                pair = f"{name}={mark(text, f'query {own.lower()}', always=True) if matched else REDACTED}"
            pairs.append(pair)
        return "&".join(pairs)
