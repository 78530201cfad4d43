"""The cost of a start: of a test run with the plug-in, and of the command line.

Each run is a process of its own. The test run has one test, which does nothing; plug-ins that are merely installed
are switched off.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.contest import ROOT
from benchmarks.harness import Benchmark, Contestant, Reading, Run, Setting, at_most
from benchmarks.story import Story

PLUGINS = {
    "bare pytest": [],
    "gemini-replay": ["-p", "gemini_replay.pytest_plugin"],
    "pytest-recording": ["-p", "pytest_recording.plugin"],
    "respx": ["-p", "respx.plugin"],
    "pytest-httpx": ["-p", "pytest_httpx"],
}
ENVIRONMENT = {"pytest-httpx": "pytest-httpx"}
"""Plug-ins that the present environment does not have."""

TEST = """
import sys

def test_nothing():
    print(f"modules: {len(sys.modules)}")
"""


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """The plug-in, then the commands."""

    def test_runs(run: Callable[[Sequence[str]], object]) -> list[Contestant]:
        test = setting.file("test_nothing.py", lambda path: path.write_text(TEST, encoding="utf-8"))
        common = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "--rootdir", str(test.parent)]
        return [
            Contestant(name, _prepared(run, [*common, *options, str(test)]), environment=ENVIRONMENT.get(name, ""))
            for name, options in PLUGINS.items()
        ]

    yield Benchmark(
        "A run of one test",
        "ms",
        test_runs(_tested),
        floor="bare pytest",
        rounds=21,
        limit="The modules that a plug-in loads before the first test, and the hooks that it answers.",
    )
    yield Benchmark(
        "Modules loaded in a run of one test",
        "modules",
        test_runs(_counted),
        floor="bare pytest",
        measures="reading",
        rounds=1,
    )
    yield Benchmark(
        "The command line",
        "ms",
        [
            Contestant("python -c pass", _prepared(_printed, [sys.executable, "-c", "pass"]), expected=False),
            Contestant("gemini-replay --help", _prepared(_printed, _command("--help"))),
            Contestant("gemini-replay show", lambda: _shown(setting), targets=[at_most(150)]),
        ],
        floor="python -c pass",
        expected=True,
        rounds=21,
        limit="The interpreter's own start, and what a command imports to parse and to print.",
    )


def _prepared(run: Callable[[Sequence[str]], object], command: Sequence[str]) -> Callable[[], Run]:
    return lambda: lambda: run(command)


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gemini_replay", *map(str, arguments)]


def _shown(setting: Setting) -> Run:
    path = setting.file("story.jsonl", Story(60, 0.1, 0.4).save)
    return lambda: _printed(_command("show", path))


def _output(command: Sequence[str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


def _printed(command: Sequence[str]) -> bool:
    """Whether it printed anything."""
    return bool(_output(command).strip())


def _tested(command: Sequence[str]) -> bool:
    """Whether its test passed."""
    return "1 passed" in _output(command)


def _counted(command: Sequence[str]) -> Reading:
    output = _output(command)
    return Reading("1 passed" in output, int(output.partition("modules: ")[2].split()[0]))
