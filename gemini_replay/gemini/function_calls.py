"""Function calls, and how their streamed arguments are put together.

A call comes whole (``name``, ``args``) or in several parts. Each part except the last has ``willContinue``. Parts in
between have ``partialArgs``, each a value for one JSON path; the pieces of a string come in order. The shapes are
those of the Vertex AI reference (FunctionCall, PartialArg) and of recorded streams: only the first part has the name,
and the last part may be an empty object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..provider import FunctionCall
from .shapes import dicts_of, get, str_of

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]]+) | \[(?P<index>[0-9]{1,9})\]"""
    r"""| \['(?P<single>(?:[^'\\]|\\.)*)'\] | \["(?P<double>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MAX_GAP = 1000  # how many items one index may add to a list, so that a huge index cannot fill the memory


@dataclass
class _Call:
    """A call in the making."""

    name: str
    id: str | None
    args: dict[str, Any] = field(default_factory=dict)
    open: bool = True

    def goes_on_with(self, name: str, id: str | None) -> bool:
        """Whether a part with this name and id continues this call."""
        return self.open and name in ("", self.name) and (id is None or self.id in (None, id))


def assemble(parts: Iterable[Mapping[str, Any]]) -> tuple[FunctionCall, ...]:
    """The calls of a stream, in the order in which they begin, from the ``functionCall`` objects of all events."""
    calls: list[_Call] = []
    for part in parts:
        name, id_ = str_of(part.get("name")) or "", str_of(part.get("id"))
        more = bool(get(part, "willContinue"))
        if not (calls and calls[-1].goes_on_with(name, id_)):
            if not part:  # the end of a call, but no call is open
                continue
            calls.append(_Call(name, id_))
        call = calls[-1]
        call.id = call.id or id_
        whole = part.get("args")
        if isinstance(whole, Mapping):
            call.args.update(whole)
        for piece in dicts_of(get(part, "partialArgs")):
            _add(call.args, piece)
        call.open = more
    return tuple(FunctionCall(call.name, call.args, call.id, not call.open) for call in calls)


def _add(args: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Set one partial argument at its path. A path that cannot be followed is kept as a plain key."""
    path = str_of(get(piece, "jsonPath")) or ""
    kind = next((key for key in piece if key.lower().endswith("value")), None)
    if kind is None:  # it only says that this path is complete
        return
    value = None if kind.lower().startswith("null") else piece[kind]
    steps = _steps(path)
    if not (steps and _put(args, steps, value)):
        args[path] = _joined(args.get(path), value)


def _steps(path: str) -> list[str | int]:
    """A JSON path's names and indices (RFC 9535, singular queries); empty if it is not valid."""
    steps: list[str | int] = []
    pos = 1
    while path.startswith("$") and pos < len(path):
        step = _STEP.match(path, pos)
        if step is None:
            return []
        if step["index"] is not None:
            steps.append(int(step["index"]))
        elif step["name"] is not None:
            steps.append(step["name"])
        else:
            steps.append(_ESCAPE.sub(r"\1", step["single"] or step["double"] or ""))
        pos = step.end()
    return steps


def _put(args: dict[str, Any], steps: list[str | int], value: Any) -> bool:
    """Set or continue the value at the end of ``steps``. Returns False if another value is in the way."""
    at: Any = args
    for here, then in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(here, int):
            if not isinstance(at, list) or here > len(at) + _MAX_GAP:
                return False
            at.extend([None] * (here + 1 - len(at)))
            old = at[here]
        elif isinstance(at, dict):
            old = at.get(here)
        else:
            return False
        if then is None:
            at[here] = _joined(old, value)
        elif old is None:
            at[here] = [] if isinstance(then, int) else {}
        at = at[here]
    return True


def _joined(old: Any, value: Any) -> Any:
    return old + value if isinstance(old, str) and isinstance(value, str) else value
