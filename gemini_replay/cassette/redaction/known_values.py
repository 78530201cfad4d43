"""Values that are known to be secret: from the settings, the environment, and a request's own credentials."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from ...errors import UsageError
from ..model import Request, Response
from .parsed_body import ParsedBody
from .randomness import could_be_secret, is_held_secret, is_placeholder
from .request_body import RequestBody
from .secret_names import SecretNames, as_list, secrecy, variable_secrecy

_SHORTEST_GIVEN = 4
_SHORTEST_SENT = 6  # for a request's own credentials, which are certainly secret

_PATH_ROOTS = re.compile(
    r"~|\.{1,2}/|[A-Za-z]:[\\/]|/(?:home|root|usr|etc|tmp|var|run|opt|mnt|srv|Users|Library|dev|proc)(?:/|$)"
)
_URL_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")


def given_secrets(secrets: Any) -> dict[str, str]:
    """The values of the setting `redact`, each with its kind. No `UsageError` about the setting contains a value."""
    given = as_list("redact", secrets, "texts that must not be stored")
    for secret in given:
        if not isinstance(secret, str):
            raise UsageError(
                f"redact contains a {type(secret).__qualname__}.",
                hint="It takes texts that must not be stored, in a list.",
            )
        if len(secret) < _SHORTEST_GIVEN:
            raise UsageError(
                f"A value to redact has {len(secret)} characters; such a short text occurs everywhere.",
                hint=f"Give values of at least {_SHORTEST_GIVEN} characters, or a pattern with its surroundings.",
            )
    return dict.fromkeys(given, "value given to redact")


def environment_secrets(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The secret values of environment variables, each with its kind ("value of $OPENAI_API_KEY").

    The variable's name and the value decide. ``PARTITION_KEY=customer_id`` and paths are not secret, so a recording
    depends on its machine only for real secrets. For a private key, each line is a secret; for a URL, its password;
    for JSON, its secret members.
    """
    global _read
    variables = dict(_undecoded(environ))
    before, found = _read
    if variables != before:
        found = {}
        for name, raw in variables.items():
            for value, kind in _held_secrets(name, raw):
                found.setdefault(value, kind)
        _read = variables, found
    return found


_read: tuple[Mapping[Any, Any], dict[str, str]] = {}, {}
"""The variables that were read last, and their secrets: each session reads them all, and they hardly ever change."""


def _undecoded(environ: Mapping[str, str]) -> Mapping[Any, Any]:
    """The mapping in which the process's environment keeps its variables, on most systems as bytes.

    To decode them would take longer than all the rest.
    """
    kept = getattr(environ, "_data", None) if environ is os.environ else None
    return kept if isinstance(kept, dict) else environ


@lru_cache(maxsize=1024)
def _held_secrets(name: str | bytes, raw: str | bytes) -> tuple[tuple[str, str], ...]:
    """The secrets in one environment variable, each with its kind."""
    name, raw = os.fsdecode(name), os.fsdecode(raw)
    level = variable_secrecy(name)
    parts = _parts(raw.strip(), level == "certain") if level else _passwords(raw)
    kind = f"value of ${name}"
    return tuple([(value, kind) for value, certain in parts if is_held_secret(value, certain=certain)])


def _parts(value: str, certain: bool) -> Iterator[tuple[str, bool]]:
    yield from _passwords(value)
    if value[:1] == "{":
        yield from (
            (leaf.text, True) for leaf in ParsedBody(value.encode("utf-8", "replace")).leaves if secrecy(leaf.name)
        )
    elif "\n" in value or "\\n" in value:
        lines = (line.strip() for line in re.split(r"\n|\\n", value) if not line.startswith("-----"))
        yield from ((line, False) for line in lines if len(line) > 24)
    elif "://" not in value and not _PATH_ROOTS.match(value):
        yield value, certain


def _passwords(value: str) -> Iterator[tuple[str, bool]]:
    if "://" in value:
        yield from ((found[1], True) for found in _URL_PASSWORD.finditer(value))


def request_credentials(request: Request, body: RequestBody | None, names: SecretNames) -> Iterator[tuple[str, str]]:
    """The secrets that a request sends, each with its kind. They must not occur anywhere else."""
    parts = urlsplit(request.url)
    if parts.password and _is_credential(password := unquote(parts.password)):
        yield password, "password of the request's URL"
    for pair in parts.query.split("&"):
        name = unquote(pair.partition("=")[0])
        if level := names.field(name, parameter=True):
            value = unquote_plus(pair.partition("=")[2])
            if _is_sent(value, level, sent=names.is_credential_parameter(name)):
                yield value, f"query parameter {name}"
    for name, value in request.headers:
        low = name.lower()
        if not names.keeps_header(low):
            for part in _header_credentials(low, value):
                if _is_sent(part, secrecy(name), sent=names.has_credentials(low)):
                    yield part, f"value of the header {low}"
    for _, leaf, level in body.named if body else ():
        for part in _header_credentials("cookie" if "cookie" in leaf.name.lower() else "", leaf.text):
            if _is_sent(part, level, sent=names.redacts_field(leaf.name)):
                yield part, f"value of {leaf.name}"


def response_credentials(response: Response, names: SecretNames) -> Iterator[tuple[str, str]]:
    """The secrets in the headers of a response that are removed, each with its kind."""
    for name, value in response.headers:
        low = name.lower()
        if names.removes_response_header(low):
            for part in _header_credentials(low, value):
                if could_be_secret(part, certain=True):
                    yield part, f"value of the header {low} of the answer"


def _is_sent(value: str, level: str, *, sent: bool) -> bool:
    return _is_credential(value) if sent else is_held_secret(value, certain=level == "certain")


def _is_credential(value: str) -> bool:
    """Whether a value sent as a credential is a real one, and not a placeholder that any text can contain."""
    number = value.isdigit() and len(value) < 12
    return len(value) >= _SHORTEST_SENT and not number and not is_placeholder(value)


def _header_credentials(name: str, value: str) -> Iterator[str]:
    """The credentials in the value of a header."""
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
        except ValueError:
            return
