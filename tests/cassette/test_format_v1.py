"""Lines ⇄ model, and lines ⇄ interactions."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay import Cassette
from gemini_replay.cassette.format_v1 import decode_line
from gemini_replay.cassette.model import END_KINDS, Chunk, End, Interaction, Request, Response
from gemini_replay.cassette.reader import Reader
from gemini_replay.errors import CassetteFormatError, CassetteTruncatedError, CassetteVersionError

EXAMPLE = (
    '{"cassette": 1, "recorder": "gemini-replay 0.1.0", "recorded": "2026-11-22T09:22:55Z"}\n'
    '{"request": {"method": "POST", "url": "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash'
    ':streamGenerateContent?alt=sse", "headers": '
    '[["content-type", "application/json"], ["x-goog-api-key", "REDACTED"]], '
    '"json": {"contents": [{"parts": [{"text": "问好"}]}]}}}\n'
    '{"response": {"status": 200, "headers": [["content-type", "text/event-stream"]]}, "after": 0.412}\n'
    '[0.0, "data: {\\"candidates\\": [{\\"content\\": {\\"parts\\": [{\\"text\\": \\"你", {"hex": "e5a5"}]\n'
    '[0.003, {"hex": "bd"}, "\\"}]}}]}\\r\\n\\r\\n"]\n'
    '{"end": "eof", "after": 0.001}\n'
)
HEADER = '{"cassette": 1}\n'
REQUEST = '{"request": {"method": "POST", "url": "https://h/models/m:go", "headers": []}}\n'
RESPONSE = '{"response": {"status": 200, "headers": []}, "after": 0.1}\n'
CHUNK = '[0.0, "x"]\n'
END = '{"end": "eof", "after": 0.0}\n'
DECODED_HEAD = '{"response": {"status": 200, "headers": [], "body": "decoded"}, "after": 0.0}\n'
IN_PLAIN = HEADER + REQUEST + RESPONSE
IN_DECODED = HEADER + REQUEST + DECODED_HEAD
CODED = '[0.0, {"coded": "Pz8="}]\n'

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
HEADERS = st.lists(st.tuples(TEXTS, TEXTS)).map(tuple)
FIELDS = st.lists(
    st.tuples(
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0")),
    )
).map(tuple)
MS = st.integers(0, 100_000).map(lambda ms: ms / 1000)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
UNKNOWN = st.dictionaries(st.sampled_from(["note", "x", "备注", "../tag"]), JSON, max_size=2)
PLAIN_CHUNKS = st.lists(st.builds(Chunk, MS, st.binary())).map(tuple)


@st.composite
def coded_chunks(draw: st.DrawFn) -> tuple[Chunk, ...]:
    """Chunks with members, and with a tail that is still coded."""
    chunks = []
    for data in draw(st.lists(st.binary())):
        members = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
        chunks.append(Chunk(draw(MS), data, tuple(members)))
    if chunks and draw(st.booleans()):
        chunks[-1] = Chunk(0.0, chunks[-1].data, chunks[-1].members, b"?")
        chunks += [Chunk(draw(MS), b"", (), data) for data in draw(st.lists(st.binary()))]
    return tuple(chunks)


REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["POST", "GET"]),
    url=TEXTS,
    headers=HEADERS,
    body=st.binary() | JSON.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()),
    client=st.none() | TEXTS,
    test=st.none() | TEXTS,
    extra=UNKNOWN,
)
RESPONSES = st.builds(
    Response,
    status=st.integers(200, 999),
    headers=FIELDS,
    after=MS,
    body=st.sampled_from([None, "decoded", "wire"]),
    extra=UNKNOWN,
)
ENDS = st.builds(
    End,
    kind=st.sampled_from(END_KINDS),
    after=MS,
    how=st.sampled_from([None, "closed", "unfinished"]),
    extra=st.dictionaries(st.sampled_from(["note", "salvaged"]), JSON, max_size=1),
)
COMMENTS = st.lists(st.sampled_from(["# hello", "#", "", "# 你好\u2028x"]), max_size=2).map(tuple)
DECODED = RESPONSES.map(lambda response: replace(response, body="decoded"))
INTERACTIONS = (
    st.builds(Interaction, REQUESTS, RESPONSES, PLAIN_CHUNKS, ENDS, COMMENTS)
    | st.builds(Interaction, REQUESTS, DECODED, coded_chunks(), ENDS, COMMENTS)
    | st.builds(Interaction, REQUESTS, st.none(), st.just(()), ENDS, COMMENTS)
)
CASSETTES = st.builds(
    Cassette,
    interactions=st.lists(INTERACTIONS, max_size=3),
    recorder=st.none() | TEXTS,
    recorded=st.none() | TEXTS,
    test=st.none() | TEXTS,
    extra=st.dictionaries(st.sampled_from(["note", "x"]), JSON, max_size=2),
    comments=COMMENTS,
    trailing_comments=COMMENTS,
)


def asks(member: str) -> str:
    return f'{HEADER}{{"request": {{"method": "G", "url": "u", {member}}}}}\n'


def answers(headers: str) -> str:
    return f'{HEADER}{REQUEST}{{"response": {{"status": 200, "headers": [{headers}]}}}}\n'


def read(text: str) -> Cassette:
    return Cassette.loads(text)


def test_the_designs_example_is_written_byte_for_byte() -> None:
    """Loading and saving the example of the format changes no byte, and it means what it says."""
    cassette = read(EXAMPLE)
    assert cassette.dumps().decode() == EXAMPLE
    (interaction,) = cassette.interactions
    assert [chunk.after for chunk in interaction.chunks] == [0.0, 0.003]
    assert interaction.text == "你好"
    assert interaction.request.model == "gemini-2.5-flash"


@given(CASSETTES)
def test_everything_survives(cassette: Cassette) -> None:
    """Whatever a cassette holds, saved and loaded it is equal, and saved again it is the same to the byte."""
    written = cassette.dumps()
    again = Cassette.loads(written)
    assert again.dumps() == written
    assert again == cassette


@given(CASSETTES)
def test_lines_end_with_lf_and_hold_no_other_line_end(cassette: Cassette) -> None:
    """Lines of structure split alike under every notion of a line end."""
    text = cassette.dumps().decode()
    structure = "".join(line for line in text.splitlines(keepends=True) if line.startswith(("{", "[")))
    assert all(json.loads(line) for line in structure.splitlines())


def test_unknown_keys_keep_their_place_in_their_object() -> None:
    """Unknown keys of the line, and of the object in it, come behind the known ones of the same object."""
    text = (
        '{"cassette": 1, "note": "h"}\n'
        '{"request": {"method": "GET", "url": "u", "headers": [], "seen": [1]}, "tag": {"a": null}}\n'
        '{"response": {"status": 200, "headers": [], "http": "2"}, "after": 0.0, "tag": 2}\n'
        '{"end": "eof", "after": 0.0, "why": "x"}\n'
    )
    cassette = read(text)
    assert cassette.dumps().decode() == text
    assert cassette.interactions[0].request.extra == {"seen": [1], "../tag": {"a": None}}


def test_comments_go_with_the_interaction_that_follows() -> None:
    """Comments are kept in order; one inside an interaction moves to the next, the rest to the end."""
    text = f"# top\n\n{HEADER}# one\n{REQUEST}{RESPONSE}# inside\n{CHUNK}{END}# two\n{REQUEST}{END}# last"
    cassette = read(text)
    assert cassette.comments == ("# top", "")
    assert [i.comments for i in cassette.interactions] == [("# one",), ("# inside", "# two")]
    assert cassette.trailing_comments == ("# last",)
    assert cassette.dumps().count(b"#") == 5


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="crlf"),
        pytest.param(lambda text: "\ufeff" + text, id="bom"),
        pytest.param(lambda text: text.rstrip("\n"), id="no-final-line-end"),
        pytest.param(lambda text: text.replace("[0.0,", "[0,").replace(", {", " ,{"), id="other-json-style"),
        pytest.param(lambda text: text.replace("你", "\\u4f60"), id="escaped"),
        pytest.param(lambda text: text.replace("e5a5", "E5A5"), id="capital-hex"),
    ],
)
def test_what_editors_do_is_read_as_the_same(change: Any) -> None:
    """Other spellings of the same content load, and save as the one spelling."""
    assert read(change(EXAMPLE)).dumps().decode() == EXAMPLE


def test_members_and_coded_bytes_stand_among_the_parts() -> None:
    """Of a response that is stored decoded: where members begin, and last what could not be decoded."""
    chunk = '[0.0, "one", {"member": "next"}, "two", {"coded": "Pz8="}]\n'
    text = IN_DECODED + chunk + CODED + END
    cassette = read(text)
    assert cassette.dumps().decode() == text
    (interaction,) = cassette.interactions
    assert interaction.chunks == (Chunk(0.0, b"onetwo", (3,), b"??"), Chunk(0.0, b"", (), b"??"))
    assert interaction.body == b"onetwo"


def test_a_request_knows_the_test_that_made_it() -> None:
    """Its id stands in the request; one that no test made has none."""
    line = '{"request": {"method": "GET", "url": "u", "headers": [], "client": "c", "test": "t.py::x"}}\n'
    assert read(HEADER + line + END).interactions[0].request.test == "t.py::x"
    assert read(HEADER + line + END).dumps().decode() == HEADER + line + END
    assert read(HEADER + REQUEST + END).interactions[0].request.test is None


@pytest.mark.parametrize("value", ["caf\u00e9", "\u0080\u009f", "a\tb", "", "\u4f60"])
@pytest.mark.parametrize("status", [200, 599, 999])
def test_what_a_server_can_send_is_read(value: str, status: int) -> None:
    """Values beyond ASCII, and statuses that no standard knows."""
    text = answers(json.dumps(["x-(odd)", value])).replace("200", str(status)) + END
    response = read(text).interactions[0].response
    assert response == Response(status, (("x-(odd)", value),))


def test_times_are_rounded_with_the_error_carried() -> None:
    """A hundred gaps of 1.4 ms are written as 1 and 2 ms, and sum up to 140 ms."""
    chunks = tuple(Chunk(0.0014, b"x") for _ in range(100))
    interaction = Interaction(Request("GET", "u"), Response(200, after=0.0003), chunks, End("eof", 0.0004))
    (again,) = Cassette.loads(Cassette([interaction]).dumps()).interactions
    assert {chunk.after for chunk in again.chunks} == {0.001, 0.002}
    assert again.duration == pytest.approx(interaction.duration, abs=0.0005)


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
    ],
)
def test_a_wrong_line_is_named(text: str, line: int, says: str) -> None:
    """The error has the line and says what is wrong, or what is closest."""
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
    """A truncated interaction is its own error, with the line and the way out."""
    with pytest.raises(CassetteTruncatedError) as caught:
        read(text)
    assert caught.value.line == line
    assert "gemini-replay check --salvage" in str(caught.value)


def test_a_newer_format_names_what_it_needs() -> None:
    """A newer version is refused with the line, the writer and the remedy, whatever else the file holds."""
    with pytest.raises(CassetteVersionError) as caught:
        read('{"cassette": 2, "recorder": "gemini-replay 3.1.0"}\n{"whatever": 1}\n')
    assert caught.value.line == 1
    assert "gemini-replay 3.1.0" in str(caught.value)
    assert "pip install -U gemini-replay" in str(caught.value)


@given(st.binary())
def test_any_line_is_read_or_refused(raw: bytes) -> None:
    """No line makes the reader fail in another way than its own error."""
    with suppress(CassetteFormatError):
        decode_line(raw)


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    """A cassette with some bytes replaced loads, or fails with the cassette's own error."""
    content = bytearray(EXAMPLE.encode())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[at] = data.draw(st.integers(0, 255))
    with suppress(CassetteFormatError):
        Cassette.loads(bytes(content)).dumps()


# --- hostile lines ----------------------------------------------------------------------------------------------


def seconds(line: bytes) -> float:
    gc.disable()  # its runs come at jumps
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
    """Eight times as many, far less than 64 times as long."""

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
    """It clips what it quotes."""
    said = ""
    try:
        decode_line(HOSTILE[hostile](20_000).encode())
    except CassetteFormatError as error:
        said = str(error)
    assert len(said) < 1200


# --- the schema ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    text = resources.files("gemini_replay.cassette").joinpath("schema_v1.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


@given(cassette=CASSETTES)
def test_every_written_line_fits_the_schema(schema: Any, cassette: Cassette) -> None:
    """What is written is what the schema says."""
    for line in cassette.dumps().decode().split("\n"):
        if line and not line.startswith("#"):
            schema.validate(json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        '{"cassette": 2}',
        "{}",
        "[]",
        '["x"]',
        '[0, {"hex": "a"}]',
        '[0, {"b64": "?"}]',
        '[0, {"coded": ""}]',
        '[0, {"member": 1}]',
        '{"response": {"status": 100}}',
        '{"response": {"status": 200, "headers": [["a b", ""]]}}',
        '{"response": {"status": 200, "headers": [["a", "b\\r\\nc"]]}}',
        '{"end": "eof", "how": "open"}',
        '[-1, "x"]',
        '{"end": "done"}',
        '{"request": {"url": "u"}}',
        '{"request": {"method": "G", "url": "u", "json": 1, "body": []}}',
        '{"request": {"method": "G", "url": "u", "headers": [["a"]]}}',
        '{"response": {"status": "200"}}',
        '{"response": {"status": 200, "body": "gzip"}}',
        '{"reqest": {}}',
        '{"end": "eof", "cassette": 1}',
        '"x"',
    ],
)
def test_what_does_not_fit_the_schema_is_refused_by_the_reader(schema: Any, line: str) -> None:
    """The schema and the reader agree about wrong lines."""
    assert not schema.is_valid(json.loads(line))
    with pytest.raises(CassetteFormatError):
        decode_line(line.encode(), path=Path("x.jsonl"), number=1)


# --- real bodies ------------------------------------------------------------------------------------------------


def test_real_bodies_survive_in_any_chunks(corpus_entry: dict[str, Any]) -> None:
    """Recorded bodies come back byte for byte and chunk for chunk, cut at places that no frame knows."""
    body: bytes = corpus_entry["body"]
    sizes = (1, 7, 1460) if len(body) < 20_000 else (1460, 65_536)
    for size in sizes:
        chunks = tuple(Chunk(0.001, body[at : at + size]) for at in range(0, len(body), size))
        cassette = Cassette([Interaction(Request("POST", "u"), Response(200), chunks)])
        (again,) = Cassette.loads(cassette.dumps()).interactions
        assert again.chunks == chunks
