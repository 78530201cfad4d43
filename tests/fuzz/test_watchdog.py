"""A parser that does not end is interrupted, and nothing is left of that."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from gemini_replay import fuzz

def parse(chunks):
    list(chunks)
    while True:
        pass

try:
    fuzz.check_parser(parse, max_examples=1)
except fuzz.ParserBug as bug:
    assert "does not come to an end" in str(bug), bug

def closure(one):
    return lambda: one

sys.setprofile(lambda *_: None)
print(closure("done")())
"""


def test_the_interpreter_runs_on_as_before() -> None:
    """A profiler too, which would never return if an exception were marked as pending."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")


TRACED = """
import asyncio, sys, threading
from gemini_replay.fuzz import watchdog
from gemini_replay.fuzz.target import FuzzTarget

def trace(*_):
    return trace

sys.settrace(trace)
threading.settrace(trace)
watchdog.CPU_SECONDS = watchdog.IDLE_SECONDS = 0.1

async def waits(chunks):
    yield {}
    await asyncio.get_running_loop().create_future()

for _ in range(3):
    with FuzzTarget(waits) as target:
        print(target.run([b"data"]).hung)
"""


def test_a_loop_that_waits_is_stopped_while_every_thread_is_traced() -> None:
    """As under a debugger, or while coverage is measured."""
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * 3, "")
