"""What is compared of two requests, for each key of ``match=``.

A secret that was removed from the recording matches the same secret and, where the name says that the value is a
credential, a placeholder (see `redaction.placeholders`). A header matches no placeholder: `match=` names it because
its value counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from ...errors import UsageError, did_you_mean
from ...provider import Target
from ...urls import netloc
from ..model import Request, header
from ..redaction.replacements import MARK, REDACTED, answers
from ..redaction.secret_names import CREDENTIAL_QUERY_NAMES, VALUES, called, query_secrecy, secrecy

KeyFunction = Callable[[Request, Target], Hashable]
"""Reads the compared value from a request, given what its URL asks for."""


Pairs = tuple[tuple[str, str], ...]


class ResourceQuery(NamedTuple):
    """Compared in place of an action, if a URL names none: a resource, and the query that selects a part of it."""

    resource: str
    query: Pairs

    def __str__(self) -> str:
        return self.resource + "".join(f"{'&' if nth else '?'}{'='.join(one)}" for nth, one in enumerate(self.query))


def _action(request: Request, target: Target) -> str | ResourceQuery:
    if target.action is not None:
        return target.action
    return ResourceQuery(target.resource, tuple(pair for pair in _query(request) if pair[0] not in ("alt", "$alt")))


def _query(request: Request) -> Pairs:
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    keys = CREDENTIAL_QUERY_NAMES | request.provider.key_parameters
    return tuple(sorted(pair for pair in pairs if pair[0].lower() not in keys))


_CACHED = "_canonical_body"


def canonical_body(request: Request) -> str | bytes:
    """The body as text that is the same for equal JSON; a body that is not JSON stays as it is.

    The boundary of a multipart body is removed, since clients choose another one each time.

    It is cached on the request, since a session compares the same requests again and again.
    """
    known: str | bytes | None = getattr(request, _CACHED, None)
    if known is None:
        body = request.body
        try:
            known = _remembered(body) if len(body) <= _SHORT else _sorted(body)
        except (ValueError, RecursionError):
            known = _without_boundary(request)
        object.__setattr__(request, _CACHED, known)  # the dataclass is frozen
    return known


def _without_boundary(request: Request) -> bytes:
    if not request.body.startswith(b"--"):
        return request.body
    kind = _MULTIPART.match(header(request.headers, "content-type") or "")
    if kind is None:
        return request.body
    boundary = re.escape((kind[1] or kind[2]).encode())
    return re.sub(rb"(?m)^--%b(?=(?:--)?[ \t]*\r?$)" % boundary, b"--", request.body)


def _sorted(body: bytes) -> str:
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    return _SORTED.encode(_NUMBERS.decode(text))


_SHORT = 4096
_remembered = lru_cache(64)(_sorted)
"""`_sorted` with a cache, for short bodies: a recorded request and those it answers mostly have equal bytes."""


def _number(text: str) -> int | float:
    """1.0 and 1 are the same number in JSON."""
    value = float(text)
    return int(value) if value.is_integer() else value


_MULTIPART = re.compile(r'multipart/.*?;\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_NUMBERS = json.JSONDecoder(parse_float=_number)
_SORTED = json.JSONEncoder(sort_keys=True)


def has_marks(value: Any) -> bool:
    """Whether a secret was removed from a value."""
    return REDACTED in (value if isinstance(value, str) else str(value))


def answered(key: str, recorded: Any, asked: Any) -> bool:
    """Whether two values of a key are the same except for secrets that were removed from the recorded one."""
    if not has_marks(recorded):
        return False
    if key == "body":
        return _body_answered(recorded, asked)
    if key == "query":
        return _query_answered(recorded, asked)
    if key == "action":
        places = isinstance(recorded, ResourceQuery) and isinstance(asked, ResourceQuery)
        return places and recorded.resource == asked.resource and _query_answered(recorded.query, asked.query)
    if key.startswith("headers:"):
        place = f"header {key.partition(':')[2].strip().lower()}"
        return len(recorded) == len(asked) and all(
            answers(value, sent, place) for value, sent in zip(recorded, asked, strict=True)
        )
    return False


def _query_answered(recorded: Pairs, asked: Pairs) -> bool:
    return len(recorded) == len(asked) and all(
        name == other
        and (
            answers(value, sent, f"query {name.lower()}", credential=bool(query_secrecy(name)))
            or answers(value, sent, "query")
        )
        for (name, value), (other, sent) in zip(recorded, asked, strict=True)
    )


def _body_answered(recorded: str | bytes, asked: str | bytes) -> bool:
    if isinstance(recorded, bytes) and isinstance(asked, bytes):
        ours, theirs = (body.decode("utf-8", "surrogateescape") for body in (recorded, asked))
        return answers(ours, theirs, "body")
    if isinstance(recorded, bytes) or isinstance(asked, bytes):
        return False
    # Both have the same notation, so they can only differ from the first mark to the last.
    marks = list(MARK.finditer(recorded))
    if not asked.startswith(recorded[: marks[0].start()]) or not asked.endswith(recorded[marks[-1].end() :]):
        return False
    return same_json(json.loads(recorded), json.loads(asked))


def _header(name: str) -> KeyFunction:
    wanted = name.lower()
    return lambda request, target: tuple(value for key, value in request.headers if key.lower() == wanted)


_KEY_FUNCTIONS: dict[str, KeyFunction] = {
    "method": lambda request, target: request.method.upper(),
    "host": lambda request, target: netloc(request.url).lower(),
    "path": lambda request, target: urlsplit(request.url).path,
    "model": lambda request, target: target.resource,
    "action": _action,
    "alt": lambda request, target: target.alt or "",
    "query": lambda request, target: _query(request),
    "body": lambda request, target: canonical_body(request),
}
KEYS_HINT = (
    f"Use some of {', '.join(_KEY_FUNCTIONS)}, headers:NAME, and functions that are called with (recorded, asked)."
)


def key_function(key: object) -> KeyFunction:
    """A function that reads the value of a key from a request; a `UsageError` for an unknown key."""
    if isinstance(key, str) and key in _KEY_FUNCTIONS:
        return _KEY_FUNCTIONS[key]
    if isinstance(key, str) and key.lower().startswith("headers:") and key[8:].strip():
        return _header(key[8:].strip())
    raise UsageError(
        f"match names {key!r:.80}, which requests cannot be matched on.",
        suggestion=did_you_mean(key, [*_KEY_FUNCTIONS, "headers:NAME"]),
        hint=KEYS_HINT,
    )


def same_json(recorded: Any, asked: Any, name: str = "") -> bool:
    """Whether two JSON values are the same except for secrets that were removed from the recorded one.

    `name` is the name of the member that has the value.
    """
    if isinstance(recorded, dict) and isinstance(asked, dict):
        own = called(recorded.items())
        return recorded.keys() == asked.keys() and all(
            same_json(value, asked[key], own if own and key in VALUES else key) for key, value in recorded.items()
        )
    if isinstance(recorded, list) and isinstance(asked, list):
        return len(recorded) == len(asked) and all(
            same_json(one, other, name) for one, other in zip(recorded, asked, strict=True)
        )
    if isinstance(recorded, str) and isinstance(asked, str):
        return answers(recorded, asked, "body", credential=bool(secrecy(name)))
    return json.dumps(recorded, sort_keys=True) == json.dumps(asked, sort_keys=True)
