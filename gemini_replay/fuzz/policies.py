"""A project's policy: what its parser does where standard and practice leave a choice, set once for all its checks.

# pyproject.toml
[tool.gemini-replay.fuzz.policy]
end-without-blank-line = "yields"
end-in-mid-event = "raises"
raw-error = "any"
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..arguments import wrong_argument
from ..errors import UsageError, did_you_mean
from .classes import CLASSES, CaseClass
from .documents import Document

Policy = Mapping[str, str]
"""From the names of case classes to what must come of their streams."""

ANY = "any"
"""The class is not tried: whatever comes of it is right."""
RAISES = "raises"
"""The parser must raise an error."""

_FILE = "pyproject.toml"
_TABLE = ("tool", "gemini-replay", "fuzz", "policy")
_PLACE = f"[{'.'.join(_TABLE)}]"


def known_policy(given: Policy | None) -> Policy:
    """The given policy, checked; if it is None, that of the project: of the nearest pyproject.toml that has one.

    Raises:
        UsageError: an unknown class, or an outcome that the class does not have.
    """
    policy, place = (given, "policy") if given is not None else _of_project(Path.cwd())
    if not isinstance(policy, Mapping):
        raise wrong_argument(place, policy, 'names of classes with an outcome each, such as {"raw-error": "any"}')
    by_name = {one.name: one for one in CLASSES}
    for name, outcome in policy.items():
        if name not in by_name:
            raise UsageError(
                f"Unknown class {name!r} in {place}.",
                suggestion=did_you_mean(name, by_name),
                hint="docs/fuzz-classes.md lists them.",
            )
        if outcome not in (options := outcomes(by_name[name])):
            raise UsageError(
                f"Unknown outcome {outcome!r} of {name} in {place}.",
                suggestion=did_you_mean(outcome, options),
                hint=f"Choose from {', '.join(options)}.",
            )
    return policy


def outcomes(case: CaseClass) -> tuple[str, ...]:
    """What a policy may demand for a class; only "any" if there is no choice."""
    documents = case.documents()
    labels = dict.fromkeys(one.label for document in documents if not document.free for one in document.readings)
    choice = len(labels) > 1 or any(document.malformed or document.says for document in documents)
    raises = [RAISES] if any(document.malformed or document.says for document in documents) else []
    return (*(labels if choice else ()), *raises, ANY)


def under(policy: Policy, cases: Iterable[CaseClass]) -> tuple[CaseClass, ...]:
    """The classes as the policy wants them; those of which any outcome is right are left out."""
    return tuple(
        _chosen(one, policy[one.name]) if one.name in policy else one for one in cases if policy.get(one.name) != ANY
    )


def _chosen(case: CaseClass, outcome: str) -> CaseClass:
    sized = case.sized
    return replace(
        case,
        build=lambda source: _demanded(case.build(source), outcome),
        fixed=lambda: [_demanded(one, outcome) for one in case.fixed()],
        sized=None if sized is None else lambda size: _demanded(sized(size), outcome),
        policy=False,
    )


def _demanded(document: Document, outcome: str) -> Document:
    """The document with this outcome alone; as it is if its stream does not allow the outcome."""
    if outcome == RAISES:
        return replace(document, must_raise=True) if document.malformed or document.says else document
    chosen = tuple(one for one in document.readings if one.label == outcome)
    return replace(document, readings=chosen, malformed=False, says=()) if chosen else document


def _of_project(folder: Path) -> tuple[Any, str]:
    for one in (folder, *folder.parents):
        path = one / _FILE
        if not path.is_file():
            continue
        try:
            found: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be read: {error}", hint="Correct it.") from None
        place = f"{_PLACE} of {os.path.relpath(path)}"
        for name in _TABLE[:-1]:
            found = found.get(name, {}) if isinstance(found, dict) else found
        if not isinstance(found, dict):
            return found, place
        for name in found:
            if name != _TABLE[-1]:
                raise UsageError(
                    f"Unknown name {name!r} in [{'.'.join(_TABLE[:-1])}] of {os.path.relpath(path)}.",
                    suggestion=did_you_mean(name, _TABLE[-1:]),
                    hint=f"The only table there is {_PLACE}.",
                )
        return found.get(_TABLE[-1], {}), place
    return {}, _PLACE
