"""VCR.py: every form of its files is read, and vcrpy itself replays the files that are written."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.streams import GOOGLE, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteFormatError, MissingExtraError
from gemini_replay.interop import checked, conversion, vcr

CURATED = sorted((Path(__file__).parents[2] / "cassettes").glob("*.jsonl"))
BODY = b"".join(events(3))


def saved(folder: Path, *, request: dict[str, Any] | None = None, response: dict[str, Any] | None = None) -> Path:
    """A cassette of vcrpy with one interaction."""
    asked = {"method": "POST", "uri": GOOGLE, "body": '{"a": 1}', "headers": {"Accept": ["*/*"]}, **(request or {})}
    answered = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["text/event-stream"]},
        "body": {"string": BODY.decode()},
        **(response or {}),
    }
    path = folder / "story.yaml"
    path.write_text(yaml.dump({"interactions": [{"request": asked, "response": answered}], "version": 1}), "utf-8")
    return path


def converted(path: Path) -> Interaction:
    """The only interaction of a file."""
    (found,) = conversion.read(path).cassette.interactions
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"string": BODY.decode()},
        {"string": BODY},
        {"string": gzip.compress(BODY)},
        {"base64_string": base64.b64encode(BODY).decode()},
        BODY.decode(),
    ],
    ids=["text", "binary", "gzip", "base64", "bare"],
)
@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}, {"content-encoding": ["gzip"]}])
def test_bytes_decide_whether_a_body_is_compressed(tmp_path: Path, body: Any, headers: dict[str, Any]) -> None:
    """Text and gzip are told apart by the bytes, whatever the header says."""
    assert converted(saved(tmp_path, response={"body": body, "headers": headers})).body == BODY


def test_each_event_is_a_chunk(tmp_path: Path) -> None:
    """The body of a stream is cut where its events end, and its times are marked as unknown."""
    one = converted(saved(tmp_path))
    assert [chunk.data for chunk in one.chunks] == events(3)
    assert [chunk.after for chunk in one.chunks] == [0.0] * 3
    assert one.comments == ("# Times unknown: converted from VCR.py.",)


def test_headers_are_lists_or_texts(tmp_path: Path) -> None:
    """A list becomes several headers. Pseudo-headers are left out."""
    headers = {"Vary": ["Origin", "Referer"], "server": "here", ":status": ["200"], "x-two": "a\nb", "x-cjk": "你"}
    one = converted(saved(tmp_path, response={"headers": headers}))
    assert one.response is not None
    assert sorted(one.response.headers) == [
        ("Vary", "Origin"),
        ("Vary", "Referer"),
        ("server", "here"),
        ("x-cjk", "你".encode().decode("latin-1")),
        ("x-two", "a"),
        ("x-two", "b"),
    ]


def test_a_parsed_body_is_written_as_json(tmp_path: Path) -> None:
    """This holds for requests and responses. A comment says that the original spelling is lost."""
    asked = {"body": None, "parsed_body": {"contents": [{"parts": [{"text": "你好"}]}]}}
    answered = {"body": None, "parsed_body": {"when": "2025-01-01"}, "headers": {"content-length": ["99"]}}
    one = converted(saved(tmp_path, request=asked, response=answered))
    assert one.request.json == asked["parsed_body"]
    assert json.loads(one.body) == {"when": "2025-01-01"}
    assert one.response is not None
    assert one.response.headers == (("content-length", str(len(one.body))),)
    assert "stored parsed" in one.comments[0]


def test_an_unquoted_date_stays_a_text(tmp_path: Path) -> None:
    """YAML would parse it as a date, which JSON cannot hold."""
    path = saved(tmp_path, response={"body": None, "parsed_body": {"when": "DATE"}})
    path.write_text(path.read_text().replace("DATE", "2025-01-01"))
    assert json.loads(converted(path).body) == {"when": "2025-01-01"}


def test_secrets_are_removed(tmp_path: Path) -> None:
    """They are removed from the request's URL, headers and body, so the cassette never holds them."""
    key = "AIzaSyD-1234567890abcdefghijklmnopqrstu"
    path = saved(
        tmp_path,
        request={"uri": f"{GOOGLE}&key={key}", "headers": {"x-goog-api-key": key}, "body": json.dumps({"text": key})},
    )
    found = conversion.read(path)
    assert key.encode() not in found.cassette.dumps()
    assert {one.place for one in found.removals} >= {"request URL", "request header x-goog-api-key"}


def test_a_file_without_a_gemini_stream_is_converted_too(tmp_path: Path) -> None:
    """An ordinary interaction keeps its body in one chunk."""
    path = saved(
        tmp_path,
        request={"method": "get", "uri": "https://example.org/a?b=c", "body": None},
        response={"body": {"string": "<p>Hello"}, "headers": {"content-type": ["text/html"]}},
    )
    one = converted(path)
    assert (one.request.method, one.request.url, one.request.body) == ("GET", "https://example.org/a?b=c", b"")
    assert [chunk.data for chunk in one.chunks] == [b"<p>Hello"]


def test_the_json_of_vcrpy_is_read(tmp_path: Path) -> None:
    """Files of vcrpy's JSON serializer have the same members."""
    path = saved(tmp_path).rename(tmp_path / "story.json")
    path.write_text(json.dumps(yaml.safe_load(path.read_text())))
    assert converted(path).body == BODY


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        ("interactions: 3\nversion: 1\n", "interactions must be a list, not 3", None),
        ("interactions:\n- 5\n", r"interactions\[0\] must be an object, not 5", None),
        ("interactions:\n- request: {method: 1}\n", r"method must be a text, not 1|status", None),
        ("interactions:\n- a: [\n", "not valid YAML", 3),
        ("interactions:\n- !!python/object:os.system {}\n", "not valid YAML", 2),
        ("interactions: []\n", "holds no interaction", None),
        ("some: thing\n", "not a recording that can be converted", None),
    ],
)
def test_an_invalid_file_is_an_error(tmp_path: Path, content: str, message: str, line: int | None) -> None:
    """The error names the place in the file, and is never one of YAML or Python."""
    (tmp_path / "story.yaml").write_text(content)
    with pytest.raises(CassetteFormatError, match=message) as raised:
        conversion.read(tmp_path / "story.yaml")
    assert raised.value.line == line
    assert raised.value.hint or line


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"contents": [1]}, "not only 'contents'"),
        ({7: 8}, "not only '7'"),
        ({"sting": "hello"}, "must have a 'string' or a 'base64_string', not only 'sting'"),
        ({"parsed_body": {}}, "not only 'parsed_body'"),
        ({"string": {"candidates": []}}, "must be a text or binary"),
        ({"base64_string": "!!!!"}, "should be base64 is not"),
        ([1], "must be a text or binary"),
    ],
    ids=["unquoted", "a number", "misspelt", "parsed", "an object", "no base64", "a list"],
)
@pytest.mark.parametrize("where", ["request", "response"])
def test_a_body_that_cannot_be_read_is_an_error(tmp_path: Path, where: str, body: Any, message: str) -> None:
    """It does not become an empty one."""
    with pytest.raises(CassetteFormatError, match=message):
        conversion.read(saved(tmp_path, **{where: {"body": body}}))


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the command that installs it."""
    path = saved(tmp_path)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gemini-replay\[convert\]'"):
        conversion.read(path)


@pytest.mark.parametrize("path", CURATED, ids=lambda path: path.stem)
def test_vcrpy_replays_written_files(path: Path, tmp_path: Path) -> None:
    """A client under vcrpy gets the status, the headers that matter and the whole body."""
    cassette = Cassette.load(path)
    (tmp_path / "story.yaml").write_bytes(conversion.encode(cassette, tmp_path / "story.yaml").content)
    import vcr as vcrpy

    with vcrpy.use_cassette(str(tmp_path / "story.yaml"), record_mode="none") as played:
        for one in cassette.interactions:
            if one.response is None:
                continue
            got = httpx.request(
                one.request.method, one.request.url, content=one.request.body, headers=list(one.request.headers)
            )
            assert (got.status_code, got.content) == (one.response.status, one.body)
            assert got.headers.get("content-type") == dict(one.response.headers).get("content-type")
        assert played.all_played


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_comes_back(body: bytes) -> None:
    """Any bytes come back, such as line ends, control characters and invalid UTF-8."""
    one = Interaction(Request("POST", GOOGLE, (), body), Response(200), (Chunk(0.0, body),))
    content, count, notes = vcr.write([one])
    assert count == 1
    (again,) = vcr.read(checked.load_yaml(content, None), None, one.request.provider)
    assert not notes
    assert (again.request.body, b"".join(again.pieces)) == (body, body)


def test_a_message_says_what_vcrpys_format_cannot_hold() -> None:
    """A connection without a response is left out, and a reset becomes a normal end."""
    asked = Request("POST", GOOGLE)
    interactions = [
        Interaction(asked, None, (), End("reset")),
        Interaction(asked, Response(200), (Chunk(0.0, b"a"),), End("reset")),
    ]
    content, count, notes = vcr.write(interactions)
    assert len(yaml.safe_load(content)["interactions"]) == count == 1
    assert [note.split(":")[0] for note in notes] == ["interaction 1 is left out", "interaction 2 ended with 'reset'"]


@pytest.mark.parametrize("line", ["interactions: []", "version: 2"])
def test_a_key_that_appears_twice_is_an_error(line: str, tmp_path: Path) -> None:
    """One of its values would be lost, as after a bad merge."""
    path = saved(tmp_path)
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(CassetteFormatError, match=f"the key '{line.partition(':')[0]}' twice"):
        conversion.read(path)


def test_a_merge_key_may_be_overridden(tmp_path: Path) -> None:
    """The standard's merge keys give values that a mapping may have itself."""
    path = saved(tmp_path)
    text = path.read_text().replace("    method: POST\n", "    <<: {method: GET}\n    method: POST\n")
    path.write_text(text)
    assert "<<" in text
    assert converted(path).request.method == "POST"
