"""The documents: their Python code runs, and their links and paths exist."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from gemini_replay import errors
from gemini_replay.checks.findings import KINDS

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")), ROOT / "cassettes" / "README.md"]


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The base URL of the embedded upstream, in its own process, since a server in ours would be code under test."""
    command = [sys.executable, "-m", "gemini_replay", "upstream", "--scenario", "story", "--pace", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("listening on ").strip()
        process.terminate()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_their_python_code_runs_from_top_to_bottom(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str
) -> None:
    """It runs against the embedded upstream, in a new folder, with a false key."""
    pytest.importorskip("google.genai", reason="google-genai is not installed")
    sybil = Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", upstream)
    for example in sybil.parse(path).examples():
        example.evaluate()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_files_that_they_link_to_exist(path: Path) -> None:
    """Every link to a file leads to an existing one."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "ARCHITECTURE.md"])
def test_the_paths_that_they_name_exist(name: str) -> None:
    """Every path in backquotes that begins in the top folder exists. NAME stands for any name."""
    top = {path.name for path in ROOT.iterdir()}
    spans = re.findall(r"`([\w.][\w./-]*)`", (ROOT / name).read_text(encoding="utf-8"))
    named = {span for span in spans if span.partition("/")[0] in top and "NAME" not in span}
    assert named
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_error_has_its_section() -> None:
    """The slug at the end of a message is a heading on the page of errors."""

    def slugs(kind: type[errors.GeminiReplayError]) -> set[str]:
        return {kind.slug, *(slug for sub in kind.__subclasses__() for slug in slugs(sub))}

    headings = set(re.findall(r"^## (\S+)$", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == slugs(errors.GeminiReplayError) - {"error"}


def test_every_kind_of_finding_has_its_section() -> None:
    """The name in brackets is a heading of the page about the command check."""
    headings = set(re.findall(r"^## (\S+)$", (ROOT / "docs" / "check.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert headings == set(KINDS)


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("", {"__version__", "faults", "fuzz"}),
        (".faults", set()),
        (".fuzz", {"check_client"}),  # that of faults
    ],
)
def test_the_api_reference_has_every_public_name(module: str, left_out: set[str]) -> None:
    """Each has a heading of its own."""
    headings = re.findall(
        r"^### `(?:[\w.]+\.)?(\w+)`$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    public = set(importlib.import_module(f"gemini_replay{module}").__all__)
    assert public - left_out <= set(headings)


def test_the_api_reference_matches_the_docstrings() -> None:
    """The page is made by `python tools/api_reference.py`."""
    pytest.importorskip("griffe", reason="griffe is not installed")
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "api_reference.py", "--check"], capture_output=True, text=True
    )
    assert (made.returncode, made.stderr) == (0, "")
