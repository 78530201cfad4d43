"""What the embedded upstream makes of a request: which method of which model, and what it asks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from ...gemini.error_objects import error
from ...gemini.tokens import count_tokens
from ..asgi import Scope
from . import keys

Action = Literal["streamGenerateContent", "generateContent", "countTokens", "get"]

_PATH = re.compile(
    r"(?P<prefix>/.*?)??"
    r"(?:/(?P<version>v1|v1beta|v1beta1))?"
    r"(?P<vertex>/projects/[^/]+/locations/[^/]+/publishers/google)?"
    r"/models/(?P<model>[^/:]+)(?::(?P<action>streamGenerateContent|generateContent|countTokens))?"
)
_SECRET_HEADERS = {"x-goog-api-key", "authorization", "proxy-authorization", "cookie"}
REDACTED = "REDACTED"


@dataclass(frozen=True)
class Received:
    """A request that reached the upstream, without its secrets.

    Attributes:
        path: the decoded path.
        query: the query string; the value of ``key`` is redacted.
        headers: name and value pairs; those that carry a key are redacted.
        key_place: where a key stood: "header", "query", "bearer", or None if there was none.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    key_place: keys.KeyPlace | None


def received(scope: Scope, body: bytes) -> tuple[Received, str]:
    """The request of an ASGI scope, and its key ("" where there is none)."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope["query_string"].decode("latin-1")
    key = keys.find_key(headers, query)
    if key and key[0] == "query":
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(name, REDACTED if name == "key" else value) for name, value in pairs])
    kept = tuple((name, REDACTED if name.lower() in _SECRET_HEADERS else value) for name, value in headers)
    place, secret = key or (None, "")
    return Received(scope["method"], scope["path"], query, kept, body, place), secret


@dataclass(frozen=True)
class Call:
    """A request understood: the method of the API that it calls.

    Attributes:
        action: the method; "get" for the model's own description.
        version: the API version of the path, "v1beta" where it names none.
        sse: whether ``alt=sse`` was asked for.
        gzip: whether the client takes gzip.
        scenario: the value of the header ``x-scenario``, or "".
    """

    model: str
    action: Action
    version: str
    vertex: bool
    sse: bool
    gzip: bool
    scenario: str


def understood(request: Received, *, any_prefix: bool = False) -> Call | None:
    """The call that ``request`` makes; None if Google has no such page.

    A path may start with anything where ``any_prefix`` (gateways), and with anything but a version of Vertex AI's.
    """
    found = _PATH.fullmatch(request.path)
    if found is None or (found["prefix"] and not (any_prefix or found["vertex"])):
        return None
    action: Any = found["action"] or "get"
    if (request.method == "GET") != (action == "get") or request.method not in ("GET", "POST"):
        return None
    query = dict(parse_qsl(request.query))
    headers = {name.lower(): value for name, value in request.headers}
    return Call(
        model=found["model"],
        action=action,
        version=found["version"] or "v1beta",
        vertex=bool(found["vertex"]),
        sse=query.get("alt", query.get("$alt", "")).startswith("sse"),
        gzip=_takes_gzip(headers.get("accept-encoding", "")),
        scenario=headers.get("x-scenario", "").strip(),
    )


def _takes_gzip(accepted: str) -> bool:
    for item in accepted.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        if name in ("gzip", "*"):
            return not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", parameter) for parameter in parameters)
    return False


class InvalidRequestError(Exception):
    """The body is not what the API takes; ``error`` is the error object that says so."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.error = error(400, message)


def read_contents(body: bytes) -> list[Any]:
    """The ``contents`` of a request's body.

    Raises:
        InvalidRequestError: not JSON, not an object, or without contents.
    """
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as problem:
        where = _caret(problem) if isinstance(problem, json.JSONDecodeError) else ""
        raise InvalidRequestError(f"Invalid JSON payload received. Unexpected token.{where}") from None
    if not isinstance(found, dict):
        raise InvalidRequestError("Invalid JSON payload received. Root element must be a message.")
    contents = found.get("contents")
    if isinstance(contents, dict):
        contents = [contents]  # Google's JSON reader takes one element for a list of one
    if not contents or not isinstance(contents, list):
        raise InvalidRequestError("* GenerateContentRequest.contents: contents is not specified\n")
    for nth, content in enumerate(contents):
        parts = content.get("parts") if isinstance(content, dict) else None
        if not parts or not isinstance(parts, list | dict):
            where = f"GenerateContentRequest.contents[{nth}].parts"
            raise InvalidRequestError(f"* {where}: contents.parts must not be empty.\n")
        if isinstance(parts, dict):
            content["parts"] = [parts]
    return contents


def _caret(problem: json.JSONDecodeError) -> str:
    """The place of the problem, as Google shows it: the text around it, and a caret below."""
    around = problem.doc[max(0, problem.pos - 20) : problem.pos + 20]
    shown = " ".join(around.encode("utf-8", "replace").decode().splitlines())
    return f"\n{shown}\n{' ' * min(20, problem.pos)}^"


def first_text(contents: Sequence[Any]) -> str:
    """The first text of the first content, "" where it has none."""
    return next(iter(_texts(contents[:1])), "")


def prompt_tokens(contents: Sequence[Any]) -> int:
    """An estimate of the tokens of all texts; at least 1."""
    return count_tokens("".join(_texts(contents)))


def _texts(contents: Sequence[Any]) -> list[str]:
    texts = [part.get("text") for content in contents for part in content["parts"] if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str)]
