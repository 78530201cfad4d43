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
