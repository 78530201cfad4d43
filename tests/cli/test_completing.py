"""Shell completion, asked for by real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import run

pytest.importorskip("argcomplete", reason="argcomplete is not installed")
SCRIPTS = Path(sys.executable).parent
pytestmark = pytest.mark.skipif(not (SCRIPTS / "gemini-replay").exists(), reason="the command is not installed")

BASH = """
eval "$(gemini-replay completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p gemini-replay | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function gemini-replay "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
compdef() { }
_describe() { print -rl -- ${(P)2} }
eval "$(gemini-replay completion zsh)"
BUFFER=$1 CURSOR=${#1} words=(${(z)1})
_python_argcomplete
"""
"""With its own two functions of the completion system, since there is no line editor here."""
FISH = "gemini-replay completion fish | source; complete -C $argv[1]"


def asked(*command: str) -> set[str]:
    """The words that a shell says."""
    environment = {**os.environ, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    return {word for line in done.stdout.splitlines() for word in line.replace(":", " ").split()}


def bash(line: str) -> set[str]:
    return asked("bash", "--norc", "-c", BASH, "bash", line)


def zsh(line: str) -> set[str]:
    return asked("zsh", "-f", "-c", ZSH, "zsh", line)


def fish(line: str) -> set[str]:
    return asked("fish", "--no-config", "-c", FISH, line)


@pytest.mark.parametrize("shell", [bash, zsh, fish])
def test_a_shell_completes_commands_options_and_values(
    shell: Callable[[str], set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cassettes, folders and names, each where it can stand."""
    if shutil.which(shell.__name__) is None:
        pytest.skip(f"there is no {shell.__name__}")
    monkeypatch.chdir(tmp_path)
    for name in ("story.jsonl", "stone.jsonl", "stop.txt"):
        Path(name).touch()
    assert {"record", "report", "retime"} <= shell("gemini-replay re")
    assert "--max-age" in shell("gemini-replay check --m")
    found = shell("gemini-replay show sto")
    assert {"story.jsonl", "stone.jsonl"} <= found
    assert "stop.txt" not in found
    assert {"retired-model", "rhythm"} <= shell("gemini-replay explain r")
    assert {"story", "stall"} <= shell("gemini-replay upstream --scenario st")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_without_the_library_the_error_says_how_to_get_it(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is printed that a shell would run."""
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    done = run("completion", shell)
    assert (done.status, done.out) == (1, "")
    assert "pip install 'gemini-replay[completion]'" in done.err


def test_a_shell_that_asks_without_the_library_runs_nothing(tmp_path: Path) -> None:
    """The command that is being typed is not carried out."""
    script = "import sys; sys.modules['argcomplete'] = None; from gemini_replay.cli import main; sys.exit(main())"
    environment = {**os.environ, "_ARGCOMPLETE": "1", "COMP_LINE": "gemini-replay demo --keep x.jsonl"}
    command = [sys.executable, "-c", script, "explain", "miss"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
