"""JSONArrayDecoder: elements of any kind and layout, when they come out, ends, limits and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_replay.errors import FrameError, FrameTooLargeError
from gemini_replay.frames import NOT_DECODED, Frame, JSONArrayDecoder
from gemini_replay.gemini.spelling import encode_array, pretty

VALUES: list[Any] = [
    {"a": {"b": [1, {"c": "}"}]}, "x": "]"},
    {},
    {"text": 'quotes " and \\ and \\" and {[ and\nlines', "k\\": {}},
    {"你": "好🙂", "e": []},
    [],
    [1, [2, ["]"]], {"d": None}],
    "just, a [string] \\",
    -1.5e10,
    True,
    None,
]


def decode(*chunks: bytes, decoder: JSONArrayDecoder | None = None) -> list[Frame]:
    decoder = decoder or JSONArrayDecoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.close()


LAYOUTS = {
    "google": b"".join(encode_array([pretty(value) for value in VALUES])),
    "compact": json.dumps(VALUES, separators=(",", ":")).encode(),
    "raw UTF-8": json.dumps(VALUES, ensure_ascii=False).encode(),
    "indented": json.dumps(VALUES, indent=2).encode(),
    "indented by nothing": json.dumps(VALUES, indent=0).encode(),
    "tabs and CRLF": json.dumps(VALUES, indent="\t").replace("\n", "\r\n").encode(),
    "with BOM and space": b"\xef\xbb\xbf \n" + json.dumps(VALUES).encode() + b" \r\n",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_cut_right_at_every_cut(layout: str) -> None:
    """The ends of elements depend neither on white space nor on chunks, lenient or strict."""
    wire = LAYOUTS[layout]
    whole = decode(wire, decoder=JSONArrayDecoder(strict=True))
    assert [json.loads(frame.data) for frame in whole] == VALUES
    assert {frame.kind for frame in whole} == {"array"}
    assert all(wire[frame.offset :].startswith(frame.data.encode()) for frame in whole)
    assert decode(*(wire[at : at + 1] for at in range(len(wire)))) == whole
    for cut in range(1, len(wire)):
        assert decode(wire[:cut], wire[cut:]) == whole


TRICKY = [
    '{\n"a": {\n}\n}',
    '{\n"a": [{\n}\n]\n}',
    '{\n "a": {"b": "}"\n}\n}',
    '{\n"a": "\\\\"\n}',
    '{\n"a": "\\\\\\"}"\n}',
    '{\n"a": 1}',
    '{"a": [\n{\n}\n]}',
    "[\n{\n}\n]",
    '{\n"{": "}", "}": "{"\n}',
]


@pytest.mark.parametrize("element", TRICKY)
@pytest.mark.parametrize("gap", [",", "\n,\r\n", ",\n"], ids=["comma", "google", "comma LF"])
def test_a_brace_alone_on_its_line_need_not_be_the_end(element: str, gap: str) -> None:
    """The fast path for pretty-printed text is also right for text that is indented partly or not at all."""
    wire = f"[{gap.join([element, *TRICKY])}\n]".encode()
    for size in (len(wire), 1, 5, 16):
        chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
        assert [frame.data for frame in decode(*chunks)] == [element, *TRICKY]


@pytest.mark.parametrize("layout", ["google", "compact", "indented"])
def test_an_object_comes_out_with_its_last_byte(layout: str) -> None:
    """The decoder does not wait for the separator that follows."""
    wire = LAYOUTS[layout]
    decoder, ends = JSONArrayDecoder(), []
    for at in range(len(wire)):
        ends += [(at + 1, frame) for frame in decoder.feed(wire[at : at + 1])]
    for end, frame in ends:
        late = not frame.data.endswith(("}", "]", '"'))  # a number or word may continue in the next chunk
        assert end == frame.offset + len(frame.data.encode()) + late


def test_an_element_comes_with_its_value() -> None:
    """An element that is not JSON comes without a value; for a strict decoder, so does NaN."""
    wire = b'[{"a": [1]}, "b", {"c" 2}, nonsense, {"d": NaN}, {"e": 3}]'
    for size in (len(wire), 1, 7):
        chunks = [wire[at : at + size] for at in range(0, len(wire), size)]
        *values, nan, last = [frame.json for frame in decode(*chunks)]
        assert (values, last) == ([{"a": [1]}, "b", NOT_DECODED, NOT_DECODED], {"e": 3})
        assert nan["d"] != nan["d"]
    strict = decode(b'[{"d": NaN}, {"e": 3}]', decoder=JSONArrayDecoder(strict=True))
    assert [frame.json for frame in strict] == [NOT_DECODED, {"e": 3}]


@pytest.mark.parametrize(
    "amid", [b"", b"{broken},", b'{"x": "\xff"},', '"你",'.encode()], ids=["", "not JSON", "not UTF-8", "text"]
)
@pytest.mark.parametrize("size", [50, 3_000, 30_000], ids=["small", "medium", "large"])
def test_offsets_count_bytes_however_long_the_text(size: int, amid: bytes) -> None:
    """Offsets are right for characters of one to four bytes, over several buffers, and around invalid JSON."""
    elements = [json.dumps({"a": "aé你🙂" * (size // 10), "n": n}, ensure_ascii=False).encode() for n in range(20)]
    wire = b"[" + b",\n".join(elements[:10]) + b"," + amid + b",".join(elements[10:]) + b"]"
    whole = decode(wire)
    assert [wire[frame.offset :].startswith(frame.data.encode()) for frame in whole].count(True) >= 20
    assert [frame.json["n"] for frame in whole if isinstance(frame.json, dict) and "n" in frame.json] == [*range(20)]
    for step in (1_000, 20_000):
        assert decode(*(wire[at : at + step] for at in range(0, len(wire), step))) == whole


@pytest.mark.parametrize("step", [1_000, 20_000, 1_000_000])
def test_elements_of_any_size_and_layout_come_out_as_they_are(step: int) -> None:
    """Each has its text, value and offset, whatever the elements and gaps before it look like."""
    layouts: list[dict[str, Any]] = [{}, {"indent": 2}, {"ensure_ascii": False}, {"indent": 1, "ensure_ascii": False}]
    gaps = [",", ", ", ",\r\n", " ,\n"]
    values = [{"n": n, "text": "a月🙂}" * (n * n % 997), "more": [{}, {"}": [n]}]} for n in range(60)]
    values[7:7] = [[], {}, [{}], "你}", 7, [[]]]  # type: ignore[list-item]
    texts = [json.dumps(value, **layouts[n % 4 if n < 30 else 1]) for n, value in enumerate(values)]
    wire, offsets = "[", []
    for n, text in enumerate(texts):
        wire += gaps[n % 4 if n < 40 else 2] if n else ""
        offsets.append(len(wire.encode()))
        wire += text
    raw = f"{wire}]".encode()
    frames = decode(*(raw[at : at + step] for at in range(0, len(raw), step)), decoder=JSONArrayDecoder(strict=True))
    assert [(frame.data, frame.json, frame.offset) for frame in frames] == [*zip(texts, values, offsets, strict=True)]


@pytest.mark.parametrize("wire", [b"[]", b" [ \n ] \n", b"\xef\xbb\xbf[]"])
def test_an_empty_array_has_no_elements(wire: bytes) -> None:
    """An empty array is complete."""
    assert decode(wire, decoder=JSONArrayDecoder(strict=True)) == []


def test_lenient_reads_on_after_the_array() -> None:
    """Further arrays and bare objects are read; missing and extra commas are ignored."""
    frames = decode(b'[{"a":1} {"b":2},,]{"error":{}}\n[3,]')
    assert [(frame.kind, frame.data) for frame in frames] == [
        ("array", '{"a":1}'),
        ("array", '{"b":2}'),
        ("object", '{"error":{}}'),
        ("array", "3"),
    ]


@pytest.mark.parametrize("step", [1, 4, 100])
def test_a_bracket_after_a_bare_object_starts_an_array(step: int) -> None:
    """Outside of arrays, only objects are values: the elements of each further array come one by one."""
    wire = b'[] {"a":1}\n{"b":2} [{"c":3},[4]] {} []'
    frames = decode(*(wire[at : at + step] for at in range(0, len(wire), step)))
    assert [(frame.kind, frame.data) for frame in frames] == [
        ("object", '{"a":1}'),
        ("object", '{"b":2}'),
        ("array", '{"c":3}'),
        ("array", "[4]"),
        ("object", "{}"),
    ]


def test_lenient_loses_no_garbage() -> None:
    """Text in a value's place comes out as an element without a value."""
    assert [frame.data for frame in decode(b'[nonsense, {"a":1}, } , \xff]')] == [
        "nonsense",
        '{"a":1}',
        "}",
        "\ufffd",
    ]


@pytest.mark.parametrize(
    ("wire", "rest"),
    [(b'[{"a":1},{"b":', '{"b":'), (b'[{"a":1},"x', '"x'), (b'[{"a":1},tru', "tru")],
)
def test_the_end_of_input_yields_or_discards(wire: bytes, rest: str) -> None:
    """Depending on the setting, a truncated element comes out as it is or is dropped."""
    assert [frame.data for frame in decode(wire)] == ['{"a":1}', rest]
    kept = decode(wire, decoder=JSONArrayDecoder(final="discard"))
    assert [frame.data for frame in kept] == ['{"a":1}']


@pytest.mark.parametrize(
    ("wire", "offset"),
    [
        (b'{"a":1}', 0),
        (b"<html>", 0),
        (b'[{"a":1} {"b":2}]', 9),
        (b'[{"a":1},,2]', 9),
        (b"[,1]", 1),
        (b'[{"a":1},]', 9),
        (b'[{"a":1},nonsense]', 9),
        (b"[01]", 1),
        (b'[{"a":1}] x', 10),
        (b'[{"a":1}]\n[2]', 10),
        (b'[{"a":1}', 8),
        (b'[{"a":1},{"b', 9),
        (b'[{"a":1},{"b":"\xe5\xa5"}]', 15),
        (b'[{"a":1},}]', 9),
    ],
)
def test_strict_tells_the_byte_that_is_wrong(wire: bytes, offset: int) -> None:
    """The offset and the frames before the error are the same for every chunking."""
    for size in (len(wire), 1, 4):
        decoder, frames = JSONArrayDecoder(strict=True), []
        with pytest.raises(FrameError) as caught:
            for start in range(0, len(wire), size):
                frames += decoder.feed(wire[start : start + size])
            frames += decoder.close()
        assert caught.value.offset == offset
        assert [frame.data for frame in frames] == ['{"a":1}'] * (offset >= 8)


def test_the_limit_counts_one_element() -> None:
    """An array may have any length; separators do not count."""
    small = b"[" + b'{"a": "12345678"},  \n ' * 100 + b"1]"
    for size in (len(small), 1, 50):
        chunks = [small[at : at + size] for at in range(0, len(small), size)]
        assert len(decode(*chunks, decoder=JSONArrayDecoder(max_frame_bytes=17))) == 101
        with pytest.raises(FrameTooLargeError) as caught:
            decode(*chunks, decoder=JSONArrayDecoder(max_frame_bytes=16))
        assert caught.value.offset == 1
