"""The chunkings of one body: enumerated, not drawn.

A chunking is a sorted tuple of offsets before which the body is cut. An offset that occurs twice, or at an end of the
body, makes an empty chunk. Enumerating the cuts of each document found planted bugs in a tenth of the examples that
drawing the cuts needed, and shrank them further.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, cycle, pairwise, takewhile

Cuts = tuple[int, ...]

BUDGET = 160
"""The most single cuts of one body; longer bodies are cut at their hot offsets."""
IN_A_CLASS, IN_ALL = 2, 10
"""How often a cut between bytes that look alike is tried."""

BYTES = "bytes"
"""The kind of cuts into single bytes: the most effective."""
REST = "rest"
"""All kinds but that one."""

_ALL = 120  # bytes; bodies up to this are cut everywhere
_LONG = 3000  # bytes; longer bodies are not cut into pieces of a few bytes
_MOST = 1000  # cuts of a long body
_HOT = re.compile(
    rb"\r\n|[\r\n]|(?P<wide>[\xc0-\xff][\x80-\xbf]*)|(?P<escape>\\u[0-9a-fA-F]{4}|\\.)|data:|\xef\xbb\xbf", re.DOTALL
)
_WARM = re.compile(rb'[{}\[\],":]')
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2,}|\n\}\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_SIZES = (2, 3, 7, *(power + more for power in (8, 16, 32, 64, 128, 256, 512, 1024, 2048) for more in (-1, 0, 1)))
_QUIET = 2000  # empty chunks, one after another


def split(body: bytes, cuts: Cuts) -> tuple[bytes, ...]:
    """The chunks of a body; of an empty one that is not cut, none at all."""
    if not body and not cuts:
        return ()
    return tuple(body[start:end] for start, end in pairwise((0, *cuts, len(body))))


def every(size: int, length: int) -> Cuts:
    """Cuts into chunks of ``size`` bytes."""
    return tuple(range(size, length, size))


def repeated(sizes: Sequence[int], length: int) -> Cuts:
    """Cuts into chunks of these sizes, again and again; none into a single chunk."""
    if not sizes:
        return ()
    return tuple(takewhile(lambda at: at < length, accumulate(cycle(sizes))))


def hot_offsets(body: bytes, limit: int = BUDGET) -> list[int]:
    """Where a cut is likely to matter: within and around line ends, wide characters, escapes and field names.

    JSON's own punctuation comes second. At most ``limit`` offsets, spread evenly over the body.
    """
    hot: set[int] = set()
    for found in _HOT.finditer(body):
        hot.update(range(found.start(), found.end() + 1))
    chosen = _spread(sorted(hot - {0, len(body)}), limit)
    if len(chosen) < limit:
        warm = {at for found in _WARM.finditer(body) for at in found.span()} - hot - {0, len(body)}
        chosen += _spread(sorted(warm), limit - len(chosen))
    return sorted(chosen)


class Places:
    """Counts where cuts have fallen, so that no document is cut as others have been, often enough.

    A place is known by two bytes on each side. Bytes look alike if they differ in a letter, a digit, or a character
    of as many bytes.
    """

    def __init__(self) -> None:
        self._all: Counter[tuple[str, int, bytes, bytes]] = Counter()
        self._class: Counter[tuple[str, int, bytes, bytes]] = Counter()

    def begin(self) -> None:
        """Another class of documents comes: a cut may mean something else there."""
        self._class.clear()

    def is_new(self, body: bytes, kind: str, cuts: Cuts) -> bool:
        """Whether these cuts may tell something; they count as tried then."""
        if kind in _AT_PLACES:
            at, number = cuts[0], len(cuts) if cuts[-1] == cuts[0] else 0
            around = body[max(0, at - 2) : at].translate(_ALIKE), body[at : at + 2].translate(_ALIKE)
            place = (kind, number, *around)
        elif kind == "sizes":
            place = (kind, cuts[0], b"", b"")
        else:
            return True
        self._class[place] += 1
        if self._class[place] > IN_A_CLASS:
            return False
        self._all[place] += 1
        return self._all[place] <= IN_ALL


def _alike(byte: int) -> int:
    if byte < 0x80:
        return ord("a") if chr(byte).isalpha() else ord("0") if chr(byte).isdigit() else byte
    return next(first for first in (0xF0, 0xE0, 0xC0, 0x80) if byte >= first)


_ALIKE = bytes(map(_alike, range(256)))


def chunkings(body: bytes, kind: str | None = None) -> Iterator[tuple[str, Cuts]]:
    """Cuts with their kind, the most effective first; only those of one ``kind`` if it is given, or of the `REST`.

    Kinds: whole, bytes, all hot offsets (of long bodies), lines (or events), sizes, empty chunks, runs of empty
    chunks, one cut, two cuts (a single byte apart).
    """
    for name, make in _KINDS.items():
        if kind in (None, name) or (kind == REST and name != BYTES):
            for cuts in make(body):
                yield name, cuts


def _bytewise(body: bytes) -> Iterator[Cuts]:
    if 1 < len(body) <= _LONG:
        yield every(1, len(body))


def _everywhere(body: bytes) -> Iterator[Cuts]:
    """What comes closest to single bytes for a long body."""
    if len(body) > _LONG:
        yield tuple(hot_offsets(body, _MOST))


def _natural(body: bytes) -> Iterator[Cuts]:
    """One event in a chunk, as on the wire; one line in a chunk."""
    for pattern in (_EVENT_END, _LINE_END):
        if cuts := tuple(at for at in (found.end() for found in pattern.finditer(body)) if at < len(body)):
            yield cuts


def _sized(body: bytes) -> Iterator[Cuts]:
    for size in dict.fromkeys(_SIZES) if len(body) <= _LONG else (1000,):
        if size < len(body):
            yield every(size, len(body))


def _empty(body: bytes) -> Iterator[Cuts]:
    end = len(body)
    yield (0,)
    yield (end,)
    for at in _spread(hot_offsets(body, 8), 4):
        yield (at, at)


def _quiet(body: bytes) -> Iterator[Cuts]:
    """A few empty chunks in a row, and very many: before the body, within it, and after each of its events."""
    middle = len(body) // 2
    for at in dict.fromkeys((0, middle)):
        yield (at,) * 5
        yield (at,) * _QUIET
    for cuts in list(_natural(body))[:1]:
        yield tuple(at for at in cuts for _ in range(4))


def _single(body: bytes) -> Iterator[Cuts]:
    offsets = range(1, len(body)) if len(body) <= _ALL else hot_offsets(body)
    for at in offsets:
        yield (at,)


def _pairs(body: bytes) -> Iterator[Cuts]:
    for at in hot_offsets(body, BUDGET // 4):
        if at + 1 < len(body):
            yield (at, at + 1)


def _spread(offsets: list[int], limit: int) -> list[int]:
    if len(offsets) <= limit:
        return offsets
    return [offsets[at * len(offsets) // limit] for at in range(limit)]


_KINDS: dict[str, Callable[[bytes], Iterator[Cuts]]] = {
    "whole": lambda body: iter([()]),
    BYTES: _bytewise,
    "all hot offsets": _everywhere,
    "lines": _natural,
    "sizes": _sized,
    "empty chunks": _empty,
    "runs of empty chunks": _quiet,
    "one cut": _single,
    "two cuts": _pairs,
}
_AT_PLACES = ("empty chunks", "runs of empty chunks", "one cut", "two cuts")


def place(body: bytes, at: int) -> str:
    """In words, where a cut before offset ``at`` falls."""
    if at <= 0:
        return "before the first byte"
    if at >= len(body):
        return "after the last byte"
    for found in _HOT.finditer(body, max(0, at - 8)):
        if found.start() >= at:
            break
        if found.end() > at:
            return _within(found, at)
    before, after = body[at - 1 : at], body[at : at + 1]
    if before in (b"\n", b"\r"):
        return "between two line ends" if after in (b"\n", b"\r") else "after a line end"
    return "before a line end" if after in (b"\n", b"\r") else f"between {_show(before)} and {_show(after)}"


def _within(found: re.Match[bytes], at: int) -> str:
    if wide := found["wide"]:
        name = f"character {wide.decode()!r}" if _valid(wide) else "run of bytes that are not UTF-8"
        return f"within the {len(wide)}-byte {name}"
    if found["escape"]:
        return f"within the escape {found['escape'].decode('latin-1')}"
    return "between CR and LF" if found[0] == b"\r\n" else "within the field name"


def _valid(raw: bytes) -> bool:
    try:
        return bool(raw.decode())
    except UnicodeDecodeError:
        return False


def _show(byte: bytes) -> str:
    return byte.decode("latin-1") if byte.isascii() and byte.decode().isprintable() else f"0x{byte.hex()}"
