"""The hook of `.pre-commit-hooks.yaml`, run by pre-commit itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
PROGRAM = ROOT / ".sdk" / "pre_commit" / "bin" / "pre-commit"
EVENT = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}\n\n'

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def pre_commit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """One of its commands, in the present folder."""
    if not PROGRAM.exists():
        pytest.skip("there is no environment for pre-commit: python tests/sdk/environments.py")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PRE_COMMIT_HOME": str(Path.cwd() / ".git" / "pre-commit")}
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment)


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The hook, in a repository that uses it with the package that is installed here."""
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    (found,) = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    hook: dict[str, Any] = {**found, "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [hook]}]}
    Path(".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    return hook


def test_the_manifest_is_valid(hook: dict[str, Any]) -> None:
    """By pre-commit's own schema."""
    done = pre_commit("validate-manifest", MANIFEST)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_hook_checks_changed_cassettes_only(hook: dict[str, Any]) -> None:
    """Other .jsonl files pass, and files that are not in the commit are not looked at."""
    recorded(Path("good.jsonl"), [EVENT])
    Path("data.jsonl").write_text('{"text": "a row"}\n')
    subprocess.run(["git", "add", "."], check=True)
    recorded(Path("untracked.jsonl"), streaming(b"nonsense\n"))
    done = pre_commit("run", hook["id"])
    assert done.returncode == 0, done.stdout
    assert "Passed" in done.stdout

    recorded(Path("bad.jsonl"), [b'data: {"a": 1}\ndata: {"b": 2}\n'])
    subprocess.run(["git", "add", "bad.jsonl"], check=True)
    done = pre_commit("run", hook["id"])
    assert done.returncode == 1
    assert "bad.jsonl:2: nothing can be read in the body" in done.stdout
    assert "2 checked, 1 with errors; other files, left out: 1" in done.stdout
