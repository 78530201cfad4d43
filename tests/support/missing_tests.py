"""Tests with a request that nothing answers: in every phase, swallowed or not, of every kind."""

from __future__ import annotations

HEAD = """
import pytest, unittest
from asking import ask

def swallow(text="hello"):
    try:
        ask(text)
    except Exception:
        return "sorry"

"""
FAILING = {
    "call": """
def test_it(gemini_cassette):
    assert swallow() == "an answer"
""",
    "setup": """
@pytest.fixture
def story(gemini_cassette):
    return swallow()

def test_it(story):
    assert story == "an answer"
""",
    "setup that fails": """
@pytest.fixture
def story(gemini_cassette):
    assert swallow() == "an answer"

def test_it(story):
    pass
""",
    "teardown": """
@pytest.fixture
def story(gemini_cassette):
    yield
    assert swallow() == "an answer"

def test_it(story):
    pass
""",
    "teardown after a failure": """
@pytest.fixture
def story(gemini_cassette):
    yield
    swallow()

def test_it(story):
    assert 1 == 2
""",
    "teardown of a passed test": """
@pytest.fixture
def story(gemini_cassette):
    yield
    swallow()

def test_it(story):
    pass
""",
    "passed": """
def test_it(gemini_cassette):
    swallow()
""",
    "skip": """
def test_it(gemini_cassette):
    if swallow() == "sorry":
        pytest.skip("no model")
""",
    "skip in the setup": """
@pytest.fixture
def story(gemini_cassette):
    if swallow() == "sorry":
        pytest.skip("no model")

def test_it(story):
    pass
""",
    "skip after the setup": """
@pytest.fixture
def story(gemini_cassette):
    swallow()

def test_it(story):
    pytest.skip("no model")
""",
    "xfail": """
@pytest.mark.xfail(strict=False)
def test_it(gemini_cassette):
    ask()
""",
    "xfail, swallowed": """
@pytest.mark.xfail(strict=False)
def test_it(gemini_cassette):
    assert swallow() == "an answer"
""",
    "xfail, strict": """
@pytest.mark.xfail(strict=True)
def test_it(gemini_cassette):
    ask()
""",
    "xfail, raises": """
@pytest.mark.xfail(strict=False, raises=Exception)
def test_it(gemini_cassette):
    ask()
""",
    "xfail, raises strict": """
@pytest.mark.xfail(strict=True, raises=AssertionError)
def test_it(gemini_cassette):
    assert swallow() == "an answer"
""",
    "xfail that passes": """
@pytest.mark.xfail(strict=False)
def test_it(gemini_cassette):
    swallow()
""",
    "xfail called in the test": """
def test_it(gemini_cassette):
    if swallow() == "sorry":
        pytest.xfail("the model is wrong")
""",
    "xfail, in the setup": """
@pytest.fixture
def story(gemini_cassette):
    ask()

@pytest.mark.xfail(strict=False)
def test_it(story):
    pass
""",
    "xfail, in the teardown": """
@pytest.fixture
def story(gemini_cassette):
    yield
    swallow()

@pytest.mark.xfail(strict=False)
def test_it(story):
    assert 1 == 2
""",
    "unittest": """
@pytest.mark.gemini_cassette
class TestIt(unittest.TestCase):
    def test_it(self):
        self.assertEqual(swallow(), "an answer")
""",
    "unittest, passed": """
@pytest.mark.gemini_cassette
class TestIt(unittest.TestCase):
    def test_it(self):
        swallow()
""",
    "unittest, skip": """
@pytest.mark.gemini_cassette
class TestIt(unittest.TestCase):
    def test_it(self):
        if swallow() == "sorry":
            self.skipTest("no model")
""",
    "unittest, expected failure": """
@pytest.mark.gemini_cassette
class TestIt(unittest.TestCase):
    @unittest.expectedFailure
    def test_it(self):
        self.assertEqual(swallow(), "an answer")
""",
    "subtests": """
def test_it(gemini_cassette, subtests):
    with subtests.test("one"):
        assert swallow() == "an answer"
""",
    "subtests, passed": """
def test_it(gemini_cassette, subtests):
    with subtests.test("one"):
        swallow()
""",
    "asyncio": """
@pytest.mark.asyncio
async def test_it(gemini_cassette):
    assert swallow() == "an answer"
""",
    "anyio": """
@pytest.fixture
def anyio_backend():
    return "trio"

@pytest.mark.anyio
async def test_it(gemini_cassette, anyio_backend_name):
    assert swallow() == "an answer"
""",
    "another thread": """
def test_it(gemini_cassette):
    import threading
    thread = threading.Thread(target=swallow)
    thread.start()
    thread.join()
    assert 1 == 2
""",
    "raised as another error": """
def test_it(gemini_cassette):
    try:
        ask()
    except Exception:
        raise RuntimeError("no answer") from None
""",
    "server": """
def test_it(gemini_server):
    import httpx
    answer = httpx.post(gemini_server + "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", json={})
    assert answer.status_code == 200
""",
}
