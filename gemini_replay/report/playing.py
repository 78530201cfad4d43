"""Prints an answer while it streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..engine.pacing import BlockingClock
from ..gemini import StreamParser
from ..gemini.describing import ABOUT, Described, Describer
from ..plain_text import plain, plain_lines
from .keyboard import Keyboard
from .terminal import styled

HELP = "space: pause, + and -: speed, n: next"
_FASTEST = 64.0


class Skipped(Exception):
    """The user wants to see the next answer."""


class KeyClock:
    """A clock that the user controls: the space bar pauses it, + and - double and halve its speed.

    Args:
        clock: the clock underneath.
        keyboard: the keyboard.
    """

    def __init__(self, clock: BlockingClock, keyboard: Keyboard) -> None:
        self._clock, self._keyboard = clock, keyboard
        self._shown, self._since = 0.0, clock.now()
        self._speed, self._paused = 1.0, False

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return self._shown + (0.0 if self._paused else (self._clock.now() - self._since) * self._speed)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Skipped: the key n was pressed.
        """
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            if key := self._keyboard.read(None if self._paused else left / self._speed):
                self._press(key)

    def _press(self, key: str) -> None:
        self._shown, self._since = self.now(), self._clock.now()
        if key == " ":
            self._paused = not self._paused
        elif key in "+=":
            self._speed = min(self._speed * 2, _FASTEST)
        elif key in "-_":
            self._speed = max(self._speed / 2, 1 / _FASTEST)
        elif key == "n":
            raise Skipped


class Printer:
    """Prints an answer as its chunks come: its text unchanged, and everything else in separate lines.

    Descriptions of the answer as a whole come once, at its end.

    Args:
        write: prints a text that is safe to print.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._parser = StreamParser()
        self._describer = Describer()
        self._kind = ""
        self._in_a_line = False
        self._about: dict[Described, None] = {}
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        """Print what is new with a chunk."""
        for event in self._parser.feed(chunk):
            self._print(self._describer.feed(event))

    def close(self) -> None:
        """Print what the end completes, and end the line."""
        for event in self._parser.close():
            self._print(self._describer.feed(event))
        self._print(self._describer.close())
        self._ended = True
        self._print(self._about)
        if not self._kind:
            self._print([Described("no answer", "")])
        elif self._kind in ("text", "thoughts"):
            self._write("\n")

    def _print(self, described: Iterable[Described]) -> None:
        for kind, text in described:
            if kind in ABOUT and not self._ended:
                self._about[Described(kind, text)] = None
                continue
            if kind == "finish" and text == "STOP" and self._kind:
                continue
            if self._in_a_line and kind != self._kind:
                self._write("\n")
                self._in_a_line = False
            if kind in ("text", "thoughts"):
                begins = "[thoughts] " if kind == "thoughts" != self._kind else ""
                self._write(styled(begins + plain_lines(text), *(("dim",) if kind == "thoughts" else ())))
                self._in_a_line = not text.endswith("\n")
            else:
                colour = "red" if kind in ("error", "blocked") else "cyan"
                self._write(styled(f"[{plain(f'{kind}: {text}' if text else kind)}]", colour) + "\n")
            self._kind = kind
