"""Removes secrets from requests, responses and messages before anything is written.

A value is secret

- by its name: request headers that are not known to be harmless; response headers, parameters and JSON members with
  secret names (`secret_names`); passwords and projects in URLs;
- by its value: keys in the environment and the request's own credentials (`known_values`), anywhere and in any
  encoding (`encodings`);
- by its format: the keys of `key_formats`.

Request bodies are decompressed, parsed and unescaped before the search. A value that cannot be a secret stays
(`randomness`). In the body of a response, every chunk keeps its length (`stream_redactor`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace

from ...provider import Provider
from ..model import Request, Response
from .encodings import Decompressor, coding_of
from .finder import Finder, compile_patterns
from .key_formats import unfinished
from .known_values import environment_secrets, given_secrets, request_credentials, response_credentials
from .randomness import is_placeholder
from .replacements import MARK, REDACTED, Removal, mark
from .request_body import RequestBody
from .secret_names import URL_HEADERS, SecretNames
from .stream_redactor import BodyRedactor
from .text import TextRedactor

_URL = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,40}://[^\s\"'<>,;]+|(?<=<)/[^\s>]*", re.IGNORECASE)

_REMEMBERED = 256
"""How many texts are remembered: the id of a test and the name of its cassette are searched several times."""

_ESCAPES = frozenset("\\%&")
"""What escapes begin with."""


class Redactor:
    """Knows what is secret by the settings and the environment. Safe for threads.

    Args:
        secrets: more values that must not be stored, at least 4 characters each.
        keep_headers: request headers whose values are kept although their names are not known to be harmless. Known
            values and keys in them are still removed.
        redact_headers: more headers whose values are removed.
        keep_fields: JSON members and parameters whose values are kept although their names sound secret.
        redact_fields: more such names whose values are removed, and searched for everywhere.
        redact_patterns: regular expressions that find more secrets in text. If one has a group, the first group is
            the secret. A match within base64 data is ignored.
        environ: the environment variables; ``os.environ`` by default.
        provider: the API that is asked; None for Gemini.

    Raises:
        UsageError: a setting is invalid. The message names it and never contains a value to redact.
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
        provider: Provider | None = None,
    ) -> None:
        self._given = given_secrets(secrets)
        self._names = SecretNames(
            keep_headers=keep_headers,
            redact_headers=redact_headers,
            keep_fields=keep_fields,
            redact_fields=redact_fields,
            provider=provider,
        )
        self._patterns = compile_patterns(redact_patterns)
        self._environ = environ
        self._known = self._environment_secrets()
        self._finder = Finder({**self._known, **self._given}, self._patterns, self._names)
        self._harmless: set[str] = set()  # texts that were searched and hold no secret

    def _environment_secrets(self) -> Mapping[str, str]:
        # Not the `os.environ` of an earlier time: a test may put another in its place.
        return environment_secrets(os.environ if self._environ is None else self._environ)

    def renewed(self) -> Redactor:
        """This redactor if the secrets of the environment are as they were; otherwise one that knows the new ones."""
        known = self._environment_secrets()
        if known == self._known:
            return self
        found = copy(self)
        found._harmless = set()
        found._known = known
        found._finder = Finder({**known, **self._given}, self._patterns, self._names)
        return found

    def prepare(self) -> None:
        """Compile what only the search of a response needs. A client would have to wait for it, 10 ms or more."""
        unfinished()

    def for_request(self, request: Request) -> RequestRedactor:
        """A redactor for one request and its response, which knows the request's own credentials too.

        Raises:
            UnsearchableError: the request's body has a content coding that cannot be decoded.
        """
        return RequestRedactor(request, self._finder, self._names)

    def text(self, text: str) -> str:
        """A message without secrets."""
        if text in self._harmless:
            return text
        return TextRedactor(self._finder, self._names).message(text)

    def kinds(self, text: str) -> tuple[str, ...]:
        """The kinds of the secrets in a text, in order."""
        return tuple(span.kind for span in self._finder.search(text.encode("utf-8", "surrogatepass")).spans)

    def finds_in(self, texts: Sequence[str]) -> bool:
        """Whether `text` might remove something from one of these. Usually one search shows that it would not."""
        texts = [text for text in texts if text not in self._harmless]
        joined = "\0?".join(texts)
        # A pattern may say where a text begins, and how an escape is read depends on the whole text.
        if self._patterns or not _ESCAPES.isdisjoint(joined):
            return any(self.text(text) != text for text in texts)
        if texts and self.text(joined) != joined:
            return True
        if len(self._harmless) > _REMEMBERED:
            self._harmless.clear()
        self._harmless.update(texts)
        return False


class RequestRedactor:
    """Removes secrets from one request and its response; made by `Redactor.for_request`.

    Call `request`, `response` and `stream` in this order: each searches for what the ones before have found.
    """

    def __init__(self, request: Request, finder: Finder, names: SecretNames) -> None:
        self._request = request
        self._names = names
        self._body = RequestBody(request, names) if request.body else None
        self._text = TextRedactor(finder.knowing(dict(request_credentials(request, self._body, names))), names)
        self._coding = ""

    @property
    def removals(self) -> tuple[Removal, ...]:
        """What was removed so far, by kind and place."""
        return self._text.removals.all

    def request(self) -> Request:
        """The request without secrets. If there are none, it is unchanged to the byte."""
        request, headers, body = self._request, self._request.headers, b""
        if self._body is not None:
            body = self._body.redacted(self._text)
            if self._body.plain is not request.body:  # stored decompressed, so that it can be read and compared
                headers = tuple((name, value) for name, value in headers if name.lower() != "content-encoding")
        # For nearly all requests, one search shows that neither the URL nor a kept header contains a secret.
        kept = [value for name, value in headers if self._names.keeps_header(name.lower())]
        searched = "\0\0".join([request.url, *kept]).encode("utf-8", "surrogatepass")
        search = bool(self._text.finder.search(searched).spans)
        redacted = replace(
            request,
            url=self._text.url(request.url, "request URL", marks=True, search=search),
            headers=tuple((name, self._request_header(name.lower(), value, search)) for name, value in headers),
            body=body,
        )
        self._text.finder = self._text.finder.knowing(self._text.found)
        return redacted

    def _request_header(self, name: str, value: str, search: bool) -> str:
        if self._names.keeps_header(name):
            return self._text.text(value, f"request header {name}", f"header {name}") if search else value
        if not value or MARK.fullmatch(value):
            return value
        credential = self._names.is_credential(name)
        if not (credential and is_placeholder(value)):
            self._text.removals.add(f"request header {name}", f"value of the header {name}")
        return mark(value, f"header {name}", always=not credential)

    def response(self, response: Response) -> Response:
        """The head of the response without secrets. A URL in it still leads to the same place.

        Raises:
            UnsearchableError: the body is stored compressed, in a content coding that cannot be decoded.
        """
        self._coding = coding_of(response.headers) if response.body == "wire" else ""
        self._decompressor()
        headers = tuple((name, self._response_header(name.lower(), value)) for name, value in response.headers)
        self._text.finder = self._text.finder.knowing(dict(response_credentials(response, self._names)))
        return replace(response, headers=headers)

    def _response_header(self, name: str, value: str) -> str:
        place = f"answer header {name}"
        if self._names.removes_response_header(name):
            if value and not MARK.fullmatch(value):
                self._text.removals.add(place, f"value of the header {name}")
            return REDACTED
        if name in URL_HEADERS:
            return self._text.url(value, place)
        return self._text.text(_URL.sub(lambda found: self._text.url(found[0], place), value), place)

    def stream(self) -> BodyRedactor:
        """Removes secrets from the response's body, chunk by chunk."""
        return BodyRedactor(lambda: self._text.finder, self._text.removals, self._decompressor)

    def _decompressor(self) -> Decompressor | None:
        """Decompresses the response's body, if it is stored compressed."""
        if not self._coding:
            return None
        several = "," in self._coding
        hint = "Record it without wire=True and with a decoder (brotli, zstandard), or request gzip."
        return Decompressor(
            self._coding,
            "A response" if several else "A response that is stored compressed",
            "Only one coding at a time can be recorded. Request accept-encoding: identity." if several else hint,
        )

    def kinds(self, text: str) -> tuple[str, ...]:
        """The kinds of the secrets in a text, in order."""
        return tuple(span.kind for span in self._text.finder.search(text.encode("utf-8", "surrogatepass")).spans)
