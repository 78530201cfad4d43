"""Programs that fork, each in a process of its own, since that of the tests has threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that has ``support.sessions``, and `path` for its cassette."""
    script = (
        "import os, sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[1])\n"
        f"from support.sessions import *\npath = Path({str(path)!r})\n{code}"
    )
    tests = str(Path(__file__).parents[1])
    return subprocess.run([sys.executable, "-c", script, tests], capture_output=True, text=True, check=False)
