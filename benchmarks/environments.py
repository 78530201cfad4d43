"""Environments for contestants that cannot share one: made when they are first asked for, below `.benchmarks/`."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

from benchmarks import machine
from benchmarks.contest import ROOT, Refused

FOLDER = ROOT / ".benchmarks"

CLIENTS = ("httpx", "httpx2", "requests", "aiohttp", "pytest", "pytest-asyncio", "google-genai")
"""What contestants use to make requests; every environment has it."""

ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "parsers": ("httpx-sse", "sseclient-py", "openai", "anthropic", "ijson", "orjson", "msgspec"),
    "pytest-recording": ("pytest-recording", "vcrpy"),
    "pytest-httpx": ("pytest-httpx", "respx", "responses"),
    "cassetter": ("cassetter",),
}
"""The peers, by the name of their environment."""


@functools.cache
def python_of(name: str) -> str:
    """The interpreter of an environment, which is made and filled the first time.

    A peer that cannot be installed is named on stderr and left out; its contestant then says what it misses.

    Raises:
        Refused: not even the clients could be installed.
    """
    folder = FOLDER / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = "\n".join([sys.version, *CLIENTS, *ENVIRONMENTS[name]])
    done = folder / "installed.txt"
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"installing {', '.join(ENVIRONMENTS[name])} below {folder}", file=sys.stderr, flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _install(python, *CLIENTS)
        for peer in ENVIRONMENTS[name]:
            try:
                _install(python, peer)
            except Refused as why:
                print(f"{peer}: {why}", file=sys.stderr, flush=True)
        done.write_text(wanted, encoding="utf-8")
    return str(python)


def versions(name: str) -> dict[str, str]:
    """Of the peers that an environment has; none if it could not be made."""
    try:
        return machine.versions(python_of(name), ENVIRONMENTS[name])
    except Refused:
        return {}


def _install(python: Path, *packages: str) -> None:
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode:
        problem = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Refused(f"not installed: {problem[-1]}")
