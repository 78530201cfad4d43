"""Cassettes written from a text or from events, without a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.written import BUSY, PROMPT, STORY, only, said

from gemini_replay import Cassette, Event
from gemini_replay.cassette.model import header
from gemini_replay.errors import GeminiReplayError, UsageError
from gemini_replay.rhythm.rhythms import RHYTHMS

# google-genai derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


def reloaded(cassette: Cassette) -> Cassette:
    return Cassette.loads(cassette.dumps())


@pytest.mark.parametrize("framing", ["sse", "json-array", "gateway"])
@pytest.mark.parametrize("rhythm", RHYTHMS)
def test_a_text_becomes_a_complete_answer(rhythm: str, framing: Any) -> None:
    """It has exactly this text and these thoughts, in events with growing counts, one id and the model's name."""
    thoughts = ["**One**\n\nFirst.", "**Two**\n\nThen."]
    answer = only(Cassette.from_text(STORY, rhythm=rhythm, prompt=PROMPT, thoughts=thoughts, framing=framing))
    assert answer.complete
    assert (answer.text, answer.thoughts, answer.finish_reason) == (STORY, "".join(thoughts), "STOP")
    assert len(answer.events) > 5
    assert answer.request.model == rhythm.removesuffix("-thinking")
    assert {event.model_version for event in answer.events} == {answer.request.model}
    assert len({event.response_id for event in answer.events}) == 1
    totals = [event.usage["totalTokenCount"] for event in answer.events if event.usage]
    assert totals == sorted(totals)
    assert len(totals) == len(answer.events)


def test_the_answer_looks_like_googles() -> None:
    """Headers (without times), CRLF, one event per chunk, and JSON in Google's spelling are as in a real answer."""
    answer = only(Cassette.from_text(STORY, prompt=PROMPT))
    assert answer.response is not None
    assert header(answer.response.headers, "content-type") == "text/event-stream"
    assert header(answer.response.headers, "server") == "scaffolding on HTTPServer2"
    assert not {"date", "server-timing"} & {name for name, _ in answer.response.headers}
    assert len(answer.chunks) == len(answer.events)
    for chunk in answer.chunks:
        assert chunk.data.startswith(b'data: {"candidates": [')
        assert chunk.data.endswith(b"}\r\n\r\n")
        assert chunk.data.count(b"\r\n") == 2
    assert b"1 \\u003c 2 \\u003e 0" in answer.body
    assert "🐈".encode() in answer.body


def test_gemini_3_ends_with_a_signature() -> None:
    """The signature comes with an empty text and the finish reason. Other models end with their last text."""
    last = only(Cassette.from_text("Hi.", model="gemini-3-flash-preview")).events[-1]
    assert (last.text, last.finish_reason) == ("", "STOP")
    assert last.parts[0]["thoughtSignature"]
    assert only(Cassette.from_text("Hi.", model="gemini-2.5-pro")).events[-1].text == "Hi."


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SOMETHING_NEW", None])
def test_the_finish_reason_can_be_chosen(reason: str | None) -> None:
    """The last event alone has the given reason, or none."""
    for model in ("gemini-2.5-flash", "gemini-3-pro-preview"):
        events = only(Cassette.from_text(STORY, model=model, finish_reason=reason)).events
        assert [event.finish_reason for event in events] == [None] * (len(events) - 1) + [reason]


def test_rhythm_and_model_complete_each_other() -> None:
    """A model implies its rhythm, a rhythm its model, and thoughts the thinking rhythm."""

    def rhythm(cassette: Cassette) -> tuple[str | None, str]:
        answer = only(cassette)
        return answer.request.model, answer.comments[-1].split(": ")[1]

    assert rhythm(Cassette.from_text("x")) == ("gemini-2.5-flash", "gemini-2.5-flash, seed 0")
    assert rhythm(Cassette.from_text("x", thoughts="y")) == ("gemini-2.5-flash", "gemini-2.5-flash-thinking, seed 0")
    assert rhythm(Cassette.from_text("x", model="models/gemini-3.1-pro-preview")) == (
        "gemini-3.1-pro-preview",
        "gemini-3.1-pro, seed 0",
    )
    assert rhythm(Cassette.from_text("x", rhythm="gemini-2.5-flash-thinking", seed=5)) == (
        "gemini-2.5-flash",
        "gemini-2.5-flash-thinking, seed 5",
    )
    assert rhythm(Cassette.from_text("x", model="ours", rhythm="gemini-2.5-pro")) == (
        "ours",
        "gemini-2.5-pro, seed 0",
    )


def test_the_same_arguments_give_the_same_file() -> None:
    """The files are equal byte for byte. Another seed, or another text, gives other times and ids."""
    first = Cassette.from_text(STORY, prompt=PROMPT, thoughts="Hm.").dumps()
    assert Cassette.from_text(STORY, prompt=PROMPT, thoughts="Hm.").dumps() == first
    ones, others = only(Cassette.from_text(STORY)), only(Cassette.from_text(STORY, seed=1))
    assert ones.events[0].response_id != others.events[0].response_id
    assert [chunk.after for chunk in ones.chunks] != [chunk.after for chunk in others.chunks]
    assert only(Cassette.from_text("Another.")).events[0].response_id != ones.events[0].response_id


def test_comments_say_that_nothing_was_recorded() -> None:
    """Someone who reads the file sees that it was written, not recorded."""
    text = Cassette.from_text("Hi.").dumps().decode()
    assert text.startswith("# Written by gemini-replay, not recorded.\n")
    assert '# Without a prompt; play it with match=("model", "action").\n' in text
    assert "# Without a prompt" not in Cassette.from_text("Hi.", prompt="?").dumps().decode()


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["sse", "json-array", "gateway"]),
    st.sampled_from(["gemini-2.5-flash", "gemini-3-pro"]),
)
def test_any_text_can_be_said_and_saved(text: str, prompt: str | None, framing: Any, model: str) -> None:
    """Any text comes out unchanged, also after saving and loading."""
    cassette = Cassette.from_text(text, prompt=prompt, framing=framing, model=model)
    assert only(cassette).text == text
    assert only(cassette).complete
    assert reloaded(cassette).interactions == cassette.interactions


def test_events_go_out_exactly_as_given() -> None:
    """Events, also Event objects, are written in order; nothing is added or lost."""
    odd = {
        "candidates": [{"content": {"parts": [{}]}, "new": None}],
        "serviceTier": 1.5,
        "x": ["<", "\u2028", "\ud800"],
    }
    events = [said("a", index=0), odd, {}, said("b", finishReason="STOP")]
    answer = only(Cassette.from_events([*events[:2], *map(Event, events[2:])], prompt=PROMPT))
    assert [event.json for event in answer.events] == events
    assert len(answer.chunks) == len(events)


def test_an_error_in_mid_stream_is_googles_raw_object() -> None:
    """It follows good events, with status 200, pretty-printed and without ``data:``."""
    answer = only(Cassette.from_events([said("a"), BUSY]))
    assert answer.response is not None
    assert answer.response.status == 200
    assert answer.chunks[-1].data.startswith(b'{\n  "error": {\n    "code": 503,\n')
    assert answer.error is not None
    assert answer.error.code == 503


@pytest.mark.parametrize(
    ("status", "expected"), [(None, 503), (200, 200), (500, 500)], ids=["its-own", "in-band", "another"]
)
def test_an_error_alone_comes_instead_of_a_stream(status: int | None, expected: int) -> None:
    """Its code is the status unless another is given, and it comes quickly."""
    answer = only(Cassette.from_events([BUSY], status=status))
    assert answer.response is not None
    assert answer.response.status == expected
    assert answer.body == (json.dumps(BUSY, indent=2) + "\n").encode()
    assert (answer.response.after < 0.1) == (expected != 200)


def test_events_of_a_generator_in_a_json_array() -> None:
    """Any iterable of events is accepted."""
    answer = only(Cassette.from_events((said(str(nth)) for nth in range(3)), framing="json-array"))
    assert answer.text == "012"
    assert answer.request.alt is None
    assert isinstance(json.loads(answer.body), list)


def test_thoughts_among_the_events_choose_the_thinking_rhythm() -> None:
    """The rhythm is chosen as in `from_text`."""
    thought = {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}}]}
    assert "flash-thinking" in only(Cassette.from_events([thought, said("a")])).comments[-1]


class Model:
    """Stands for an SDK's typed response."""


ENDLESS: dict[str, Any] = {}
ENDLESS["self"] = ENDLESS


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Cassette.from_text("x", rhythm="gemini-2.5-flsh"), "Did you mean 'gemini-2.5-flash'"),
        (lambda: Cassette.from_text("x", model=""), "model is ''"),
        (lambda: Cassette.from_text("x", model="a/b"), "model is 'a/b'"),
        (lambda: Cassette.from_text("x", model="gemini\ud800"), "model is"),
        (lambda: Cassette.from_text("x", model=3), "model is 3"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a\ud83d"), "lone surrogate, U+D83D, at character 1"),
        (lambda: Cassette.from_text("a", prompt="\udc00"), "prompt has a lone surrogate"),
        (lambda: Cassette.from_text("a", thoughts=["b", "\udc00"]), "a thought has a lone surrogate"),
        (lambda: Cassette.from_text(b"a"), "text is b'a'"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a", prompt=["x"]), "prompt is ['x']"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a", prompt={"x": object()}), "given as prompt is not JSON"),
        (lambda: Cassette.from_text("a", finish_reason=""), "finish_reason is ''"),
        (lambda: Cassette.from_text("a", framing="ndjson"), "framing is 'ndjson'"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events([]), "no events"),
        (lambda: Cassette.from_events(said("a")), "events is {"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events(5), "events is 5"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events([said("a"), '{"candidates": []}']), "Event 2 is '{"),  # type: ignore[list-item]
        (lambda: Cassette.from_events([Model()]), "model_dump"),  # type: ignore[list-item]
        (lambda: Cassette.from_events([said("a"), {"x": float("nan")}]), "given as event 2 is not JSON"),
        (lambda: Cassette.from_events([{"x": {1, 2}}]), "given as event 1 is not JSON"),
        (lambda: Cassette.from_events([ENDLESS]), "given as event 1 is not JSON"),
        (lambda: Cassette.from_events([BUSY], status=99), "status is 99"),
    ],
)
def test_unusable_arguments_are_refused(call: Any, words: str) -> None:
    """The error shows the value and what would be accepted."""
    with pytest.raises(UsageError) as caught:
        call()
    assert words in str(caught.value)


def test_errors_of_writing_are_this_packages_own() -> None:
    """All of them derive from this package's base class."""
    with pytest.raises(GeminiReplayError):
        Cassette.from_text("x", rhythm="")
