"""The clock that keys pause and speed up, and how an answer is printed."""

from __future__ import annotations

import json

import pytest
from support.streams import event

from gemini_replay.report.playing import KeyClock, Printer, Skipped


class Watcher:
    """A clock that moves only in sleeps, and a keyboard whose keys are pressed at given moments."""

    def __init__(self, *presses: tuple[float, str]) -> None:
        self.moment = 0.0
        self.presses = [*presses]

    def now(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds

    def read(self, timeout: float | None) -> str:
        until = float("inf") if timeout is None else self.moment + timeout
        if self.presses and self.presses[0][0] <= until:
            at, key = self.presses.pop(0)
            self.moment = max(self.moment, at)
            return key
        assert until < float("inf"), "paused for ever"
        self.moment = until
        return ""


@pytest.mark.parametrize(
    ("presses", "took"),
    [
        ([], 10),
        ([(2.0, " "), (7.0, " ")], 15),
        ([(2.0, "+")], 6),
        ([(2.0, "+"), (3.0, "+"), (4.0, "-")], 2 + 1 + 1 + 1),
        ([(2.0, "-")], 18),
        ([(2.0, " "), (4.0, "+"), (5.0, " ")], 5 + 4),
        ([(1.0, "?")], 10),
    ],
)
def test_keys_pause_and_speed_up_the_clock(presses: list[tuple[float, str]], took: float) -> None:
    """With these keys, ten seconds take this long."""
    watcher = Watcher(*presses)
    KeyClock(watcher, watcher).sleep(10.0)
    assert watcher.moment == pytest.approx(took)


def test_the_key_n_skips_the_wait() -> None:
    """It also works while the clock is paused."""
    watcher = Watcher((2.0, " "), (3.0, "n"))
    with pytest.raises(Skipped):
        KeyClock(watcher, watcher).sleep(10.0)
    assert watcher.moment == 3.0


def printed(*chunks: bytes) -> str:
    """The output for a stream."""
    pieces: list[str] = []
    printer = Printer(pieces.append)
    for chunk in chunks:
        printer.feed(chunk)
    printer.close()
    return "".join(pieces)


def test_text_is_printed_as_it_comes() -> None:
    """Chunk boundaries do not show in the text. Parts that are not text have their own lines."""
    call = {"functionCall": {"name": "f", "args": {}}}
    called = f"data: {json.dumps({'candidates': [{'content': {'parts': [call]}}]})}\n\n".encode()
    assert printed(event("a"), event("b"), called, event("c", finishReason="STOP")) == "ab\n[call: f()]\nc\n"
    assert printed(event("a\n"), called) == "a\n[call: f()]\n"
    assert printed(event("", finishReason="STOP")) == "[finish: STOP]\n"
    sources = {"groundingMetadata": {"groundingChunks": [{"web": {"title": "t", "uri": "u"}}]}}
    assert printed(event("a", **sources), event("b", **sources)) == "ab\n[sources: t u]\n"
    assert printed() == "[no answer]\n"
