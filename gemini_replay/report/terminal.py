"""What `show`, `check` and `demo` print, with rich (the extra `report`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..cassette.files import Cassette
from ..cassette.model import Interaction
from ..errors import MissingExtraError
from ..plain_text import plain
from ..session import describe


def console() -> Any:
    """A rich console for standard output.

    Raises:
        MissingExtraError: rich is not installed.
    """
    try:
        from rich.console import Console
    except ImportError:
        raise MissingExtraError("rich", extra="report", purpose="A table in the terminal") from None
    return Console(highlight=False, soft_wrap=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Any:
    """A rich table. Title and cells show as plain text whatever they hold, also what rich would take for markup."""
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(plain(title)), title_justify="left")
    for column in columns:
        drawn.add_column(column)
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    return drawn


def cassette_table(cassette: Cassette) -> Any:
    """One row per interaction: what was asked, what came, how long it took."""
    rows = [_row(number, interaction) for number, interaction in enumerate(cassette.interactions, 1)]
    columns = ("#", "request", "status", "head after", "chunks", "bytes", "took", "end", "says")
    return table(str(cassette.path or "cassette"), columns, rows)


def chunk_table(interaction: Interaction) -> Any:
    """One row per chunk: when it came, how large it is, how it begins."""
    at = interaction.response.after if interaction.response else 0.0
    rows = []
    for number, chunk in enumerate(interaction.chunks, 1):
        at += chunk.after
        start = clipped(chunk.data.decode("utf-8", "backslashreplace"), 80)
        rows.append((str(number), f"{at:.3f} s", f"+{chunk.after * 1000:.0f} ms", str(len(chunk.data)), start))
    return table(describe(interaction.request), ("chunk", "at", "after", "bytes", "begins with"), rows)


def clipped(text: str, width: int) -> str:
    """One line of at most `width` characters; what cannot be seen is spelled out."""
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
        _end(interaction),
        clipped(_says(interaction), 40),
    )


def _end(interaction: Interaction) -> str:
    if interaction.end.kind != "eof":
        return interaction.end.kind
    if interaction.finish_reason:
        return interaction.finish_reason
    return "eof"


def _says(interaction: Interaction) -> str:
    if interaction.error is not None:
        return f"{interaction.error.code} {interaction.error.status}: {interaction.error.message}"
    calls = ", ".join(f"{call.name}(…)" for call in interaction.function_calls)
    return interaction.text or calls or (f"thoughts: {interaction.thoughts}" if interaction.thoughts else "")
