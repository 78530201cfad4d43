"""`unittest.TestCase` needs only the marker. `setUpClass` gets a cassette from a fixture of the module."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import asked, cassettes

Run = Callable[..., pytest.RunResult]

TESTS = """
import unittest
import httpx, pytest
from asking import URL, ask

@pytest.mark.gemini_cassette("of the class")
class TestOfTheClass(unittest.TestCase):
    def setUp(self):
        self.chunks = ask("set up")

    def test_it(self):
        self.assertEqual(len(self.chunks), 3)
        self.assertEqual(len(ask("test")), 3)

    def tearDown(self):
        ask("tear down")

class TestOfMethods(unittest.TestCase):
    @pytest.mark.gemini_cassette
    def test_it(self):
        self.assertEqual(len(ask("method")), 3)

    def test_without(self):
        pass

class TestAwaiting(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.client = httpx.AsyncClient(headers={"x-goog-api-key": "AIzaSyD-0123456789abcdefghijklmnopqrstuv"})

    @pytest.mark.gemini_cassette
    async def test_it(self):
        async with self.client, self.client.stream("POST", URL, json={"contents": []}) as response:
            self.assertEqual(len([chunk async for chunk in response.aiter_raw()]), 3)
"""


def test_the_marker_is_enough(project: pytest.Pytester, run: Run) -> None:
    """It works on classes and methods, in setUp and tearDown, and for coroutines."""
    project.makepyfile(test_tale=TESTS)
    run("--gemini-record=once").assert_outcomes(passed=4)
    assert cassettes(project) == [
        "of the class.jsonl",
        "test_tale/TestAwaiting.test_it.jsonl",
        "test_tale/TestOfMethods.test_it.jsonl",
    ]
    assert asked(project, "of the class.jsonl") == ["set up", "test", "tear down"]
    result = run()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["5 replayed, 0 recorded, 0 unused; *"])


MISSES = """
import unittest
import pytest
from asking import ask

class TestTale(unittest.{base}):
    {setup}

    @pytest.mark.gemini_cassette
    {word} test_it(self):
        {body}
"""


@pytest.mark.parametrize(
    ("base", "word", "setup", "body"),
    [
        ("TestCase", "def", "", "ask()  # here"),
        ("TestCase", "def", "def setUp(self): ask()  # here", "pass"),
        ("TestCase", "def", "def tearDown(self): ask()  # here", "pass"),
        ("IsolatedAsyncioTestCase", "async def", "", "ask()  # here"),
        ("TestCase", "def", "def test_it(self):\n        with self.subTest(): ask()  # here", "pass"),
    ],
    ids=["test", "setUp", "tearDown", "async", "subTest"],
)
def test_a_miss_ends_in_the_users_code(project: pytest.Pytester, base: str, word: str, setup: str, body: str) -> None:
    """Pytest gets the errors of a TestCase in another way."""
    if "subTest" in setup and pytest.version_tuple < (9, 0):
        pytest.skip("pytest 9 reports subtests by itself")
    text = MISSES.format(base=base, word=word, setup=setup, body=body)
    if "subTest" in setup:
        text = text.replace("def test_it(self):\n        pass", "def test_other(self):\n        pass").replace(
            "    def test_it", "    @pytest.mark.gemini_cassette\n    def test_it"
        )
    project.makepyfile(test_tale=text)
    result = project.runpytest("-v")
    assert result.ret == 1
    shown = result.stdout.str()
    assert "# here" in shown
    assert "No recording answers" in shown
    assert "gemini_replay/" not in shown
    assert "unittest/" not in shown
    assert "site-packages" not in shown


SET_UP_CLASS = """
import unittest
import pytest
from asking import ask

@pytest.fixture(scope={scope!r}, autouse=True)
def prepared(gemini_cassettes):
    with gemini_cassettes("prepared"):
        yield

class TestTale(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chunks = ask("set up")

    @pytest.mark.gemini_cassette
    def test_it(self):
        self.assertEqual(len(self.chunks), 3)
        self.assertEqual(len(ask("test")), 3)

    @classmethod
    def tearDownClass(cls):
        ask("tear down")
"""


@pytest.mark.parametrize("scope", ["module", "class"])
def test_set_up_class_has_a_cassette(project: pytest.Pytester, run: Run, scope: str) -> None:
    """A fixture of the module opens one around each class, or around all."""
    project.makepyfile(test_tale=SET_UP_CLASS.format(scope=scope))
    for mode in ("once", "none"):
        run(f"--gemini-record={mode}").assert_outcomes(passed=1)
    assert cassettes(project) == ["prepared.jsonl", "test_tale/TestTale.test_it.jsonl"]
    assert asked(project, "prepared.jsonl") == ["set up", "tear down"]


def test_set_up_class_without_a_cassette_says_how_to_open_one(project: pytest.Pytester) -> None:
    """The test's cassette is not open yet."""
    project.makepyfile(
        test_tale=SET_UP_CLASS.partition("@pytest.fixture")[0]
        + "class TestTale"
        + SET_UP_CLASS.partition("class TestTale")[2]
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*For a fixture of wider scope, or setUpClass, open a cassette with the fixture gemini_cassettes*"]
    )
    assert "site-packages" not in result.stdout.str()
