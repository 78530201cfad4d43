"""The recipes in docs/pytest.md for unittest, doctests and subprocesses run exactly as printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.streams import GOOGLE

from gemini_replay import Cassette
from gemini_replay.naming import file_name

PAGE = Path(__file__).parents[2] / "docs" / "pytest.md"
STORIES = f"""
import os, httpx
from gemini_replay import parse_stream

def tell(prompt="Tell me a story."):
    url = {GOOGLE!r}.replace("https://generativelanguage.googleapis.com", os.environ.get(
        "GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com").rstrip("/"))
    body = {{"contents": [{{"parts": [{{"text": prompt}}], "role": "user"}}]}}
    with httpx.stream("POST", url, json=body) as response:
        return "".join(event.text for event in parse_stream(response.iter_bytes()))

if __name__ == "__main__":
    print(tell())
"""


def recipes(heading: str, language: str) -> list[str]:
    """The code blocks in a section of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found
    return found


@pytest.fixture(autouse=True)
def stories(project: pytest.Pytester) -> Path:
    """A module that asks for a story, also as a script, and the folder of its cassettes."""
    project.makepyfile(stories=STORIES, story=STORIES)
    return project.mkdir("cassettes")


def recorded(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Cassette.from_text("Once upon a time there was a test.", prompt="Tell me a story.").save(path)


def test_the_class_fixture_of_unittest(project: pytest.Pytester, stories: Path) -> None:
    """`setUpClass` is answered from its class's cassette. Plain functions of the module need none."""
    (fixture,) = recipes("unittest", "python")
    case = """
import unittest
from stories import tell

class TestStory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.story = tell()

    def test_it(self):
        self.assertTrue(self.story.startswith("Once upon a time"))

def test_plain(): ...
"""
    recorded(stories / "prepared-TestStory.jsonl")
    project.makepyfile(test_it=fixture + case)
    project.runpytest("--gemini-speed=virtual").assert_outcomes(passed=2)


@pytest.mark.parametrize("place", ["text file", "docstring"])
def test_the_doctest(project: pytest.Pytester, stories: Path, place: str) -> None:
    """The doctest may be in a text file or in a module's docstring."""
    (doctest,) = recipes("Doctests and subprocesses", "pycon")
    if place == "text file":
        project.makefile(".txt", test_guide=doctest)
        recorded(stories / f"test_guide.txt/{file_name('test_guide.txt')}.jsonl")
    else:
        project.makepyfile(guide=f'"""A guide.\n\n{doctest}"""\n')
        recorded(stories / f"guide/{file_name('guide')}.jsonl")
    option = "--doctest-glob=*.txt" if place == "text file" else "--doctest-modules"
    result = project.runpytest("--gemini-speed=virtual", option)
    result.assert_outcomes(passed=1)


def test_the_subprocess(project: pytest.Pytester, stories: Path) -> None:
    """A script finds the server in its environment."""
    (test,) = recipes("Doctests and subprocesses", "python")
    recorded(stories / "test_it/test_script.jsonl")
    project.makepyfile(test_it=test)
    project.runpytest("--gemini-speed=instant").assert_outcomes(passed=1)
