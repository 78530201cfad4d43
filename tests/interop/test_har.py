"""HAR files of browsers, mitmproxy and Polly.JS are read; a cassette written as HAR comes back unchanged."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.streams import GOOGLE, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteFormatError
from gemini_replay.interop import conversion, har, har_writer
from gemini_replay.shipped import shipped

CURATED = sorted((Path(__file__).parents[2] / "cassettes").glob("*.jsonl"))
BODY = b"".join(events(3))


def saved(folder: Path, *entries: dict[str, Any]) -> Path:
    """A HAR file with these entries."""
    path = folder / "story.har"
    log = {"version": "1.2", "creator": {"name": "Tool", "version": "1.0"}, "entries": list(entries)}
    path.write_text(json.dumps({"log": log}), "utf-8")
    return path


def entry(content: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """One entry that answers with `BODY`."""
    return {
        "startedDateTime": "2026-01-28T06:45:51.242Z",
        "request": {"method": "POST", "url": GOOGLE, "headers": [], "postData": {"text": '{"a":1}'}},
        "response": {
            "status": 200,
            "headers": [{"name": "content-type", "value": "text/event-stream"}],
            "content": content or {"text": BODY.decode()},
        },
        "timings": {"blocked": -1, "send": 2, "wait": 410, "receive": 88},
        **members,
    }


def converted(path: Path) -> Interaction:
    """The only interaction of a file."""
    (found,) = conversion.read(path).cassette.interactions
    return found


def back(cassette: Cassette) -> Cassette:
    """The cassette, converted to HAR and back."""
    found, notes = har.read(json.loads(har_writer.write(cassette)), None, shipped())
    assert not notes
    return found


@pytest.mark.parametrize("path", CURATED, ids=lambda path: path.stem)
def test_a_cassette_comes_back_from_har_unchanged(path: Path) -> None:
    """The file is equal byte for byte: chunks, times, endings, comments and everything else."""
    assert back(Cassette.load(path)).dumps() == path.read_bytes()


times = st.integers(0, 100_000).map(lambda ms: ms / 1000)
chunks = st.builds(
    Chunk, times, st.binary(max_size=30) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace"))
)


@given(
    st.lists(chunks, max_size=6),
    times,
    st.sampled_from(["eof", "reset", "cancelled", "timeout"]),
    st.binary(max_size=20),
)
def test_any_chunks_and_times_come_back(parts: list[Chunk], after: float, kind: Any, body: bytes) -> None:
    """Any bytes come back, and times to the millisecond."""
    asked = Request("POST", GOOGLE, (("a", "b"),), body, client="httpx 1", test="t::u", extra={"x": 1})
    answered = Response(200, (("c", "d"),), after, None, {"y": [2]})
    cassette = Cassette([Interaction(asked, answered, tuple(parts), End(kind, after, None, {"z": 3}), ("# Hm.",))])
    assert back(cassette).dumps() == cassette.dumps()


@pytest.mark.parametrize("stored", ["decoded", "wire"])
def test_a_compressed_response_comes_back(stored: Any) -> None:
    """It comes back as stored: decoded, with its members and coded bytes, or compressed."""
    headers = (("content-encoding", "gzip"), ("content-type", "text/event-stream"))
    parts = (Chunk(0.1, b"ab", (1,)), Chunk(0.2, b"c", (), b"\x07"), Chunk(0.0, b"", (), b"x"))
    if stored == "wire":
        parts = (Chunk(0.1, gzip.compress(BODY)),)
    cassette = Cassette([Interaction(Request("POST", GOOGLE), Response(200, headers, 0.0, stored), parts)])
    assert back(cassette).dumps() == cassette.dumps()


def test_a_connection_without_a_response_comes_back() -> None:
    """In HAR its status is 0."""
    cassette = Cassette([Interaction(Request("GET", GOOGLE), None, (), End("timeout", 5.0))])
    assert back(cassette).dumps() == cassette.dumps()


def test_the_head_of_a_cassette_comes_back() -> None:
    """It says who recorded the cassette, when and for which test; unknown keys and comments stay."""
    about = {"recorder": "r 1", "recorded": "2026-11-22T09:22:55Z", "test": "t", "extra": {"k": 1}}
    cassette = Cassette(
        [Interaction(Request("GET", GOOGLE), Response(204))], **about, comments=("# a",), trailing_comments=("# b",)
    )
    assert back(cassette).dumps() == cassette.dumps()


def test_a_body_that_was_changed_by_hand_is_used() -> None:
    """Its events become its chunks, and its times are unknown."""
    cassette = Cassette([Interaction(Request("POST", GOOGLE), Response(200), (Chunk(1.0, BODY),))])
    written = har_writer.write(cassette).replace(b"data: ", b"data:  ")
    (one,) = har.read(json.loads(written), None, shipped())[0].interactions
    assert one.body == BODY.replace(b"data: ", b"data:  ")
    assert len(one.chunks) == 3
    assert one.comments == ("# Times unknown: converted from HAR.",)


def test_written_files_have_all_members_that_har_requires() -> None:
    """Each entry has the members that HAR 1.2 requires, for other programs."""
    cassette = Cassette.load(CURATED[0])
    for one in json.loads(har_writer.write(cassette))["log"]["entries"]:
        assert one.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert one["request"].keys() >= {"method", "url", "httpVersion", "cookies", "headers", "queryString"}
        assert one["response"].keys() >= {"status", "statusText", "httpVersion", "headers", "content", "redirectURL"}
        assert one["timings"].keys() >= {"send", "wait", "receive"}


@pytest.mark.parametrize(
    "content",
    [
        {"text": BODY.decode()},
        {"text": base64.b64encode(BODY).decode(), "encoding": "base64"},
        {"text": base64.b64encode(gzip.compress(BODY)).decode(), "encoding": "base64"},
    ],
    ids=["text", "base64", "gzip"],
)
@pytest.mark.parametrize(
    "header", [(), ({"name": "content-encoding", "value": "gzip"},)], ids=["plain", "gzip-header"]
)
def test_bytes_decide_whether_a_body_is_compressed(tmp_path: Path, content: dict[str, str], header: Any) -> None:
    """The header alone does not: browsers keep it beside the decoded text."""
    made = entry(content)
    made["response"]["headers"] += header
    one = converted(saved(tmp_path, made))
    assert [chunk.data for chunk in one.chunks] == events(3)
    assert one.response is not None
    assert one.response.after == 0.412


@pytest.mark.parametrize("binary", [{"encoding": "base64"}, {"_isBinary": True}], ids=["base64", "hex"])
def test_chunks_recorded_by_polly_stay(tmp_path: Path, binary: dict[str, Any]) -> None:
    """Polly.JS stores a compressed response chunk by chunk."""
    packed = gzip.compress(BODY)
    pieces = [packed[:40], packed[40:]]
    coded = [base64.b64encode(one).decode() if "encoding" in binary else one.hex() for one in pieces]
    made = entry({"text": json.dumps(coded), **binary})
    made["response"]["headers"].append({"name": "content-encoding", "value": "gzip"})
    one = converted(saved(tmp_path, made))
    assert one.body == BODY
    assert len(one.chunks) == 2


def test_parameters_of_a_form_become_a_body(tmp_path: Path) -> None:
    """Some tools list the parameters without the body's text."""
    made = entry()
    made["request"]["postData"] = {"params": [{"name": "a", "value": "b c"}]}
    assert converted(saved(tmp_path, made)).request.body == b"a=b+c"


@pytest.mark.parametrize(
    ("error", "kind"),
    [("net::ERR_CONNECTION_RESET", "reset"), ("net::ERR_TIMED_OUT", "timeout"), ("net::ERR_ABORTED", "cancelled")],
)
def test_a_request_without_a_response(tmp_path: Path, error: str, kind: str) -> None:
    """Its ending follows the browser's error."""
    one = converted(saved(tmp_path, entry(response={"status": 0, "_error": error, "headers": []})))
    assert one.response is None
    assert one.end.kind == kind


def test_entries_play_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    """That of the file may be another one. Without a date for each, it is kept."""

    def answered(text: str, **members: Any) -> dict[str, Any]:
        return entry({"text": text}, **members)

    later, first = "2026-01-28T07:45:52.000+01:00", "2026-01-28T06:45:51.900Z"
    path = saved(tmp_path, answered("2", startedDateTime=later), answered("1", startedDateTime=first))
    found = conversion.read(path).cassette
    assert ([one.body for one in found.interactions], found.recorded) == ([b"1", b"2"], first)
    path = saved(tmp_path, answered("2", startedDateTime=later), answered("1", startedDateTime="yesterday"))
    assert [one.body for one in conversion.read(path).cassette.interactions] == [b"2", b"1"]


def test_a_status_may_be_a_text(tmp_path: Path) -> None:
    """Some tools write it so. Anything else is an error, and no broken connection."""
    answer = entry()["response"]
    response = converted(saved(tmp_path, entry(response={**answer, "status": "200"}))).response
    assert response is not None
    assert response.status == 200
    with pytest.raises(CassetteFormatError, match=r"status of a response must be a number, not \[200\]"):
        conversion.read(saved(tmp_path, entry(response={**answer, "status": [200]})))


def test_an_entry_without_a_response_is_left_out(tmp_path: Path) -> None:
    """It does not say how the request ended."""
    found = conversion.read(saved(tmp_path, entry(response=None), entry()))
    assert found.notes == ("entry 1 is left out: it has no response",)


@pytest.mark.parametrize("encoding", ["base64", "BASE64"])
def test_a_body_in_base64_is_decoded_or_an_error(tmp_path: Path, encoding: str) -> None:
    """It may be broken into lines."""
    assert converted(saved(tmp_path, entry({"text": "aGVs\nbG8=", "encoding": encoding}))).body == b"hello"
    with pytest.raises(CassetteFormatError, match="should be base64 is not"):
        conversion.read(saved(tmp_path, entry({"text": "!!!!", "encoding": encoding})))


def test_entries_that_a_cassette_cannot_hold_are_left_out_with_a_message(tmp_path: Path) -> None:
    """A switch of protocols is left out, since it cannot be replayed."""
    switched = entry(response={"status": 101, "headers": []})
    found = conversion.read(saved(tmp_path, switched, entry()))
    assert len(found.cassette.interactions) == 1
    assert found.notes == ("entry 1 is left out: its status is 101",)
    assert (found.cassette.recorder, found.cassette.recorded) == ("Tool 1.0", "2026-01-28T06:45:51.242Z")
    with pytest.raises(CassetteFormatError, match="nothing in the file can be converted: entry 1"):
        conversion.read(saved(tmp_path, switched))


def test_an_entry_whose_body_was_not_exported_is_left_out(tmp_path: Path) -> None:
    """Browsers omit bodies that they no longer have. Such a body is not treated as empty; a message says so."""
    found = conversion.read(saved(tmp_path, entry({"size": 512, "mimeType": "text/event-stream"}), entry()))
    assert found.notes == ("entry 1 is left out: its body of 512 bytes was not exported with it",)
    assert len(found.cassette.interactions) == 1


def test_invalid_values_in_our_own_members_are_an_error(tmp_path: Path) -> None:
    """A value that a cassette cannot hold is an error about the file."""
    cassette = Cassette([Interaction(Request("GET", GOOGLE), Response(204), (), End("reset", 0.1, "closed"))])
    path = tmp_path / "story.har"
    path.write_bytes(har_writer.write(cassette).replace(b'"closed"', b'"opened"'))
    with pytest.raises(CassetteFormatError, match="'how' must be 'closed'") as raised:
        conversion.read(path)
    assert raised.value.path == path


def test_a_truncated_file_is_reported_as_invalid_json(tmp_path: Path) -> None:
    """The error names the line, and does not take the file for another kind."""
    path = saved(tmp_path, entry())
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CassetteFormatError, match="not valid JSON"):
        conversion.read(path)


def test_an_invalid_file_is_an_error(tmp_path: Path) -> None:
    """The error names the place in the file."""
    with pytest.raises(CassetteFormatError, match=r"log\.entries\[0\]\.request\.url must be a text, not nothing"):
        conversion.read(saved(tmp_path, entry(request={"method": "GET"})))
    with pytest.raises(CassetteFormatError, match="should be base64"):
        conversion.read(saved(tmp_path, entry({"text": "a", "encoding": "base64"})))


@pytest.mark.parametrize(
    ("charset", "text", "size", "body"),
    [
        ("iso-8859-1", "café", 4, b"caf\xe9"),
        ("iso-8859-1", "café", 5, "café".encode()),
        ("iso-8859-1", "café", None, b"caf\xe9"),
        ("ISO-8859-1", "10 €", 4, b"10 \x80"),
        ("iso-8859-1", "\x81", 1, b"\x81"),
        ('"shift_jis"', "月", 2, "月".encode("shift_jis")),
        ("iso-8859-1", "月", 9, "月".encode()),
        ("nobody-knows", "月", 3, "月".encode()),
        ("rot13", "月", 3, "月".encode()),
    ],
)
def test_a_text_is_encoded_as_it_was_on_the_wire(
    charset: str, text: str, size: int | None, body: bytes, tmp_path: Path
) -> None:
    """In the charset of its media type, unless only UTF-8 has the size in the file, or can encode it."""
    content = {"text": text, "mimeType": f"text/plain; charset={charset}", "size": size}
    assert converted(saved(tmp_path, entry(content))).body == body


def test_a_body_that_was_cut_off_is_told(tmp_path: Path) -> None:
    """What was exported is converted."""
    whole, cut = {"text": "data: {}\n\n", "size": 10}, {"text": "data: {}\n\n", "size": 99_999}
    found = conversion.read(saved(tmp_path, entry(whole), entry(cut)))
    assert [one.body for one in found.cassette.interactions] == [b"data: {}\n\n"] * 2
    assert found.notes == ("only a part of the body of entry 2 was exported: 10 of 99999 bytes",)


def test_a_key_that_appears_twice_is_an_error(tmp_path: Path) -> None:
    """One of its values would be lost."""
    path = saved(tmp_path, entry())
    path.write_text(path.read_text().replace('"request":', '"request": {}, "request":'))
    with pytest.raises(CassetteFormatError, match="the key 'request' twice"):
        conversion.read(path)
