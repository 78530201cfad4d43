"""Whether the test to keep of a bug fails where the parser has read nothing before."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

_SECONDS = 60.0
_FAILED = 3

_PROGRAM = """
from gemini_replay.errors import ParserBug
try:
    {test}()
except ParserBug:
    raise SystemExit({failed})
"""


def passes(code: str, test: str) -> bool:
    """Whether a test passes in an interpreter of its own, which imports its parser anew.

    False also if that cannot be found out, such as for a parser in a module that cannot be imported by its name.

    Args:
        code: the test's file.
        test: the name of its function.
    """
    path = os.pathsep.join(one or os.getcwd() for one in sys.path)
    program = f"{code}\n{_PROGRAM.format(test=test, failed=_FAILED)}"
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
        return done.returncode == 0
    return False
