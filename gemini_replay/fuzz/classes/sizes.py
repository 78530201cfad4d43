"""Classes about size: large events, long streams, chunks of particular sizes, floods of what means nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from .. import messages as m
from ..documents import (
    CRLF,
    LF,
    PRETTY,
    Document,
    Source,
    Spelled,
    block,
    blocks,
    document,
    google_array,
    google_elements,
    spell,
)
from .case_class import ARRAY, CaseClass, ProfileName
from .gateways import GATEWAY

KB = 1024
Steps = tuple[tuple[int, ...], ...]
GEMINI: tuple[ProfileName, ...] = ("gemini",)
HOSTILE: tuple[ProfileName, ...] = ("hostile",)
_LARGE: Steps = ((), (64 * KB,))
_DELICATE = "你😀\\n\\u00e9 a"
_SPOTS = (2, 5, 8, 12, 15, 16, 19, 20, 22, 23, 25)
"""Where a border lies, in bytes from the start of that text.

In characters and escapes, before and after a blank, before, in and after line ends, in the next event. Their number
is odd, so that chunks of each power of two meet all of them.
"""


def _text(json: str) -> Spelled:
    return Spelled(json.replace("\\n", "\n").replace("\\u00e9", "é"), f'"{json}"')


def _large(size: int) -> list[Any]:
    return [{"responseId": "before"}, {"responseId": _text("x" * size)}, {"responseId": "after"}]


def _image(size: int) -> list[Any]:
    image = {"inlineData": {"mimeType": "image/png", "data": _text("iVBORw0KGgo/" * max(1, size // 12))}}
    return [{"responseId": "before"}, m.candidate([image]), {"responseId": "after"}]


def _wide(size: int, pad: int = 2) -> list[Any]:
    """A text in which each power of two lies within a character of 4 bytes.

    It does so counted from the start of the body, of the line and of the text; in arrays with a ``pad`` of 1.
    """
    return [
        {"responseId": "before"},
        m.candidate([{"text": _text("x" * pad + "😀" * (size // 4))}]),
        {"responseId": "after"},
    ]


def _many(size: int) -> list[Any]:
    return [{"responseId": f"{nth:05}"} for nth in range(max(1, size // 33))]


def _borders(size: int, *, array: bool) -> Document:
    """A body of this size, in which something that must not be torn lies across each KB."""
    empty = [{"responseId": ""}] * 2
    first, other = map(len, google_elements(empty) if array else map(block, empty))
    after = len(f'"{LF}}}{LF}') if array else len('"}' + CRLF * 2)
    trees: list[Any] = []
    length = 0
    for nth in range(1, size // KB):
        head = (other if trees else first) - after
        fill = nth * KB - length - head - _SPOTS[nth % len(_SPOTS)]
        trees.append({"responseId": _text("x" * fill + _DELICATE)})
        length += head + fill + len(_DELICATE.encode()) + after
    last = size - length - (other if trees else first) - array
    trees.append({"responseId": "x" * max(0, last)})
    return document(google_array(trees) if array else blocks(trees), trees)


def _flood(line: str, *, array: bool = False) -> Callable[[int], Document]:
    """Lines that mean nothing, before, between and after events."""

    def flood(size: int) -> Document:
        trees, lines = [{"responseId": "a"}, {"responseId": "b"}], line * max(1, size // len(line) // 3)
        if array:
            return document(lines + lines.join(google_elements(trees)) + lines + "]" + lines, trees)
        return document("".join(lines + block(tree, newline=LF) for tree in trees) + lines, trees)

    return flood


def _limited(one: Document) -> Document:
    """An error that reports a limit is accepted."""
    return replace(one, malformed=True)


def _comment(size: int) -> Document:
    trees = [{"responseId": "a"}]
    return document(": " + "x" * size + CRLF * 2 + blocks(trees), trees)


def _pretty(size: int) -> Document:
    """An answer whose JSON is pretty-printed, a data line for each of its lines, between two small events."""
    answer = m.candidate([{"text": f"{nth:05}"} for nth in range(max(1, size // 70))])
    trees = [{"responseId": "before"}, answer, {"responseId": "after"}]
    before, _, after = (block(tree, newline=LF) for tree in trees)
    lines = "".join(f"data: {line}{LF}" for line in spell(answer, PRETTY).splitlines())
    return document(f"{before}{lines}{LF}{after}", trees)


def _sized(
    name: str,
    description: str,
    profiles: tuple[ProfileName, ...],
    sized: Callable[[int], Document],
    size: int,
    steps: Steps = _LARGE,
) -> CaseClass:
    limited = profiles == HOSTILE

    def least(_: Source) -> Document:
        return sized(1)

    made = (lambda size: _limited(sized(size))) if limited else sized
    return CaseClass(name, description, profiles, least, sized=made, size=size, steps=steps, policy=limited)


def _chunks(*powers: int) -> Iterator[tuple[int, ...]]:
    """Chunks of these sizes, one byte more or less, and with small ones between them."""
    for power in powers:
        yield from ((power,), (power - 1,), (power + 1,), (power, 100))


_SMALL_STEPS: Steps = tuple(_chunks(KB // 4, KB // 2, KB, 2 * KB, 4 * KB, 8 * KB))
_STEPS: Steps = ((), (16 * KB,), (32 * KB,), *_chunks(64 * KB), (128 * KB,))


def _event(
    name: str,
    description: str,
    trees: Callable[[int], list[Any]],
    size: int,
    steps: Steps = _LARGE,
    elements: Callable[[int], list[Any]] | None = None,
) -> Iterator[CaseClass]:
    """A class of one large event, in SSE and in an array (of other ``elements`` if they are given)."""
    in_arrays = elements or trees

    def sized(size: int) -> Document:
        return document(blocks(trees(size)), trees(size))

    def in_array(size: int) -> Document:
        return document(google_array(in_arrays(size)), in_arrays(size))

    yield _sized(f"event-of-{name}", f"one event {description}", GEMINI, sized, size, steps)
    yield _sized(f"element-of-{name}", f"one element {description}", ARRAY, in_array, size, steps)


_POWERS = "chunks of 16 to 128 KB, with characters, escapes and line ends across their borders"
_SMALL_POWERS = "chunks of 256 bytes to 8 KB, one byte more and less, with small ones between them"

CLASSES = (
    *_event("70-kb", "as large as small images", _large, 70_000, (*_LARGE, (1000,))),
    *_event("300-kb", "as large as images", _large, 300_000),
    *_event("1200-kb", "as large as images", _large, 1_200_000),
    *_event("5000-kb", "with a large image", _image, 5_000_000, ((64 * KB,),)),
    *_event("wide-characters", "of 2.5 MB of characters of 4 bytes", _wide, 2_500_000, _LARGE, partial(_wide, pad=1)),
    _sized(
        "many-events",
        "ten thousand small events",
        GEMINI,
        lambda size: document(blocks(_many(size)), _many(size)),
        330_000,
        ((), (33,)),
    ),
    _sized(
        "many-elements",
        "ten thousand small elements",
        ARRAY,
        lambda size: document(google_array(_many(size)), _many(size)),
        330_000,
        ((), (31,)),
    ),
    _sized("small-powers-of-two", _SMALL_POWERS, GEMINI, partial(_borders, array=False), 96 * KB, _SMALL_STEPS),
    _sized("powers-of-two", _POWERS, GEMINI, partial(_borders, array=False), 512 * KB, _STEPS),
    _sized(
        "small-powers-of-two-in-array", _SMALL_POWERS, ARRAY, partial(_borders, array=True), 96 * KB, _SMALL_STEPS
    ),
    _sized("powers-of-two-in-array", _POWERS, ARRAY, partial(_borders, array=True), 512 * KB, _STEPS),
    _sized("many-comments", "thousands of comments", GATEWAY, _flood(f": x{LF}"), 36_000, ((), (4,))),
    _sized(
        "many-comment-blocks",
        "thousands of comments with a blank line each",
        GATEWAY,
        _flood(f": x{LF}{LF}"),
        45_000,
        ((), (5,)),
    ),
    _sized("many-blank-lines", "thousands of blank lines", GATEWAY, _flood(LF), 9000, ((), (1,))),
    _sized(
        "many-blocks-without-data",
        "thousands of ids without data",
        ("sse",),
        _flood(f"id: 1{LF}{LF}"),
        60_000,
        ((), (7,)),
    ),
    _sized(
        "event-of-many-lines",
        "one event of thousands of data lines, cut between tokens",
        ("sse",),
        _pretty,
        100_000,
        ((), (KB,), (20,)),
    ),
    _sized(
        "much-white-space-in-array",
        "thousands of spaces and line ends between two elements",
        ARRAY,
        _flood(f" {LF}", array=True),
        12_000,
        ((), (1,)),
    ),
    _sized(
        "event-of-20-mb",
        "one event of 20 MB; a limit that is reported is not a bug",
        HOSTILE,
        lambda size: document(blocks(_large(size)), _large(size)),
        20_000_000,
        ((64 * KB,),),
    ),
    _sized("comment-of-300-kb", "a comment line that does not end for 300 KB", HOSTILE, _comment, 300_000),
)
