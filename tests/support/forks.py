"""Programs that fork. Each runs in a process of its own, because the process of the tests has threads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that has imported all of ``support.sessions``; its `path` is the cassette's."""
    script = (
        "import os, sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[1])\n"
        f"from support.sessions import *\npath = Path({str(path)!r})\n{code}"
    )
    tests = str(Path(__file__).parents[1])
    return subprocess.run([sys.executable, "-c", script, tests], capture_output=True, text=True, check=False)
