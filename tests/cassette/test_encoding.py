"""How bytes, JSON and times are written in a cassette."""

from __future__ import annotations

import base64
import json
import math
import tracemalloc
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.cassette.encoding import (
    LineError,
    Rounding,
    decode_after,
    decode_parts,
    encode_json,
    encode_parts,
    exact_json,
    json_body,
)

LIKE_STREAMS = st.lists(
    st.sampled_from(
        [b"data: ", b"\r\n", "你好".encode(), "🌊".encode(), b"\xe5", b"\xa5\xbd", b"\x00", b"\xff" * 9, b"a"]
    )
).map(b"".join)


@given(st.binary() | LIKE_STREAMS)
def test_any_bytes_come_back(data: bytes) -> None:
    """Any bytes are written as parts and read back unchanged."""
    assert decode_parts([json.loads(part) for part in encode_parts(data)]) == data


@given(LIKE_STREAMS)
def test_runs_are_maximal(data: bytes) -> None:
    """Texts and hex runs alternate; each text is as long as it can be, and no hex run contains a whole character."""
    parts = [json.loads(part) for part in encode_parts(data)]
    if any(isinstance(part, dict) and "b64" in part for part in parts):
        assert len(parts) == 1
        return
    kinds = [isinstance(part, str) for part in parts]
    assert all(one != other for one, other in pairwise(kinds))
    for part in parts:
        if isinstance(part, dict):
            run = bytes.fromhex(part["hex"])
            assert not run.decode("utf-8", "ignore")


PARTED = b"\xe4\xbda\xa0" * 6  # without the letters between them, these bytes would be characters


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param("你好".encode(), ['"你好"'], id="text"),
        pytest.param(b"\xbd", ['{"hex": "bd"}'], id="one-cut-byte"),
        pytest.param(b"\xbd\xe5", ['{"hex": "bde5"}'], id="cut-at-both-ends"),
        pytest.param(b"\xbdx\xe5", ['{"hex": "bd"}', '"x"', '{"hex": "e5"}'], id="text-cut-at-both-ends"),
        pytest.param(b"\xe4\xbd\xa0\xe5\xa5", ['"你"', '{"hex": "e5a5"}'], id="cut-character"),
        pytest.param(b'\xbd"}\r\n', ['{"hex": "bd"}', '"\\"}\\r\\n"'], id="cut-character-and-text"),
        pytest.param(b"\xff" * 15, ['{"hex": "' + "ff" * 15 + '"}'], id="just-not-binary"),
        pytest.param(PARTED, [f'{{"b64": "{base64.b64encode(PARTED).decode()}"}}'], id="parted-characters"),
        pytest.param(b"\xff" * 16, ['{"b64": "/////////////////////w=="}'], id="just-binary"),
        pytest.param(b"\xed\xa0\x80", ['{"hex": "eda080"}'], id="surrogate-bytes"),
        pytest.param(b"\xc0\x80", ['{"hex": "c080"}'], id="overlong"),
    ],
)
def test_one_spelling(data: bytes, parts: list[str]) -> None:
    """Each byte sequence has exactly one spelling, and it is this one."""
    assert encode_parts(data) == parts


@pytest.mark.parametrize(
    ("data", "times"),
    [(b"\xff\x00\x80\xc3" * 2**18, 6), (b"data: {}\n\n" * 2**17, 4), ("data: 月亮\n\n".encode() * 2**16, 6)],
    ids=["binary", "ascii", "text"],
)
def test_a_large_chunk_is_spelled_in_little_memory(data: bytes, times: int) -> None:
    """Writing takes a few times the chunk's size, whatever the chunk contains."""
    tracemalloc.start()
    try:
        encode_parts(data)
        assert tracemalloc.get_traced_memory()[1] < times * len(data)
    finally:
        tracemalloc.stop()


def test_a_quarter_is_the_border() -> None:
    """Sixteen binary bytes in sixty-four make a chunk binary; in sixty-five they do not."""
    assert encode_parts(b"\xff" * 16 + b"a" * 48)[0].startswith('{"b64"')
    assert encode_parts(b"\xff" * 16 + b"a" * 49)[0].startswith('{"hex"')


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1f", "\x7f", "\x85", "\x9f", "\xad", "\u061c", "\u200b", "\u200d", "\u200e", "\u2028", "\u2029",
     "\u202e", "\u2060", "\u2066", "\ufe0f", "\ufdd0", "\ufeff", "\uffff", "\U000e0041"],
    ids=lambda character: f"U+{ord(character):04X}",
)  # fmt: skip
def test_hidden_characters_are_escaped(character: str) -> None:
    """Characters that are invisible, reorder text or end lines are written as escapes, and read back."""
    spelled = encode_json(f"a{character}b")
    assert character not in spelled
    assert spelled.isascii()
    assert json.loads(spelled) == f"a{character}b"


@pytest.mark.parametrize("text", ["问好，世界", "🌊🐉", "é°ß", "ｆｕｌｌ　ｗｉｄｔｈ", "한국어", "العربية"])
def test_visible_text_stays_readable(text: str) -> None:
    """Letters, CJK and emoji are written as they are."""
    assert encode_json(text) == f'"{text}"'


@given(st.text(st.characters(exclude_categories=())))
def test_no_format_or_control_character_is_left_raw(text: str) -> None:
    """A written text contains no raw control, line separator, bidi or zero-width character."""
    spelled = encode_json(text)
    assert not [c for c in spelled if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"}]
    assert "\u200b" not in spelled
    spelled.encode()


@given(st.lists(st.floats(0, 1e4)))
def test_sums_of_rounded_times_stay_true(times: list[float]) -> None:
    """At every line, the sum of the written times is within half a millisecond of the true sum."""
    rounding = Rounding()
    true = written = 0.0
    for after in times:
        true += after
        written += rounding(after)
        assert abs(true - written) < 0.0005 + 1e-6


@given(st.lists(st.integers(0, 10**8)))
def test_whole_milliseconds_stay(times_ms: list[int]) -> None:
    """Times that were rounded once do not change again."""
    rounding = Rounding()
    assert [rounding(ms / 1000) for ms in times_ms] == [ms / 1000 for ms in times_ms]


@pytest.mark.parametrize("odd", [-1.0, -0.0, math.nan, -math.inf, math.inf], ids=str)
def test_impossible_times_are_written_as_possible_ones(odd: float) -> None:
    """Whatever a clock says, the written line can be read again."""
    assert decode_after(Rounding()(odd)) >= 0


@pytest.mark.parametrize("value", [True, None, "1", [], -0.1, 1e10, math.inf, math.nan], ids=repr)
def test_values_that_are_not_times(value: object) -> None:
    """Only numbers from 0 to 1e9 are times."""
    with pytest.raises(LineError):
        decode_after(value)


@pytest.mark.parametrize(
    "part",
    [1, None, [], {}, {"coded": "Pz8="}, {"member": "next"},
     {"hex": "a"}, {"hex": "zz"}, {"hex": ""}, {"hex": "ab cd"}, {"b64": "a"}, {"b64": "a b="},
     {"b64": 1}, {"hex": "aa", "b64": ""}, {"bin": "aa"}, "\ud800"],
    ids=repr,
)  # fmt: skip
def test_values_that_are_not_parts(part: object) -> None:
    """Everything that is not a part is refused."""
    with pytest.raises(LineError):
        decode_parts([part])


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "a": 2}', b"[NaN]", b"[Infinity]", b"[1e999]", b"[9007199254740993]", b"[1.00000000000000000001]",
     b"[-0]", b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b"{", b"", b"hello", b"1" * 5000, b"[" * 250 + b"]" * 250,
     b"[" * 100_000],
    ids=["duplicate-key", "nan", "infinity", "overflow", "big-integer", "long-float", "minus-zero", "no-utf8", "bom",
         "cut", "empty", "text", "huge-integer", "deep", "very-deep"],
)  # fmt: skip
def test_bodies_that_json_would_change(body: bytes) -> None:
    """A body is not stored as JSON if parsing and writing it would lose something."""
    assert exact_json(body)[0] is False


@pytest.mark.parametrize(
    "body", [b"{}", b"null", b"1.50", b"1e3", b'{"b": [1, -0.0, "\\ud800"], "a": 9007199254740991}', b' "x" \n']
)
def test_bodies_that_json_keeps(body: bytes) -> None:
    """The value is kept, and after one round of writing and reading its spelling no longer changes."""
    exact, value = exact_json(body)
    assert exact
    assert json.loads(json_body(value)) == json.loads(body)
    assert json_body(exact_json(json_body(value))[1]) == json_body(value)
