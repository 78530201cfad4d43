"""What fits a terminal: its width, colours, and tables, which rich draws (the extra `report`)."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from ..errors import MissingExtraError
from ..plain_text import plain, plain_lines

_RULE_WIDTH = 80
_GUTTER = 3
_LEAST = 10
"""The columns that a column of texts needs at least, if it is to be cut."""

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def width() -> int | None:
    """The columns of the terminal; None if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def colours() -> bool:
    """Whether standard output shows colours: a terminal, or where FORCE_COLOR asks for them; never with NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    able = os.environ.get("TERM", "dumb" if os.name != "nt" else "") != "dumb"
    if os.name == "nt":  # the console of old Windows shows the codes themselves
        able = "WT_SESSION" in os.environ or "TERM" in os.environ
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and able)


def styled(text: str, *styles: str) -> str:
    """Text that is safe to print, in these styles (of "bold", "dim" and colours) where there are `colours`."""
    if not text or not styles or not colours():
        return text
    return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"


def wrapped(text: str, indent: int) -> list[str]:
    """The lines of a text, made plain; on a terminal, cut between words to fit beside an indent."""
    lines = plain_lines(text).expandtabs(4).split("\n")
    columns = width()
    if columns is None or all(len(line) * 2 <= columns - indent for line in lines):
        return lines
    rich_text, console = _rich("rich.text"), _console(columns)
    room = max(columns - indent, 20)
    return [str(part).rstrip() for line in lines for part in rich_text.Text(line).wrap(console, room) or [""]]


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, fitted: bool = False, spare: Sequence[str] = ()
) -> str:
    """A table with aligned columns, with a rule below the head; the cells are made `plain`.

    Args:
        columns: the names of the columns.
        rows: the cells.
        fitted: on a terminal, cut the last column where the terminal ends, instead of wrapping it. If it has hardly
            any room there, every column is wrapped.
        spare: the columns that are left out of a narrow terminal, one after the other, until the last has room.

    Raises:
        MissingExtraError: rich is not installed.
    """
    box, rich_table, rich_text = _rich("rich.box"), _rich("rich.table"), _rich("rich.text")
    cells = [[rich_text.Text(plain(cell)) for cell in row] for row in rows]
    widths: list[int] = [max(len(name), *(row[at].cell_len for row in cells), 0) for at, name in enumerate(columns)]
    terminal, shown = width(), list(range(len(columns)))

    def room() -> int:
        """The columns that are left for the last."""
        return (terminal or sum(widths)) - sum(widths[at] + _GUTTER for at in shown[:-1])

    for name in spare:
        if terminal and room() < _LEAST:
            shown.remove(columns.index(name))
    cut = fitted and terminal is not None and room() >= _LEAST
    endless = terminal is None  # every cell has room
    drawn = rich_table.Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for at in shown[:-1]:
        drawn.add_column(columns[at], no_wrap=endless, overflow="fold", min_width=widths[at] if cut else None)
    drawn.add_column(
        columns[-1], no_wrap=cut or endless, overflow="ellipsis" if cut else "fold", max_width=room() if cut else None
    )
    for row in cells:
        drawn.add_row(*(row[at] for at in shown))
    console = _console(terminal or sum(widths) + _GUTTER * len(columns))
    with console.capture() as captured:
        console.print(drawn)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    if fitted and terminal is None:
        lines[1] = lines[1][:_RULE_WIDTH]
    return "\n".join(lines)


def _console(columns: int) -> Any:
    return _rich("rich.console").Console(file=io.StringIO(), width=columns, color_system=None)


def _rich(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError("rich", extra="report", purpose="A table") from None


def clipped(text: str, width: int) -> str:
    """One line of at most `width` characters, with invisible ones escaped."""
    flat = plain(text[: width + 1])
    return flat if len(flat) <= width and len(text) <= width else flat[: width - 1] + "…"
