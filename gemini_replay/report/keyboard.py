"""Keys that are pressed while something plays in a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .. import clocks

_POLL_S = 0.02


class Keyboard(Protocol):
    """A keyboard."""

    def read(self, timeout: float | None) -> str:
        """The next key that is pressed within this many seconds (None: for ever); "" if no key is pressed."""


if sys.platform == "win32":
    import msvcrt

    class _Keyboard:
        def read(self, timeout: float | None) -> str:
            until = None if timeout is None else clocks.now() + timeout
            while not msvcrt.kbhit():
                left = _POLL_S if until is None else until - clocks.now()
                if left <= 0:
                    return ""
                clocks.sleep(min(left, _POLL_S))
            key = msvcrt.getwch()
            if key in "\x00\xe0":  # a function key, whose code follows
                msvcrt.getwch()
                return ""
            return key

    @contextmanager
    def terminal_keyboard() -> Iterator[Keyboard | None]:
        """The keyboard of the terminal that the program runs in; None where it does not run in one."""
        yield _Keyboard() if _in_a_terminal() else None

else:
    import select
    import termios
    import tty

    class _Keyboard:
        def __init__(self, descriptor: int) -> None:
            self._descriptor = descriptor

        def read(self, timeout: float | None) -> str:
            if not select.select([self._descriptor], [], [], timeout)[0]:
                return ""
            key = os.read(self._descriptor, 1)
            if not key:  # the terminal is gone
                raise KeyboardInterrupt
            return key.decode("latin-1")

    @contextmanager
    def terminal_keyboard() -> Iterator[Keyboard | None]:
        """The keyboard of the terminal that the program runs in; None where it does not run in one.

        Keys come at once and are not shown. At the end, the terminal is as it was.
        """
        if not _in_a_terminal() or os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():  # in the background
            yield None
            return
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setcbreak(descriptor)
            yield _Keyboard(descriptor)
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _in_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
