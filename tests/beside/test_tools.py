"""Each other tool is tried in a project of its own: recorded beside the tool, then replayed without the server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from beside.page import PAGE, page, python_of
from beside.tools import TOOLS, Tool
from support.streams import events

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

PROGRAMS = Path(__file__).parent / "programs"
CHUNKS, GAP_S = 4, 0.05
INI = """
[pytest]
pythonpath = .
gemini_speed = instant
asyncio_default_fixture_loop_scope = function
"""
MISS = "No recording answers POST gemini-2.5-flash:streamGenerateContent"


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(Scenario.from_chunks(events(CHUNKS), gaps=[GAP_S] * CHUNKS)) as running:
        yield running


def ran(tool: Tool, project: Path, *options: str) -> tuple[dict[str, set[str]], str]:
    """Run the tests of a project. Returns the outcome of each test by its name, and the output."""
    left_out = ("API_KEY", "CI", "PYTEST", "COVERAGE", "BASE_URL")
    environment = {name: value for name, value in os.environ.items() if not any(part in name for part in left_out)}
    command = [python_of(tool.environment), "-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *tool.everywhere, *options, f"with_{tool.program}.py"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    outcomes: dict[str, set[str]] = defaultdict(set)
    for outcome, name in re.findall(
        r"^(?:\[.*\] )?(PASSED|FAILED|ERROR|SUBFAIL) \S+::(\w+)", done.stdout, re.MULTILINE
    ):
        outcomes[name].add(outcome)
    assert outcomes, done.stdout + done.stderr
    return outcomes, done.stdout


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_recording_and_replaying_beside_the_tool(
    tool: Tool, tmp_path: Path, server: upstream.RunningUpstream
) -> None:
    """Tests pass in both runs. Tests named so miss, or fail with a line that says what to do."""
    if not python_of(tool.environment).exists():
        pytest.skip(f"there is no environment {tool.environment}: python tests/sdk/environments.py")
    for name in ("asking.py", f"with_{tool.program}.py"):
        shutil.copy(PROGRAMS / name, tmp_path)
    (tmp_path / "pytest.ini").write_text(INI)

    recorded, told = ran(
        tool, tmp_path, "--gemini-record=once", f"--gemini-upstream={server.url}", "-k", "not miss and not told"
    )
    assert server.app.requests, told
    server.stop()
    assert {name for name, outcomes in recorded.items() if outcomes != {"PASSED"}} == {
        name for name in recorded if "refused_to_record" in name
    }, told

    replayed, printed = ran(tool, tmp_path, *tool.options, "-k", "not refused_to_record")
    assert {name for name, outcomes in replayed.items() if outcomes != {"PASSED"}} == {
        name for name in replayed if "miss" in name or "told" in name
    }, printed
    assert any("miss" in name for name in replayed)
    assert MISS in printed
    for line in tool.told:
        assert line in told + printed


def test_the_page_matches_the_declarations() -> None:
    """Each row matches, whatever versions were tried."""
    written = PAGE.read_text(encoding="utf-8")
    versions: dict[str, dict[str, str]] = defaultdict(dict)
    for tool, row in zip(TOOLS, re.findall(r"^\| (?!tool |-).*\|$", written, re.MULTILINE), strict=True):
        cells = row.split("|")[2].strip().split(", ")
        versions[tool.environment] |= {
            name: cell.removeprefix(f"{name} ") for name, cell in zip(tool.packages, cells, strict=True)
        }
    assert written == page(versions)


def test_each_program_belongs_to_a_tool() -> None:
    """No program is forgotten in `tools`."""
    assert {path.stem for path in PROGRAMS.glob("with_*.py")} == {f"with_{tool.program}" for tool in TOOLS}
