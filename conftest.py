"""Shared by all tests: profiles for Hypothesis, the corpus, and code in the documents."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_plugins = ["pytester"]

settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

CORPUS = os.environ.get("GEMINI_REPLAY_CORPUS")


def corpus_entries() -> list[Any]:
    """One pytest param per body of the corpus; a single skipped one where there is no corpus."""
    if not CORPUS:
        skipped = pytest.mark.skip(reason="GEMINI_REPLAY_CORPUS is not set")
        return [pytest.param(None, marks=skipped, id="corpus")]
    folder = Path(CORPUS)
    index = json.loads((folder / "INDEX.json").read_text(encoding="utf-8"))
    return [
        pytest.param({**entry, "body": (folder / "bodies" / f"{entry['name']}.body").read_bytes()}, id=entry["name"])
        for entry in index
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `corpus_entry` runs once for every body."""
    if "corpus_entry" in metafunc.fixturenames:
        metafunc.parametrize("corpus_entry", corpus_entries())


@pytest.fixture
def documented(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the code in the documents needs: a key, a server that answers, and a folder that its examples share."""
    from gemini_replay.server import upstream

    folder = tmp_path_factory.getbasetemp() / "documents"
    folder.mkdir(exist_ok=True)
    with upstream.start("story", pace=0) as server:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        yield


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()], patterns=["README.md", "docs/*.md"], fixtures=["documented"]
).pytest()
