"""Peers are installed once. If one cannot be installed, the others are still measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.contest import Refused


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, ...]]]:
    """Collects commands instead of running them; installing a package named "missing" fails."""
    ran: list[tuple[str, ...]] = []

    def run(*command: str) -> None:
        ran.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir(parents=True, exist_ok=True)
        if command[-1] == "missing":
            raise Refused("not installed: no such package")

    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"peers": ("one", "missing", "two")})
    monkeypatch.setattr(environments, "_run", run)
    environments.python_of.cache_clear()
    yield ran
    environments.python_of.cache_clear()


def test_a_peer_that_cannot_be_installed_is_named_and_left_out(
    commands: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    """All others are installed."""
    environments.python_of("peers")
    assert [command[-1] for command in commands[2:]] == ["one", "missing", "two"]
    assert "missing: not installed: no such package" in capsys.readouterr().err


def test_an_environment_is_made_once(commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Other runs use it too, until its list of packages changes."""
    environments.python_of("peers")
    made = len(commands)
    environments.python_of.cache_clear()
    environments.python_of("peers")
    assert len(commands) == made
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"peers": ("one", "three")})
    environments.python_of.cache_clear()
    environments.python_of("peers")
    assert [command[-1] for command in commands[made + 2 :]] == ["one", "three"]
