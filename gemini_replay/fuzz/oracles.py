"""Judges one outcome: accepted, a documented error, or a bug and which kind of bug it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .documents import Document
from .target import Outcome

Verdict = Literal["raises", "loses", "changes", "invents", "stalls", "grows"]
Documented = tuple[type[BaseException], ...]

ACCIDENTS: Documented = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    SystemError,
    TypeError,
)
"""Errors of code that met something unforeseen. Malformed input excuses others, such as a ValueError; not these."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong with an outcome.

    Attributes:
        verdict: "raises", "loses", "changes", "invents", "stalls" or "grows".
        expected: the values that were to come.
        got: the values that came.
        error: the error behind them, as text; None where there was none.
        whole_raises: the same bytes in one chunk raised an error, and rightly so; ``expected`` is what came before.
        stopped: the parser had to be stopped.
    """

    verdict: Verdict
    expected: tuple[Any, ...]
    got: tuple[Any, ...]
    error: str | None = None
    whole_raises: bool = False
    stopped: bool = False


def judge(document: Document, outcome: Outcome, documented: Documented = ()) -> Complaint | str:
    """What is wrong, or a label of what the parser did.

    Where a document has several right results, the label is to be the same for all its chunkings.
    """
    values = outcome.values
    if outcome.hung:
        return Complaint("stalls", document.choices[0].values, tuple(values), "it had to be stopped", stopped=True)
    if outcome.error is not None:
        return _judge_error(document, values, outcome.error, documented)
    try:
        text = repr(values)
    except RecursionError:
        text = "values that are nested too deeply"
    for choice in document.choices:
        if text == choice.text or same(values, choice.values):
            return choice.label
    if document.free:
        return f"gives {text}"
    return _complaint(document, values)


def _judge_error(
    document: Document, values: Sequence[Any], error: BaseException, documented: Documented
) -> Complaint | str:
    quoted = any(said in text for said in document.says for text in _texts(error))
    excused = isinstance(error, documented) or (document.malformed and not _accident(error))
    if not (quoted or (excused and (document.malformed or document.says))):
        return Complaint("raises", document.choices[0].values, tuple(values), describe(error))
    # What came before the error must be right; how much that is may depend on what came in one chunk with it.
    if document.free or any(same(values, choice.values[: len(values)]) for choice in document.choices):
        return f"raises {type(error).__name__}"
    return _complaint(document, values, describe(error))


def _texts(error: BaseException) -> tuple[str, ...]:
    """What an error says, and what it carries; but decoding errors carry whatever could not be decoded."""
    if isinstance(error, json.JSONDecodeError | UnicodeError):
        return (str(error),)
    return (str(error), repr(error.args), repr(getattr(error, "__dict__", "")))


def _accident(error: BaseException) -> bool:
    return isinstance(error, ACCIDENTS) or isinstance(error.__cause__, StopIteration | StopAsyncIteration)


def _complaint(document: Document, values: Sequence[Any], error: str | None = None) -> Complaint:
    nearest = max(document.choices, key=lambda choice: (_common(values, choice.values), -len(choice.values)))
    return Complaint(difference(values, nearest.values), nearest.values, tuple(values), error)


def difference(got: Sequence[Any], expected: Sequence[Any]) -> Verdict:
    """What became of the values: fewer came ("loses"), more ("invents"), or others ("changes")."""
    if len(got) < len(expected):
        return "loses"
    return "invents" if len(got) > len(expected) else "changes"


def _common(got: Sequence[Any], expected: Sequence[Any]) -> int:
    return sum(same(one, other) for one, other in zip(got, expected, strict=False))


def same(got: Any, expected: Any) -> bool:
    """Equal as JSON: an integer is no float and no boolean; the order of keys does not matter."""
    if isinstance(expected, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == expected.keys()
            and all(same(got[key], value) for key, value in expected.items())
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(got, list | tuple)
            and len(got) == len(expected)
            and all(same(one, other) for one, other in zip(got, expected, strict=True))
        )
    if isinstance(expected, bool) or expected is None:
        return got is expected
    kind = str if isinstance(expected, str) else float if isinstance(expected, float) else int
    return isinstance(got, kind) and not isinstance(got, bool) and bool(got == expected)


def kind_of(label: str) -> str:
    """A label without what may differ between chunkings: the type of an error."""
    return "raises" if label.startswith("raises ") else label


def describe(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
