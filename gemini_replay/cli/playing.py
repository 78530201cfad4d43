"""The command play."""

from __future__ import annotations

import argparse
import codecs
import io
import sys
from collections.abc import Sequence

from ..cassette.describing import describe
from ..cassette.files import CassetteFile
from ..engine.pacing import BlockingClock, Playing, ThreadClock
from ..engine.player import Playback
from ..engine.schedule import Broken
from ..engine.timing import parse_max_gap, parse_real_speed
from ..errors import UsageError
from ..plain_text import plain, plain_lines
from ..report.keyboard import Keyboard, terminal_keyboard
from ..report.playing import HELP, KeyClock, Printer, Skipped


def play(chosen: argparse.Namespace) -> int:
    """Print recorded answers as they streamed."""
    cassette = CassetteFile.load(chosen.cassette)
    numbers = _numbers(cassette, chosen)
    speed = parse_real_speed(chosen.speed, subject="This command", hint='Use a factor such as 4, or "instant".')
    max_gap = parse_max_gap(chosen.max_gap)
    with terminal_keyboard() as keyboard:
        if keyboard is not None:
            print(HELP, file=sys.stderr)
        for number in numbers:
            interaction = cassette.interactions[number - 1]
            if len(numbers) > 1 and not chosen.raw:
                print(plain(f"[{number} of {len(numbers)}: {describe(interaction.request)}]"))
            if ending := _play(Playback(interaction, speed, max_gap), keyboard, raw=chosen.raw):
                print(f"gemini-replay: the recording ends here: {ending}", file=sys.stderr)
    return 0


def _numbers(cassette: CassetteFile, chosen: argparse.Namespace) -> Sequence[int]:
    """The interactions to play."""
    count = len(cassette.interactions)
    chosen_one: int | None = chosen.interaction
    if count and chosen_one is None:
        return range(1, count + 1)
    if chosen_one is None or not 1 <= chosen_one <= count:
        raise UsageError(
            f"{chosen.cassette} has no interaction{'' if chosen_one is None else f' {chosen_one}'}.",
            suggestion=f"It has {count}, counted from 1." if count else "",
            hint=f"See them with: gemini-replay show {chosen.cassette}",
        )
    return [chosen_one]


def _play(playback: Playback, keyboard: Keyboard | None, *, raw: bool) -> str | None:
    """Print one answer; how it ended, unless its body was complete or was skipped."""
    clock: BlockingClock = ThreadClock()
    if keyboard is not None:
        clock = KeyClock(clock, keyboard)
    printer: Printer | _RawPrinter = _RawPrinter() if raw else Printer(_write)
    ending = None
    try:
        for part in Playing(playback.schedule("", clock.now()), clock):
            if isinstance(part, bytes):
                printer.feed(part)
    except Broken as broken:
        ending = broken.ending
    except Skipped:
        pass
    printer.close()
    return ending


class _RawPrinter:
    """Prints the bytes of a body; on a terminal, as text that is safe to print."""

    def __init__(self) -> None:
        self._decoder = io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8")("backslashreplace"), translate=True
        )

    def feed(self, chunk: bytes) -> None:
        """Print a chunk."""
        if sys.stdout.isatty():
            _write(plain_lines(self._decoder.decode(chunk)))
        else:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

    def close(self) -> None:
        """Print what is left of a character that is cut off."""
        if sys.stdout.isatty():
            _write(plain_lines(self._decoder.decode(b"", final=True)))


def _write(text: str) -> None:
    print(text, end="", flush=True)
