"""Takes secrets out of requests, responses and messages, before anything is written.

A value is secret by where it stands, by what it is equal to, or by its shape:

- by where it stands: request headers that are not known to be harmless, and response headers, query and form
  parameters and JSON members with telling names; passwords and Vertex projects in URLs;
- by what it is equal to: the values of the environment's keys and the request's own credentials, wherever they occur
  and however they are spelled;
- by its shape: the keys of `shapes.SHAPES`.

A body is searched as a reader would see it: decompressed, taken apart (`documents`), unescaped (`spellings`). What
could not be a secret stays (`judging`). Bodies of responses keep the length of every chunk (`streaming`). Settings
add to that, or take names out of it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from ...errors import UsageError
from ..model import Request, Response, header
from .codings import Unpacker, coding_of
from .documents import Document, Leaf
from .environment import environment_secrets
from .judging import could_be_secret, is_held_secret, is_placeholder
from .placeholders import MARK, REDACTED, mark
from .removals import Removal, Removals
from .search import Finder, Span
from .streaming import BodyRedactor
from .telling_names import (
    CREDENTIAL_HEADERS,
    CREDENTIAL_QUERY_NAMES,
    QUERY_NAMES,
    REQUEST_HEADERS,
    SECRET_RESPONSE_HEADERS,
    URL_HEADERS,
    Telling,
    telling,
    telling_query,
)

_QUERY_VALUE = re.compile(
    rf"((?:[?&;]|\\u0026|^)(?:{'|'.join(map(re.escape, sorted(QUERY_NAMES | {'token'})))})=)([^&\s\"'<>#;\\]+)",
    re.IGNORECASE,
)
_URL = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,40}://[^\s\"'<>,;]+|(?<=<)/[^\s>]*", re.IGNORECASE)
_PROJECT = re.compile(r"(?<=/projects/)[^/?#]+")
_PROJECT_IN_BODY = re.compile(r"((?<![\w-])projects/)([\w:.\-]+)(?=/locations/)")
_USERINFO = re.compile(r"(?<=://)[^/?#@]*@")
_SCHEME = re.compile(r"(?:bearer|basic|token|bot|digest|apikey)[:=]?\s+", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![\w.])\d+(?![\w.])")

_SHORTEST_SENT = 6  # of a request's own credentials, which are secret for certain
_SHORTEST_GIVEN = 4
_SHORTEST_FOUND = 8
_MOST_FINDERS = 64


_Named = list[tuple[int, Leaf, Telling]]
"""Leaves whose names tell, with their numbers and what the names tell."""


class Redactor:
    """Knows what is secret, and takes it out.

    Args:
        secrets: further values that must not be stored, at least 4 characters each.
        keep_headers: headers whose values are kept although their names are not known to be harmless, as long as they
            hold no known secret and no key.
        redact_headers: further headers whose values are taken out.
        keep_fields: members of JSON, and query and form parameters, whose values are kept although their names tell.
        redact_fields: further such names whose values are taken out, and looked for everywhere.
        redact_patterns: further shapes of secrets in text, as regular expressions. Of a pattern with a group, the
            first group is the secret. A match that is a part of base64 data is passed over.
        environ: where the environment's keys are read from; ``os.environ`` by default.

    Attributes:
        removals: what was taken out by this redactor, by kind and place.

    Raises:
        UsageError: a setting that cannot be used; the message names it, and never a value to redact.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        keep_headers: Iterable[str] = (),
        redact_headers: Iterable[str] = (),
        keep_fields: Iterable[str] = (),
        redact_fields: Iterable[str] = (),
        redact_patterns: Iterable[str | re.Pattern[str]] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        given = _given_secrets(secrets)
        self._keep_headers = _names("keep_headers", keep_headers)
        self._redact_headers = _names("redact_headers", redact_headers)
        self._keep_fields = _names("keep_fields", keep_fields)
        self._redact_fields = _names("redact_fields", redact_fields)
        _check_apart("headers", self._keep_headers, self._redact_headers)
        _check_apart("fields", self._keep_fields, self._redact_fields)
        if credentials := sorted(self._keep_headers & CREDENTIAL_HEADERS):
            raise UsageError(
                f"keep_headers names {credentials[0]!r}, which holds credentials.",
                hint="Leave it out of keep_headers.",
            )
        known = environment_secrets(os.environ if environ is None else environ)
        self._finder = Finder(
            {**known, **dict.fromkeys(given, "value given to redact")},
            _compiled(redact_patterns),
            keep=self._keep_fields,
            redact=self._redact_fields,
        )
        self._finders: dict[frozenset[str], Finder] = {}
        self._removals = Removals()
        self._coding = ""
        self._found: list[tuple[str, str]] | None = None
        self._taken_apart: tuple[Request, bytes, Document, _Named] | None = None

    @property
    def removals(self) -> tuple[Removal, ...]:
        """What was taken out so far, by kind and place."""
        return self._removals.all

    def for_request(self, request: Request) -> Redactor:
        """A redactor for one request and its response, which knows the request's own credentials as well.

        Its `removals` are those of this request and its response.
        """
        one: Redactor = object.__new__(Redactor)
        one.__dict__.update(self.__dict__)
        one._removals = Removals()
        one._coding = ""
        one._found = []
        one._learn(one._credentials(request))
        return one

    def _learn(self, credentials: Iterable[tuple[str, str]]) -> None:
        own = {value: kind for value, kind in credentials if value not in self._finder.known}
        if not own:
            return
        values = frozenset({*own, *self._finder.known})
        finder = self._finders.get(values)
        if finder is None:
            if len(self._finders) >= _MOST_FINDERS:
                self._finders.clear()
            finder = self._finders[values] = self._finder.knowing(own)
        self._finder = finder

    # --- the request's own credentials ----------------------------------------------------------------------------

    def _credentials(self, request: Request) -> Iterator[tuple[str, str]]:
        """What the request holds that must not be found anywhere else, each with its kind."""
        parts = urlsplit(request.url)
        if parts.password and _is_credential(password := unquote(parts.password)):
            yield password, "password of the request's URL"
        for pair in parts.query.split("&"):
            name = unquote(pair.partition("=")[0])
            if told := self._told(name, form=True):
                value = unquote_plus(pair.partition("=")[2])
                if self._is_own(value, told, sent=name.lower() in CREDENTIAL_QUERY_NAMES):
                    yield value, f"query parameter {name}"
        for name, value in request.headers:
            low = name.lower()
            if not self._keeps(low):
                sent = low in CREDENTIAL_HEADERS or low in self._redact_headers
                told = telling(name) or "likely"
                for part in _header_credentials(low, value):
                    if self._is_own(part, told, sent=sent):
                        yield part, f"value of the header {low}"
        if request.body:
            for _, leaf, told in self._document(request)[2]:
                for part in _header_credentials("cookie" if "cookie" in leaf.name.lower() else "", leaf.text):
                    if self._is_own(part, told, sent=leaf.name.lower() in self._redact_fields):
                        yield part, f"value of {leaf.name}"

    @staticmethod
    def _is_own(value: str, told: Telling, *, sent: bool) -> bool:
        return _is_credential(value) if sent else is_held_secret(value, certain=told == "certain")

    def _told(self, name: str, *, form: bool = False) -> Telling:
        """What a member or a parameter of this name is, by the settings too."""
        if self._redact_fields or self._keep_fields:
            low = name.lower()
            if low in self._redact_fields:
                return "certain"
            if low in self._keep_fields:
                return ""
        return telling_query(name) if form else telling(name)

    def _told_by(self, leaf: Leaf) -> Telling:
        told = self._told(leaf.name, form=leaf.form)
        if (
            not told
            and leaf.within
            and not self._keeps(leaf.name.lower())
            and leaf.name.lower() not in self._keep_fields
        ):
            return "likely"
        return told

    # --- requests -------------------------------------------------------------------------------------------------

    def request(self, request: Request) -> Request:
        """The request without secrets. Where there was none, it is the same to the byte.

        Raises:
            UnsearchableError: the body has a content coding that cannot be undone.
        """
        headers, body = request.headers, request.body
        if body:
            plain, document, named = self._document(request)
            body = self._redacted_body(plain, document, named)
            if plain is not request.body:  # stored decoded, so that it can be read and compared
                headers = tuple((name, value) for name, value in headers if name.lower() != "content-encoding")
        # One search tells for nearly all requests that neither the URL nor a header that is kept holds a secret.
        kept = [value for name, value in headers if self._keeps(name.lower())]
        search = bool(self._finder.search("\0\0".join([request.url, *kept]).encode("utf-8", "surrogatepass")).spans)
        redacted = replace(
            request,
            url=self._url(request.url, "request URL", marks=True, search=search),
            headers=tuple((name, self._request_header(name.lower(), value, search)) for name, value in headers),
            body=body,
        )
        if self._found:  # what was found in the request is looked for in its answer
            self._learn(self._found)
        return redacted

    def _keeps(self, name: str) -> bool:
        return (name in REQUEST_HEADERS or name in self._keep_headers) and name not in self._redact_headers

    def _request_header(self, name: str, value: str, search: bool) -> str:
        if self._keeps(name):
            return self._known(value, f"request header {name}", f"header {name}") if search else value
        if not value or MARK.fullmatch(value):
            return value
        credential = name in CREDENTIAL_HEADERS
        if not (credential and is_placeholder(value)):
            self._removals.add(f"request header {name}", f"value of the header {name}")
        return mark(value, f"header {name}", always=not credential)

    def _document(self, request: Request) -> tuple[bytes, Document, _Named]:
        """The body as a reader sees it, and taken apart; and its leaves whose names tell."""
        known = self._taken_apart
        if known is not None and known[0] is request:
            return known[1:]
        plain = request.body
        if coding := coding_of(request.headers):
            unpacker = Unpacker(coding, "The body of a request", "Send it uncompressed while recording.")
            plain = unpacker.decode(plain)
        document = Document(plain, header(request.headers, "content-type") or "")
        leaves = enumerate(document.leaves)
        named: _Named = [(at, leaf, told) for at, leaf in leaves if leaf.name and (told := self._told_by(leaf))]
        self._taken_apart = request, plain, document, named
        return plain, document, named

    def _redacted_body(self, body: bytes, document: Document, named: _Named) -> bytes:
        changes = {index: new for index, leaf, told in named if (new := self._by_name(leaf, told)) is not None}
        found = self._anything(body, document)
        if found:
            for index, leaf in enumerate(document.leaves):
                if index not in changes and (text := self._searched(leaf)) != leaf.text:
                    changes[index] = text
        if not changes and not found:
            return body
        redacted = document.render(changes, lambda name: self._known(name, "request body, a name", "body"))
        return self._without_numbers(redacted)

    def _by_name(self, leaf: Leaf, told: Telling) -> str | None:
        """What stands for a text whose name tells, if it is a secret."""
        text = leaf.text
        if not text or MARK.fullmatch(text) or is_placeholder(text):
            return None
        value = _SCHEME.sub("", text.strip(), count=1) or text
        if told == "likely" and not could_be_secret(value):
            return None
        if told == "certain" and len(text.split()) > 2 and "=" not in text and "pass" not in leaf.name.lower():
            return None  # words about a secret
        self._removals.add(f"request body {leaf.where}", f"value of {leaf.name}")
        return mark(text, "body")

    def _anything(self, body: bytes, document: Document) -> bool:
        """Whether a search finds anything in the body, as it is written or as it is read: most often, nothing."""
        if self._finder.search(body).spans or (b"projects/" in body and b"/locations/" in body):
            return True
        if document.as_written:
            return False
        texts = b"\0\0".join(leaf.data for leaf in document.leaves if not leaf.opaque)
        return bool(self._finder.search(texts).spans) or (b"projects/" in texts and b"/locations/" in texts)

    def _searched(self, leaf: Leaf) -> str:
        data = leaf.data
        spans = self._finder.search(data, opaque=leaf.opaque).spans
        new = self._replaced(data, spans, f"request body {leaf.where}", "body")
        text = new.decode("latin-1") if leaf.raw else new.decode("utf-8", "surrogatepass")
        return _PROJECT_IN_BODY.sub(rf"\1{REDACTED}", text) if "projects/" in text and not leaf.opaque else text

    def _without_numbers(self, body: bytes) -> bytes:
        """Known values of digits where JSON has them as numbers: they stay numbers."""
        for number in self._finder.numbers:
            if number in body:
                body = re.sub(rb"(?<![\w.\-])" + number + rb"(?![\w.\-])", b"9" * len(number), body)
        return body

    # --- responses ------------------------------------------------------------------------------------------------

    def response(self, response: Response) -> Response:
        """The head of a response without secrets; a URL in it still leads where it led.

        What is taken out of it, the values of Set-Cookie above all, is looked for in the body as well.

        Raises:
            UnsearchableError: the body is kept as it came, in a content coding that cannot be undone to search it.
        """
        self._coding = coding_of(response.headers) if response.body == "wire" else ""
        if self._coding:
            self._unpacker()
        headers = tuple((name, self._response_header(name.lower(), value)) for name, value in response.headers)
        self._learn(
            (part, f"value of the header {name.lower()} of the answer")
            for name, value in response.headers
            if self._takes(name.lower())
            for part in _header_credentials(name.lower(), value)
            if could_be_secret(part, certain=True)
        )
        return replace(response, headers=headers)

    def _takes(self, name: str) -> bool:
        secret = SECRET_RESPONSE_HEADERS.fullmatch(name) is not None and name not in self._keep_headers
        return secret or name in self._redact_headers

    def _response_header(self, name: str, value: str) -> str:
        if self._takes(name):
            if value and not MARK.fullmatch(value):
                self._removals.add(f"answer header {name}", f"value of the header {name}")
            return REDACTED
        place = f"answer header {name}"
        if name in URL_HEADERS:
            return self._url(value, place)
        return self._known(_URL.sub(lambda found: self._url(found[0], place), value), place)

    def stream(self) -> BodyRedactor:
        """What takes secrets out of one response's body, chunk by chunk."""
        return BodyRedactor(lambda: self._finder, self._removals, self._unpacker)

    def _unpacker(self) -> Unpacker | None:
        """What decodes the body, if it is kept as it came."""
        if not self._coding:
            return None
        return Unpacker(
            self._coding,
            "An answer that is kept as it came",
            "Record it without wire=True and with what decodes it (brotli, zstandard), or let it ask for gzip.",
        )

    def chunks(self, chunks: Iterable[bytes]) -> list[bytes]:
        """A whole body's chunks without secrets, each as long as before."""
        stream = self.stream()
        safe = [data for chunk in chunks for data in stream.feed(chunk)]
        return [*safe, *stream.close()]

    # --- messages and URLs ----------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A message without secrets."""
        plain = self._known(text, "")
        return _USERINFO.sub(f"{REDACTED}@", _QUERY_VALUE.sub(rf"\1{REDACTED}", plain))

    def kinds(self, text: str) -> tuple[str, ...]:
        """The kinds of the secrets in a text, in order."""
        return tuple(span.kind for span in self._finder.search(text.encode("utf-8", "surrogatepass")).spans)

    def url(self, url: str) -> str:
        """A URL without secrets; all else in it stays as it is."""
        return self._url(url, "")

    def _url(self, url: str, place: str, *, marks: bool = False, search: bool = True) -> str:
        address, sign, rest = url.partition("?")
        if (bare := _USERINFO.sub(f"{REDACTED}@", address)) != address:
            self._told_of(place, "password in a URL", f"{REDACTED}@" not in address)
        if (hidden := _PROJECT.sub(REDACTED, bare)) != bare:
            self._told_of(place, "project in a URL")
        query, hash_mark, fragment = rest.partition("#")
        query = self._query(query, place, marks=marks)
        if search:
            hidden, fragment = self._known(hidden, place), self._known(fragment, place)
            query = self._known(query, place, "query" if marks else "")
        return hidden + sign + query + hash_mark + fragment

    def _query(self, query: str, place: str, *, marks: bool) -> str:
        if not query:
            return query
        pairs = []
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            own, text = unquote(name), unquote(value)
            told = self._told(own, form=True) if value and not MARK.fullmatch(text) else ""
            if told and (told == "certain" or could_be_secret(text)):
                self._told_of(place, f"query parameter {own}")
                never_matched = own.lower() in CREDENTIAL_QUERY_NAMES or not marks
                pair = f"{name}={REDACTED if never_matched else mark(text, f'query {own.lower()}', always=True)}"
            pairs.append(pair)
        return "&".join(pairs)

    def _told_of(self, place: str, kind: str, told: bool = True) -> None:
        if place and told:
            self._removals.add(place, kind)

    def _known(self, text: str, place: str, marked: str = "") -> str:
        data = text.encode("utf-8", "surrogatepass")
        spans = self._finder.search(data).spans
        if not spans:
            return text
        return self._replaced(data, spans, place, marked).decode("utf-8", "surrogatepass")

    def _replaced(self, data: bytes, spans: Iterable[Span], place: str, marked: str) -> bytes:
        """The data with each secret replaced, by a mark with a digest if `marked` says of which place."""
        pieces, past = [], 0
        for start, end, _, kind in spans:
            secret = data[start:end].decode("utf-8", "replace")
            new = mark(secret, marked, always=True) if marked else REDACTED
            pieces += [data[past:start], new.encode()]
            past = end
            self._told_of(place, kind)
            if self._found is not None and marked and len(secret) >= _SHORTEST_FOUND:
                self._found.append((secret, kind))
        return b"".join([*pieces, data[past:]]) if pieces else data


def _is_credential(value: str) -> bool:
    """Whether what was sent as a credential is one, and no placeholder that any text may hold."""
    number = value.isdigit() and len(value) < 12
    return len(value) >= _SHORTEST_SENT and not number and not is_placeholder(value)


def _header_credentials(name: str, value: str) -> Iterator[str]:
    """The credentials that the value of a header is made of."""
    if "cookie" in name:
        for pair in value.split(";"):
            name, equals, crumb = pair.partition("=")
            yield (crumb if equals else name).strip()
        return
    scheme, space, token = value.strip().partition(" ")
    if not space:
        yield scheme
        return
    yield token.strip()
    if scheme.lower() == "basic":
        try:
            yield base64.b64decode(token, validate=True).decode("utf-8", "replace").partition(":")[2]
        except (binascii.Error, ValueError):
            return


# --- settings ---------------------------------------------------------------------------------------------------


def _several(name: str, value: Any, takes: str) -> list[Any]:
    if isinstance(value, str | re.Pattern):
        return [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes | bytearray):
        raise UsageError(f"{name} is a {type(value).__qualname__}.", hint=f"It takes {takes}, in a list.")
    return list(value)


def _given_secrets(secrets: Any) -> list[str]:
    given = _several("redact", secrets, "texts that must not be stored")
    for secret in given:
        if not isinstance(secret, str):
            raise UsageError(
                f"redact holds a {type(secret).__qualname__}.",
                hint="It takes texts that must not be stored, in a list.",
            )
        if len(secret) < _SHORTEST_GIVEN:
            raise UsageError(
                f"A value to redact has {len(secret)} characters; so short a text is found everywhere.",
                hint=f"Give values of at least {_SHORTEST_GIVEN} characters, or a pattern with its surroundings.",
            )
    return given


def _names(name: str, value: Any) -> frozenset[str]:
    what = name.partition("_")[2]
    names = _several(name, value, f"names of {what}")
    for one in names:
        if not isinstance(one, str) or not one.strip():
            raise UsageError(f"{name} holds {one!r:.80}.", hint=f"It takes names of {what}, in a list.")
    return frozenset(one.strip().lower() for one in names)


def _check_apart(what: str, keep: frozenset[str], redact: frozenset[str]) -> None:
    if both := sorted(keep & redact):
        raise UsageError(
            f"keep_{what} and redact_{what} both name {both[0]!r}.", hint="Leave it out of one of the two."
        )


def _compiled(patterns: Any) -> tuple[re.Pattern[bytes], ...]:
    compiled = []
    for pattern in _several("redact_patterns", patterns, "regular expressions"):
        if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
            text, flags = pattern.pattern, int(pattern.flags & ~re.UNICODE)
        elif isinstance(pattern, str):
            text, flags = pattern, 0
        else:
            raise UsageError(
                f"redact_patterns holds {pattern!r:.80}.", hint="It takes regular expressions over text, in a list."
            )
        try:
            compiled.append(re.compile(text.encode(), flags))
        except re.error as error:
            raise UsageError(
                f"redact_patterns holds {text!r:.80}, which is no regular expression: {error}.",
                hint="It takes regular expressions over text, in a list.",
            ) from None
    return tuple(compiled)
