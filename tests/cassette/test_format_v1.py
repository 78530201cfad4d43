"""Lines ⇄ model, and lines ⇄ interactions."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cassette_lines import (
    BROKEN,
    CHUNK,
    CODED,
    END,
    EXAMPLE,
    HEADER,
    IN_DECODED,
    REQUEST,
    RESPONSE,
    answers,
    read,
)

from gemini_replay import Cassette
from gemini_replay.cassette.format_v1 import decode_line
from gemini_replay.cassette.model import END_KINDS, Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteFormatError

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
    """Chunks with members, and with a tail that could not be decoded."""
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
    | st.builds(Interaction, REQUESTS, st.none(), st.just(()), ENDS.filter(lambda end: end.kind != "eof"), COMMENTS)
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


def test_the_designs_example_is_written_byte_for_byte() -> None:
    """The example of the format loads with the documented meaning, and saving it changes no byte."""
    cassette = read(EXAMPLE)
    assert cassette.dumps().decode() == EXAMPLE
    (interaction,) = cassette.interactions
    assert [chunk.after for chunk in interaction.chunks] == [0.0, 0.003]
    assert interaction.text == "你好"
    assert interaction.request.model == "gemini-2.5-flash"


def test_unknown_keys_keep_their_place_in_their_object() -> None:
    """Unknown keys, of the line and of the object in it, stay in their object, after its known keys."""
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
    text = f"# top\n\n{HEADER}# one\n{REQUEST}{RESPONSE}# inside\n{CHUNK}{END}# two\n{REQUEST}{BROKEN}# last"
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
def test_changes_by_editors_keep_the_content(change: Any) -> None:
    """Other spellings of the same content load, and are saved in the standard spelling."""
    assert read(change(EXAMPLE)).dumps().decode() == EXAMPLE


def test_members_and_coded_bytes_stand_among_the_parts() -> None:
    """A response stored decoded marks where its members begin; bytes that could not be decoded come last."""
    chunk = '[0.0, "one", {"member": "next"}, "two", {"coded": "Pz8="}]\n'
    text = IN_DECODED + chunk + CODED + END
    cassette = read(text)
    assert cassette.dumps().decode() == text
    (interaction,) = cassette.interactions
    assert interaction.chunks == (Chunk(0.0, b"onetwo", (3,), b"??"), Chunk(0.0, b"", (), b"??"))
    assert interaction.body == b"onetwo"


def test_a_request_knows_the_test_that_made_it() -> None:
    """The test's id is in the request; requests made outside of tests have none."""
    line = '{"request": {"method": "GET", "url": "u", "headers": [], "client": "c", "test": "t.py::x"}}\n'
    assert read(HEADER + line + BROKEN).interactions[0].request.test == "t.py::x"
    assert read(HEADER + line + BROKEN).dumps().decode() == HEADER + line + BROKEN
    assert read(HEADER + REQUEST + BROKEN).interactions[0].request.test is None


@pytest.mark.parametrize("value", ["caf\u00e9", "\u0080\u009f", "a\tb", "", "\u4f60"])
@pytest.mark.parametrize("status", [200, 599, 999])
def test_unusual_responses_are_read(value: str, status: int) -> None:
    """Header values beyond ASCII and unknown statuses are read, since servers can send them."""
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


# --- the schema ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schema() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    text = resources.files("gemini_replay.cassette").joinpath("schema_v1.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


@given(cassette=CASSETTES)
def test_everything_survives_in_lines_that_fit_the_schema(schema: Any, cassette: Cassette) -> None:
    """Loading gives an equal cassette, saving again the same bytes, and every way to split lines the same lines."""
    written = cassette.dumps()
    again = Cassette.loads(written)
    assert again.dumps() == written
    assert again == cassette
    lines = [line for line in written.decode().splitlines() if line.startswith(("{", "["))]
    assert len(lines) == sum(line.startswith((b"{", b"[")) for line in written.split(b"\n"))
    for line in lines:
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
    """Recorded bodies come back byte for byte and chunk for chunk, even if chunks end within frames."""
    body: bytes = corpus_entry["body"]
    sizes = (1, 7, 1460) if len(body) < 20_000 else (1460, 65_536)
    for size in sizes:
        chunks = tuple(Chunk(0.001, body[at : at + size]) for at in range(0, len(body), size))
        cassette = Cassette([Interaction(Request("POST", "u"), Response(200), chunks)])
        (again,) = Cassette.loads(cassette.dumps()).interactions
        assert again.chunks == chunks
