"""The command play."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.cassettes import recorded, streaming
from support.commands import run
from support.streams import event, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Interaction

FOLDER = Path(__file__).parents[2] / "cassettes"


def test_play_prints_the_answer_as_it_streamed() -> None:
    """It prints the text, or the bytes of the body."""
    story = Cassette.load(FOLDER / "story.jsonl").interactions[0]
    assert run("play", FOLDER / "story.jsonl", "--speed", "instant").out == story.text + "\n"
    cut = run("play", FOLDER / "cut.jsonl", "--raw", "--speed", "instant")
    assert cut.raw == Cassette.load(FOLDER / "cut.jsonl").interactions[0].body
    assert "the recording ends here: reset" in cut.err


def test_play_limits_its_waits(tmp_path: Path) -> None:
    """The recorded gaps take a minute; `--max-gap` shortens them."""
    path = recorded(tmp_path / "slow.jsonl", streaming(*events(3), gap=60.0, after=60.0))
    assert run("play", path, "--max-gap", "0.01").out == Cassette.load(path).interactions[0].text + "\n"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("429", ["[error: 429 RESOURCE_EXHAUSTED: "]),
        ("blocked", ["[blocked: SAFETY]"]),
        ("function_call", ['[call: get_weather(city="Zürich", unit="celsius")]']),
        ("thinking", ["[thoughts] **Reading the Question**", "There are **nine** primes"]),
        ("inband_error", ["[error: 503 UNAVAILABLE: "]),
        ("max_tokens", ["[finish: MAX_TOKENS]"]),
        ("grounding", ["[sources: jungfrau.ch https://vertexaisearch.example/redirect/0]"]),
    ],
)
def test_play_prints_all_kinds_of_answers(name: str, lines: list[str]) -> None:
    """Parts that are not text have their own lines."""
    out = run("play", FOLDER / f"{name}.jsonl", "--speed", "instant").out.splitlines()
    for line in lines:
        assert any(found.startswith(line) for found in out), out


def test_play_prints_an_image_as_its_type_and_size(tmp_path: Path) -> None:
    """If there is no answer, it says so."""
    image = {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}}]}
    path = recorded(tmp_path / "c.jsonl", [f"data: {json.dumps(image)}\r\n\r\n".encode()], [b"<html>"])
    assert run("play", path, "--speed", "instant").out.splitlines() == [
        "[1 of 2: POST gemini-2.5-flash:streamGenerateContent?alt=sse]",
        "[data: image/png, 3 bytes]",
        "[2 of 2: POST gemini-2.5-flash:streamGenerateContent?alt=sse]",
        "[no answer]",
    ]
    assert run("play", path, "-n", "2", "--speed", "instant").out == "[no answer]\n"


def slow(number: int) -> Interaction:
    """An answer that begins at once and ends after a quarter of an hour."""
    answer = streaming(event(f"begin {number} "), event(f"end {number}"), gap=900.0)
    first, *rest = answer.chunks
    return replace(answer, chunks=(replace(first, after=0.0), *rest))


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_keys_pause_speed_up_and_go_on(tmp_path: Path) -> None:
    """The terminal's settings are restored. Without keys, each answer would take a quarter of an hour."""
    import pty
    import termios

    path = recorded(tmp_path / "slow.jsonl", *map(slow, (1, 2, 3)))
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    command = [sys.executable, "-m", "gemini_replay", "play", str(path)]
    in_a_session = {"start_new_session": True, "preexec_fn": lambda: _controlled_by(theirs)}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **in_a_session) as playing:  # type: ignore[call-overload]
        shown = _read_until(ours, b"begin 1")
        assert b"space: pause" in shown
        os.write(ours, b" n")  # the key works during a pause
        _read_until(ours, b"begin 2")
        os.write(ours, b"n")
        _read_until(ours, b"begin 3")
        os.write(ours, b"?n")
        assert playing.wait(timeout=60) == 0
    assert termios.tcgetattr(theirs) == before
    for descriptor in (ours, theirs):
        os.close(descriptor)


def _controlled_by(terminal: int) -> None:
    """Make this terminal the controlling one of the new process."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _read_until(terminal: int, words: bytes) -> bytes:
    """Read the output up to these words."""
    shown = b""
    while words not in shown:
        assert select.select([terminal], [], [], 60)[0], shown
        shown += os.read(terminal, 65536)
    return shown


def test_without_a_terminal_there_are_no_keys() -> None:
    """Standard input is not read."""
    command = [sys.executable, "-m", "gemini_replay", "play", "--speed", "instant", str(FOLDER / "story.jsonl")]
    done = subprocess.run(command, input=b"nnn", capture_output=True, check=True)
    assert done.stderr == b""
    story = Cassette.load(FOLDER / "story.jsonl").interactions[0]
    assert done.stdout.decode() == story.text + "\n"


@pytest.mark.parametrize("command", ["play", "serve"])
def test_the_speeds_that_are_proposed_are_taken(command: str) -> None:
    """No player of the command line plays in virtual time."""
    done = run(command, FOLDER / "story.jsonl", "--speed", "fast")
    assert (done.status, "virtual" in done.err, '"instant"' in done.err) == (2, False, True)
