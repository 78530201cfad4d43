"""The unchanged example programs are recorded and replayed in pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.server import upstream

pytest.importorskip("requests", reason="requests is not installed")

EXAMPLES = Path(__file__).parent.parent / "examples"
KEY = "gateway-token-0123456789-abcdefghij"


def test_the_requests_loop_against_a_gateway(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text comes piece by piece, live and on replay, and no file holds the token."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(EXAMPLES), *sys.path]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # other plugins take seconds to load
    monkeypatch.setenv("PYTEST_PLUGINS", "gemini_replay.pytest_plugin")
    pytester.makepyfile(
        test_client="""
        import time
        import story_client

        def test_story(gemini_cassette):
            told = [(time.monotonic(), text) for text in story_client.tell("Tell me a story.")]
            assert "".join(text for _, text in told).startswith("从前")
            assert len(told) > 10
            assert told[-1][0] - told[0][0] > 0.3
        """
    )
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    with upstream.start("story", gateway=True, key=KEY, pace=0.5) as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
        pytester.runpytest_subprocess("--gemini-record=once").assert_outcomes(passed=1)
        assert len(server.app.requests) == 1
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    path = pytester.path / "cassettes/test_client/test_story.jsonl"
    assert KEY not in path.read_text(encoding="utf-8")
    assert (Cassette.load(path).interactions[0].request.client or "").startswith("urllib3 ")
