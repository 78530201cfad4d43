"""Paths of fields: how settings and reports name what is within a request or an answer.

A path begins with one word, such as "body", "headers" or "query". Then ``.name`` or ``["any name"]`` is a member,
``[0]`` an item of a list, ``.*`` every member, and ``[*]`` every item. After any other word than "body", there is one
name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import UsageError, nearest

_STEP = re.compile(r'\.(?P<name>[^\W\d][\w-]*|\*)|\[(?P<item>\d+|\*)\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')
_PLAIN = re.compile(r"[^\W\d][\w-]*")


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


def read_path(name: str, path: str, roots: Sequence[str], takes: str) -> tuple[str, tuple[Step, ...]]:
    """The first word of a path and its steps.

    Args:
        name: the setting that it is given for.
        path: the path.
        roots: the first words that a path of this setting can have.
        takes: what the setting takes.

    Raises:
        UsageError: nothing can be there.
    """
    try:
        return _read(path, roots)
    except ValueError as problem:
        closest = _closest(path, roots)
        raise UsageError(
            f"{name} names {path!r:.120}, where nothing can be: {problem}.",
            suggestion=f"Did you mean {closest!r}?" if closest else "",
            hint=f"It takes {takes}. A report shows the path of each difference.",
        ) from None


def _read(path: str, roots: Sequence[str]) -> tuple[str, tuple[Step, ...]]:
    """As `read_path`; a ValueError says what is wrong."""
    root = _first_word(path)
    if root not in roots:
        raise ValueError(f"it begins with none of {', '.join(roots)}")
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
        raise ValueError("it is all of it; name a part")
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


def _closest(path: str, roots: Sequence[str]) -> str:
    """A path that can be, near to one that cannot; or an empty text."""
    root = _first_word(path)
    if root not in roots:
        near = nearest(root, roots)
        path = near + path[len(root) :] if near is not None else f"body.{path.lstrip('$./')}"
    for one in (path, _mended(path)):
        try:
            _read(one, roots)
        except ValueError:
            continue
        return one
    return ""


def _mended(path: str) -> str:
    """A path of another notation in this one."""
    path = path.replace("[]", "[*]").replace("['", '["').replace("']", '"]').replace("/", ".")
    return re.sub(r"\.\.+", ".", re.sub(r"\.(\d+)(?![\w-])", r"[\1]", path)).rstrip(".")
