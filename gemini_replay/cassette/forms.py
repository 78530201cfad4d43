"""The form of an answer: which fields its events have, and of which types. What they say is left out.

A field has a path as in `field_paths`: ``body.candidates[*].content.parts[*].text``. The fields of all events
are one form, which does not depend on where an answer was cut into events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..provider import Members
from .field_paths import member
from .model import Interaction

_SNAKE = re.compile(r"_([a-z0-9])")
ROOT = "body"
_NO_JSON = "no JSON"
_DEEPEST = 64
"""Nested values beyond which nobody looks."""


@dataclass
class Field:
    """One path.

    Attributes:
        within: the path of what holds it; "" for the root.
        varies: whether it comes and goes from one answer to the next, see `provider.Members`.
        types: what it was, by the names of JSON, in order.
        values: what it said, where that is form, see `provider.Members`.
    """

    within: str
    varies: bool
    types: dict[str, None] = field(default_factory=dict)
    values: dict[str, None] = field(default_factory=dict)


class Form:
    """The form of decoded events.

    Args:
        events: their JSON values.
        known: what is form in them.

    Attributes:
        fields: by their paths, in the order in which they came.
        members: of each event that is an object, the paths of its members.
    """

    def __init__(self, events: Iterable[Any] = (), known: Members | None = None) -> None:
        self._known = known or Members()
        self.fields: dict[str, Field] = {}
        self.members: list[frozenset[str]] = []
        for event in events:
            self._add(event)

    @classmethod
    def of(cls, interaction: Interaction) -> Form:
        """The form of an answer. A body without any event has the type "no JSON", an empty body has no field."""
        starts = interaction.layout.starts
        known = interaction.request.provider.members
        form = cls((event.json for _, event in starts if event is not None), known)
        if any(event is None for _, event in starts) or (not starts and interaction.body):
            form._found(ROOT, "", varies=False).types[_NO_JSON] = None
        return form

    def lines(self) -> Iterator[str]:
        """One line for each field, sorted: its path without the root, and its types."""
        for path, found in sorted(self.fields.items()):
            if path != ROOT or list(found.types) != ["object"]:
                yield f"{path.removeprefix(f'{ROOT}.')}: {' or '.join(sorted(found.types))}"

    def _add(self, event: Any) -> None:
        if isinstance(event, Mapping):
            self.members.append(frozenset(member(ROOT, name) for name in event))
        self._walk(event, ROOT, names=(), varies=False, within="", depth=0)

    def _walk(self, value: Any, path: str, *, names: tuple[str, ...], varies: bool, within: str, depth: int) -> None:
        """Add a value; `names` are those of the members that lead to it."""
        found = self._found(path, within, varies=varies)
        found.types[_type(value)] = None
        if self._is_stated(names) and isinstance(value, str | int):
            found.values[json.dumps(value, ensure_ascii=False)] = None
        if depth == _DEEPEST or names[-2:] in self._known.data:
            return
        depth += 1
        if isinstance(value, Mapping):
            for name, inner in value.items():
                known = _camel(name)
                self._walk(
                    inner,
                    member(path, name),
                    names=(*names, known),
                    varies=varies or known in self._known.varying,
                    within=path,
                    depth=depth,
                )
        elif isinstance(value, list):
            for inner in value:
                self._walk(inner, f"{path}[*]", names=names, varies=varies, within=path, depth=depth)

    def _is_stated(self, names: tuple[str, ...]) -> bool:
        name = names[-1] if names else ""
        return name in self._known.stated or (name in self._known.stated_in_errors and "error" in names)

    def _found(self, path: str, within: str, *, varies: bool) -> Field:
        return self.fields.setdefault(path, Field(within, varies))


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name) if "_" in name else name


def _type(value: Any) -> str:
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, str):
        return "string"
    if value is None:
        return "null"
    return "boolean" if isinstance(value, bool) else "number"
