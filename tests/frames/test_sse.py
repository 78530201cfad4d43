"""SSEDecoder: lines, fields, raw objects, ends of input, limits."""

from __future__ import annotations

import json

import pytest

from gemini_replay.errors import FrameError, FrameTooLargeError, UsageError
from gemini_replay.frames import Frame, SSEDecoder


def decode(*chunks: bytes, decoder: SSEDecoder | None = None) -> list[Frame]:
    decoder = decoder or SSEDecoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.close()


def data(*chunks: bytes, decoder: SSEDecoder | None = None) -> list[str]:
    return [frame.data for frame in decode(*chunks, decoder=decoder)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_an_event_comes_out_of_the_feed_that_brings_its_blank_line(end: bytes) -> None:
    """The decoder does not wait for bytes that it does not need, such as an LF after a CR."""
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1" + end) == []
    assert [frame.data for frame in decoder.feed(end)] == ["1"]


def test_a_crlf_cut_in_two_is_one_line_end() -> None:
    """The LF that follows a CR in the next chunk starts no new line."""
    assert data(b"data: 1\r", b"\ndata: 2\r", b"\n\r", b"\n", b"data: 3\n\n") == ["1\n2", "3"]


def test_an_empty_chunk_between_cr_and_lf_changes_nothing() -> None:
    """An empty chunk is ignored."""
    assert data(b"data: 1\r", b"", b"\ndata: 2\n\n") == ["1\n2"]


@pytest.mark.parametrize(
    "char",
    ["\u2028", "\u2029", "\u0085", "\v", "\f", "\x1c", "\x1d", "\x1e", "\0"],
    ids=["LS", "PS", "NEL", "VT", "FF", "FS", "GS", "RS", "NUL"],
)
def test_other_separators_are_text(char: str) -> None:
    """Only LF, CR and CRLF end a line, whatever str.splitlines thinks."""
    assert data(f"data: a{char}b\n\n".encode()) == [f"a{char}b"]


def test_only_a_bom_at_the_start_is_skipped() -> None:
    """A BOM anywhere else belongs to the text, so it makes the field's name unknown."""
    bom = b"\xef\xbb\xbf"
    assert data(bom + b"data: 1\n\n" + bom + b"data: 2\n\ndata: 3" + bom + b"\n\n") == [
        "1",
        "3\ufeff",
    ]


@pytest.mark.parametrize("length", [1, 2], ids=["one byte", "two bytes"])
def test_a_stream_that_ends_within_a_bom_is_no_error(length: int) -> None:
    """The bytes that looked like a BOM are then a line without a field."""
    assert decode(b"\xef\xbb\xbf"[:length]) == []


def test_fields_of_an_event() -> None:
    """An event has a type, an id and a retry time. Id and time stay for later events, the type does not."""
    first, second = decode(b"id: 7\nevent: e\nretry: 20\ndata: 1\n\ndata: 2\n\n")
    assert first == Frame("1", "sse", "e", "7", 20, 0)
    assert second == Frame("2", "sse", "message", "7", 20, 34)


@pytest.mark.parametrize("value", [b"-1", b"1.5", b"1x", "٣".encode(), b"", b"9" * 9999])
def test_an_unusable_retry_time_is_ignored(value: bytes) -> None:
    """A retry time has only ASCII digits, and not more than Python accepts in a number."""
    decoder = SSEDecoder()
    assert data(b"retry: 5\nretry: " + value + b"\ndata: 1\n\n", decoder=decoder) == ["1"]
    assert decoder.retry == 5


def test_an_id_with_nul_is_ignored() -> None:
    """The previous id stays."""
    assert [frame.id for frame in decode(b"id: 1\ndata\n\nid: 2\0\ndata\n\nid\ndata\n\n")] == ["1", "1", ""]


def test_a_block_without_data_is_no_event() -> None:
    """Such a block still sets the last event id, and its type is forgotten."""
    (frame,) = decode(b"id: 1\nevent: lost\n\n: comment\n\ndata\n\n")
    assert (frame.data, frame.id, frame.event) == ("", "1", "message")


def test_invalid_utf8_becomes_replacement_characters() -> None:
    """There is one for each maximal part of an invalid sequence, as WHATWG specifies."""
    assert data(b"data: \xe5\xa5\n\ndata: \xff\xed\xa0\x80.\n\n") == ["\ufffd", "\ufffd" * 4 + "."]


def test_a_character_cut_in_two_is_whole() -> None:
    """Bytes are joined before they are decoded."""
    wire = "data: 你🙂é\n\n".encode()
    for cut in range(len(wire)):
        assert data(wire[:cut], wire[cut:]) == ["你🙂é"]


def test_frames_tell_where_they_start() -> None:
    """The offset is that of the event's first field; a BOM and comments count as bytes of the stream."""
    wire = b"\xef\xbb\xbf: hi\n\nevent: x\ndata: 1\n\n\r\ndata: 2\r\n\r\n  {}"
    assert [wire[frame.offset :][:6] for frame in decode(wire)] == [b"event:", b"data: ", b"{}"]


ERROR = b'{\n  "error": {\n    "code": 503,\n    "message": "a } and a { and a \\" in text"\n  }\n}'


@pytest.mark.parametrize("before", [b"", b"data: {}\r\n\r\n", b": c\n", b"\n \t"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\r\n\r\n", b"  \n", b"data: {}\n\n"])
def test_a_raw_object_is_a_frame(before: bytes, after: bytes) -> None:
    """Gemini's error in mid-stream has no ``data:``, several lines and maybe no line end, between any other lines."""
    frames = decode(before + ERROR + after)
    raw = [frame for frame in frames if frame.kind == "object"]
    assert raw == [Frame(ERROR.decode(), "object", offset=len(before), json=json.loads(ERROR))]
    assert len(frames) == 1 + before.count(b"data") + after.count(b"data")


def test_a_raw_object_comes_out_with_its_last_brace() -> None:
    """The decoder does not wait for a line end, which may never come."""
    decoder = SSEDecoder()
    assert decoder.feed(b"data: 1\n\n" + ERROR[:-1])[1:] == []
    assert [frame.data for frame in decoder.feed(b"}")] == [ERROR.decode()]


def test_raw_objects_may_follow_one_another() -> None:
    """Between raw objects, there may be a line end or nothing."""
    assert data(b'{"a":1}\n{"b":2}{"c":3} {"d":4}') == ['{"a":1}', '{"b":2}', '{"c":3}', '{"d":4}']


def test_a_raw_array_of_objects_gives_its_objects() -> None:
    """Vertex AI wraps an error in an array of one."""
    frames = decode(b'data: {}\n\n[ \n {"a":[1]} ,\r\n{"b":2}\n] \ndata: {"c":3}\n\n')
    assert [(frame.kind, frame.data) for frame in frames] == [
        ("sse", "{}"),
        ("object", '{"a":[1]}'),
        ("object", '{"b":2}'),
        ("sse", '{"c":3}'),
    ]


@pytest.mark.parametrize("line", [b"[DONE]", b"[", b"[ [", b"  [1]", b"[\n\n]"])
def test_a_bracket_without_an_object_is_a_line_like_others(line: bytes) -> None:
    """Only an array of objects is treated as raw JSON."""
    assert data(line + b"\ndata: 1\n\n") == ["1"]


def test_an_object_within_an_event_is_not_a_raw_object() -> None:
    """A line with a brace among the fields of an unfinished event is an unknown field, as in the standard."""
    assert data(b'data: {"a":\n{}\ndata: 1}\n\n') == ['{"a":\n1}']


def test_an_object_right_after_an_event_ends_it() -> None:
    """So an error is not lost if the blank line before it is missing."""
    assert data(b'data: {"a":1}\n{"error":{}}\n') == ['{"a":1}', '{"error":{}}']


def test_without_objects_raw_json_is_ignored() -> None:
    """With this setting, the decoder follows the standard, which knows fields and comments only."""
    assert data(ERROR + b"\n\ndata: 1\n\n", decoder=SSEDecoder(objects=False)) == ["1"]


@pytest.mark.parametrize(
    ("wire", "frames"),
    [
        (b"data: 1\n", ["1"]),
        (b"data: 1", ["1"]),
        (b"data: 1\ndata: 2", ["1\n2"]),
        (b'{"a": {', ['{"a": {']),
        (b"data: 1\n\n[", ["1", "["]),
        (b"id: 1\n", []),
        (b": comment", []),
        (b"", []),
    ],
)
def test_the_end_of_input_yields_or_discards(wire: bytes, frames: list[str]) -> None:
    """Depending on the setting, an unfinished event comes out as it is, or is dropped as the standard says."""
    assert data(wire) == frames
    finished = frames[:1] if b"\n\n" in wire else []
    assert data(wire, decoder=SSEDecoder(final="discard")) == finished


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        (b"data: 1\n\nnonsense\n", 9),
        (b"data: 1\n data: 2\n\n", 8),
        (b"data: 1\n\ndata: a\xff\n\n", 16),
        (b": caf\xe9\n", 5),
        (b"data: 1\n\n: c\ndata: 2\n", 13),
        (b"data: 1\n\ndata: 2", 9),
        (b'data: 1\n\n{"a": ', 9),
        (b'{"a": "\xff"}', 7),
        (b"data: 1\n\n[x]\n", 9),
        (b'[{"a":1},]', 9),
        (b'[{"a":1} {"b":2}]', 9),
        (b'[{"a":1},{}', 11),
        (b"data: 1\n\n[ ", 9),
        (b'data: {}\n{"a":1}\n', 9),
    ],
)
def test_strict_tells_the_byte_that_is_wrong(wire: bytes, offset: int) -> None:
    """The offset is the same for every chunking, and no frame before it is lost."""
    for size in (len(wire), 1, 3):
        decoder, frames = SSEDecoder(strict=True), []
        with pytest.raises(FrameError) as caught:
            for start in range(0, len(wire), size):
                frames += decoder.feed(wire[start : start + size])
            frames += decoder.close()
        assert caught.value.offset == offset
        assert all(frame.offset < offset for frame in frames)
        assert bool(frames) == (b"\n\n" in wire[:offset] or wire.startswith(b"[{"))
        assert decode(wire)[: len(frames)] == frames


def test_strict_accepts_what_gemini_and_gateways_send() -> None:
    """Comments, known fields, raw objects and blank lines are accepted."""
    wire = b": hi\r\n\r\ndata: {}\r\n\r\nid: 1\nevent: e\nretry: 1\ndata: {}\n\n \n" + ERROR + b" \n{}\n"
    assert len(decode(wire, decoder=SSEDecoder(strict=True))) == 4


def test_an_error_after_frames_is_raised_by_the_next_call() -> None:
    """The frames come first; every later call raises the error."""
    decoder = SSEDecoder(strict=True)
    assert len(decoder.feed(b"data: 1\n\nnonsense\n")) == 1
    for call in (lambda: decoder.feed(b""), lambda: decoder.feed(b"data: 2\n\n"), decoder.close):
        with pytest.raises(FrameError, match="nonsense"):
            call()


@pytest.mark.parametrize(
    "wire",
    [
        b"data: " + b"x" * 95,
        b":" * 101,
        b"data: " + b"x" * 60 + b"\ndata: " + b"x" * 60,
        b'{"a": "' + b"x" * 100 + b'"}',
        b" " * 101 + b"{}",
        b"[" + b"\n" * 101 + b"{}]",
    ],
    ids=["line", "comment", "many lines", "object", "indent", "array"],
)
@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_the_limit_holds_for_every_chunking(wire: bytes, strict: bool) -> None:
    """A frame or line beyond the limit has its own error, raised after the frames before it."""
    for size in (len(wire) + 9, 1, 7):
        decoder, frames = SSEDecoder(max_frame_bytes=100, strict=strict), []
        stream = b"data: 1\n\n" + wire + b"\n\n"
        with pytest.raises(FrameTooLargeError) as caught:
            for start in range(0, len(stream), size):
                frames += decoder.feed(stream[start : start + size])
            frames += decoder.close()
        assert [frame.data for frame in frames] == ["1"]
        assert (caught.value.offset, caught.value.limit) == (9, 100)


def test_comments_do_not_count_towards_the_limit() -> None:
    """The decoder holds only one line of comments at a time, so keep-alives may go on for ever."""
    wire = b"data: 1\n" + b": keep-alive\n" * 1000 + b"\n"
    assert data(wire, decoder=SSEDecoder(max_frame_bytes=40)) == ["1"]


def test_a_closed_decoder_takes_nothing_more() -> None:
    """Feeding a closed decoder is an error; closing it again is not."""
    decoder = SSEDecoder()
    assert decoder.close() == []
    assert decoder.close() == []
    with pytest.raises(UsageError, match="closed"):
        decoder.feed(b"data: 1\n\n")


@pytest.mark.parametrize("settings", [{"max_frame_bytes": 0}, {"final": "keep"}])
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    """The error comes when the decoder is made, not with the first frame."""
    with pytest.raises(UsageError, match=next(iter(settings))):
        SSEDecoder(**settings)  # type: ignore[arg-type]


def test_bytes_like_input_is_accepted_and_text_is_refused() -> None:
    """A decoder works on bytes, so text is an error."""
    assert data(bytearray(b"data: 1\n"), memoryview(b"\n")) == ["1"]  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="data"):
        SSEDecoder().feed("data: 1\n\n")  # type: ignore[arg-type]
