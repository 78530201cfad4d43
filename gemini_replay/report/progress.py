"""Shows the progress of long work on a terminal: a bar with rich (the extra `report`), or else a count."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TypeVar

_FEW = 20
"""Up to this number of things, no progress is shown."""

Thing = TypeVar("Thing")


def progress(things: Sequence[Thing], what: str) -> Iterator[Thing]:
    """The things, one after the other; meanwhile, standard error shows how many are done, if it is a terminal.

    Args:
        things: what is to be done.
        what: what happens to them, such as "Checking cassettes".
    """
    if len(things) <= _FEW or not sys.stderr.isatty():
        return iter(things)
    try:
        bars, console = import_module("rich.progress"), import_module("rich.console")
    except ImportError:
        return _counted(things, what)
    found: Iterator[Thing] = bars.track(
        things, description=what, console=console.Console(file=sys.stderr), transient=True
    )
    return found


def _counted(things: Sequence[Thing], what: str) -> Iterator[Thing]:
    try:
        for number, thing in enumerate(things):
            print(f"\r{what}: {number} of {len(things)}", end="", file=sys.stderr, flush=True)
            yield thing
    finally:
        print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
