"""What a page of cassettes shows, and that no text can end or change the page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import streaming
from support.hostile import HOSTILE, hostile
from support.streams import event

from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, End, Request, Response
from gemini_replay.cassette.model import Interaction as _Interaction
from gemini_replay.errors import CassetteFormatError, MissError
from gemini_replay.plain_text import plain_lines
from gemini_replay.report.html import data
from gemini_replay.report.html.page import page
from gemini_replay.report.moments import timed_events

FOLDER = Path(__file__).parents[3] / "cassettes"
CASSETTES = sorted(FOLDER.glob("*.jsonl"))


def entry(interaction: Interaction) -> dict[str, Any]:
    """What a page has of an interaction, as its script reads it."""
    group = data.cassette_group(Cassette(interactions=[interaction]))
    found: dict[str, Any] = json.loads(data.embedded("title", [group], ""))["interactions"][0]
    return found


def answered(
    *chunks: bytes, status: int = 200, end: End | None = None, kind: str = "text/event-stream"
) -> Interaction:
    """An interaction with this answer."""
    response = Response(status, (("content-type", kind),), 0.1)
    return Interaction(
        Request("POST", "https://x.example/v1/a"), response, tuple(Chunk(0.1, one) for one in chunks), end or End()
    )


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_every_event_is_there_as_it_came(path: Path) -> None:
    """Its moment, its bytes, its JSON, and what it says; together they say what the answer says."""
    for interaction in Cassette.load(path).interactions:
        made = entry(interaction)
        assert [one["at"] for one in made["events"]] == [round(one.at, 3) for one in timed_events(interaction)]
        body = plain_lines(interaction.body.decode("utf-8", "backslashreplace"))
        assert [one for one in made["events"] if "".join(one["raw"]) not in body] == []
        texts = [one["json"] if "json" in one else one["raw"][1] for one in made["events"]]
        assert [json.loads(text) for text in texts if text is not None] == [one.json for one in interaction.events]
        said = [one for event in made["events"] for one in event["said"]]
        assert "".join(text for kind, text in said if kind == "text") == plain_lines(interaction.text)
        assert "".join(text for kind, text in said if kind == "thoughts") == plain_lines(interaction.thoughts)
        calls = [text for kind, text in [*said, *made["last"]] if kind == "call"]
        assert calls == made["calls"]
        assert len(calls) == len(interaction.function_calls)


def test_what_was_asked_by_whom_and_when() -> None:
    """As `show` prints it."""
    group = data.cassette_group(Cassette.load(FOLDER / "afc.jsonl"))
    assert group["about"] == [["recorded", "2026-11-22T12:14:54Z"], ["by", "gemini-replay 0.1.0"]]
    first, second = (one["interaction"] for one in group["entries"])
    assert first["asked"][-1] == ["user", "给我讲一个关于月亮的小故事。"]
    assert second["asked"][-1] == ["user", '[result] get_weather: {"result": "18 °C, sunny"}']
    assert first["to"] == "https://generativelanguage.googleapis.com"
    assert first["request"]["client"] == "httpx 0.28.1"
    assert dict(first["figures"])["first byte"] == "360 ms"
    assert dict(first["figures"])["whole answer"] == "377 ms"


@pytest.mark.parametrize(
    ("name", "ending", "tone"),
    [
        ("story", "STOP", "well"),
        ("429", "HTTP 429", "failed"),
        ("inband_error", "error 503", "failed"),
        ("blocked", "blocked: SAFETY", "oddly"),
        ("max_tokens", "MAX_TOKENS", "oddly"),
        ("safety", "SAFETY", "oddly"),
        ("cut", "reset", "failed"),
        ("cut_clean", "reset", "failed"),
    ],
)
def test_how_it_ended(name: str, ending: str, tone: str) -> None:
    """In a word, and whether that is what one hopes for."""
    made = entry(Cassette.load(FOLDER / f"{name}.jsonl").interactions[0])
    assert (made["ending"], made["tone"]) == (ending, tone)


def test_answers_of_every_kind() -> None:
    """No response, no chunks, no JSON, a JSON array, a frame that is not JSON, a request that was cancelled."""
    none = entry(_Interaction(Request("POST", "https://x.example/"), None, (), End("reset")))
    assert (none["response"], none["events"], none["tone"], none["ending"]) == (None, [], "failed", "reset")
    empty = entry(answered())
    assert (empty["events"], empty["rest"], empty["tone"]) == ([], "", "well")
    assert [name for name, _ in empty["figures"]] == ["whole answer", "chunks", "events", "bytes"]
    page = entry(answered(b"<html>busy</html>", status=502, kind="text/html"))
    assert (page["rest"], page["tone"]) == ("<html>busy</html>", "failed")
    array = entry(answered(b'[{"candidates": []}\n,\r\n', b'{"candidates": []}]', kind="application/json"))
    assert [json.loads(one["raw"][1]) for one in array["events"]] == [{"candidates": []}] * 2
    broken = entry(answered(b"data: {oh\n\n", event("fine")))
    assert [one["said"] for one in broken["events"]] == [[["not JSON", ""]], [["text", "fine"]]]
    assert broken["events"][0]["json"] is None
    assert "".join(broken["events"][0]["raw"]) == "data: {oh\n\n"
    assert entry(answered(event("so"), end=End("cancelled", 0.5)))["end"] == "cancelled"
    image = {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]}}]}
    assert entry(answered(b"data: " + json.dumps(image).encode() + b"\n\n"))["events"][0]["said"] == [
        ["data", "image/png, 3 bytes"]
    ]


def test_json_that_is_cut_over_lines_is_written_anew() -> None:
    """And the frame is there as it came; numbers that JSON does not have are kept as text."""
    [made] = entry(answered(b'data: {"a":\ndata: 1}\n\n'))["events"]
    assert (made["raw"], made["json"]) == (['data: {"a":\ndata: 1}\n\n'], '{"a": 1}')
    [odd] = entry(answered(b'data: {"a": NaN}\n\n'))["events"]
    assert "NaN" in odd.get("json", "".join(odd["raw"]))


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_deep_json_is_shown_all_the_same(depth: int) -> None:
    """In a request, a call or a part that is not known; at worst as it came."""
    deep = b"[" * depth + b"]" * depth
    call = b'{"functionCall": {"name": "f", "args": {"x": ' + deep + b"}}}"
    for part in (call, b'{"strange": ' + deep + b"}"):
        answer = answered(b'data: {"candidates": [{"content": {"parts": [' + part + b"]}}]}\n\n")
        made = entry(replace(answer, request=Request("POST", "https://x.example/", (), deep)))
        assert made["request"]["body"] == deep.decode()
        assert deep.decode() in "".join(made["events"][0]["raw"])


def test_a_large_body_without_events_is_cut() -> None:
    """What is left out is counted."""
    made = entry(answered(b"x" * 1_000_000, kind="text/plain"))
    assert len(made["rest"]) < 201_000
    assert made["rest"].endswith("\n… 1,000,000 bytes in all")


def test_no_text_ends_the_data() -> None:
    """It is ASCII without a less-than sign; what would reorder or hide text is an escape that one can read."""
    made = data.embedded(HOSTILE[0], [data.cassette_group(Cassette(interactions=[hostile()]))], HOSTILE[1])
    assert made.isascii()
    assert "<" not in made
    shown = json.loads(made)["interactions"][0]
    assert shown["events"][0]["said"] == [["text", plain_lines("\n".join(HOSTILE))]]
    assert shown["events"][1]["said"] == [["text", "\\ud800 </script>"]]
    everything = json.dumps(shown, ensure_ascii=False)
    assert not set("\u202e\u2028\u2029\u2066\ufeff\ud800") & set(everything)


def test_an_interaction_is_there_once() -> None:
    """However many tests have replayed it; each says what became of it there."""
    story = Cassette.load(FOLDER / "story.jsonl").interactions[0]
    other = Cassette.load(FOLDER / "404.jsonl").interactions[0]
    groups = [
        data.group(name, [data.interaction_entry(one, use)])
        for name, one, use in [("a", story, "replayed"), ("b", other, "recorded"), ("c", story, "recorded")]
    ]
    made = json.loads(data.embedded("", groups, ""))
    assert [one["ending"] for one in made["interactions"]] == ["STOP", "HTTP 404"]
    found = [(entry["use"], entry["interaction"]) for one in made["page"]["groups"] for entry in one["entries"]]
    assert found == [("replayed", 0), ("recorded", 1), ("recorded", 0)]


def test_the_page_lets_in_its_own_script_and_style_alone() -> None:
    """By their hashes; they and the data are the only ones there are, whatever is in the title and the data."""
    made = page(HOSTILE[0], [data.cassette_group(Cassette(interactions=[hostile()]))], nothing="").decode()
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', made)
    [style] = re.findall(r"<style>(.*?)</style>", made, re.DOTALL)
    told, script = re.findall(r"<script[^>]*>(.*?)</script>", made, re.DOTALL)

    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert policy == (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    assert "<!--" not in told + script
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg|http-equiv|httpRequest", "", made.replace(told, ""))
    assert "innerHTML" not in script
    assert "\r" not in made


def test_what_is_wrong_is_an_entry() -> None:
    """A miss with its differences, a cassette that cannot be read."""
    miss = MissError("No recording answers it.", hint="Record it.", differences=["- a", "+ b"])
    assert data.problem_entry(miss, "missed") == {
        "use": "missed",
        "problem": {
            "message": "No recording answers it.",
            "suggestion": "",
            "hint": "Record it.",
            "differences": ["- a", "+ b"],
            "topic": "miss",
        },
    }
    broken = data.broken_group("a.jsonl", CassetteFormatError("no cassette", path=Path("a.jsonl"), line=1))
    assert [one["problem"]["message"] for one in broken["entries"]] == ["a.jsonl:1: no cassette"]


def test_figures_of_a_stream() -> None:
    """The first byte, the whole, the usual and the longest gap, and how much came."""
    made = dict(data.figures(streaming(event("a"), event("b"), event("c"), gap=0.25, after=1.0)))
    assert (made["first byte"], made["whole answer"], made["usual gap"]) == ("1.25 s", "1.75 s", "250 ms")
    assert (made["chunks"], made["events"]) == ("3", "3")
