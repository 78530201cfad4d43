"""The differences between two cassettes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.cassettes import streaming
from support.streams import GOOGLE, MODEL, event, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.cassette.model import Interaction, Request
from gemini_replay.report.changes import changes, differences
from gemini_replay.report.comparison import difference_lines
from gemini_replay.server import upstream
from gemini_replay.server.upstream import scenarios
from gemini_replay.server.upstream.scenarios import Scenario, answers, texts


def told(old: list[Interaction], new: list[Interaction], *, all: bool = False) -> list[str]:
    """The lines that `diff` prints for two cassettes, without their names."""
    return list(difference_lines("a", "b", differences(Cassette(old), Cassette(new), all=all)))[2:]


def re_recorded(path: Path, seed: int, scenario: str | Scenario = "story") -> Cassette:
    """The story of the embedded upstream, recorded, without its times: those of a busy machine differ."""
    with upstream.start(scenario, seed=seed, pace=0) as server, gemini_replay.record(path, upstream=server.url):
        body = {"contents": [{"parts": [{"text": "a story"}]}]}
        httpx.post(GOOGLE, json=body, headers={"x-goog-api-key": f"k{seed}"})
    cassette = Cassette.load(path)
    cassette.interactions = [_without_times(one) for one in cassette.interactions]
    return cassette


def _without_times(one: Interaction) -> Interaction:
    assert one.response is not None
    chunks = tuple(replace(chunk, after=0.0) for chunk in one.chunks)
    return replace(one, response=replace(one.response, after=0.0), chunks=chunks, end=replace(one.end, after=0.0))


def candidate(index: int, **part: Any) -> dict[str, Any]:
    return {"index": index, "content": {"parts": [part]}, "finishReason": "STOP"}


SAYS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "another candidate": lambda word: [
        {"candidates": [candidate(0, text="a"), candidate(1, text="Yes, it is ")]},
        {"candidates": [candidate(0, text="b"), candidate(1, text=word)]},
    ],
    "another candidate's call": lambda word: [
        {"candidates": [candidate(0, text="a"), candidate(1, functionCall={"name": word, "args": {}})]}
    ],
    "code that ran": lambda word: [
        {"candidates": [candidate(0, executableCode={"language": "PYTHON", "id": word, "code": f"print('{word}')"})]},
    ],
    "what it printed": lambda word: [
        {"candidates": [candidate(0, text="a"), candidate(0, codeExecutionResult={"outcome": "OK", "output": word})]},
    ],
    "a file": lambda word: [{"candidates": [candidate(0, fileData={"fileUri": f"gs://{word}"})]}],
    "a part that is new": lambda word: [{"candidates": [candidate(0, thoughtSignature=word, news=[{"of": word}])]}],
    "a wrapped answer": lambda word: [{"response": {"candidates": [candidate(0, file_data={"file_uri": word})]}}],
    "chat completions": lambda word: [
        {"id": word * 2, "created": len(word), "choices": [{"index": 0, "delta": {"content": text}}]}
        for text in ("Yes, it is ", word)
    ],
    "interactions": lambda word: [{"event_id": word, "delta": {"type": "text", "text": word}}],
    "an embedding": lambda word: [{"embedding": {"values": [0.1, len(word), *[0.5] * 768]}}],
}
"""Events that say a word where the text of the answer does not have it, and that have ids of their own."""


@pytest.mark.parametrize("shape", SAYS)
def test_no_answer_that_says_something_else_is_the_same(shape: str) -> None:
    """What it says is compared, also where it is not in the text of the answer."""
    kept, deleted = (
        [streaming(*[f"data: {json.dumps(one)}\r\n\r\n".encode() for one in SAYS[shape](word)])]
        for word in ("safe", "lethal")
    )
    assert told(kept, kept) == []
    lines = told(kept, deleted)
    assert lines[2] == "other texts"
    assert [line for line in lines if "id" in line.split(":")[0]] == []
    assert "".join(lines).count("lethal") == ("embedding" not in shape)


def test_an_image_is_what_the_model_says() -> None:
    """It is told by its digest."""
    kept, deleted = (
        [streaming(f"data: {json.dumps(one)}\r\n\r\n".encode())]
        for one in (
            {"candidates": [candidate(0, inlineData={"mimeType": "image/png", "data": data})]}
            for data in ("AAAA", "BBBB")
        )
    )
    assert told(kept, kept) == []
    lines = told(kept, deleted)
    assert lines[2] == "data"
    assert "BBBB" not in "".join(lines)


@pytest.mark.parametrize("rest", [b"<html>502 Bad Gateway", b"data: nonsense\n\n", b'data: {"candidates": ['])
def test_what_is_no_event_is_compared(rest: bytes) -> None:
    """Frames that are not JSON, and lines that belong to no frame."""
    event = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}\n\n'
    whole, more = [streaming(event)], [streaming(event, rest)]
    assert told(more, more) == []
    lines = told(whole, more)
    assert lines[2] == "not read"
    assert rest.decode().strip().replace('"', '\\"') in lines[3]


def test_a_story_recorded_again_differs_only_in_changed_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Differences in ids, dates, headers, keys and times are left out."""
    first = re_recorded(tmp_path / "first.jsonl", 1)
    again = re_recorded(tmp_path / "again.jsonl", 2)
    assert first.dumps() != again.dumps()
    assert told(first.interactions, again.interactions) == []
    assert "events" in told(first.interactions, again.interactions, all=True)
    changed = Cassette.loads(again.dumps().decode().replace("橘猫", "黑猫"))
    lines = told(first.interactions, changed.interactions)
    assert lines[:3] == ["", f"1  POST {MODEL}:streamGenerateContent?alt=sse", "text"]
    assert len(lines) == 4
    assert "[-橘-]{+黑+}猫" in lines[3]


@pytest.mark.parametrize("words", [texts.SHORT, texts.STORY.replace("猫", "狗"), texts.STORY * 2])
@pytest.mark.parametrize("framing", [None, "json-array", "gateway"])
def test_other_words_are_the_only_difference(tmp_path: Path, words: str, framing: Any) -> None:
    """It does not matter how many events and tokens they take."""
    first = re_recorded(tmp_path / "first.jsonl", 1, replace(scenarios.get("story"), framing=framing))
    other = Scenario("other", "other words", answers.said(words), framing=framing)
    again = re_recorded(tmp_path / "again.jsonl", 2, other)
    assert first.interactions[0].usage != again.interactions[0].usage or "狗" in words
    assert {one.title for one in differences(first, again)} == {"text"}
    same = re_recorded(tmp_path / "same.jsonl", 3, other)
    assert list(differences(again, same)) == []


def test_thoughts_are_words_too(tmp_path: Path) -> None:
    """Their tokens and their fields may come and go with them."""
    first = re_recorded(tmp_path / "first.jsonl", 1, "thinking")
    again = re_recorded(tmp_path / "again.jsonl", 2, "story")
    assert {one.title for one in differences(first, again)} == {"thoughts", "text"}


def test_tokens_are_compared_if_the_words_are_equal() -> None:
    """The tokens of the request are always compared."""
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 9}

    def saying(text: str, **counts: int) -> Interaction:
        answer = {"candidates": [{"content": {"parts": [{"text": text}]}}], "usageMetadata": {**usage, **counts}}
        return Cassette.from_events([answer]).interactions[0]

    assert told([saying("a")], [saying("a", candidatesTokenCount=7)])[2:] == [
        "usage",
        "  candidatesTokenCount [-9-]{+7+}",
    ]
    assert "usage" not in told([saying("a")], [saying("b", candidatesTokenCount=7)])
    lines = told([saying("a")], [saying("b", candidatesTokenCount=7, promptTokenCount=6)])
    assert lines[-2:] == ["usage", "  promptTokenCount [-5-]{+6+}"]


def test_requests_are_compared() -> None:
    """A field of a request that differs is shown, but not the id of a call or a signature."""

    def asking(**part: object) -> Interaction:
        body = Cassette.from_text("x", prompt={"contents": [{"parts": [part]}]}).interactions[0].request.body
        return replace(streaming(*events(1)), request=Request("POST", GOOGLE, (), body))

    call = {"functionCall": {"name": "f", "id": "1"}, "thoughtSignature": "a"}
    other = {"functionCall": {"name": "f", "id": "2"}, "thoughtSignature": "b"}
    assert told([asking(**call)], [asking(**other)]) == []
    assert told([asking(text="one two")], [asking(text="one 2")])[2:4] == [
        "request",
        '            "text": "one [-two-]{+2+}"',
    ]


def test_interactions_are_paired_by_their_requests() -> None:
    """A new or missing interaction does not shift the others."""
    one = streaming(event("one"))
    two = replace(one, request=replace(one.request, body=b'{"contents": "two"}'))
    assert told([one], [two, one])[2:] == [f"+ 1  POST {MODEL}:streamGenerateContent?alt=sse", "+ one"]
    assert told([two, one], [one])[2:] == [f"- 1  POST {MODEL}:streamGenerateContent?alt=sse", "- one"]


def test_only_a_different_rhythm_is_a_difference() -> None:
    """Times that vary in the usual range are not shown."""
    usual = streaming(*events(4), gap=0.2, after=0.5)
    assert told([usual], [streaming(*events(4), gap=0.4, after=2.2)]) == []
    assert told([usual], [streaming(*events(4), gap=0.2, after=3.5)])[2:] == [
        "rhythm",
        "- head after 0.50 s, gaps of 200 ms, took 1.30 s",
        "+ head after 3.50 s, gaps of 200 ms, took 4.30 s",
    ]


def test_the_fields_of_events_are_compared() -> None:
    """A new field is shown once, however many events have it."""
    lines = told(
        [streaming(*events(3))], [streaming(*(event(f"第{n}句。🌙", novel=1) for n in (1, 2)), events(3)[2])]
    )
    assert lines[2:] == ["fields", "+ body.candidates[*].novel: new (number)"]


def test_long_texts_are_compared_in_reasonable_time() -> None:
    """Thousands of words with hundreds of changes, and thousands that have nothing in common."""
    words = [f"word{n % 97}" for n in range(10_000)]
    changed = [f"{word}x" if n % 50 == 0 else word for n, word in enumerate(words)]
    others = [f"{word}x" for word in words]
    assert len(list(changes(words, changed))) == 400
    assert len(list(changes([" ".join(words)], [" ".join(changed)]))) == 1
    assert len(list(changes(words, others))) == 20_000
