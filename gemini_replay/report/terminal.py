"""Cassettes as tables for a terminal, drawn by rich (the extra `report`)."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence

from ..cassette.describing import describe
from ..cassette.files import CassetteFile
from ..cassette.model import Interaction
from ..errors import MissingExtraError
from ..plain_text import plain

_PIPE_WIDTH = 200
"""Columns where the output is not a terminal, so that programs find whole words."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with aligned columns, with a rule below the head; the cells are made `plain`.

    Raises:
        MissingExtraError: rich is not installed.
    """
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        raise MissingExtraError("rich", extra="report", purpose="A table") from None
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        drawn.add_column(column)
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(file=io.StringIO(), width=width, highlight=False)
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


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
