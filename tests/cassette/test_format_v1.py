"""Lines ⇄ model, and lines ⇄ interactions."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.cassette.files import Cassette
from gemini_replay.cassette.format_v1 import decode_line
from gemini_replay.cassette.model import END_KINDS, Chunk, End, Interaction, Request, Response
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

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
HEADERS = st.lists(st.tuples(TEXTS, TEXTS)).map(tuple)
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
CHUNKS = st.builds(Chunk, MS, st.binary())
REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["POST", "GET"]),
    url=TEXTS,
    headers=HEADERS,
    body=st.binary() | JSON.map(lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()),
    client=st.none() | TEXTS,
    extra=UNKNOWN,
)
RESPONSES = st.builds(
    Response,
    status=st.integers(100, 999),
    headers=HEADERS,
    after=MS,
    body=st.sampled_from([None, "decoded", "wire"]),
    extra=UNKNOWN,
)
ENDS = st.builds(
    End,
    kind=st.sampled_from(END_KINDS),
    after=MS,
    how=st.sampled_from([None, "closed"]),
    extra=st.dictionaries(st.sampled_from(["note", "salvaged"]), JSON, max_size=1),
)
COMMENTS = st.lists(st.sampled_from(["# hello", "#", "", "# 你好\u2028x"]), max_size=2).map(tuple)
INTERACTIONS = st.builds(Interaction, REQUESTS, RESPONSES, st.lists(CHUNKS).map(tuple), ENDS, COMMENTS) | st.builds(
    Interaction, REQUESTS, st.none(), st.just(()), ENDS, COMMENTS
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
        pytest.param(HEADER + "hello\n" + REQUEST, 2, "no JSON", id="no-json"),
        pytest.param(HEADER + '{"reqest": {}}\n', 2, "'request'", id="misspelled-structure"),
        pytest.param(HEADER + '{"frobnicate": 1}\n', 2, "'frobnicate'", id="unknown-structure"),
        pytest.param(HEADER + '{"request": {}, "end": "eof"}\n', 2, "two things", id="two-structures"),
        pytest.param(HEADER + "{}\n", 2, "no structure", id="empty-object"),
        pytest.param(HEADER + "[]\n", 2, "a chunk is", id="empty-array"),
        pytest.param(HEADER + "3\n", 2, "object or array", id="number"),
        pytest.param(HEADER + HEADER, 2, "second header", id="two-headers"),
        pytest.param(REQUEST + END, 1, "header", id="no-header"),
        pytest.param(HEADER + CHUNK, 2, "outside any interaction", id="chunk-outside"),
        pytest.param(HEADER + END, 2, "outside any interaction", id="end-outside"),
        pytest.param(HEADER + REQUEST + CHUNK, 3, "before its response", id="chunk-before-response"),
        pytest.param(HEADER + REQUEST + RESPONSE + RESPONSE, 4, "second response", id="two-responses"),
        pytest.param(HEADER + REQUEST + '{"end": "eoff", "after": 0}\n', 3, "'eof'", id="misspelled-end"),
        pytest.param(asks("").replace("method", "metod").replace(", }", "}"), 2, "'metod'", id="misspelled-member"),
        pytest.param(HEADER + '{"request": {"method": 1, "url": "u"}}\n', 2, "text", id="method-no-text"),
        pytest.param(HEADER + '{"request": 1}\n', 2, "object", id="request-no-object"),
        pytest.param(asks('"json": 1, "body": []'), 2, "both", id="two-bodies"),
        pytest.param(asks('"headers": {"a": "b"}'), 2, "pairs", id="headers-object"),
        pytest.param(asks('"headers": [["a"]]'), 2, "pair", id="header-no-pair"),
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
