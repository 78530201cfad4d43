"""Each scenario shows on real sockets what its name says."""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import gemini
from gemini_replay.errors import UsageError
from gemini_replay.server import upstream
from gemini_replay.server.upstream import scenarios
from gemini_replay.server.upstream.scenarios import SCENARIOS, Scenario
from gemini_replay.server.upstream.scenarios.answers import cut_at_traps

BROKEN = {"cut", "cut_clean"}
ERRORS = {"400", "404", "429", "503"}
GOOD = sorted(SCENARIOS.keys() - BROKEN - ERRORS - {"inband_error"})


@pytest.fixture(scope="module")
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(pace=0) as running:
        yield running


@pytest.fixture
def stream(fetch: Callable[..., Any], server: upstream.RunningUpstream) -> Callable[..., Any]:
    """Ask for a scenario by name; give the answer as it came over the wire."""

    def stream(name: str, query: str = "?alt=sse", **more: Any) -> Any:
        return fetch(server.url, f"/v1beta/models/{name}:streamGenerateContent{query}", **more)

    return stream


def events(answer: Any) -> list[gemini.Event]:
    return list(gemini.parse_stream(answer.chunks))


def collected(answer: Any) -> gemini.Answer:
    return gemini.collect(events(answer))


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse", "array"])
@pytest.mark.parametrize("name", GOOD)
def test_good_streams_are_complete(stream: Any, name: str, query: str) -> None:
    """A stream that is to end well parses, in both framings, into a complete answer."""
    answer = stream(name, query)
    assert (answer.status, answer.complete) == (200, True)
    assert collected(answer).complete


@pytest.mark.parametrize("name", GOOD)
def test_token_counts_are_cumulative_and_add_up(stream: Any, name: str) -> None:
    """Usage never falls, the total is the sum, and ids and model stay the same."""
    usages = [event.json["usageMetadata"] for event in events(stream(name))]
    totals = [usage["totalTokenCount"] for usage in usages]
    assert totals == sorted(totals)
    for usage in usages:
        parts = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        assert usage["totalTokenCount"] == sum(usage.get(part, 0) for part in parts)
    assert len({event.json["responseId"] for event in events(stream(name))}) == 1


def test_story_is_chinese_with_emoji_and_escapes(stream: Any) -> None:
    """About 12 events: the first short, emoji raw, ``<`` escaped."""
    answer = stream("story")
    texts = [event.text for event in events(answer)]
    assert 10 <= len(texts) <= 14
    assert 3 <= len(texts[0]) <= 18
    assert min(len(text) for text in texts[1:-1]) > 40
    assert "光的路程 < 心的路程" in "".join(texts)
    assert "🌅".encode() in answer.body
    assert b"\\u003c" in answer.body
    assert b" < " not in answer.body


def test_thinking_thinks_first(stream: Any) -> None:
    """Thought summaries come before the text and are counted."""
    found = events(stream("thinking"))
    kinds = [bool(event.thoughts) for event in found]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count(True) == 3
    assert (gemini.collect(found).usage or {})["thoughtsTokenCount"] > 100


def test_signature_ends_as_gemini_3_does(stream: Any) -> None:
    """The last event is an empty text part with a thoughtSignature and the finish reason."""
    last = events(stream("signature"))[-1].json["candidates"][0]
    (part,) = last["content"]["parts"]
    assert part["text"] == ""
    assert len(base64.b64decode(part["thoughtSignature"], validate=True)) > 100
    assert last["finishReason"] == "STOP"


@pytest.mark.parametrize(("name", "calls"), [("function_call", 1), ("parallel_calls", 3)])
def test_function_calls_have_ids_of_their_own(stream: Any, name: str, calls: int) -> None:
    """One call, or three in one event, each with name, arguments and id."""
    found = collected(stream(name)).function_calls
    assert [call.name for call in found] == ["get_weather"] * calls
    assert len({call.id for call in found}) == calls
    assert found[0].args == {"city": "Zürich", "unit": "celsius"}


def test_streamed_arguments_come_together(stream: Any) -> None:
    """The partial arguments make one call with numbers and strings in full."""
    answer = stream("streamed_arguments")
    (call,) = collected(answer).function_calls
    assert call.args == {"days": 3, "city": "Zürich", "note": "bring an umbrella < 1 kg, please"}
    assert len(answer.chunks) > 6


def test_afc_answers_the_function_response_in_words(stream: Any) -> None:
    """The first turn calls; the turn with a functionResponse gets text."""
    part = {"functionResponse": {"name": "get_weather", "response": {"celsius": 7}}}
    turns = [{"role": "user", "parts": [{"text": "?"}]}, {"role": "user", "parts": [part]}]
    assert collected(stream("afc")).function_calls
    answered = collected(stream("afc", body={"contents": turns}))
    assert not answered.function_calls
    assert "7 °C" in answered.text


def test_long_answer_is_long(stream: Any) -> None:
    """About 40 events."""
    assert 35 <= len(stream("long_answer").chunks) <= 45


def test_grounding_points_into_the_text(stream: Any) -> None:
    """The segments' indices, which count bytes, cut their own text out of the answer."""
    answer = collected(stream("grounding"))
    candidate = events(stream("grounding"))[-1].json["candidates"][0]
    text = answer.text.encode()
    supports = candidate["groundingMetadata"]["groundingSupports"]
    assert len(supports) == 3
    for support in supports:
        segment = support["segment"]
        cut = text[segment.get("startIndex", 0) : segment["endIndex"]]
        assert cut.decode() == segment["text"]
    assert candidate["citationMetadata"]["citationSources"]


@pytest.mark.parametrize(("name", "reason"), [("safety", "SAFETY"), ("max_tokens", "MAX_TOKENS"), ("story", "STOP")])
def test_finish_reasons(stream: Any, name: str, reason: str) -> None:
    """The last event, and no other, says why the model stopped."""
    reasons = [event.finish_reason for event in events(stream(name))]
    assert reasons[-1] == reason
    assert not any(reasons[:-1])


def test_blocked_has_no_candidates(stream: Any) -> None:
    """One event: promptFeedback with a block reason."""
    (event,) = events(stream("blocked"))
    assert event.block_reason == "SAFETY"
    assert "candidates" not in event.json


@pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse", "array"])
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_errors_instead_of_a_stream(stream: Any, name: str, query: str) -> None:
    """The HTTP status is the error's code; the body one pretty-printed object."""
    answer = stream(name, query)
    error = json.loads(answer.body)["error"]
    assert answer.status == error["code"] == int(name)
    assert answer.body.startswith(b'{\n  "error": {\n')


def test_429_tells_when_to_come_back(stream: Any) -> None:
    """QuotaFailure, Help and RetryInfo with its delay."""
    error = collected(stream("429")).error
    assert error is not None
    assert error.retry_delay == 26.0
    kinds = [str(detail["@type"]).rpartition(".")[2] for detail in error.details]
    assert kinds == ["QuotaFailure", "Help", "RetryInfo"]


def test_inband_error_follows_good_events(stream: Any) -> None:
    """HTTP 200, three events, then a raw error object in two chunks without ``data:``."""
    answer = stream("inband_error")
    assert (answer.status, answer.complete, len(answer.chunks)) == (200, True, 5)
    raw = b"".join(answer.chunks[3:])
    assert raw.startswith(b'{\n  "error": {\n')
    assert json.loads(raw)["error"]["code"] == 503
    found = collected(answer)
    assert found.error is not None
    assert found.text
    assert not found.complete


def test_inband_error_is_an_element_of_an_array(stream: Any) -> None:
    """Without alt=sse the error is the array's last element."""
    elements = json.loads(stream("inband_error", "").body)
    assert "error" in elements[-1]
    assert all("candidates" in element for element in elements[:-1])


def test_cut_is_a_reset(stream: Any, server: upstream.RunningUpstream) -> None:
    """All bytes sent before it arrive, then ConnectionResetError, in the middle of an event."""
    answer = stream("cut")
    assert isinstance(answer.error, ConnectionResetError)
    assert answer.body == b"".join(chunk.data for chunk in server.sent[-1])
    assert len(answer.chunks) == 4
    assert not answer.chunks[-1].endswith(b"\n")


def test_cut_clean_is_an_end_in_good_order(stream: Any) -> None:
    """The connection ends without error and without the chunk that ends a body."""
    answer = stream("cut_clean")
    assert (answer.error, answer.complete) == (None, False)
    assert len(answer.chunks) == 4


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_array_is_not_closed(stream: Any, name: str) -> None:
    """A JSON array that breaks off has no closing bracket."""
    assert not stream(name, "").body.endswith(b"]")


def test_stall_waits_after_three_events() -> None:
    """The silence is 30 s by default, and settable."""
    for scenario, silence in ((scenarios.get("stall"), 30.0), (scenarios.stalling(7), 7.0)):
        app = upstream.Upstream(scenario)
        body = b'{"contents": [{"parts": [{"text": "?"}]}]}'
        request = upstream.Received("POST", "/models/gemini-x:streamGenerateContent", "alt=sse", (), body, "header")
        times = [at for at, _ in app.answer(request, "k").chunks]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert [nth for nth, gap in enumerate(gaps) if gap > 5] == [2]
        assert silence <= gaps[2] < silence + 1


def test_split_cuts_where_parsers_break(stream: Any) -> None:
    """Chunks end inside CRLF, inside characters, and inside escapes, and the whole still parses."""
    answer = stream("split")
    starts = [bytes(chunk) for chunk in answer.chunks]
    assert any(chunk.endswith(b"\r") for chunk in starts)
    assert any(chunk.endswith(b"\\") for chunk in starts)
    assert any(0x80 <= chunk[0] < 0xC0 for chunk in starts)
    assert collected(answer).text == "你好！😀 1 < 2\nC’est “déjà” \u2028 l’été\t🌞"


@pytest.mark.parametrize("data", [b"", b"d", b"\r\n", "é\\u003c".encode(), b"\\"])
def test_cuts_lose_nothing(data: bytes) -> None:
    """The pieces of a cut are the whole, in order."""
    assert b"".join(cut_at_traps(data)) == data


def test_image_is_a_png_of_1_mb_in_pieces(stream: Any) -> None:
    """One event of 1 MB in chunks of 64 KB; the data is a PNG that holds a key's look-alike."""
    answer = stream("image")
    assert len(answer.chunks) > 16
    assert max(map(len, answer.chunks)) == 65536
    data = events(answer)[-1].json["candidates"][0]["content"]["parts"][0]["inlineData"]["data"]
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n\x1a\n")
    assert 1_000_000 < len(data) < 1_200_000
    assert "AIzaSyLooksLikeAKey" in data


def test_array_is_an_array_whatever_is_asked(stream: Any) -> None:
    """The scenario array answers with a JSON array even to alt=sse."""
    assert stream("array").body.startswith(b"[{\n")


def test_many_chunks(stream: Any) -> None:
    """200 events, each in an HTTP chunk of its own."""
    answer = stream("many_chunks")
    assert len(answer.chunks) == len(events(answer)) == 200


@pytest.mark.parametrize("key", ["an-example-key", 'quo"te<', "k"], ids=["plain", "escapes", "short"])
def test_echo_cuts_the_key_in_two(stream: Any, key: str) -> None:
    """The key is in the text, but whole in no chunk: a chunk's or an event's end cuts it."""
    answer = stream("echo", key=key)
    text = collected(answer).text
    assert f"Your key is {key}. " in text
    assert f"Once more: {key}. " in text
    if len(key) > 1:
        assert not any(json.dumps(key)[1:-1].encode() in chunk for chunk in answer.chunks)


@pytest.mark.parametrize("key", ["an-example-key"])
@pytest.mark.parametrize("place", ["query", "bearer"])
def test_echo_knows_keys_from_every_place(stream: Any, place: str, key: str) -> None:
    """A key in the query or as Bearer is echoed too."""
    query, headers = ("?alt=sse", {"authorization": f"Bearer {key}"})
    if place == "query":
        query, headers = (f"?alt=sse&key={key}", {})
    assert key in collected(stream("echo", query, key=None, headers=headers)).text


def test_gateway_wraps_events(stream: Any) -> None:
    """Each event of the scenario gateway carries headers inside; the text is still the story's."""
    wrapped, plain = collected(stream("gateway")), collected(stream("story"))
    assert wrapped.text == plain.text
    assert stream("gateway").body.endswith(b"data: [DONE]\n\n")
    assert not stream("gateway_plain").body.endswith(b"data: [DONE]\n\n")


def test_an_unknown_scenario_names_the_nearest() -> None:
    """``get`` reads dashes as underscores, and explains an unknown name."""
    assert scenarios.get("max-tokens") is SCENARIOS["max_tokens"]
    with pytest.raises(UsageError, match="Did you mean 'thinking'"):
        scenarios.get("thinkin")


@pytest.mark.parametrize(
    "wrong",
    [{"gaps": [0.0, 0.0]}, {"chunks": [b"a", b""]}, {"end": "boom"}],
    ids=["gaps", "empty chunk", "end"],
)
def test_chunks_that_cannot_be_sent_are_usage_errors(wrong: dict[str, Any]) -> None:
    """A number of gaps that does not fit, an empty chunk, or an unknown end is refused at once."""
    with pytest.raises(UsageError):
        Scenario.from_chunks(wrong.pop("chunks", [b"a"]), **wrong)


CORPUS = os.environ.get("GEMINI_REPLAY_CORPUS")


@pytest.mark.skipif(not CORPUS, reason="GEMINI_REPLAY_CORPUS is not set")
def test_every_recorded_body_can_be_sent_in_its_chunks(fetch: Callable[..., Any]) -> None:
    """Each body of the corpus goes over a real socket in exactly its chunks."""
    folder = Path(CORPUS or "")
    index = json.loads((folder / "INDEX.json").read_text())
    assert index
    for entry in index:
        body = (folder / "bodies" / f"{entry['name']}.body").read_bytes()
        sizes = entry.get("wire_chunk_sizes") or [len(body)]
        chunks, start = [], 0
        for size in sizes:
            chunks.append(body[start : start + size])
            start += size
        assert b"".join(chunks) == body, entry["name"]
        scenario = Scenario.from_chunks(chunks, status=entry["status"] or 200)
        with upstream.start(scenario) as server:
            answer = fetch(server.url)
        assert (answer.chunks, answer.complete) == (chunks, True), entry["name"]
