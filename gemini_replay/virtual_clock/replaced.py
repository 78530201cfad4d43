"""What is replaced while time is virtual."""

from __future__ import annotations

from contextlib import ExitStack

from .. import clocks
from .clock import VirtualClock
from .functions import Functions
from .loops import Loops
from .trio_runs import TrioRuns


class Replaced:
    """Everything that is replaced while time is virtual."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.trio = TrioRuns(self.clock)
        self.trio.check()
        self.functions = Functions(self.clock, self.trio)
        self.loops = Loops(self.clock, self.functions.origins["monotonic"])
        self._began = clocks.now()
        with ExitStack() as undoing:
            undoing.callback(self.clock.close)
            for part in (self.functions, self.loops, self.trio):
                undoing.callback(part.undo)
                part.install()
            self.close = undoing.pop_all().close

    def now(self) -> float:
        """`clocks.now` in virtual time."""
        self.trio.equalise()
        return self._began + self.clock.now()
