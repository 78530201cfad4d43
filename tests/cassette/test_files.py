"""Cassette files: loading, saving, salvaging, and the errors when that fails."""

from __future__ import annotations

import os
import stat
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.files import open_cassette, salvage, stop_watching, watch_opened
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteError, CassetteFormatError, CassetteNotFoundError, CassetteTruncatedError


def story() -> Interaction:
    return Interaction(Request("POST", "https://h/models/m:go"), Response(200), (Chunk(0.0, b"x"),), End())


def test_save_and_load(tmp_path: Path) -> None:
    """A cassette saved into a new folder loads unchanged and knows its path."""
    path = tmp_path / "new" / "folder" / "story.jsonl"
    cassette = Cassette([story()], test="t")
    cassette.save(path)
    assert Cassette.load(path) == cassette
    assert cassette.path == path
    assert [entry.name for entry in path.parent.iterdir()] == ["story.jsonl"]


def test_a_loaded_cassette_saves_where_it_came_from(tmp_path: Path) -> None:
    """`save()` without a path replaces the file that was loaded."""
    path = tmp_path / "story.jsonl"
    Cassette([story()]).save(path)
    cassette = Cassette.load(str(path))
    cassette.interactions.append(story())
    cassette.save()
    assert len(Cassette.load(path).interactions) == 2


def test_no_path_to_save_to() -> None:
    """Saving a cassette that has never been a file is an error that asks for a path."""
    with pytest.raises(CassetteError, match="no path"):
        Cassette().save()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    """Replacing keeps the file's mode, and a symbolic link stays a link to the replaced file."""
    path, link = tmp_path / "story.jsonl", tmp_path / "link.jsonl"
    Cassette([story()]).save(path)
    path.chmod(0o640)
    link.symlink_to(path)
    Cassette([]).save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert Cassette.load(path).interactions == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_new_file_gets_the_usual_permissions(tmp_path: Path) -> None:
    """A new cassette has the same mode as any new file in the folder."""
    (tmp_path / "plain").touch()
    Cassette().save(tmp_path / "story.jsonl")
    assert (tmp_path / "story.jsonl").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_saving_needs_memory_for_one_interaction_only(tmp_path: Path) -> None:
    """A cassette of 10 MB is written an interaction at a time."""
    chunks = tuple(Chunk(0.0, f"data: 你好 {number}\r\n\r\n".encode() * 300) for number in range(5))
    cassette = Cassette([replace(story(), chunks=chunks)] * 300)
    tracemalloc.start()
    try:
        cassette.save(tmp_path / "story.jsonl")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "story.jsonl").stat().st_size > 9_000_000
    assert peak < 1_000_000


def test_a_failed_save_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, the old cassette stays whole, and no temporary file is left."""
    path = tmp_path / "story.jsonl"
    Cassette([story()]).save(path)
    before = path.read_bytes()

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CassetteError, match="No space left"):
        Cassette([]).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_cassette_names_the_closest(tmp_path: Path) -> None:
    """The error names similar cassettes in the folder, and how to record."""
    Cassette().save(tmp_path / "story.jsonl")
    with pytest.raises(CassetteNotFoundError) as caught:
        Cassette.load(tmp_path / "storry.jsonl")
    assert isinstance(caught.value, FileNotFoundError)
    assert "story.jsonl" in caught.value.suggestion
    assert "--gemini-record once" in caught.value.hint


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    """The error says that the folder is missing too."""
    with pytest.raises(CassetteNotFoundError, match="does not exist either"):
        Cassette.load(tmp_path / "nowhere" / "story.jsonl")


def test_a_missing_cassette_with_an_unfinished_recording_beside_it(tmp_path: Path) -> None:
    """The error names the journal that a crash left beside the missing cassette."""
    (tmp_path / "story.jsonl.part").write_text('{"cassette": 1}\n')
    with pytest.raises(CassetteNotFoundError, match=r"check --salvage .*story\.jsonl\.part"):
        Cassette.load(tmp_path / "story.jsonl")


def test_a_folder(tmp_path: Path) -> None:
    """The error for a folder names the cassettes in it."""
    Cassette().save(tmp_path / "story.jsonl")
    with pytest.raises(CassetteError, match=r"story\.jsonl"):
        Cassette.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b" \n\n", "empty", id="white-space"),
        pytest.param(b"# only\n", "no header", id="only-comments"),
        pytest.param(b"interactions:\n- request:\n", "VCR.py", id="vcr-yaml"),
        pytest.param(b"---\nversion: 1\n", "VCR.py", id="yaml"),
        pytest.param(b'{"log": {"version": "1.2", "entries": []}}', "HAR", id="har"),
        pytest.param(b'{\n  "log": {\n    "version": "1.2"', "HAR", id="pretty-har"),
        pytest.param(b'data: {"candidates": []}\r\n\r\n', "body of a stream", id="sse"),
        pytest.param(b'[{"candidates": []}]', "JSON array", id="json-array"),
        pytest.param(b"\x1f\x8b\x08\x00", "compressed", id="gzip"),
        pytest.param('{"cassette": 1}'.encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param("# é\n".encode("latin-1"), "UTF-8", id="latin-1"),
        pytest.param(b"<!doctype html>", "HTML", id="html"),
        pytest.param(b"hello\n", "something else", id="text"),
        pytest.param(b'{"hello": 1}\n', "no such line", id="other-json"),
        pytest.param(b'{"cassette": 1', "not valid JSON", id="half-a-header"),
    ],
)
def test_files_that_are_not_cassettes(tmp_path: Path, content: bytes, says: str) -> None:
    """The error says what the file looks like."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(content)
    for read in (Cassette.load, salvage):
        with pytest.raises(CassetteFormatError) as caught:
            read(path)
        if read == Cassette.load:
            assert says in str(caught.value)
        assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_salvage_closes_an_open_interaction(tmp_path: Path) -> None:
    """Cut anywhere after the header, a cassette loses at most the line that was cut, and can be loaded again."""
    whole = Cassette([story(), story()]).dumps()
    path = tmp_path / "story.jsonl"
    header = whole.index(b"\n") + 1
    for cut in range(header, len(whole)):
        path.write_bytes(whole[:cut])
        cassette = salvage(path).cassette
        lines = whole[:cut].count(b"\n") + (whole[cut : cut + 1] == b"\n")
        kept = cassette.dumps().replace(b'{"end": "cancelled", "after": 0.0, "salvaged": true}\n', b"")
        assert kept == b"".join(whole.splitlines(keepends=True)[:lines]).rstrip(b"\n") + b"\n"
        Cassette.loads(cassette.dumps())


def test_a_truncated_cassette_stays_as_it_is(tmp_path: Path) -> None:
    """Loading, and salvaging without saving, change no byte of the file."""
    path = tmp_path / "story.jsonl"
    content = Cassette([story()]).dumps()[:-20]
    path.write_bytes(content)
    with pytest.raises(CassetteTruncatedError):
        Cassette.load(path)
    assert salvage(path).cassette.interactions[0].end == End("cancelled", extra={"salvaged": True})
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(b"<<<<<<< HEAD\n", id="conflict"),
        pytest.param(b'{"unknown": 1}\n', id="unknown-line"),
        pytest.param(b"\xff\xfe\n", id="not-utf-8"),
        pytest.param(b'[0.0, "a chunk of nobody"]\n', id="stray-chunk"),
        pytest.param(b'{"cassette": 1}\n', id="second-header"),
    ],
)
def test_salvage_saves_whole_interactions_around_a_damaged_line(tmp_path: Path, spoiled: bytes) -> None:
    """A line that cannot be read costs at most its own interaction, and is listed."""
    lines = Cassette([story(), story(), story()]).dumps().splitlines(keepends=True)
    path = tmp_path / "story.jsonl"
    for at in range(1, len(lines) + 1):
        path.write_bytes(b"".join([*lines[:at], spoiled, *lines[at:]]))
        found = salvage(path)
        inside = (at - 1) % 4 != 0  # an interaction has four lines
        assert len(found.cassette.interactions) == 3
        stray = spoiled.startswith(b"[") and inside and (at - 1) % 4 != 1  # in its place, it is one more chunk
        assert found.whole == (3 if not inside or stray else 2)
        assert bool(found.problems) != stray
        whole = [i for i in found.cassette.interactions if i == story()]
        assert len(whole) >= 2


def test_salvage_loses_nothing_of_two_writers_in_one_file(tmp_path: Path) -> None:
    """Interactions that ended before another writer wrote into the file are saved."""
    first = Cassette([story()]).dumps()
    path = tmp_path / "story.jsonl"
    path.write_bytes(first + Cassette([story()]).dumps() + b'[0.1, "x"]\n{"end": "eof"}\n')
    found = salvage(path)
    assert found.whole == 2
    assert found.cassette.interactions == [story(), story()]
    assert [problem.line for problem in found.problems] == [6, 11, 12]


def test_whoever_watches_hears_of_each_file_that_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its absolute path, until nobody wants to know any more."""
    monkeypatch.chdir(tmp_path)
    Cassette([]).save("a.jsonl")
    opened = watch_opened()
    Cassette.load("a.jsonl")
    with pytest.raises(CassetteNotFoundError):
        open_cassette(Path("b.jsonl"))
    stop_watching(opened)
    Cassette.load(tmp_path / "a.jsonl")
    with pytest.raises(CassetteNotFoundError):
        Cassette.load("c.jsonl")
    assert opened == {tmp_path / "a.jsonl", tmp_path / "b.jsonl"}
