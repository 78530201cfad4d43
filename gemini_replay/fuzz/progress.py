"""How far a survey is: a line that changes in a terminal, a line now and then elsewhere, as in CI."""

from __future__ import annotations

from typing import TextIO

from .. import clocks

_WIDTH = 24
_EVERY = 10  # classes


class Progress:
    """Called as ``progress(done, total, name)`` before each class, and at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_terminal = stream.isatty()
        self._began = clocks.now()

    def __call__(self, done: int, total: int, name: str) -> None:
        """Show that so many classes of all are done, and which comes next."""
        if self._in_terminal:
            filled = _WIDTH * done // max(total, 1)
            bar = "█" * filled + "░" * (_WIDTH - filled)
            line = f"{bar} {done}/{total} {clocks.now() - self._began:.0f} s  {name}" if done < total else ""
            print(f"\r\x1b[K{line}", end="", file=self._stream, flush=True)
        elif done % _EVERY == 0 or done == total:
            print(f"gemini-replay: {done} of {total} classes", file=self._stream, flush=True)
