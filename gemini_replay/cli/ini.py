"""The settings of the ini file, for commands that run without pytest."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UsageError

_FILES = (
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", "tool.pytest.ini_options"),
    ("pyproject.toml", "tool.pytest"),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
"""Where pytest reads its settings, in its order: the files of a folder, and the section of each."""


def ini_settings(folder: Path) -> Mapping[str, Any]:
    """The settings that pytest would find from this folder: those of the nearest file that has any, upwards.

    Raises:
        UsageError: such a file cannot be read.
    """
    for place in (folder, *folder.parents):
        for name, section in _FILES:
            path = place / name
            if path.is_file() and (found := _section(path, section)) is not None:
                return found
    return {}


def listed(value: Any) -> list[str]:
    """The lines of a setting that has one value a line."""
    lines = value.splitlines() if isinstance(value, str) else value
    return [line.strip() for line in lines if line.strip()]


def _section(path: Path, section: str) -> Mapping[str, Any] | None:
    """One section of a file; None if the file does not have it."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            found: Any = tomllib.loads(text)
            for name in section.split("."):
                found = found.get(name) if isinstance(found, dict) else None
            return found if isinstance(found, dict) else None
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
    except (OSError, ValueError, configparser.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="Correct it, or run in another folder.") from None
    return parser[section] if parser.has_section(section) else None
