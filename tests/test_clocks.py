"""The real clocks stay real in frozen tests and with green threads, and every module uses them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from support.cassettes import recorded
from support.clients import ASK
from support.rhythms import rhythm
from support.streams import GOOGLE

import gemini_replay

PACKAGE = Path(gemini_replay.__file__).parent


def run(code: str, *args: object) -> str:
    """The output of code in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_clocks_are_real_even_if_imported_in_a_frozen_test() -> None:
    """Modules of this package are imported when they are first used, which may be in a frozen test."""
    out = run(
        "import time, freezegun\n"
        "real = (time.perf_counter, time.monotonic, time.time)\n"
        "with freezegun.freeze_time('1999-12-31'):\n"
        "    from gemini_replay import clocks\n"
        "    before = [clock() for clock in real[:2]]\n"
        "    ours = [clocks.now(), clocks.monotonic()]\n"
        "    after = [clock() for clock in real[:2]]\n"
        "    assert all(a - 1e-3 <= b <= c + 1e-3 for a, b, c in zip(before, ours, after)), (before, ours, after)\n"
        "    assert not clocks.timestamp().startswith('1999')\n"
        "    print('real')\n"
    )
    assert out == "real\n"


def test_freezegun_loads_nothing_heavy() -> None:
    """It reads every name of every module, and reading a name of our package imports it."""
    out = run(
        "import sys, freezegun, gemini_replay.pytest_plugin\n"
        "for _ in range(2):\n"
        "    with freezegun.freeze_time('2026-01-01'):\n"
        "        import gemini_replay.fuzz\n"
        "heavy = {'httpx', 'hypothesis', 'aiohttp', 'requests', 'anyio', 'trio', 'uvicorn', 'rich'}\n"
        "print(*sorted(heavy & set(sys.modules)))\n"
    )
    assert out == "\n"


GREEN = """
import sys, warnings
warnings.simplefilter("ignore")  # gevent tells of what it finds imported
order, patch, path = sys.argv[1:]
from gevent import monkey
if order == "before": getattr(monkey, patch)()
import gevent, requests, time, gemini_replay
from gemini_replay.clocks import now
with gemini_replay.replay(path):
    if order == "after": getattr(monkey, patch)()
    turns = []
    def spin():
        while True:
            turns.append(now())
            gevent.sleep(0.01)
    spinning = gevent.spawn(spin)
    def ask():
        body = requests.post({url!r}, json={ask!r}).content
        return body.count(b"data: ")
    began = now()
    jobs = [gevent.spawn(ask) for _ in range(3)]
    gevent.joinall(jobs)
    took = now() - began
    spinning.kill()
print([job.value for job in jobs], took < 2.7, len(turns) > 20)
"""


@pytest.mark.parametrize("patch", ["patch_all", "patch_socket", "patch_time"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_other_greenlets_run_while_one_waits(order: str, patch: str, tmp_path: Path) -> None:
    """Three concurrent requests of 0.95 s overlap, whether gevent is imported before this package or after it."""
    path = recorded(tmp_path / "c.jsonl", *[rhythm([0.3] * 3, first=0.05)] * 3)
    code = GREEN.replace("{url!r}", repr(GOOGLE)).replace("{ask!r}", repr(ASK))
    assert (
        run(f"import warnings; warnings.simplefilter('ignore')\n{code}", order, patch, path)
        == "[3, 3, 3] True True\n"
    )


CLOCKS = {"clocks.py", "virtual_clock/functions.py", "fuzz/serve.py"}
"""Files that may use clocks: the real clocks, the code that replaces them, and one that cannot import the package."""

SLEEPS = {("asyncio", "sleep"), ("anyio", "sleep"), ("trio", "sleep"), ("trio", "sleep_until"), ("datetime", "now")}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_module_reads_a_clock_or_sleeps(path: Path) -> None:
    """Every other module uses `clocks` or `loops` instead."""
    if str(path.relative_to(PACKAGE)) in CLOCKS:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert "time" not in {alias.name for alias in node.names}, f"line {node.lineno}"
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module != "time", f"line {node.lineno}"
        elif isinstance(node, ast.Attribute):
            value = node.value
            owner = (
                value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
            )
            assert (owner, node.attr) not in SLEEPS, f"line {node.lineno}"
