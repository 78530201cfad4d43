"""aimock's fixtures become texts, thoughts, calls and errors as Gemini would send them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import Cassette, Interaction
from gemini_replay.errors import CassetteFormatError
from gemini_replay.interop import conversion


def converted(
    folder: Path, response: dict[str, Any], match: dict[str, Any] | None = None, **more: Any
) -> Interaction:
    """The interaction made from one fixture, after saving and loading."""
    path = folder / "fixtures.json"
    fixture = {"match": {"userMessage": "hello"} if match is None else match, "response": response, **more}
    path.write_text(json.dumps({"fixtures": [fixture]}))
    found = conversion.read(path)
    assert (found.source, found.notes) == ("aimock's fixtures", ())
    (one,) = Cassette.loads(found.cassette.dumps()).interactions
    return one


def test_a_text_streams_in_pieces(tmp_path: Path) -> None:
    """Each piece has as many characters as in aimock's streams; the last has the finish reason."""
    one = converted(tmp_path, {"content": "Hello! How can I help you today?", "finishReason": "length"}, chunkSize=10)
    assert one.request.json == {"contents": [{"parts": [{"text": "hello"}], "role": "user"}]}
    assert [event.text for event in one.events] == ["Hello! How", " can I hel", "p you toda", "y?"]
    assert len(one.chunks) == 4
    assert one.finish_reason == "MAX_TOKENS"
    assert one.comments[0] == '# aimock answers: {"userMessage": "hello"}'
    assert one.comments[-1].startswith("# Times unknown:")


def test_thoughts_calls_and_usage_are_converted(tmp_path: Path) -> None:
    """A call's arguments may be an object or JSON in a string."""
    calls = [{"name": "a", "arguments": '{"x": 1}', "id": "1"}, {"name": "b", "arguments": {"y": 2}}]
    one = converted(tmp_path, {"reasoning": "Hm.", "toolCalls": calls, "usage": {"totalTokenCount": 5}})
    assert one.thoughts == "Hm."
    assert [(call.name, dict(call.args), call.id) for call in one.function_calls] == [
        ("a", {"x": 1}, "1"),
        ("b", {"y": 2}, None),
    ]
    assert one.usage == {"totalTokenCount": 5}
    assert one.complete


def test_blocks_keep_their_order(tmp_path: Path) -> None:
    """A call may come before a text."""
    blocks = [{"type": "toolCall", "name": "a", "arguments": "{}"}, {"type": "text", "text": "Done."}]
    one = converted(tmp_path, {"blocks": blocks})
    assert [bool(event.function_calls) for event in one.events] == [True, False]
    assert one.text == "Done."


def test_an_error_has_its_status(tmp_path: Path) -> None:
    """The error comes instead of a stream."""
    one = converted(tmp_path, {"error": {"message": "Slow down.", "type": "rate_limit"}, "status": 429})
    assert one.response is not None
    assert one.response.status == 429
    assert one.error is not None
    assert one.error.message == "Slow down."


def test_a_fixture_without_a_message_has_no_prompt(tmp_path: Path) -> None:
    """A comment says what the fixture matches, and how to play it."""
    one = converted(tmp_path, {"content": "Done."}, {"toolCallId": "c1", "model": "gemini-3-pro"})
    assert (one.request.body, one.request.model) == (b"", "gemini-3-pro")
    assert 'match=("model", "action")' in one.comments[1]


def test_fixtures_that_are_not_chats_are_left_out_with_a_message(tmp_path: Path) -> None:
    """Embeddings, images and other endpoints are left out."""
    path = tmp_path / "fixtures.json"
    fixtures = [
        {"match": {}, "response": {"embedding": [1.0]}},
        {"match": {"endpoint": "image"}, "response": {"image": {}}},
        {"match": {}, "response": {"content": "a"}},
    ]
    path.write_text(json.dumps({"fixtures": fixtures}))
    found = conversion.read(path)
    assert len(found.cassette.interactions) == 1
    assert found.notes == (
        "fixture 1 is left out: its answer has no text and no calls, but embedding",
        "fixture 2 is left out: it is for the endpoint 'image', not for chats",
    )


def test_an_invalid_file_is_an_error(tmp_path: Path) -> None:
    """The error names the place in the file."""
    with pytest.raises(CassetteFormatError, match=r"fixtures\[0\]\.response\.toolCalls\[0\]\.name must be a text"):
        converted(tmp_path, {"toolCalls": [{"arguments": "{}"}]})
    with pytest.raises(CassetteFormatError, match="arguments of 'a' are not JSON"):
        converted(tmp_path, {"toolCalls": [{"name": "a", "arguments": "{"}]})
