"""@google/genai in a page of Chromium, through ``gemini-replay record`` and ``serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.processes import listening
from support.seen import Pieces, assert_as_recorded, moments

from gemini_replay import Cassette
from gemini_replay.server import upstream

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("default::ResourceWarning")]

PROMPT = "给我讲一个关于月亮的小故事。"


def ask(page: Any, url: str) -> Pieces:
    """What the page sees of an answer: each piece with its moment in seconds."""
    return [(at / 1000, text) for at, text in page.evaluate("([url, prompt]) => ask(url, prompt)", [url, PROMPT])]


STORY = Cassette.load(Path(__file__).parents[2] / "cassettes" / "story.jsonl").interactions[0]


@pytest.mark.parametrize("lateness", [0.0, 0.4, 5.0])
def test_a_page_may_be_late(lateness: float) -> None:
    """As a whole, however late."""
    texts = [event.text for event in STORY.events]
    assert_as_recorded([(at + lateness, text) for at, text in zip(moments(STORY), texts, strict=True)], STORY)


@pytest.mark.parametrize("start", [0.0, 0.4, 5.0])
@pytest.mark.parametrize("speed", [2.0, 0.5, 1e9])
def test_another_rhythm_is_not_as_recorded(speed: float, start: float) -> None:
    """Double speed, half speed and one lump are told apart from the recorded rhythm, however late they begin."""
    due, texts = moments(STORY), [event.text for event in STORY.events]
    seen = [(due[0] + start + (at - due[0]) / speed, text) for at, text in zip(due, texts, strict=True)]
    with pytest.raises(AssertionError):
        assert_as_recorded(seen, STORY)


def test_a_page_records_and_replays_a_stream(browser: Any, tmp_path: Path) -> None:
    """Piece by piece, as it was recorded; a page of another origin gets nothing unless it is allowed."""
    path = tmp_path / "story.jsonl"
    with upstream.start("story") as server:
        page = browser.open(browser.local)
        with listening("record", path, "--upstream", server.url) as (process, url):
            live = ask(page, url)
            process.terminate()
            process.communicate(timeout=30)
        assert len(server.requests) == 1
    [recorded] = Cassette.load(path).interactions
    assert_as_recorded(live, recorded)

    other = browser.open(browser.other)
    with listening("serve", path) as (process, url):
        assert_as_recorded(ask(page, url), recorded)
        with pytest.raises(Exception, match="Failed to fetch"):
            ask(other, url)
        assert other.evaluate("(url) => askUnasked(url)", f"{url}/v1beta/models/m:generateContent") == "opaque"
        rebound = url.replace("127.0.0.1", "app.example")
        with pytest.raises(Exception, match="Failed to fetch"):
            ask(other, rebound)
        process.terminate()
        _, log = process.communicate(timeout=30)
    refusals = [line for line in log.splitlines() if "(403)" in line]
    assert len(refusals) >= 3
    assert [line for line in refusals if f"Pages of {browser.other} may not" in line]
    assert [line for line in refusals if "only answers to local names, and app.example" in line]
    assert len(refusals) == len(log.splitlines())

    with listening("serve", path, "--speed", "instant", "--allow-origin", browser.other) as (_, url):
        assert "".join(text for _, text in ask(other, url)) == recorded.text
