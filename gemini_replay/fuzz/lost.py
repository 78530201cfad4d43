"""Whether a parser tells that the connection was lost: half an answer must not look like a whole one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .documents import block, google_elements, plain
from .target import FuzzTarget
from .uses import broken_off
from .verdicts import same

_TREES = ({"responseId": "a"}, {"responseId": "b"}, {"responseId": "c"})


@dataclass(frozen=True)
class Unnoticed:
    """A stream whose source fails after these chunks, and which the parser ends as if it were whole."""

    chunks: tuple[bytes, ...]
    got: tuple[Any, ...]


def unnoticed(target: FuzzTarget, *, array: bool) -> Unnoticed | None:
    """Let the source raise an error after an event, and within the next one; the first stream that hides it.

    A parser that returns something else than the events so far tells of the error in its own way. One that does not
    end is not judged here.
    """
    first, second, _ = [text.encode() for text in (google_elements(_TREES) if array else map(block, _TREES))]
    for chunks in ([first, second], [first, second[:-10]], [first, second[:10]]):
        output = broken_off(target, chunks)
        if output.hung:
            return None
        events = [plain(tree) for tree in _TREES[: len(output.values)]]
        if output.error is None and same(output.values, events):
            return Unnoticed(tuple(chunks), tuple(output.values))
    return None
