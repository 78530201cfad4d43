"""Wrong lines are refused with their number and the reason, quickly, and with a short message."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cassette_lines import (
    CHUNK,
    CODED,
    END,
    EXAMPLE,
    HEADER,
    IN_DECODED,
    IN_PLAIN,
    REQUEST,
    RESPONSE,
    answers,
    asks,
    read,
)

from gemini_replay import Cassette
from gemini_replay.cassette.format_v1 import decode_line
from gemini_replay.cassette.reader import Reader
from gemini_replay.errors import CassetteFormatError, CassetteTruncatedError, CassetteVersionError


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param(HEADER + "hello\n" + REQUEST, 2, "not valid JSON", id="no-json"),
        pytest.param(HEADER + '{"reqest": {}}\n', 2, "'request'", id="misspelled-structure"),
        pytest.param(HEADER + '{"frobnicate": 1}\n', 2, "'frobnicate'", id="unknown-structure"),
        pytest.param(HEADER + '{"request": {}, "end": "eof"}\n', 2, "more than one", id="two-structures"),
        pytest.param(HEADER + "{}\n", 2, "no such line", id="empty-object"),
        pytest.param(HEADER + "[]\n", 2, "a chunk must be", id="empty-array"),
        pytest.param(HEADER + "3\n", 2, "object or array", id="number"),
        pytest.param(HEADER + HEADER, 2, "second header", id="two-headers"),
        pytest.param(REQUEST + END, 1, "header", id="no-header"),
        pytest.param(HEADER + CHUNK, 2, "before any request line", id="chunk-outside"),
        pytest.param(HEADER + END, 2, "before any request line", id="end-outside"),
        pytest.param(HEADER + REQUEST + CHUNK, 3, "before its response", id="chunk-before-response"),
        pytest.param(HEADER + REQUEST + RESPONSE + RESPONSE, 4, "second response", id="two-responses"),
        pytest.param(HEADER + REQUEST + '{"end": "eoff", "after": 0}\n', 3, "'eof'", id="misspelled-end"),
        pytest.param(asks("").replace("method", "metod").replace(", }", "}"), 2, "'metod'", id="misspelled-member"),
        pytest.param(HEADER + '{"request": {"method": 1, "url": "u"}}\n', 2, "text", id="method-no-text"),
        pytest.param(HEADER + '{"request": 1}\n', 2, "object", id="request-no-object"),
        pytest.param(asks('"json": 1, "body": []'), 2, "both", id="two-bodies"),
        pytest.param(asks('"headers": {"a": "b"}'), 2, "pairs", id="headers-object"),
        pytest.param(asks('"headers": [["a"]]'), 2, "two texts", id="header-no-pair"),
        pytest.param(asks('"json": 1e999'), 2, "json", id="json-overflow"),
        pytest.param(HEADER + REQUEST + '{"response": {"status": "200"}}\n', 3, "status", id="status-no-number"),
        pytest.param(
            HEADER + REQUEST + '{"response": {"status": 200}, "after": -1}\n', 3, "time", id="negative-time"
        ),
        pytest.param(HEADER + REQUEST + RESPONSE + '[NaN, "x"]\n', 4, "NaN", id="nan-time"),
        pytest.param(HEADER + REQUEST + RESPONSE + '["x"]\n', 4, "time", id="chunk-without-time"),
        pytest.param(HEADER + REQUEST + RESPONSE + '[0, {"hex": "abc"}]\n', 4, "part", id="odd-hex"),
        pytest.param(HEADER + REQUEST + RESPONSE + '[0, "\\ud800"]\n', 4, "surrogate", id="lone-surrogate"),
        pytest.param(HEADER + '{"end": "eof", "end": "eof"}\n', 2, "twice", id="duplicate-key"),
        pytest.param(HEADER + "[" * 100_000 + "\n", 2, "JSON", id="bottomless"),
        pytest.param('{"cassette": "1"}\n', 1, "version", id="version-no-number"),
        pytest.param('{"cassette": true}\n', 1, "version", id="version-true"),
        pytest.param(answers("").replace("200", "199"), 3, "from 200", id="informational-status"),
        pytest.param(answers("").replace("200", "1000"), 3, "from 200", id="status-of-four-digits"),
        pytest.param(answers('["a b", ""]'), 3, "'a b'", id="header-name-with-space"),
        pytest.param(answers('["a:", ""]'), 3, "'a:'", id="header-name-with-colon"),
        pytest.param(answers('["", ""]'), 3, "not a valid header name", id="header-without-name"),
        pytest.param(answers('["a\\n", ""]'), 3, "not a valid header name", id="header-name-with-line-end"),
        pytest.param(answers('["\\u00e9", ""]'), 3, "not a valid header name", id="header-name-beyond-ascii"),
        pytest.param(answers('["a", "b\\r\\nc: d"]'), 3, "'\\r'", id="header-with-line-end"),
        pytest.param(answers('["a", "\\u0000"]'), 3, "'\\x00'", id="header-with-nul"),
        pytest.param(answers('["a", "\\udce9"]'), 3, "'\\udce9'", id="header-with-surrogate"),
        pytest.param(IN_PLAIN + CODED, 4, "not stored decoded", id="coded-in-a-plain-body"),
        pytest.param(
            IN_PLAIN + '[0, {"member": "next"}]\n',
            4,
            "not stored decoded",
            id="member-in-plain-body",
        ),
        pytest.param(IN_DECODED + CODED + CHUNK, 5, "after a chunk with coded", id="decoded-after-coded"),
        pytest.param(IN_DECODED + '[0, {"coded": "Pz8="}, "x"]\n', 4, "part", id="coded-not-last"),
        pytest.param(IN_DECODED + '[0, {"coded": ""}]\n', 4, "coded bytes must be", id="coded-nothing"),
        pytest.param(IN_DECODED + '[0, {"coded": "?"}]\n', 4, "coded bytes must be", id="coded-no-base64"),
        pytest.param(IN_DECODED + '[0, {"coded": 1}]\n', 4, "coded bytes must be", id="coded-number"),
        pytest.param(IN_DECODED + '[0, {"member": 2}]\n', 4, "'next'", id="member-number"),
        pytest.param(asks('"body": [{"coded": "Pz8="}]'), 2, "part", id="coded-request"),
        pytest.param(HEADER + REQUEST + '{"end": "eof", "how": "x"}\n', 3, "'unfinished'", id="no-how"),
        pytest.param(HEADER + REQUEST + END, 3, "no response line", id="end-of-no-answer"),
        pytest.param(HEADER + REQUEST.replace("//h", "//[::1"), 2, "not a URL", id="url-with-half-an-address"),
        pytest.param(HEADER + REQUEST.replace("//h", "//h:99999"), 2, "not a URL", id="url-with-a-port-too-high"),
        pytest.param(HEADER + REQUEST.replace("//h", "//h:a"), 2, "not a URL", id="url-with-a-port-of-letters"),
    ],
)
def test_a_wrong_line_is_named(text: str, line: int, says: str) -> None:
    """The error has the line and says what is wrong, or names the closest valid word."""
    with pytest.raises(CassetteFormatError) as caught:
        read(text)
    assert caught.value.line == line
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(HEADER + REQUEST, 2, id="after-request"),
        pytest.param(HEADER + REQUEST + RESPONSE, 2, id="after-response"),
        pytest.param(HEADER + REQUEST + RESPONSE + CHUNK, 2, id="after-chunk"),
        pytest.param(HEADER + REQUEST + RESPONSE + CHUNK[:-4], 4, id="inside-chunk"),
        pytest.param(HEADER + REQUEST + RESPONSE + REQUEST + END, 2, id="next-begins"),
        pytest.param(HEADER + REQUEST + RESPONSE + END[:9], 4, id="inside-end"),
    ],
)
def test_a_cut_recording_is_named(text: str, line: int) -> None:
    """A truncated interaction has its own error, with the line and the command that repairs it."""
    with pytest.raises(CassetteTruncatedError) as caught:
        read(text)
    assert caught.value.line == line
    assert "gemini-replay check --salvage" in str(caught.value)


def test_a_newer_format_is_refused() -> None:
    """The error has the line, the release that wrote the file, and the remedy, whatever else the file holds."""
    with pytest.raises(CassetteVersionError) as caught:
        read('{"cassette": 2, "recorder": "gemini-replay 3.1.0"}\n{"whatever": 1}\n')
    assert caught.value.line == 1
    assert "gemini-replay 3.1.0" in str(caught.value)
    assert "pip install -U gemini-replay" in str(caught.value)


@given(st.binary())
def test_any_line_is_read_or_refused(raw: bytes) -> None:
    """Any line is read, or refused with the cassette's own error."""
    with suppress(CassetteFormatError):
        decode_line(raw)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """A cassette with some bytes replaced loads, or is refused with the cassette's own error."""
    content = bytearray(EXAMPLE.encode())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[at] = data.draw(st.integers(0, 255))
    with suppress(CassetteFormatError):
        Cassette.loads(bytes(content)).dumps()


# --- hostile lines ----------------------------------------------------------------------------------------------


def seconds(line: bytes) -> float:
    gc.disable()  # a collection would disturb the measurement
    try:
        began = time.thread_time()
        with suppress(CassetteFormatError):
            decode_line(line)
        return time.thread_time() - began
    finally:
        gc.enable()


def keys(n: int) -> str:
    return ", ".join(f'"k{at}": 0' for at in range(n))


LONG = "abcdefgh" * 4000
HOSTILE: dict[str, Callable[[int], str]] = {
    "a doubled key at the end": lambda n: f'{{{keys(n)}, "x": 1, "x": 2}}',
    "unknown keys": lambda n: f"{{{keys(n)}}}",
    "a long unknown key": lambda n: json.dumps({"cassettes" * n: 1}),
    "long unknown keys": lambda n: json.dumps({f"{LONG}{at}": 1 for at in range(n // 500)}),
    "a request without a method": lambda n: f'{{"request": {{"url": "u", {keys(n)}}}}}',
    "a long end": lambda n: json.dumps({"end": "eof" * n}),
    "a long time": lambda n: f"[{'1' * n}]",
    "a long fraction": lambda n: f"[0.{'1' * n}]",
    "many parts": lambda n: f"[0{', {}'.format(json.dumps({'hex': 'ff'})) * n}]",
    "many members": lambda n: f"[0{', {}'.format(json.dumps({'member': 'next'})) * n}]",
    "many headers": lambda n: f'{{"response": {{"status": 200, "headers": [{", ".join(["[1, 2]"] * n)}]}}}}',
    "many good headers": lambda n: answers(", ".join(['["a", "b"]'] * n)).splitlines()[2],
    "a long header": lambda n: answers(f'["a", "{"b" * n}"]').splitlines()[2],
    "a long hex": lambda n: f'[0, {{"hex": "{"ff" * n}"}}]',
    "a long no-hex": lambda n: f'[0, {{"hex": "{"ff" * n}g"}}]',
    "a long base64": lambda n: f'[0, {{"b64": "{"abcd" * n}?"}}]',
    "a long string": lambda n: f'[0, "{"你" * n}"]',
    "a long string that breaks off": lambda n: f'[0, "{"你" * n}',
    "deep arrays": lambda n: "[" * n + "]" * n,
    "deep objects": lambda n: '{"request": ' * n + "1" + "}" * n,
    "deep bodies": lambda n: f'{{"request": {{"method": "G", "url": "u", "json": {"[" * n}{"]" * n}}}}}',
    "a long comment": lambda n: "#" * n,
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_reading_a_line_takes_time_in_proportion_to_its_length(hostile: str) -> None:
    """A line 16 times as long takes far less than the 256 times as long that a quadratic reader would take."""
    make = HOSTILE[hostile]
    short, long = make(5_000).encode(), make(80_000).encode()
    for _ in range(3):  # a busy machine may disturb a measurement
        brief = min(seconds(short) for _ in range(5))
        if (lengthy := min(seconds(long) for _ in range(2))) < 100 * max(brief, 0.0002):
            break
    assert lengthy < 100 * max(brief, 0.0002)


@pytest.mark.parametrize(
    "lines",
    [("", "# x\n"), (REQUEST + RESPONSE, CHUNK), ("", REQUEST + END), (REQUEST + RESPONSE, "\n")],
    ids=["comments", "chunks", "interactions", "empty-lines"],
)
def test_reading_many_lines_takes_time_in_proportion_to_their_number(lines: tuple[str, str]) -> None:
    """Eight times as many lines take far less than 64 times as long."""

    def took(n: int) -> float:
        text = (HEADER + lines[0] + lines[1] * n).encode().splitlines(keepends=True)
        gc.disable()
        try:
            began = time.thread_time()
            with suppress(CassetteFormatError):
                list(Reader(text))
            return time.thread_time() - began
        finally:
            gc.enable()

    for _ in range(3):
        brief, lengthy = min(took(1000) for _ in range(3)), took(8000)
        if lengthy < 32 * brief:
            break
    assert lengthy < 32 * brief


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_message_is_short_whatever_the_line(hostile: str) -> None:
    """The message shortens long quotations."""
    said = ""
    try:
        decode_line(HOSTILE[hostile](20_000).encode())
    except CassetteFormatError as error:
        said = str(error)
    assert len(said) < 1200
