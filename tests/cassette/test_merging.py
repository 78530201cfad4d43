"""Cassettes are made by copying lines of journals and of the present file."""

from __future__ import annotations

import os
import threading
import tracemalloc
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.format_v1 import Header
from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.merging import digests, merge, recorded_in, remove_interactions
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteError

HEADER = Header("r", "2026-11-22T09:22:55Z", "t")


def asked(name: str, test: str | None = None) -> Request:
    return Request("POST", f"https://h/models/{name}:go", test=test)


def told(name: str, test: str | None = None) -> Interaction:
    return Interaction(asked(name, test), Response(200, after=0.25), (Chunk(0.5, name.encode()),), End("eof", 0.125))


def journal(path: Path, *interactions: Interaction) -> Journal:
    made = Journal(path, recorder="r", recorded="d")
    for interaction in interactions:
        entry = made.begin(interaction.request)
        if interaction.response is not None:
            entry.response(interaction.response)
        for chunk in interaction.chunks:
            entry.chunks(chunk)
        entry.end(interaction.end)
    return made


def part_of(made: Journal) -> Path:
    assert made.part is not None
    return made.part


def names(path: Path) -> list[str]:
    return [interaction.body.decode() for interaction in Cassette.load(path).interactions]


def test_a_new_cassette_is_the_sorted_journal(tmp_path: Path) -> None:
    """Interactions that overlapped are written one after another, in the order of their requests; times stay true."""
    path = tmp_path / "story.jsonl"
    made = Journal(path)
    a, b = made.begin(asked("a")), made.begin(asked("b"))
    for entry in (b, a):
        entry.response(Response(200, after=0.0004))
    for number in range(3):
        for entry, name in ((a, "a"), (b, "b")):
            entry.chunks(Chunk(0.0004, f"{name}{number}".encode()))
    for entry in (b, a):
        entry.end(End())
    merged = merge(path, [part_of(made)], HEADER, lambda *_: False)
    assert names(path) == ["a0a1a2", "b0b1b2"]
    cassette = Cassette.load(path)
    assert (cassette.recorder, cassette.recorded, cassette.test) == ("r", "2026-11-22T09:22:55Z", "t")
    assert list(merged.recorded) == cassette.interactions
    assert merged.recorded[1] == cassette.interactions[1]
    assert merged.recorded[:1] == cassette.interactions[:1]
    made.remove()


def test_kept_interactions_stay_to_the_byte(tmp_path: Path) -> None:
    """Comments, unknown keys and formatting survive. New interactions take the places of those they replace."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(
        b'# mine\n{"cassette": 1, "reviewed": "yes"}\n'
        b'# first\n{"request":{"method":"POST","url":"https://h/models/keep:go"},"note":1}\n'
        b'{"response":{"status":200},"after":0}\n[0,"keep"]\n{"end":"eof"}\n'
        b'# second\n{"request": {"method": "POST", "url": "https://h/models/old:go"}}\n{"end": "reset"}\n'
        b'# third\n{"request": {"method": "POST", "url": "https://h/models/last:go"}}\n{"end": "reset"}\n'
        b"# the end"
    )
    made = journal(path, told("new"))
    merge(path, [part_of(made)], HEADER, lambda place, header, file, requests: place.request(file).model == "old")
    lines = path.read_bytes().split(b"\n")
    assert lines[0] == b"# mine"
    assert Cassette.load(path).extra == {"reviewed": "yes"}
    assert lines[2:7] == [
        b"# first",
        b'{"request":{"method":"POST","url":"https://h/models/keep:go"},"note":1}',
        b'{"response":{"status":200},"after":0}',
        b'[0,"keep"]',
        b'{"end":"eof"}',
    ]
    assert [i.request.model for i in Cassette.load(path).interactions] == ["keep", "new", "last"]
    assert Cassette.load(path).trailing_comments == ("# the end",)
    made.remove()


def test_sessions_that_commit_at_once_lose_nothing(tmp_path: Path) -> None:
    """Eight threads merge into one cassette, and everything that they recorded is in it."""
    path = tmp_path / "story.jsonl"
    start = threading.Barrier(8)

    def session(number: int) -> None:
        made = journal(path, told(f"m{number}"))
        start.wait()
        merge(path, [part_of(made)], HEADER, lambda *_: False)
        made.remove()

    threads = [threading.Thread(target=session, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(path)) == [f"m{number}" for number in range(8)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["story.jsonl"]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-30], id="cut-off"),
        pytest.param(lambda content: content.replace(b'[0.5, "b"]', b"<<<<<<< HEAD"), id="conflict"),
        pytest.param(lambda content: content.replace(b'{"cassette"', b'{"kassette"'), id="no-header"),
    ],
)
def test_a_damaged_file_is_kept_as_a_backup(tmp_path: Path, damage: object) -> None:
    """Its whole interactions stay in the cassette; the backup holds the original."""
    path = tmp_path / "story.jsonl"
    content = damage(Cassette([told("a"), told("b")]).dumps())  # type: ignore[operator]
    path.write_bytes(content)
    made = journal(path, told("new"))
    merged = merge(path, [part_of(made)], HEADER, lambda *_: False)
    assert merged.backup is not None
    assert merged.backup.read_bytes() == content
    assert names(path)[-1] == "new"
    assert "a" in names(path)
    made.remove()


def test_a_failed_merge_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old cassette and the journal stay, no temporary file is left, and the next merge works."""
    path = tmp_path / "story.jsonl"
    Cassette([told("old")]).save(path)
    before = path.read_bytes()
    made = journal(path, told("new"))

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CassetteError, match="No space left"):
            merge(path, [part_of(made)], HEADER, lambda *_: False)
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["story.jsonl", "story.jsonl.part"]
    merge(path, [part_of(made)], HEADER, lambda *_: False)
    assert names(path) == ["old", "new"]
    made.remove()


def test_temporary_files_of_killed_processes_are_removed(tmp_path: Path) -> None:
    """A merge removes temporary files of its own cassette only."""
    path = tmp_path / "story.jsonl"
    (tmp_path / ".story.jsonl.abc123.tmp").touch()
    (tmp_path / ".story2.jsonl.abc123.tmp").touch()
    made = journal(path, told("new"))
    merge(path, [part_of(made)], HEADER, lambda *_: False)
    made.remove()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".story2.jsonl.abc123.tmp", "story.jsonl"]


def test_the_size_of_a_recording_costs_no_memory(tmp_path: Path) -> None:
    """Merging and counting a recording of 20 MB takes a few MB of memory."""
    path = tmp_path / "story.jsonl"
    made = Journal(path)
    entry = made.begin(asked("big"))
    entry.response(Response(200))
    for _ in range(320):
        entry.chunks(Chunk(0.0, b"x" * 64 * 1024))
    entry.end(End())
    tracemalloc.start()
    try:
        merge(path, [part_of(made)], HEADER, lambda *_: False)
        assert len(recorded_in(part_of(made))) == 1
        assert len(digests(path)) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made.remove()
    assert peak < 5 * 1024 * 1024


def test_interactions_are_not_read_from_a_file_that_has_changed(tmp_path: Path) -> None:
    """If another session has replaced the cassette, an error says so; other bytes are never read as the recording."""
    path = tmp_path / "story.jsonl"
    made = journal(path, told("new"))
    merged = merge(path, [part_of(made)], HEADER, lambda *_: False)
    made.remove()
    Cassette([told("other"), told("more")]).save(path)
    assert len(merged.recorded) == 1
    with pytest.raises(CassetteError, match="has changed"):
        _ = merged.recorded[0]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_pipe_in_a_cassettes_place_is_refused(tmp_path: Path) -> None:
    """Reading a pipe would wait for ever."""
    path = tmp_path / "story.jsonl"
    os.mkfifo(path)
    with pytest.raises(CassetteError, match="pipe"):
        Cassette.load(path)
    made = journal(path, told("new"))
    with pytest.raises(CassetteError, match="pipe"):
        merge(path, [part_of(made)], HEADER, lambda *_: False)
    made.remove()


def test_a_journal_that_is_not_whole_replaces_nothing(tmp_path: Path) -> None:
    """The old cassette stays if an answer has no end, a line cannot be read, or the journal was cut off."""
    path = tmp_path / "story.jsonl"
    Cassette([told("old")]).save(path)
    before = path.read_bytes()
    made = journal(path, told("new"), told("more"))
    whole = part_of(made).read_bytes()
    damages = {
        b"unfinished": whole + b'{"request": {"method": "POST", "url": "https://h/models/m:go"}}\n',
        b"unreadable": whole.replace(b'{"response"', b'{"respons"', 1),
        b"cut": whole[: whole.index(b'{"request"', whole.index(b'{"end"'))],
        b"empty": b"",
    }
    for damage in damages.values():
        part_of(made).write_bytes(damage)
        with pytest.raises(CassetteError):
            merge(path, [part_of(made)], HEADER, lambda *_: False, ended=[2])
        assert path.read_bytes() == before
    made.remove()


def test_interactions_are_removed_by_their_numbers(tmp_path: Path) -> None:
    """The header, the comments and the others stay byte for byte."""
    path = tmp_path / "story.jsonl"
    cassette = Cassette([told(name) for name in "abc"], recorder="r", comments=("# a",), trailing_comments=("# b",))
    cassette.save(path)
    remove_interactions(path, {1, 3})
    kept = Cassette([told("b")], recorder="r", comments=("# a",), trailing_comments=("# b",))
    assert path.read_bytes() == kept.dumps()
    remove_interactions(path, [1])
    assert names(path) == []
    assert Cassette.load(path).comments == ("# a",)


def test_nothing_is_removed_from_a_damaged_cassette(tmp_path: Path) -> None:
    """It says what to do."""
    path = tmp_path / "story.jsonl"
    Cassette([told("a"), told("b")]).save(path)
    path.write_bytes(path.read_bytes().rpartition(b'{"end"')[0])
    before = path.read_bytes()
    with pytest.raises(CassetteError, match="parts of it cannot be read") as caught:
        remove_interactions(path, [1])
    assert f"gemini-replay check {path}" in caught.value.hint
    assert path.read_bytes() == before
