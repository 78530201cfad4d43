"""Takes secrets out of requests, responses and messages, before anything is written.

What is taken out, always: values of request headers that are not known to be harmless, and of response headers with
telling names; query values and JSON members with telling names; passwords in URLs; Vertex project ids in URL paths;
the values of the environment's own keys and of the request's own credentials wherever they occur; and whatever has
the shape of a token (see `finding`). Settings only add to that. Bodies of responses keep the length of every chunk
(see `stream_redaction`).
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import UsageError
from .finding import Finder
from .model import Request, Response, header
from .names import (
    AMBIGUOUS_QUERY_NAMES,
    CREDENTIAL_HEADERS,
    ENVIRONMENT,
    MEMBERS,
    PLACEHOLDERS,
    QUERY_NAMES,
    REQUEST_HEADERS,
    SECRET_RESPONSE_HEADERS,
    URL_HEADERS,
)
from .stream_redaction import StreamRedactor

REDACTED = "REDACTED"

# A name, and the text value behind it, also as the first of an array.
_MEMBER = re.compile(
    rb'("(?:' + MEMBERS.encode() + rb')"\s*:\s*(?:\[\s*)?")((?:[^"\\]|\\.)+)(?=")', re.IGNORECASE | re.DOTALL
)
_QUERY_VALUE = re.compile(
    rf"((?:[?&;]|\\u0026|^)(?:{'|'.join(map(re.escape, sorted(QUERY_NAMES - AMBIGUOUS_QUERY_NAMES)))})=)"
    r"([^&\s\"'<>#;\\]+)",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>,;]+|(?<=<)/[^\s>]*", re.IGNORECASE)
_PROJECT = re.compile(r"(?<=/projects/)[^/?#]+")
_USERINFO = re.compile(r"(?<=://)[^/?#@]*@")

_ENVIRONMENT = re.compile(ENVIRONMENT, re.IGNORECASE)
_SHORTEST = 8  # of the environment: a shorter value is found in innocent text
_SHORTEST_SENT = 6  # of a request's own credentials, which are secret for certain
_SHORTEST_GIVEN = 4
_PATH_ROOTS = re.compile(
    r"~|\.{1,2}/|[A-Za-z]:[\\/]|/(?:home|root|usr|etc|tmp|var|run|opt|mnt|srv|Users|Library|dev|proc)(?:/|$)"
)
_WORD = re.compile(r"[A-Za-z]{1,15}|\d{1,11}")


def environment_secrets(environ: Mapping[str, str]) -> set[str]:
    """The values of variables whose names say that they are secret (``…_API_KEY``, ``…_TOKEN``, ``…_PASSWORD``).

    Short values, plain words and numbers, and paths are left out: they occur where they are no secret.
    """
    return {
        value
        for name, raw in environ.items()
        if _ENVIRONMENT.search(name)
        for value in _lines(raw)
        if len(value) >= _SHORTEST and not _PATH_ROOTS.match(value) and not _WORD.fullmatch(value)
    }


def _lines(value: str) -> Iterator[str]:
    """A value, and the lines of one that has several, such as a private key."""
    yield value.strip()
    if "\n" in value.strip():
        yield from (line.strip() for line in value.splitlines() if not line.startswith("-----"))


def _is_credential(value: str) -> bool:
    """Whether what was sent as a credential is one, and no placeholder that any text may hold."""
    number = value.isdigit() and len(value) < 12
    return len(value) >= _SHORTEST_SENT and value.lower() not in PLACEHOLDERS and not number


class Redactor:
    """Knows what is secret, and takes it out.

    Args:
        secrets: further values that must not be stored, at least 4 characters each.
        headers: further header names whose values are taken out although they are on an allow-list.
        query: further query and form parameters whose values are taken out.
        patterns: further shapes of secrets in text, as regular expressions. Of a pattern with a group, the first
            group is the secret. A match that is a part of base64 data is passed over.
        environ: where the environment's keys are read from; ``os.environ`` by default.

    Raises:
        UsageError: a value that is too short to be searched for, or a pattern that is none.
    """

    def __init__(
        self,
        secrets: Iterable[str] = (),
        *,
        headers: Iterable[str] = (),
        query: Iterable[str] = (),
        patterns: Iterable[str | re.Pattern[str]] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        given = [secrets] if isinstance(secrets, str) else list(secrets)
        for secret in given:
            if len(secret) < _SHORTEST_GIVEN:
                raise UsageError(
                    f"A value to redact has {len(secret)} characters; so short a text is found everywhere.",
                    todo=f"Give values of at least {_SHORTEST_GIVEN} characters, or a pattern with its surroundings.",
                )
        self._headers = frozenset(name.lower() for name in headers)
        self._query = QUERY_NAMES | {name.lower() for name in query}
        self._patterns = tuple(_compiled(pattern) for pattern in patterns)
        known = environment_secrets(os.environ if environ is None else environ)
        self._secrets = frozenset({*given, *known})
        self._finder = Finder(self._secrets, self._patterns)

    def for_request(self, request: Request) -> Redactor:
        """A redactor that knows this request's own credentials as well, whatever they look like."""
        own = {value for value in self._credentials(request) if _is_credential(value)} - self._secrets
        if not own:
            return self
        knowing = object.__new__(Redactor)
        knowing._headers, knowing._query, knowing._patterns = self._headers, self._query, self._patterns
        knowing._secrets = self._secrets | own
        knowing._finder = Finder(knowing._secrets, self._patterns)
        return knowing

    def _credentials(self, request: Request) -> Iterator[str]:
        parts = urlsplit(request.url)
        if parts.password:
            yield unquote(parts.password)
        for name, value in parse_qsl(parts.query):
            if name.lower() in self._query:
                yield value
        for name, value in request.headers:
            if name.lower() in CREDENTIAL_HEADERS or name.lower() in self._headers:
                yield from _header_credentials(name.lower(), value)
        for member in _MEMBER.finditer(request.body):
            yield from _header_credentials("authorization", member[2].decode("utf-8", "replace"))
        if _is_form(request):
            for name, value in parse_qsl(request.body.decode("utf-8", "replace")):
                if name.lower() in self._query:
                    yield value

    def request(self, request: Request) -> Request:
        """The request without secrets. Where there was none, it is the same to the byte."""
        return replace(
            request,
            url=self.url(request.url),
            headers=tuple(
                (name, self._known(value) if self._keeps(name.lower()) else REDACTED)
                for name, value in request.headers
            ),
            body=self._body(request),
        )

    def response(self, response: Response) -> Response:
        """The head of a response without secrets; a URL in it still leads where it led."""
        return replace(
            response,
            headers=tuple((name, self._response_header(name.lower(), value)) for name, value in response.headers),
        )

    def _response_header(self, name: str, value: str) -> str:
        if SECRET_RESPONSE_HEADERS.fullmatch(name) or name in self._headers:
            return REDACTED
        if name in URL_HEADERS:
            return self.url(value)
        return self._known(_URL.sub(lambda found: self.url(found[0]), value))

    def stream(self) -> StreamRedactor:
        """What takes secrets out of one response's body, chunk by chunk."""
        return StreamRedactor(self._finder)

    def chunks(self, chunks: Iterable[bytes]) -> list[bytes]:
        """A whole body's chunks without secrets, each as long as before."""
        stream = self.stream()
        safe = [data for chunk in chunks for data in stream.feed(chunk)]
        return [*safe, *stream.close()]

    def text(self, text: str) -> str:
        """A message without secrets."""
        plain = self._bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        return _USERINFO.sub(f"{REDACTED}@", _QUERY_VALUE.sub(rf"\1{REDACTED}", plain))

    def url(self, url: str) -> str:
        """A URL without secrets; all else in it stays as it is."""
        address, mark, rest = url.partition("?")
        address = _PROJECT.sub(REDACTED, _USERINFO.sub(f"{REDACTED}@", address))
        query, hash_mark, fragment = rest.partition("#")
        return self._known(address) + mark + self._known(self._form(query)) + hash_mark + self._known(fragment)

    def _form(self, query: str) -> str:
        pairs = []
        for pair in query.split("&"):
            name, equals, value = pair.partition("=")
            secret = value and unquote(name).lower() in self._query
            pairs.append(f"{name}={REDACTED}" if secret else f"{name}{equals}{value}")
        return "&".join(pairs)

    def _keeps(self, name: str) -> bool:
        return name in REQUEST_HEADERS and name not in self._headers

    def _body(self, request: Request) -> bytes:
        body = request.body
        if not body:
            return body
        if _is_form(request):
            body = self._form(body.decode("latin-1")).encode("latin-1")
        else:
            body = _MEMBER.sub(rb"\1REDACTED", body)
        return self._bytes(body)

    def _known(self, text: str) -> str:
        return self._bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _bytes(self, data: bytes) -> bytes:
        pieces, past = [], 0
        for start, end, _ in self._finder.search(data).spans:
            pieces += [data[past:start], REDACTED.encode()]
            past = end
        return b"".join([*pieces, data[past:]]) if pieces else data


def _header_credentials(name: str, value: str) -> Iterator[str]:
    if name == "cookie":
        for pair in value.split(";"):
            yield pair.partition("=")[2].strip()
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


def _is_form(request: Request) -> bool:
    kind = header(request.headers, "content-type") or ""
    return kind.lower().startswith("application/x-www-form-urlencoded")


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[bytes]:
    text, flags = (pattern, 0) if isinstance(pattern, str) else (pattern.pattern, pattern.flags & ~re.UNICODE)
    try:
        return re.compile(text.encode(), flags)
    except re.error as error:
        raise UsageError(f"The redaction pattern {text!r} is no regular expression: {error}.") from None
