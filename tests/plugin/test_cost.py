"""What a cassette costs each test of a large suite, in function calls, not in time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.cassettes import recorded
from support.clients import ASK
from support.streams import GOOGLE, events

SUITE = """
import httpx, pytest

GOOGLE, ASK = {google!r}, {ask!r}

class Stream(httpx.SyncByteStream):
    def __iter__(self):
        with open("story.jsonl", "rb") as file:
            yield from [file.read()]

def answer(request):
    return httpx.Response(200, stream=Stream())

client = httpx.Client({transport})

@pytest.mark.parametrize("number", range({count}))
{mark}
def test(number):
    with client.stream("POST", GOOGLE, json=ASK) as response:
        assert b"data" in b"".join(response.iter_raw())
"""
RUN = """
import sys
import pytest

calls = 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

sys.setprofile(count)
status = pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]])
sys.setprofile(None)
assert status == 0, status
print(calls, *[name for name in sys.modules if name.startswith("gemini_replay.")])
"""
PLUGIN = ("-p", "gemini_replay.pytest_plugin")


def run(folder: Path, count: int, *, replays: bool) -> tuple[int, list[str]]:
    """The calls in a run of pytest with this many tests, and our modules that are loaded at its end."""
    mark = '@pytest.mark.gemini_cassette("story", speed="instant")' if replays else ""
    transport = "" if replays else "transport=httpx.MockTransport(answer)"
    suite = SUITE.format(google=GOOGLE, ask=ASK, transport=transport, count=count, mark=mark)
    (folder / "test_stories.py").write_text(suite, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\ngemini_cassette_dir = .\ngemini_match = model action\n")
    recorded(folder / "story.jsonl", events(20))
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-c", RUN, *(PLUGIN if replays else ()), "test_stories.py"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    calls, *modules = done.stdout.splitlines()[-1].split()
    return int(calls), modules


def calls_for_a_test(folder: Path, *, replays: bool) -> float:
    """The cost of one test: the difference of two runs, divided by that of their numbers of tests."""
    run(folder, 1, replays=replays)  # the first run writes byte code
    return (run(folder, 25, replays=replays)[0] - run(folder, 5, replays=replays)[0]) / 20


def test_a_cassette_costs_a_test_few_calls(tmp_path: Path) -> None:
    """Beyond those of a mock that opens a file, the calls are for fixtures, a file of 24 lines, and a session."""
    replayed, mocked = calls_for_a_test(tmp_path, replays=True), calls_for_a_test(tmp_path, replays=False)
    assert replayed - mocked <= 2_500


def test_a_run_with_cassettes_loads_only_what_it_uses(tmp_path: Path) -> None:
    """It loads no server, no command and no fuzz kit, and what moves clocks only where time is virtual."""
    _, modules = run(tmp_path, 1, replays=True)
    rooms = {name.split(".")[1] for name in modules}
    assert {"session", "transports"} <= rooms
    assert "gemini_replay.virtual_clock.replaced" not in modules
    assert not rooms & {"cli", "demo", "faults", "fuzz", "interop", "report", "rhythm", "server"}
