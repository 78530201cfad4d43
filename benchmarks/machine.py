"""What figures depend on: the machine, its load, and the versions used."""

from __future__ import annotations

import compileall
import contextlib
import datetime
import json
import os
import platform
import site
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.contest import ROOT

LOOPS = 300
"""How often the fixed loop is timed."""
BUSY = 0.3
"""The number of running processes for each core above which other work distorts the figures."""

_VERSIONS = """
import importlib.metadata, json
print(json.dumps({one.metadata["Name"]: one.version for one in importlib.metadata.distributions()}))
"""


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Processes that ran or waited for a core, over the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def busy() -> str:
    """A warning if other work uses the cores, or else ""."""
    now = load()
    if now is None or now <= BUSY * cores():
        return ""
    return f"The machine is busy: load average {now:.2f} on {cores()} cores. These are not figures to publish."


def loop() -> str:
    """The quartiles of how long a fixed loop takes."""
    milliseconds = []
    for _ in range(LOOPS):
        began = time.perf_counter()
        for _ in range(100_000):
            pass
        milliseconds.append((time.perf_counter() - began) * 1000)
    low, _, high = statistics.quantiles(milliseconds, n=4)
    return f"{low:.1f} … {high:.1f} ms"


def about() -> dict[str, str]:
    """The day, the machine, the interpreter, the load and the speed at this moment."""
    now = load()
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{cores()} cores ({_processor()}), {platform.system()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": "" if now is None else f"{now:.2f}",
        "loop": loop(),
        "warning": busy(),
    }


def versions(python: str, names: Iterable[str]) -> dict[str, str]:
    """The versions of those of these packages that an interpreter has."""
    found: dict[str, str] = json.loads(subprocess.run([python, "-c", _VERSIONS], capture_output=True).stdout)
    there = {_normal(name): version for name, version in found.items()}
    return {name: there[_normal(name)] for name in names if _normal(name) in there}


def compile_all() -> None:
    """Compile the package, the benchmarks and the packages of this environment, as pip does for the others."""
    own = (str(ROOT / folder) for folder in ("gemini_replay", "benchmarks", "tests/support"))
    for folder in (*own, *site.getsitepackages()):
        compileall.compile_dir(folder, quiet=2)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or sys.platform
