"""The settings of the ini file, without pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_replay.cli.ini import ini_settings, listed
from gemini_replay.errors import UsageError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\ngemini_retired_models =\n    one\n    two=2026-01-01\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\ngemini_retired_models = ["one", "two=2026-01-01"]\n'),
        ("pyproject.toml", '[tool.pytest]\ngemini_retired_models = ["one", "two=2026-01-01"]\n'),
        ("tox.ini", "[tox]\nenvlist = %py\n[pytest]\ngemini_retired_models = one\n  two=2026-01-01\n"),
        ("setup.cfg", "[tool:pytest]\ngemini_retired_models =\n    one\n\n    two=2026-01-01\n"),
    ],
)
def test_settings_are_read_where_pytest_reads_them(name: str, text: str, tmp_path: Path) -> None:
    """From folders below, too; a nearer file without such settings does not count."""
    (tmp_path / name).write_text(text)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    (below / "tox.ini").write_text("[tox]\n")
    assert listed(ini_settings(below)["gemini_retired_models"]) == ["one", "two=2026-01-01"]


@pytest.mark.parametrize(("name", "text"), [("pyproject.toml", "[tool"), ("pytest.ini", "x"), ("tox.ini", "\udcff")])
def test_a_broken_file_is_told(name: str, text: str, tmp_path: Path) -> None:
    """As a wrong usage, by its name."""
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=name):
        ini_settings(tmp_path)
