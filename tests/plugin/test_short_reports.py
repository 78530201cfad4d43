"""The report of an error of this package has fewer than 15 lines and ends in the user's own code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.plugin_projects import KEY

from gemini_replay import Cassette

LINES = 15
HEAD = """
import contextlib, pytest
from asking import URL, ask

def marked(*names, **settings):
    return pytest.mark.gemini_cassette(*names, **settings)
"""

MISSES = {
    "httpx": """
@marked("story")
def test_it():
    # a comment that a long traceback would print
    # and another
    # and another
    ask()  # here
""",
    "in a fixture": """
@pytest.fixture
def answer(gemini_cassette):
    return ask()  # here

def test_it(answer): ...
""",
    "in the teardown of a fixture": """
@pytest.fixture
def answer(gemini_cassette):
    yield
    ask()  # here

def test_it(answer): ...
""",
    "in a wide fixture": """
@pytest.fixture(scope="module")
def answer(gemini_cassettes):
    with gemini_cassettes("story"):
        ask()  # here

def test_it(answer): ...
""",
    "in a generator of the standard library": """
@contextlib.contextmanager
def asked():
    yield ask()  # here

@marked("story")
def test_it():
    with asked():
        pass
""",
    "google-genai": """
@marked("story")
def test_it():
    from google import genai

    client = genai.Client()
    client.models.generate_content(model="gemini-2.5-flash", contents="x")  # here
""",
    "google-genai, streaming": """
@marked("story")
def test_it():
    from google import genai

    client = genai.Client()
    for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents="x"):  # here
        pass
""",
    "google-genai, async": """
@marked("story")
def test_it():
    import asyncio
    from google import genai

    async def tell():
        client = genai.Client()
        await client.aio.models.generate_content(model="gemini-2.5-flash", contents="x")  # here

    asyncio.run(tell())
""",
    "aiohttp": """
@marked("story")
def test_it():
    import aiohttp, asyncio

    async def tell():
        async with aiohttp.ClientSession() as session:
            await session.post(URL, json={})  # here

    asyncio.run(tell())
""",
    "tenacity": """
@marked("story")
def test_it():
    import tenacity

    tenacity.retry(stop=tenacity.stop_after_attempt(4))(ask)()  # here
""",
    "an error raised from it": """
@marked("story")
def test_it():
    try:
        ask()
    except Exception as error:
        raise RuntimeError("no answer") from error  # here
""",
}
WRONG = {
    "an unknown setting": """
@marked("story", spede=4)
def test_it(): ...
""",
    "a wrong value in the marker": """
@marked("story", speed="fast")
def test_it(): ...
""",
    "a wrong name": """
@marked(17)
def test_it(): ...
""",
    "a wrong value in the fixture": """
@pytest.fixture
def gemini_cassette_config():
    return {"speed": "fast"}

@marked("story")
def test_it(): ...
""",
    "no dict in the fixture": """
@pytest.fixture
def gemini_cassette_config():
    return 17

def test_it(gemini_cassette): ...
""",
    "a truncated cassette": """
@marked("truncated")
def test_it(): ...
""",
    "a missing cassette": """
@marked("story", "missing")
def test_it(): ...
""",
    "both fixtures": """
def test_it(gemini_cassette, gemini_server): ...
""",
}


@pytest.fixture(autouse=True)
def cassettes(project: pytest.Pytester) -> Path:
    folder = project.mkdir("cassettes")
    Cassette.from_text("One two three.", prompt="What?").save(folder / "story.jsonl")
    content = (folder / "story.jsonl").read_bytes().replace(b', "role": "user"', b"")  # the client sends none
    (folder / "story.jsonl").write_bytes(content)
    lines = content.splitlines(keepends=True)
    (folder / "truncated.jsonl").write_bytes(b"".join(lines[:-1]))
    return folder


def report(shown: str) -> list[str]:
    """The lines of the only report of a run, from its title to the next section."""
    lines = shown.splitlines()
    (title,) = [number for number, line in enumerate(lines) if re.match("_{3,} .* _{3,}$", line)]
    end = next(number for number, line in enumerate(lines) if number > title and re.match("[-=]{3,} ", line))
    return lines[title:end]


def check_miss(shown: str) -> None:
    found = report(shown)
    text = "\n".join(found)
    chained = "The above exception was the direct cause" in text
    assert len(found) < LINES + (5 if chained else 0), text
    assert "No recording answers POST gemini-2.5-flash" in text
    assert "# here" in text
    assert "gemini_replay/" not in text
    assert "site-packages" not in text
    assert KEY not in text


@pytest.mark.parametrize("name", MISSES)
def test_a_miss(project: pytest.Pytester, name: str) -> None:
    """It is short in each client and in a fixture. If another error was raised from it, a few lines are added."""
    project.makepyfile(test_tale=HEAD + MISSES[name])
    result = project.runpytest("-v")
    assert result.ret == 1
    check_miss(result.stdout.str())


def check_wrong(shown: str, name: str) -> None:
    found = report(shown)
    text = "\n".join(found)
    assert len(found) < LINES, text
    assert re.fullmatch(r"test_tale\.py:\d+: test_it", found[-1])
    assert "gemini_replay/" not in text
    if "in the fixture" in name:
        assert re.search(r"gemini_cassette_config \(.*test_tale\.py:\d+\)", text), text


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_marker_setting_or_cassette(project: pytest.Pytester, name: str) -> None:
    """The last line is the place of the test. If a fixture is the cause, its place is shown too."""
    project.makepyfile(test_tale=HEAD + WRONG[name])
    result = project.runpytest("-v")
    result.assert_outcomes(errors=1)
    check_wrong(result.stdout.str(), name)


def test_a_miss_in_a_doctest(project: pytest.Pytester) -> None:
    """Errors in doctests have a form of their own."""
    project.makefile(
        ".txt",
        test_guide="""
        >>> session = getfixture("gemini_cassette")
        >>> from asking import ask
        >>> ask()  # here
        """,
    )
    result = project.runpytest("--doctest-glob=*.txt")
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert "No recording answers" in shown
    assert "gemini_replay/" not in shown
    assert "site-packages" not in shown
    assert 'asking.py", line' in shown


def test_workers_report_the_same(project: pytest.Pytester) -> None:
    """Reports are sent to the controller of pytest-xdist."""
    project.makepyfile(test_tale=HEAD + MISSES["httpx"])
    check_miss(project.runpytest_subprocess("-n1").stdout.str())
    project.makepyfile(test_tale=HEAD + WRONG["a truncated cassette"])
    check_wrong(project.runpytest_subprocess("-n1").stdout.str(), "a truncated cassette")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "gemini_max_gap=x"], "The value comes from the ini setting gemini_max_gap."),
        (["-o", "gemini_record=onec"], "The value comes from the ini setting gemini_record."),
        (["--gemini-speed=fast"], "The value comes from the option --gemini-speed."),
    ],
    ids=["ini", "ini-mode", "option"],
)
def test_a_wrong_setting_of_the_run(project: pytest.Pytester, arguments: list[str], words: str) -> None:
    """It ends the run with a few lines that say where the value comes from."""
    result = project.runpytest("-q", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.stderr.str().splitlines() if line]
    assert words in lines
    assert len(lines) < LINES


def test_the_chosen_style_of_tracebacks_is_kept(project: pytest.Pytester) -> None:
    """With --tb=long, whole functions are shown, and with --full-trace, every frame."""
    project.makepyfile(test_tale=HEAD + MISSES["httpx"])
    long = project.runpytest("--tb=long").stdout.str()
    assert "# a comment that a long traceback would print" in long
    assert "gemini_replay/" not in long
    assert "gemini_replay/transports/" in project.runpytest("--full-trace").stdout.str()


def test_an_unrelated_error_after_a_miss_keeps_its_frames(project: pytest.Pytester) -> None:
    """Only an error raised from ours is shortened."""
    project.makepyfile(
        test_tale=HEAD
        + """
@marked("story")
def test_it():
    try:
        ask()
    except Exception:
        import json
        json.loads("{")
"""
    )
    shown = project.runpytest().stdout.str()
    assert "json/decoder.py" in shown
    assert "gemini_replay/" not in shown
