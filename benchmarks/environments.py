"""Environments for contestants that cannot share one, made below `.benchmarks/` when they are first needed."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import machine
from benchmarks.contest import ROOT, Refused

FOLDER = ROOT / ".benchmarks"

CLIENTS = ("httpx", "httpx2", "requests", "aiohttp", "pytest", "pytest-asyncio", "google-genai")
"""The clients with which contestants make requests; every environment has them."""

ENVIRONMENTS: dict[str, tuple[str, ...]] = {
    "parsers": ("httpx-sse", "sseclient-py", "openai", "anthropic", "ijson", "orjson", "msgspec"),
    "pytest-recording": ("pytest-recording", "vcrpy"),
    "pytest-httpx": ("pytest-httpx", "respx", "responses"),
    "cassetter": ("cassetter",),
    "recorders": ("agent-replay-py", "llm-tape", "pytest-llm-vcr", "promptecho"),
    "aimock": (),
}
"""The peers, by the name of their environment."""

NODE = {"aimock": ("@copilotkit/aimock",)}
"""Node packages that are installed in the environment's folder."""


@functools.cache
def python_of(name: str) -> str:
    """The interpreter of an environment, which is made and filled the first time.

    A peer that cannot be installed is named on stderr and left out; its contestant then says what it misses.

    Raises:
        Refused: not even the clients could be installed.
    """
    folder = FOLDER / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    peers = [*ENVIRONMENTS[name], *NODE.get(name, ())]
    wanted = "\n".join([sys.version, *CLIENTS, *peers])
    done = folder / "installed.txt"
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"installing {', '.join(peers)} below {folder}", file=sys.stderr, flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _install(python, *CLIENTS)
        for peer in peers:
            try:
                _install_node(folder, peer) if peer in NODE.get(name, ()) else _install(python, peer)
            except Refused as why:
                print(f"{peer}: {why}", file=sys.stderr, flush=True)
        done.write_text(wanted, encoding="utf-8")
    return str(python)


def versions(name: str) -> dict[str, str]:
    """Of the peers that an environment has; none if it could not be made."""
    try:
        found = machine.versions(python_of(name), ENVIRONMENTS[name])
    except Refused:
        return {}
    for package in NODE.get(name, ()):
        described = FOLDER / name / "node_modules" / package / "package.json"
        if described.exists():
            found[package] = json.loads(described.read_text(encoding="utf-8"))["version"]
    return found


def _install(python: Path, *packages: str) -> None:
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


def _install_node(folder: Path, package: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise Refused("not installed: npm is not there")
    _run(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), package)


def _run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    if done.returncode:
        problem = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise Refused(f"not installed: {problem[-1]}")
