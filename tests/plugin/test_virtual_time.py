"""Virtual time in the plugin: by marker, option and ini setting, in tests of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clients import ASK
from support.rhythms import MINUTE, cassette, hardly_any_time
from support.streams import GOOGLE

ASKING = f"""
import httpx, time

URL, ASK = {GOOGLE!r}, {ASK!r}

def hear():
    began = time.monotonic()
    with httpx.Client() as client, client.stream("POST", URL, json=ASK) as response:
        return [time.monotonic() - began for _ in response.iter_raw()]

async def ahear(now):
    began = now()
    async with httpx.AsyncClient() as client, client.stream("POST", URL, json=ASK) as response:
        return [now() - began async for _ in response.aiter_raw()]

def as_recorded(moments):
    assert len(moments) == 240
    assert abs(moments[0] - 0.662) < 0.001
    assert all(abs(b - a - 0.25) < 0.001 for a, b in zip(moments, moments[1:]))
"""

TESTS = """
import asyncio, time, pytest
from asking import hear, ahear, as_recorded

pytestmark = pytest.mark.gemini_cassette("minute"{speed})

def test_plain():
    as_recorded(hear())

@pytest.mark.asyncio
async def test_asyncio():
    as_recorded(await ahear(asyncio.get_running_loop().time))

@pytest.mark.asyncio
async def test_asyncio_again():
    as_recorded(await ahear(time.monotonic))

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_anyio(anyio_backend):
    import anyio
    as_recorded(await ahear(anyio.current_time))

def test_trio():
    import trio
    as_recorded(trio.run(ahear, trio.current_time))
"""


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a recording that takes a minute."""
    pytester.makepyfile(asking=ASKING)
    cassette(pytester.mkdir("cassettes") / "minute.jsonl", MINUTE)
    monkeypatch.syspath_prepend(pytester.path)
    return pytester


@pytest.mark.usefixtures("async_plugins")
@pytest.mark.parametrize(
    ("speed", "arguments"),
    [
        (", speed='virtual'", []),
        ("", ["--gemini-speed=virtual"]),
        ("", ["-o", "gemini_speed=virtual"]),
        (", speed='virtual'", ["-o", "asyncio_default_test_loop_scope=session"]),
    ],
    ids=["marker", "option", "ini", "one-loop-for-all"],
)
def test_tests_of_every_kind_observe_the_rhythm(project: pytest.Pytester, speed: str, arguments: list[str]) -> None:
    """Six streams of a minute each take hardly any real time."""
    project.makepyfile(test_tale=TESTS.replace("{speed}", speed))
    with hardly_any_time(30):
        result = project.runpytest(*arguments)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["6 replayed, *; 362.* s of model time"])


@pytest.mark.usefixtures("async_plugins")
def test_trio_may_be_imported_by_the_test_itself(project: pytest.Pytester) -> None:
    """The process has not imported trio before."""
    project.makepyfile(test_tale=TESTS.replace("{speed}", ", speed='virtual'"))
    with hardly_any_time(60):
        result = project.runpytest_subprocess("-k", "trio")
    result.assert_outcomes(passed=2, deselected=4)


def test_the_server_refuses_virtual_time(project: pytest.Pytester) -> None:
    """A server's clients have clocks of their own."""
    project.makepyfile(
        test_tale="""
        import pytest

        @pytest.mark.gemini_cassette("minute", speed="virtual")
        def test_served(gemini_server):
            pass
        """
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*A server cannot play in virtual time*"])


CONFIGURED = """
import pytest

@pytest.fixture
def gemini_cassette_config():
    return {"speed": "virtual"}
"""


@pytest.mark.parametrize("marker", ['"minute", max_gap=0.001', '"minute", speed="instant"'])
@pytest.mark.parametrize(
    ("arguments", "head"),
    [(["--gemini-speed=virtual"], ""), (["-o", "gemini_speed=virtual"], ""), ([], CONFIGURED)],
    ids=["option", "ini", "fixture"],
)
def test_virtual_time_for_many_tests_excludes_those_with_a_server(
    project: pytest.Pytester, marker: str, arguments: list[str], head: str
) -> None:
    """Tests with a server have their marker's speed or the recorded rhythm."""
    project.makepyfile(
        test_tale=head
        + f"""
import httpx, pytest
from asking import ASK, URL

@pytest.mark.gemini_cassette({marker})
def test_served(gemini_server):
    url = URL.replace("https://generativelanguage.googleapis.com", gemini_server)
    with httpx.stream("POST", url, json=ASK) as response:
        assert list(response.iter_raw())
"""
    )
    result = project.runpytest(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 replayed, *"])


def test_while_recording_time_is_real(project: pytest.Pytester, tmp_path: Path) -> None:
    """So recordings have their true rhythm."""
    project.makepyfile(
        test_tale="""
        import time, timeit, pytest

        @pytest.mark.gemini_cassette("new", speed="virtual")
        def test_recording():
            began = timeit.default_timer()
            time.sleep(0.02)
            assert timeit.default_timer() - began >= 0.019
        """
    )
    project.runpytest("--gemini-record=once").assert_outcomes(passed=1)
