"""Cassettes as tables for a terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence

from ..cassette.describing import describe
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from ..plain_text import plain

_GAP = "   "
_LEAST_WIDTH = 10
"""Columns of a terminal that the last column of a table gets however narrow the terminal is."""

_VARIATIONS = "\ufe0e\ufe0f"
"""They choose the look of the character before them."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with aligned columns, with a rule below the head; the cells are made `plain`.

    In a terminal that is too narrow for it, the last column is cut.
    """
    lines = [tuple(columns), *(tuple(map(plain, row)) for row in rows)]
    widths = [max(map(_width, cells)) for cells in zip(*lines, strict=True)]
    if sys.stdout.isatty():
        rest = shutil.get_terminal_size().columns - sum(widths[:-1]) - len(_GAP) * len(widths[1:])
        widths[-1] = min(widths[-1], max(rest, _LEAST_WIDTH))
    lines = [(*line[:-1], _cut(line[-1], widths[-1])) for line in lines]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_GAP.join(map(_filled, line, widths)).rstrip() for line in lines)


def _filled(cell: str, width: int) -> str:
    return cell + " " * (width - _width(cell))


def _width(text: str) -> int:
    """The columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    seen = [one for one in text if not (unicodedata.combining(one) or one in _VARIATIONS)]
    return len(seen) + sum(unicodedata.east_asian_width(one) in "WF" for one in seen)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) >= width:
        text = text[:-1]
    return f"{text}…"


def cassette_table(cassette: CassetteFile) -> str:
    """One row for each interaction: the request, the response, and how long it took."""
    rows = [_row(number, interaction) for number, interaction in enumerate(cassette.interactions, 1)]
    columns = ("#", "request", "status", "head after", "chunks", "bytes", "took", "end", "says")
    return f"{plain(str(cassette.path or 'cassette'))}\n{table(columns, rows)}"


def chunk_table(interaction: Interaction) -> str:
    """One row for each chunk: its time, size and beginning."""
    at = interaction.response.after if interaction.response else 0.0
    rows = []
    for number, chunk in enumerate(interaction.chunks, 1):
        at += chunk.after
        start = clipped(chunk.data.decode("utf-8", "backslashreplace"), 80)
        rows.append((str(number), f"{at:.3f} s", f"+{chunk.after * 1000:.0f} ms", str(len(chunk.data)), start))
    columns = ("chunk", "at", "after", "bytes", "begins with")
    return f"{plain(describe(interaction.request))}\n{table(columns, rows)}"


def clipped(text: str, width: int) -> str:
    """One line of at most `width` characters, with invisible ones escaped."""
    flat = plain(text[: width + 1])
    return flat if len(flat) <= width and len(text) <= width else flat[: width - 1] + "…"


def _row(number: int, interaction: Interaction) -> tuple[str, ...]:
    response = interaction.response
    return (
        str(number),
        describe(interaction.request),
        str(response.status) if response else "none",
        f"{response.after:.3f} s" if response else "",
        str(len(interaction.chunks)),
        str(len(interaction.body)),
        f"{interaction.duration:.3f} s",
        interaction.end.kind if interaction.end.kind != "eof" else interaction.finish_reason or "eof",
        clipped(_says(interaction), 40),
    )


def _says(interaction: Interaction) -> str:
    if interaction.error is not None:
        return f"{interaction.error.code} {interaction.error.status}: {interaction.error.message}"
    calls = ", ".join(f"{call.name}(…)" for call in interaction.function_calls)
    return interaction.text or calls or (f"thoughts: {interaction.thoughts}" if interaction.thoughts else "")
