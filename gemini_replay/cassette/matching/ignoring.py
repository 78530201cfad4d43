"""Paths of what is not compared: the setting `ignore`.

A path begins with "body", "headers" or "query". Then ``.name`` or ``["any name"]`` is a member, ``[0]`` an item of a
list, ``.*`` every member, and ``[*]`` every item. After "headers" and "query", there is one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from ...arguments import texts
from ...errors import UsageError, nearest
from ..model import Request
from .keys import canonical_body

ROOTS = ("body", "headers", "query")
_STEP = re.compile(r'\.(?P<name>[^\W\d][\w-]*|\*)|\[(?P<item>\d+|\*)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')
_PLAIN = re.compile(r"[^\W\d][\w-]*")
_TAKES = 'paths such as "body.generationConfig.seed", "body.contents[*].parts[*].text" or "query.pageToken"'
_HINT = f"It takes {_TAKES}. A miss shows the path of each difference."


class Member(NamedTuple):
    """One member of an object, or every one (None)."""

    name: str | None


class Item(NamedTuple):
    """One item of a list, or every one (None)."""

    number: int | None


Step = Member | Item


def member(place: str, name: str) -> str:
    """The path of a member of what is at the path `place`."""
    return f"{place}.{name}" if _PLAIN.fullmatch(name) else f"{place}[{json.dumps(name, ensure_ascii=False)}]"


class Ignored:
    """What is not compared of a request.

    Args:
        paths: see the module.

    Attributes:
        paths: as given, in a tuple.

    Raises:
        UsageError: a path that nothing can be at.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.paths = texts("ignore", paths, _TAKES)
        self._body: list[tuple[Step, ...]] = []
        self._headers: set[str] = set()
        self._parameters: set[str] = set()
        for path in self.paths:
            root, steps = _parsed(path)
            if root == "body":
                self._body.append(steps)
            names = {step.name for step in steps if isinstance(step, Member) and step.name is not None}
            if root == "headers":
                self._headers |= {name.lower() for name in names}
            elif root == "query":
                self._parameters |= names

    def removed_from(self, request: Request) -> Request:
        """The request without what is ignored.

        A member is removed. Of a list, an item becomes null, so that the number of items is still compared.
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


def _parsed(path: str) -> tuple[str, tuple[Step, ...]]:
    """The first word of a path and its steps."""
    try:
        return _read(path)
    except ValueError as problem:
        closest = _closest(path)
        raise UsageError(
            f"ignore names {path!r:.120}, where nothing can be: {problem}.",
            suggestion=f"Did you mean {closest!r}?" if closest else "",
            hint=_HINT,
        ) from None


def _read(path: str) -> tuple[str, tuple[Step, ...]]:
    """As `_parsed`; a ValueError says what is wrong."""
    root = _first_word(path)
    if root not in ROOTS:
        raise ValueError(f"it begins with none of {', '.join(ROOTS)}")
    steps: list[Step] = []
    at = len(root)
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise ValueError(f"{path[at:]!r:.40} in it is neither a member nor an item")
        at = found.end()
        if (item := found["item"]) is not None:
            steps.append(Item(None if item == "*" else int(item)))
        elif (name := found["name"]) is not None:
            steps.append(Member(None if name == "*" else name))
        else:
            steps.append(Member(_unquoted(found["quoted"])))
    if not steps:
        raise ValueError(f"it is all of it; leave {path} out of match, or name a part of it")
    if root != "body" and (len(steps) > 1 or not isinstance(steps[0], Member) or steps[0].name is None):
        raise ValueError(f"it takes one name after {root!r}")
    return root, tuple(steps)


def _first_word(path: str) -> str:
    found = re.match(r"\w*", path)
    return "" if found is None else found[0]


def _unquoted(text: str) -> str:
    try:
        name: str = json.loads(text)
    except ValueError:
        raise ValueError(f"{text} in it is not a text of JSON") from None
    return name


def _closest(path: str) -> str:
    """A path that can be, near to one that cannot; or an empty text."""
    root = _first_word(path)
    if root not in ROOTS:
        near = nearest(root, ROOTS)
        path = near + path[len(root) :] if near is not None else f"body.{path.lstrip('$./')}"
    for one in (path, _mended(path)):
        try:
            _read(one)
        except ValueError:
            continue
        return one
    return ""


def _mended(path: str) -> str:
    """A path of another notation in this one."""
    path = path.replace("[]", "[*]").replace("['", '["').replace("']", '"]').replace("/", ".")
    return re.sub(r"\.\.+", ".", re.sub(r"\.(\d+)(?![\w-])", r"[\1]", path)).rstrip(".")
