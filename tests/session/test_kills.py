"""A recording process that is killed at any moment loses at most the line that it was writing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.files import salvage
from gemini_replay.cassette.model import Interaction

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")

# Four threads record at once. Each prints which chunk it has written before it writes the next. Then the cassette is
# made, and everything starts again.
RECORDING = """
import sys, threading, os
from gemini_replay import Session
from gemini_replay.cassette.model import Request

def one(session, name):
    body = b'{"contents": [{"parts": [{"text": "%s"}]}]}' % name.encode()
    url = "https://generativelanguage.googleapis.com/v1/models/gemini-x:streamGenerateContent?alt=sse"
    recorder = session.decide(Request("POST", url, body=body)).recorder
    recorder.head(200, (), 0.0)
    for number in range(20):
        recorder.chunk(b"%s.%d;" % (name.encode(), number), 0.0)
        recorder.write()
        os.write(1, b"chunk %s %d\\n" % (name.encode(), number))
    recorder.end("eof", 0.0)
    os.write(1, b"end %s 0\\n" % name.encode())

for turn in range(1000):
    session = Session(sys.argv[1], mode="new")
    threads = [threading.Thread(target=one, args=(session, f"{sys.argv[2]}-{turn}-{name}")) for name in "abcd"]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    session.close()
    assert session.problem is None, session.problem
    os.write(1, b"made %d 0\\n" % turn)
"""


def kill_after(path: Path, lines: int, run: str) -> dict[str, int]:
    """Kill a recording after so many printed lines; return how many chunks of each interaction it had written."""
    said: dict[str, int] = {}

    def hear(line: bytes) -> None:
        what, name, number = line.decode().split()
        if what == "chunk":
            said[name] = int(number) + 1

    with subprocess.Popen([sys.executable, "-c", RECORDING, str(path), run], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _, line in zip(range(lines), process.stdout, strict=False):
            hear(line)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:  # lines that it printed before it died
            if line.endswith(b"\n"):
                hear(line)
    assert process.returncode == -signal.SIGKILL
    return said


def text_of(interaction: Interaction) -> tuple[str, list[bytes]]:
    name = interaction.request.json["contents"][0]["parts"][0]["text"]
    return name, [chunk.data for chunk in interaction.chunks]


def found_in(folder: Path) -> dict[str, list[bytes]]:
    """The text of each interaction in the cassette and the journals."""
    found = {}
    for path in folder.iterdir():
        if path.suffix == ".jsonl":
            held = Cassette.load(path).interactions
        elif path.suffix == ".part" and path.stat().st_size:
            held = salvage(path).cassette.interactions
        else:
            continue
        for name, chunks in map(text_of, held):
            if len(chunks) >= len(found.get(name, [])):
                found[name] = chunks
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200 if os.environ.get("GEMINI_REPLAY_SLOW") == "full" else 30))
def test_killed_at_any_moment(seed: int, tmp_path: Path) -> None:
    """Every written chunk is in the cassette or a journal, in order, and the next recording works."""
    chance = random.Random(seed)
    said: dict[str, int] = {}
    for run, lines in (("first", chance.randrange(0, 300)), ("second", chance.randrange(0, 100))):
        said |= kill_after(tmp_path / "story.jsonl", lines, run)
        found = found_in(tmp_path)
        for name, count in said.items():
            assert len(found.get(name, [])) >= count, f"{name}: {count} were written"
            assert found[name] == [f"{name}.{number};".encode() for number in range(len(found[name]))]
