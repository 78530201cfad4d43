"""The parsed request: the method of the API, its parameters and its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl

from ...gemini.error_objects import Json, error
from .request import Received

ErrorForm = Literal["object", "list", "interaction"]
"""The form of a method's errors: Google's object, the same in a list, or that of the Interactions API."""


class RefusedError(Exception):
    """A request cannot be answered; ``error`` is the error object that says why, with further ``headers``."""

    def __init__(self, found: Json, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(found["error"]["message"])
        self.error = found
        self.headers = headers


def refused(code: int, message: str | None = None, headers: Mapping[str, str] | None = None) -> RefusedError:
    """A refusal with this HTTP status and these headers, and Google's usual message by default."""
    return RefusedError(error(code, message), headers)


@dataclass(frozen=True)
class Call:
    """A parsed request.

    Attributes:
        request: the request itself.
        version: the API version in the path, by default "v1beta".
        project: ``projects/P/locations/L`` of Vertex AI's paths, or "".
        vertex: whether the path is one of Vertex AI's.
        names: the values of the path's placeholders.
        errors: the form of errors.
        key: the key that came with the request, or "".
    """

    request: Received
    version: str = "v1beta"
    project: str = ""
    vertex: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    errors: ErrorForm = "object"
    key: str = field(default="", repr=False)

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(parse_qsl(self.request.query))

    @property
    def sse(self) -> bool:
        """Whether ``alt=sse`` was asked for."""
        return self.query.get("alt", self.query.get("$alt", "")).startswith("sse")

    @property
    def gzip(self) -> bool:
        """Whether the client takes gzip."""
        for item in self.request.header("accept-encoding").split(","):
            name, *parameters = (part.strip().lower() for part in item.split(";"))
            if name in ("gzip", "*"):
                return not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", parameter) for parameter in parameters)
        return False

    @cached_property
    def json(self) -> dict[str, Any]:
        """The body.

        Raises:
            RefusedError: not JSON, or not an object.
        """
        return read_object(self.request.body)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, or an empty one without a body.

    Raises:
        RefusedError: not JSON, or not an object.
    """
    try:
        found = json.loads(body or b"{}")
    except (ValueError, RecursionError) as problem:
        where = _caret(problem) if isinstance(problem, json.JSONDecodeError) else ""
        raise refused(400, f"Invalid JSON payload received. Unexpected token.{where}") from None
    if not isinstance(found, dict):
        raise refused(400, "Invalid JSON payload received. Root element must be a message.")
    return found


def number_in(text: str) -> int | None:
    """The number of at most 18 digits in a header or parameter, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _caret(problem: json.JSONDecodeError) -> str:
    """The place of the problem in Google's form: the text around it, and a caret below."""
    around = problem.doc[max(0, problem.pos - 20) : problem.pos + 20]
    shown = " ".join(around.encode("utf-8", "replace").decode().splitlines())
    return f"\n{shown}\n{' ' * min(20, problem.pos)}^"
