"""Paths that are not compared: the settings `ignore`, for requests, and `ignore_drift`, for answers.

A path (see `cassette.field_paths`) begins with "body" or "headers", or in a request also with "query".
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from ...arguments import texts
from ...errors import UsageError
from ..field_paths import Item, Member, Step, read_path
from ..model import Request
from .keys import canonical_body

ROOTS = ("body", "headers", "query")
_DRIFT_ROOTS = ("body", "headers")
ALWAYS_TOLD = ("status", "error", "end", "body")
"""Where drift cannot be ignored."""
_TAKES = 'paths such as "body.generationConfig.seed", "body.contents[*].parts[*].text" or "query.pageToken"'
_DRIFT_TAKES = 'paths such as "body.usageMetadata.trafficType", "body.candidates[*].index" or "headers.location"'


class Ignored:
    """The paths that are not compared in requests.

    Args:
        paths: see the module.

    Attributes:
        paths: as given, in a tuple.

    Raises:
        UsageError: a path at which nothing can be.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.paths = texts("ignore", paths, _TAKES)
        self._body: list[tuple[Step, ...]] = []
        self._headers: set[str] = set()
        self._parameters: set[str] = set()
        for path in self.paths:
            root, steps = read_path("ignore", path, ROOTS, _TAKES)
            if root == "body":
                self._body.append(steps)
            names = {step.name for step in steps if isinstance(step, Member) and step.name is not None}
            if root == "headers":
                self._headers |= {name.lower() for name in names}
            elif root == "query":
                self._parameters |= names

    def removed_from(self, request: Request) -> Request:
        """The request without the ignored fields.

        A member is removed. An item of a list becomes null, so that the number of items is still compared.
        """
        if self._headers:
            kept = tuple(pair for pair in request.headers if pair[0].lower() not in self._headers)
            request = replace(request, headers=kept)
        if self._parameters:
            parts = urlsplit(request.url)
            pairs = [one for one in parts.query.split("&") if not self._ignores(one)]
            request = replace(request, url=urlunsplit(parts._replace(query="&".join(pairs))))
        if self._body and isinstance(text := canonical_body(request), str):
            body = json.loads(text)
            for steps in self._body:
                _remove(body, steps)
            request = replace(request, body=json.dumps(body).encode())
        return request

    def _ignores(self, pair: str) -> bool:
        return unquote_plus(pair.partition("=")[0]) in self._parameters


class IgnoredDrift:
    """Drift that is left out: at these paths, and all that is within them.

    Attributes:
        paths: as given, in a tuple.

    Raises:
        UsageError: a path that no drift can be at.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.paths = texts("ignore_drift", paths, _DRIFT_TAKES)
        self._patterns = [read_path("ignore_drift", path, _DRIFT_ROOTS, _DRIFT_TAKES) for path in self.paths]
        for path, (_, steps) in zip(self.paths, self._patterns, strict=True):
            if any(isinstance(step, Item) and step.number is not None for step in steps):
                raise UsageError(
                    f"ignore_drift names {path!r:.120}, one item of a list; its items are compared together.",
                    hint=f"Write [*] for them. It takes {_DRIFT_TAKES}.",
                )

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str) or not self._patterns or path in ALWAYS_TOLD:
            return False
        root, steps = read_path("ignore_drift", path, _DRIFT_ROOTS, _DRIFT_TAKES)
        return any(
            root == other and len(pattern) <= len(steps) and all(map(_covers, pattern, steps))
            for other, pattern in self._patterns
        )


def _remove(value: Any, steps: tuple[Step, ...]) -> None:
    step, rest = steps[0], steps[1:]
    keys: Iterable[Any] = ()
    if isinstance(step, Member) and isinstance(value, dict):
        keys = list(value) if step.name is None else [step.name] if step.name in value else []
    elif isinstance(step, Item) and isinstance(value, list):
        keys = range(len(value)) if step.number is None else [step.number] if step.number < len(value) else []
    for key in keys:
        if rest:
            _remove(value[key], rest)
        elif isinstance(value, dict):
            del value[key]
        else:
            value[key] = None


def _covers(pattern: Step, step: Step) -> bool:
    return pattern == step or (isinstance(pattern, Member) and pattern.name is None and isinstance(step, Member))
