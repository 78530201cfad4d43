"""Vertex through google-genai in another process, through the servers."""

from __future__ import annotations

import pytest
from support.streams import events
from support.vertex import TEXT, TOKEN

from gemini_replay import Cassette
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

pytest.importorskip("google.genai", reason="google-genai is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.usefixtures("no_credentials"),
]


ELSEWHERE = """
import os, subprocess, sys

CHILD = '''
import asyncio, sys
from google import genai
from google.oauth2.credentials import Credentials

given = {"credentials": Credentials(sys.argv[1])} if sys.argv[1:] else {}
client = genai.Client(vertexai=True, project="p", location="us-central1", **given)

async def tell():
    stream = await client.aio.models.generate_content_stream(model="gemini-2.5-flash", contents="hi")
    return "".join([chunk.text async for chunk in stream])

stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi")
assert "".join(chunk.text for chunk in stream) == asyncio.run(tell()) == TEXT
'''

def test_story(gemini_server):
    given = [os.environ["TOKEN"]] if "TOKEN" in os.environ else []
    subprocess.run([sys.executable, "-c", CHILD, *given], check=True)
""".replace("TEXT", repr(TEXT))


def test_in_another_process_through_the_server(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded under Vertex's own URL, and replayed with neither credentials nor a network."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(test_tale=ELSEWHERE)
    with upstream.start(Scenario.from_chunks(events(2))) as server:
        monkeypatch.setenv("TOKEN", TOKEN)
        ran = pytester.runpytest_subprocess("-q", "--gemini-record=once", f"--gemini-upstream={server.url}")
        ran.assert_outcomes(passed=1)
    monkeypatch.delenv("TOKEN")
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)
    first, second = Cassette.load(pytester.path / "cassettes/test_tale/test_story.jsonl").interactions
    assert first.request.url.startswith("https://us-central1-aiplatform.googleapis.com/v1")
    assert second.body == first.body
