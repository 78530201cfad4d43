"""A bug in pytest's output: first what to look at, and no frame of the kit."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.processes import run_pytest

THEIRS = """
import json
from gemini_replay import fuzz

def silent(chunks):
    for line in b"".join(chunks).split(b"\\r\\n"):
        if line.startswith(b"data: "):
            yield json.loads(line[6:])

def loud(chunks):
    for line in b"".join(chunks).split(b"\\r\\n"):
        if line:
            yield json.loads(line[6:])

def test_directly():
    fuzz.check_parser(silent, classes=["raw-error"])

def test_fixture(check_gemini_parser):
    check_gemini_parser(loud, classes=["raw-error"])

@fuzz.cases("gemini")
def test_cases(case):
    if case.name == "raw-error-1-whole":
        case.check(loud)

def test_stream():
    fuzz.check_stream(silent, [b'data: {"a": 1}\\r\\n\\r\\n'], one_of=[[]])
"""


@pytest.mark.parametrize("test", ["test_directly", "test_fixture", "test_cases", "test_stream"])
def test_the_bug_comes_first(test: str, tmp_path: Path) -> None:
    """After the line of the user's own code: what happens, the class, what it means and the chunks."""
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    run = run_pytest("-k", test, "test_theirs.py", cwd=tmp_path)
    lines = run.stdout.partition("= FAILURES =")[2].splitlines()
    assert "gemini_replay/fuzz" not in run.stdout
    said = [line.removeprefix("E   ") for line in lines if line.startswith("E   ")]
    assert lines.index(f"E   {said[0]}") <= 4
    assert said[0].startswith("gemini_replay.errors.ParserBug: test_theirs:")
    if test != "test_stream":
        assert said[1].startswith("class:    raw-error: ")
        assert said[2].startswith("means:    Google reports an overload")
        said = said[2:]
    assert said[1] == "chunks:"


@pytest.mark.parametrize("test", ["test_directly", "test_stream"])
def test_without_the_plugin_the_kits_frames_are_hidden_as_well(test: str, tmp_path: Path) -> None:
    """Only pytest itself is needed."""
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    run = run_pytest("-p", "no:gemini_replay", "-k", test, "test_theirs.py", cwd=tmp_path)
    assert "ParserBug: test_theirs:" in run.stdout
    assert "gemini_replay/fuzz" not in run.stdout
