"""Opening a cassette: which errors it finds, what it costs, and what waits until an interaction is used."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from support.calls import calls_of
from support.cassette_lines import BROKEN, CHUNK, END, HEADER, REQUEST, RESPONSE

from gemini_replay import Cassette
from gemini_replay.cassette.files import open_cassette
from gemini_replay.cassette.reader import Reader, Stored
from gemini_replay.errors import CassetteFormatError, CassetteTruncatedError

ONE = REQUEST + RESPONSE + CHUNK * 20 + END


def stored(text: str) -> list[Stored]:
    return list(Reader(text.encode().splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param(HEADER + ONE + REQUEST + RESPONSE + CHUNK, 25, "no end line", id="truncated"),
        pytest.param(HEADER + ONE + REQUEST + RESPONSE + CHUNK[:-4], 27, "cut off", id="within-a-line"),
        pytest.param(HEADER + ONE + '{"frobnicate": 1}\n', 25, "no such line", id="unknown-line"),
        pytest.param(HEADER + ONE + '{"cassette": 2}\n', 25, "format 2", id="newer-version"),
        pytest.param(HEADER + ONE + "<<<<<<< HEAD\n" + ONE, 25, "not valid JSON", id="conflict"),
        pytest.param(HEADER + ONE + CHUNK + ONE, 25, "before any request line", id="stray-chunk"),
        pytest.param(HEADER + REQUEST + CHUNK + END, 3, "before its response line", id="chunk-first"),
        pytest.param(HEADER + REQUEST + RESPONSE + RESPONSE + END, 4, "a second response", id="two-responses"),
        pytest.param(HEADER + ONE + HEADER, 25, "second header", id="two-headers"),
        pytest.param(HEADER + ONE.replace('[0.0, "x"]', '[0.0, "x"', 1), 4, "not valid JSON", id="open-chunk"),
    ],
)
def test_opening_a_cassette_finds_lines_that_are_cut_off_or_out_of_place(text: str, line: int, says: str) -> None:
    """The error has the line; it does not need the lines' contents."""
    with pytest.raises(CassetteFormatError, match=says) as caught:
        stored(text)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param('"method": "POST"', '"method": 5', 26, id="request"),
        pytest.param('"status": 200', '"status": "200"', 27, id="response"),
        pytest.param('[0.0, "x"]', '[0.0, "x" 1]', 29, id="chunk"),
        pytest.param('"eof"', '"oef"', 49, id="end"),
    ],
)
def test_an_error_within_a_line_is_found_when_the_interaction_is_used(old: str, new: str, line: int) -> None:
    """Each use raises the error that loading raises, with the line; other interactions can be used."""
    wrong = ONE.replace(CHUNK, "# a comment\n" + CHUNK, 1).replace(old, new, 1)
    text = HEADER + ONE + "# between\n" + wrong
    with pytest.raises(CassetteFormatError) as expected:
        Cassette.loads(text)
    assert expected.value.line == line
    whole, broken = stored(text)
    assert whole.interaction.body == b"x" * 20
    for _ in range(2):
        with pytest.raises(CassetteFormatError) as caught:
            _ = broken.interaction
        assert str(caught.value) == str(expected.value)


def test_a_wrong_line_is_reported_before_a_missing_one_after_it() -> None:
    """If a file has a wrong line and lacks a line after it, the error is about the wrong line."""
    with pytest.raises(CassetteFormatError) as caught:
        stored(HEADER + REQUEST + RESPONSE.replace("200", "20") + CHUNK)
    assert not isinstance(caught.value, CassetteTruncatedError)
    assert caught.value.line == 3


def test_an_interaction_read_alone_equals_the_loaded_one() -> None:
    """This holds with comments before it and between its lines, and with line ends of Windows."""
    text = HEADER + ONE + "# a\n" + ONE.replace(CHUNK, "# b\n" + CHUNK, 1) + "# c\n" + REQUEST + BROKEN
    for spelled in (text, text.replace("\n", "\r\n"), text.replace('{"', '{ "').replace('":', '" :')):
        assert [one.interaction for one in stored(spelled)] == Cassette.loads(text).interactions


def test_opening_decodes_only_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lines there are, opening decodes one; an interaction that is used is decoded once."""
    path = tmp_path / "story.jsonl"
    path.write_text(HEADER + ONE * 50)
    count = 0
    real = json.JSONDecoder.raw_decode

    def counted(decoder: json.JSONDecoder, text: str, at: int = 0) -> object:
        nonlocal count
        count += 1
        return real(decoder, text, at)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counted)
    found = open_cassette(path)
    assert count == 1
    assert found[7].interaction is found[7].interaction
    assert count == 1 + 23


def test_a_chunk_is_loaded_in_few_calls(tmp_path: Path) -> None:
    """The number of calls that each further chunk adds when an interaction is loaded is small."""

    def loading(chunks: int) -> int:
        path = tmp_path / "story.jsonl"
        path.write_text(HEADER + REQUEST + RESPONSE + CHUNK * chunks + END)
        return calls_of(lambda: Cassette.load(path), python=True)

    loading(1)  # imports
    assert (loading(1010) - loading(10)) / 1000 <= 10


def test_an_opened_cassette_takes_little_more_memory_than_its_file(tmp_path: Path) -> None:
    """Besides its lines, each interaction takes less than a kilobyte."""
    path = tmp_path / "story.jsonl"
    path.write_text(HEADER + ONE.replace("x", "x" * 1000) * 200)
    lines = path.stat().st_size + 200 * 23 * 33  # what Python adds to each bytes object
    tracemalloc.start()
    try:
        found = open_cassette(path)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found) == 200
    assert held - lines < 200 * 1000
