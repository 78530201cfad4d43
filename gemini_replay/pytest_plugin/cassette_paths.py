"""Where a test's cassette is, and how the test is called in files and messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..errors import UsageError
from ..naming import file_name, fold, folder_names, hold_no_secret, name_without_secrets

if TYPE_CHECKING:
    from ..cassette.redaction import Redactor

_OTHER_FORMATS = frozenset({".yaml", ".yml", ".json"})
_LONGEST = 200
"""Bytes of a cassette's file name in UTF-8; a recording needs a few more for the names of its own files."""


def test_id(item: pytest.Item, redactor: Redactor, names: Sequence[str]) -> str:
    """The test's id without secrets. The `names` of its cassettes are searched together with it.

    Tests that differ in secret parameters only are told apart by the places of their parameters in `parametrize`:
    a digest of the secret could be used to test guesses of it.
    """
    shown = item.nodeid
    callspec = getattr(item, "callspec", None)
    texts = []
    if callspec is not None:
        for value in [*getattr(callspec, "_idlist", ()), *callspec.params.values()]:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str) and text in shown:
                texts.append(text)
    if hold_no_secret([*texts, shown, *names], redactor):
        return shown
    for text in texts:
        if text in shown and (safe := name_without_secrets(text, redactor)) != text:
            shown = shown.replace(text, safe)
    shown = name_without_secrets(shown, redactor)
    if shown != item.nodeid and callspec is not None and shown.endswith("]"):
        places = "-".join(str(index) for index in callspec.indices.values())
        shown = f"{shown[:-1]}#{places}]"
    return shown


def default_path(folder: Path, item: pytest.Item, test: str, redactor: Redactor, *, root: Path) -> Path:
    """``MODULE/TEST.jsonl`` in the cassette folder, where MODULE is the module's path below `root`."""
    parts = _below(root, item.path.with_suffix("") if item.path.suffix == ".py" else item.path)
    inner = test.partition("::")[2] or item.name
    folders = folder_names([name_without_secrets(part, redactor) for part in parts])
    return folder.joinpath(*folders, file_name(inner, twin=_has_twin(item)) + ".jsonl")


def _below(root: Path, path: Path) -> tuple[str, ...]:
    """The parts of a path from the root directory; the first is ``..`` where the path is outside."""
    with suppress(ValueError):
        return path.relative_to(root).parts
    real = Path(os.path.realpath(path))
    try:
        return Path(os.path.relpath(real, os.path.realpath(root))).parts
    except ValueError:  # on another drive
        return ("..", *real.parts)


def _has_twin(item: pytest.Item) -> bool:
    """Whether the name of one of the test's classes differs from that of a neighbour in capitals only."""
    for node in item.listchain():
        if isinstance(node, pytest.Class):
            names = dir(getattr(node.parent, "obj", None))
            if any(fold(name) == fold(node.name) and name != node.name for name in names):
                return True
    return False


def named_path(folder: Path, name: str, redactor: Redactor) -> Path:
    """The cassette that a marker names, in the cassette folder.

    Raises:
        UsageError: no file can have the name, it leads out of the folder, or it holds a secret.
    """
    wrong = _wrong_with(name, redactor)
    path = folder / (name if name.endswith(".jsonl") else f"{name}.jsonl")
    if not wrong and os.path.isdir(path):
        wrong = f"there is a folder at {path}"
    if wrong:
        raise UsageError(
            f"The cassette name {name_without_secrets(name, redactor)[:100]!a} cannot be used: {wrong}.",
            hint='Give a name in the cassette folder, such as "story" or "chat/story". '
            "The setting cassette_dir gives the folder.",
        )
    return path


def _wrong_with(name: str, redactor: Redactor) -> str:
    path = Path(name)
    if name_without_secrets(name, redactor) != name:
        return "it holds a secret"
    if any(ord(character) < 32 or 0xD800 <= ord(character) < 0xE000 for character in name):
        return "it holds a character that no file name can have"
    if path.is_absolute() or path.drive or path.root or ".." in path.parts:
        return "it leads out of the cassette folder"
    if not path.name or name.endswith(("/", os.sep)):
        return "it names a folder"
    if any(len(part.encode()) + len(".jsonl") > _LONGEST for part in path.parts):
        return f"it is longer than {_LONGEST} bytes"
    if path.suffix.lower() in _OTHER_FORMATS:
        return (
            f"a name ends in .jsonl or has no suffix, not {path.suffix} (a cassette of VCR.py is converted with: "
            "gemini-replay convert)"
        )
    return ""


def check_inside(folder: Path, path: Path) -> None:
    """Refuse to record through a symbolic link that leads out of the cassette folder.

    Raises:
        UsageError: it does.
    """
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise UsageError(
            f"The cassette {path} is really {real}, which is outside the cassette folder.",
            hint="Remove the symbolic link, or set cassette_dir to the folder that is meant.",
        )
