"""Files with a wrong value give one of this package's errors or a readable cassette."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.streams import GOOGLE, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import GeminiReplayError
from gemini_replay.interop import conversion, har_writer

BODY = b"".join(events(2)).decode()
HEADERS = [{"name": "content-type", "value": "text/event-stream"}]
SENT = {"method": "POST", "url": GOOGLE, "headers": HEADERS, "postData": {"text": "{}"}}
GOT = {"status": 200, "headers": HEADERS, "content": {"text": BODY, "encoding": ""}}
CHUNKS = (Chunk(0.1, b"ab", (1,)), Chunk(0.2, b"c", (), b"\x07"))
OWN = Cassette(
    [
        Interaction(Request("POST", GOOGLE), Response(200, (("content-encoding", "gzip"),), 0.1, "decoded"), CHUNKS),
        Interaction(Request("POST", GOOGLE, client="a", extra={"b": 1}), None, (), End("reset", 0.1, "closed")),
    ],
    recorder="a",
    comments=("# b",),
)
ASKED = {"method": "POST", "uri": GOOGLE, "url": GOOGLE, "headers": {"a": ["b"]}, "body": "{}", "body_segments": [{}]}
ANSWERED = {"status": {"code": 200}, "headers": {"date": ["x"]}, "body": {"string": BODY}, "body_segments": [{}]}
CALL = {"name": "a", "arguments": "{}", "id": "1"}
FILES: dict[str, Any] = {
    "har": {
        "log": {"creator": {"name": "a"}, "entries": [{"request": SENT, "response": GOT, "timings": {"wait": 1}}]}
    },
    "own-har": json.loads(har_writer.write(OWN)),
    "vcr": {"interactions": [{"request": ASKED, "response": ANSWERED}]},
    "genai": {"replay_id": "a", "interactions": [{"request": ASKED, "response": {**ANSWERED, "status_code": 200}}]},
    "aimock": {
        "fixtures": [
            {"match": {"userMessage": "a", "model": "b"}, "response": {"content": "c", "toolCalls": [CALL]}},
            {"match": {}, "response": {"error": {"message": "d", "type": "e"}, "status": 429}, "chunkSize": 2},
        ]
    },
}
TEXTS = ["", "a", "\ud800", "\0\r\n", "http://[", "é你", "[1]", "closed"]
LISTS = [[], [1], ["a"], [{}]]
OBJECTS = [{}, {"a": 1}, {"": None}, {"string": [1]}, {"code": "200"}, {"text": 1}]
VALUES = st.sampled_from([None, True, -1, 0, 99, 2**70, 1.5, float("inf"), *TEXTS, *LISTS, *OBJECTS])


def places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values nested in a value."""
    yield before
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*before, key))


def with_other(whole: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of the value with another one at this path."""
    if not place:
        return value
    changed = deepcopy(whole)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_a_wrong_value_anywhere(name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Converting raises no other error, and a cassette made from the file can be saved and loaded."""
    place = data.draw(st.sampled_from(list(places(FILES[name]))))
    path: Path = tmp_path_factory.getbasetemp() / f"{name}.json"
    path.write_text(json.dumps(with_other(FILES[name], place, data.draw(VALUES))))
    try:
        cassette = conversion.read(path).cassette
    except GeminiReplayError:
        return
    conversion.encode(cassette, Path("story.har"))
    if any(one.response for one in cassette.interactions):
        conversion.encode(cassette, Path("story.yaml"))
    assert Cassette.loads(cassette.dumps()).dumps() == cassette.dumps()


@pytest.mark.parametrize("name", FILES)
def test_without_a_wrong_value(name: str, tmp_path: Path) -> None:
    """Without a wrong value, each of these files can be converted."""
    (tmp_path / "a.json").write_text(json.dumps(FILES[name]))
    assert conversion.read(tmp_path / "a.json").cassette.interactions
