"""Servers as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def listening(*arguments: str | Path, cwd: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``gemini-replay`` with these arguments; yields the process and the URL that it announces.

    The process is killed at the end, whatever happened.
    """
    with announced([sys.executable, "-m", "gemini_replay", *arguments], cwd=cwd) as running:
        yield running


@contextmanager
def announced(
    command: Sequence[str | Path], *, cwd: Path | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """As `listening`, for another command that announces its URL in the same way."""
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, cwd=cwd, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:"), line
            yield process, line.removeprefix("listening on ").removesuffix("\n")
        finally:
            process.kill()


TESTS = Path(__file__).parent.parent


def python(code: str, *arguments: str | Path, cwd: Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own, which can import `support`.

    Args:
        code: the program; the arguments are in ``sys.argv[1:]``.
        arguments: of the program.
        cwd: its folder.
        seconds: how long it may take.
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)])}
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds)


def run_pytest(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest in an interpreter of its own, with no other plugin than ours: loading all of them takes seconds.

    Args:
        arguments: of pytest.
        cwd: the folder with the tests.
    """
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    options = ["-q", "-p", "gemini_replay", "-p", "no:cacheprovider"]
    command = [sys.executable, "-B", "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
