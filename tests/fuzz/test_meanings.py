"""Each class says what a user notices."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from gemini_replay.fuzz.classes import CHECKS, CLASSES
from gemini_replay.fuzz.meanings import meaning

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [*CHECKS, *(one.name for one in CLASSES)])
def test_every_class_has_a_meaning(name: str) -> None:
    """In one line of `gemini_replay/fuzz/meanings.py`."""
    said = meaning(name)
    assert said is not None
    assert said.endswith(".")


def tool() -> ModuleType:
    """The program that writes the page."""
    spec = importlib.util.spec_from_file_location("fuzz_classes", ROOT / "tools" / "fuzz_classes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_classes_is_true() -> None:
    """Made anew by `python tools/fuzz_classes.py`."""
    assert (ROOT / "docs" / "fuzz-classes.md").read_text(encoding="utf-8") == tool().page()
