"""The page about google-genai under faults shows what the SDK really does."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "google-genai-faults.md").read_text(encoding="utf-8")

pytest.importorskip("google.genai", reason="google-genai is not installed")
pytest.importorskip("aiohttp", reason="aiohttp is not installed")

# The SDK derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("google_genai_faults", ROOT / "tools" / "google_genai_faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_GENAI_HTTP_CLIENT", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def rows() -> dict[tuple[str, str], list[str]]:
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found[cells[0].strip("`"), cells[1].replace("–", "")] = cells[2:]
    return found


def test_the_page_matches_the_sdk(tool: ModuleType) -> None:
    """It is checked with one cassette, at a few places of each kind of fault."""
    table = tool.measure(most=2, paths=[ROOT / "cassettes" / "story.jsonl"])
    page = rows()
    assert len(table) >= 25
    for (kind, where), row in table.items():
        for way, cell in zip(tool.PATHS, page[kind, where], strict=True):
            known = {re.sub(r" ×\d+$", "", word) for word in cell.split(", ")}
            assert set(row[way]) <= known, (kind, where, way)


def test_the_page_names_every_suitable_cassette(tool: ModuleType) -> None:
    """No cassette that can be swept is left out."""
    for path in tool.cassettes():
        assert path.stem in PAGE


def test_a_cell_has_counts_only_if_results_differ(tool: ModuleType) -> None:
    """The most frequent result comes first."""
    assert tool._cell(Counter({"whole": 3})) == "whole"
    assert tool._cell(Counter({"whole": 1, "`X`": 3})) == "`X` ×3, whole ×1"
