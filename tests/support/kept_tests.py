"""Tests that count as passed, so that their recordings are kept, and tests that do not."""

from __future__ import annotations

HEAD = """
import pytest, unittest
from asking import ask

"""
KEPT = {
    "pass": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
""",
    "xfail": """
@pytest.mark.xfail
@pytest.mark.gemini_cassette("shared")
def test_it():
    assert ask(PROMPT) == "another"
""",
    "strict xfail": """
@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.gemini_cassette("shared")
def test_it():
    assert ask(PROMPT) == "another"
""",
    "xfail called in the test": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    if ask(PROMPT) != "another":
        pytest.xfail("the model gets it wrong")
""",
    "unexpected pass": """
@pytest.mark.xfail(strict=False)
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
""",
    "unittest": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    def test_it(self):
        ask(PROMPT)
""",
    "unittest, expected failure": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    @unittest.expectedFailure
    def test_it(self):
        self.assertEqual(ask(PROMPT), "another")
""",
    "subtests": """
@pytest.mark.gemini_cassette("shared")
def test_it(subtests):
    with subtests.test("one"):
        ask(PROMPT)
    with subtests.test("two"):
        pytest.skip("not here")
""",
}
NOT_KEPT = {
    "failure": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
    assert NEW is False
""",
    "skip in the test": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
    if NEW:
        pytest.skip("enough")
""",
    "skip in another fixture": """
@pytest.fixture
def other(gemini_cassette):
    ask(PROMPT)
    if NEW:
        pytest.skip("enough")

@pytest.mark.gemini_cassette("shared")
def test_it(other):
    pass
""",
    "xfail that fails otherwise": """
@pytest.mark.xfail(raises=KeyError, strict=False)
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
    assert NEW is False
""",
    "unexpected pass, strict": """
@pytest.mark.xfail(strict=True, condition=NEW, reason="it does not")
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
""",
    "teardown before ours": """
@pytest.fixture
def other(gemini_cassette):
    yield
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it(other):
    ask(PROMPT)
""",
    "teardown after ours": """
@pytest.fixture
def other():
    yield
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it(other, gemini_cassette):
    ask(PROMPT)
""",
    "teardown of the module": """
@pytest.fixture(scope="module")
def other():
    yield
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it(other):
    ask(PROMPT)
""",
    "teardown of the module, xfail": """
@pytest.fixture(scope="module")
def other():
    yield
    assert NEW is False

@pytest.mark.xfail(strict=False)
@pytest.mark.gemini_cassette("shared")
def test_it(other):
    ask(PROMPT)
""",
    "finalizer": """
def fail():
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it(request):
    request.addfinalizer(fail)
    ask(PROMPT)
""",
    "setup": """
@pytest.fixture
def other(gemini_cassette):
    ask(PROMPT)
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it(other):
    pass
""",
    "xunit teardown": """
def teardown_function(function):
    assert NEW is False

@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
""",
    "unittest": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    def test_it(self):
        ask(PROMPT)
        self.assertFalse(NEW)
""",
    "unittest, tearDown": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    def tearDown(self):
        self.assertFalse(NEW)

    def test_it(self):
        ask(PROMPT)
""",
    "unittest, skip": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    def test_it(self):
        ask(PROMPT)
        if NEW:
            self.skipTest("enough")
""",
    "unittest, unexpected success": """
@pytest.mark.gemini_cassette("shared")
class TestIt(unittest.TestCase):
    def test_it(self):
        ask(PROMPT)

    if NEW:
        test_it = unittest.expectedFailure(test_it)
""",
    "subtests": """
@pytest.mark.gemini_cassette("shared")
def test_it(subtests):
    with subtests.test("one"):
        ask(PROMPT)
        assert NEW is False
    with subtests.test("two"):
        pass
""",
    "anyio": """
@pytest.mark.anyio
@pytest.mark.gemini_cassette("shared")
async def test_it(anyio_backend_name):
    ask(PROMPT)
    assert NEW is False
""",
    "asyncio fixture": """
import pytest_asyncio

@pytest_asyncio.fixture
async def other(gemini_cassette):
    yield
    assert NEW is False

@pytest.mark.asyncio
@pytest.mark.gemini_cassette("shared")
async def test_it(other):
    ask(PROMPT)
""",
    "exit": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
    if NEW:
        pytest.exit("enough")
""",
    "interrupt": """
@pytest.mark.gemini_cassette("shared")
def test_it():
    ask(PROMPT)
    if NEW:
        raise KeyboardInterrupt
""",
    "interrupt in the teardown": """
@pytest.fixture
def other(gemini_cassette):
    yield
    if NEW:
        raise KeyboardInterrupt

@pytest.mark.gemini_cassette("shared")
def test_it(other):
    ask(PROMPT)
""",
}
