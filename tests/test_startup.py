"""The modules that the plug-in and the commands load at the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

PYTEST = """
import importlib, json, sys
import pytest

calls = 0

def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")

folder, *names = sys.argv[1:]
before = set(sys.modules)
sys.setprofile(count)
plugins = [importlib.import_module(name) for name in names]
status = pytest.main(["-q", "-p", "no:cacheprovider", folder], plugins=plugins)
sys.setprofile(None)
assert status == 0, status
print(json.dumps([len(set(sys.modules) - before), calls]))
"""
COMMAND = """
import contextlib, io, json, sys

before = set(sys.modules)
from gemini_replay.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(json.dumps(sorted(set(sys.modules) - before)))
"""

RICH = """
import json, sys

before = set(sys.modules)
import rich.console
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def last_line(script: str, *arguments: str | Path, environment: Mapping[str, str] = os.environ) -> list[object]:
    """The last line that a script prints in a process of its own."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=60)
    found: list[object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_plugin_costs_a_run_that_does_not_use_it_little(tmp_path: Path) -> None:
    """For one test that passes, the plug-in adds few modules and function calls to pytest's own."""
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # else pytest would look at the folders above
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # calls of coverage's own would count, too

    def cost(*plugins: str) -> tuple[int, int]:
        modules, calls = last_line(PYTEST, tmp_path, *plugins, environment=environment)
        assert isinstance(modules, int)
        assert isinstance(calls, int)
        return modules, calls

    cost("gemini_replay.pytest_plugin")  # the first run writes byte code
    (modules, calls), bare = cost("gemini_replay.pytest_plugin"), cost()
    assert modules - bare[0] <= 12
    assert calls - bare[1] <= 10_000  # pytest itself makes 104,000


@pytest.mark.parametrize(
    ("command", "most"),
    [
        pytest.param(["--help"], 75, id="help"),
        pytest.param(["show", "cassettes/afc.jsonl"], 119, id="show"),
        pytest.param(["diff", "cassettes/afc.jsonl", "cassettes/story.jsonl"], 150, id="diff"),
    ],
)
def test_a_command_loads_only_what_it_needs(command: list[str], most: int) -> None:
    """To look at a file, a command loads no session, network or event loop. Modules that rich loads do not count."""
    loaded = set(last_line(COMMAND, *command))
    assert not {"asyncio", "ssl", "email.utils", "gemini_replay.session", "gemini_replay.engine"} & loaded
    assert len(loaded - set(last_line(RICH) if "rich" in loaded else ())) <= most
