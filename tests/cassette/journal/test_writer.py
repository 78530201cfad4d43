"""The journal: on disk line by line, whole after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.journals import part_of, request, salvaged, write

from gemini_replay import Cassette
from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.model import Chunk, End, Interaction, Response
from gemini_replay.errors import CassetteError, CassetteTruncatedError


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def test_every_line_is_on_disk_at_once(tmp_path: Path) -> None:
    """After each call, its line can be read from the file."""
    path = tmp_path / "new" / "story.jsonl"
    part = tmp_path / "new" / "story.jsonl.part"
    journal = Journal(path, test="t", recorder="r", recorded="d")
    entry = journal.begin(request("m"))
    assert len(lines(part)) == 2
    entry.response(Response(200, after=0.25))
    assert lines(part)[-1] == '{"response": {"status": 200, "headers": []}, "after": 0.25}'
    entry.chunks(Chunk(0.0014, b"x"))
    assert lines(part)[-1] == '[0.001, "x"]'
    entry.chunks(Chunk(0.0014, b"y"))
    assert lines(part)[-1] == '[0.002, "y"]'
    entry.end(End("eof", 0.0))
    assert lines(part)[-1] == '{"end": "eof", "after": 0.0}'
    journal.remove()
    assert list(part.parent.iterdir()) == []


def test_without_overlap_the_journal_is_a_plain_cassette(tmp_path: Path) -> None:
    """Interactions one after the other are written exactly as the finished cassette is."""
    journal = Journal(tmp_path / "story.jsonl", recorder="r", recorded="d")
    interactions = []
    for name in ("a", "b"):
        interaction = Interaction(
            request(name), Response(200, after=0.0017), (Chunk(0.0017, b"x"),), End("eof", 0.0017)
        )
        write(journal, interaction)
        interactions.append(interaction)
    assert part_of(journal).read_bytes() == Cassette(interactions, recorder="r", recorded="d").dumps()
    journal.remove()


def test_lines_that_come_too_late_are_ignored(tmp_path: Path) -> None:
    """Lines after an interaction's end, or after the session's, are not written and raise no error."""
    journal = Journal(tmp_path / "story.jsonl")
    entry, other = journal.begin(request("a")), journal.begin(request("b"))
    entry.end(End())
    written = part_of(journal).read_bytes()
    entry.chunks(Chunk(0.0, b"late"))
    entry.end(End())
    assert part_of(journal).read_bytes() == written
    journal.remove()
    other.chunks(Chunk(0.0, b"late"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CassetteError, match="has ended"):
        journal.begin(request("c"))


@given(st.lists(st.integers(0, 3), max_size=40), st.booleans())
def test_overlapping_interactions_are_told_apart(
    tmp_path_factory: pytest.TempPathFactory, turns: list[int], last: bool
) -> None:
    """However four interactions interleave, salvage gives each its own lines; a plain load refuses the journal."""
    path = tmp_path_factory.mktemp("journal") / "story.jsonl"
    journal = Journal(path)
    entries, written, ended = {}, {}, set()
    for turn in turns:
        if turn not in entries:
            entries[turn] = journal.begin(request(f"m{turn}"))
            written[turn] = []
        elif not written[turn]:
            entries[turn].response(Response(200 + turn))
            written[turn].append(b"")
        elif len(written[turn]) < 4:
            data = f"{turn}.{len(written[turn])}".encode()
            entries[turn].chunks(Chunk(0.0, data))
            written[turn].append(data)
        elif turn not in ended:
            entries[turn].end(End())
            ended.add(turn)
    if not entries:
        return
    journal.discard() if last else journal.abandon()
    found = salvaged(part_of(journal))
    order = list(entries)
    assert [i.request.model for i in found] == [f"m{turn}" for turn in order]
    for turn, interaction in zip(order, found, strict=True):
        assert [chunk.data for chunk in interaction.chunks] == written[turn][1:]
        assert interaction.end.kind == ("eof" if turn in ended else "cancelled")
    if len(ended) == len(entries) and "#| " not in part_of(journal).read_text().replace("#| discarded", ""):
        assert [i.request for i in Cassette.load(part_of(journal)).interactions] == [i.request for i in found]


def test_threads_share_a_journal(tmp_path: Path) -> None:
    """Eight threads that record at once neither lose nor mix up lines."""
    journal = Journal(tmp_path / "story.jsonl")
    start = threading.Barrier(8)

    def record(name: int) -> None:
        start.wait()
        chunks = tuple(Chunk(0.001, f"{name}.{n};".encode()) for n in range(50))
        write(journal, Interaction(request(f"m{name}"), Response(200), chunks, End()))

    threads = [threading.Thread(target=record, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.discard()
    found = salvaged(part_of(journal))
    assert sorted(i.request.model or "" for i in found) == [f"m{name}" for name in range(8)]
    for interaction in found:
        name = (interaction.request.model or "")[1:]
        assert interaction.body == b"".join(f"{name}.{n};".encode() for n in range(50))
        assert interaction.end == End()


KILLED = """
import os, signal, sys
from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.model import Chunk, Request, Response
entry = Journal(sys.argv[1]).begin(Request("POST", "https://h/models/m:go"))
entry.response(Response(200))
for n in range(20):
    entry.chunks(Chunk(0.001, b"%d;" % n))
print("written", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_a_killed_recorder_loses_nothing_that_it_wrote(tmp_path: Path) -> None:
    """After a kill in mid-recording, the old cassette is unchanged and every written line can be salvaged."""
    path = tmp_path / "story.jsonl"
    Cassette([], test="old").save(path)
    before = path.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "written\n")
    assert path.read_bytes() == before
    part = tmp_path / "story.jsonl.part"
    with pytest.raises(CassetteTruncatedError):
        Cassette.load(part)
    (interaction,) = salvaged(part)
    assert interaction.body == b"".join(b"%d;" % n for n in range(20))
    assert interaction.end == End("cancelled", extra={"salvaged": True})


def test_a_dropped_request_is_not_in_the_journal(tmp_path: Path) -> None:
    """A request without any answer is dropped, and is not salvaged either."""
    journal = Journal(tmp_path / "story.jsonl")
    dropped = journal.begin(request("dropped"))
    write(journal, Interaction(request("kept"), None, (), End("reset")))
    dropped.drop()
    write(journal, Interaction(request("later"), None, (), End("reset")))
    journal.discard()
    assert [i.request.model for i in salvaged(part_of(journal))] == ["kept", "later"]


def test_a_partly_written_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed write, the journal holds only whole lines and can be written to again."""
    journal = Journal(tmp_path / "story.jsonl")
    entry = journal.begin(request("m"))
    entry.response(Response(200))
    real = os.write
    calls = 0

    def full(file: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(28, "No space left on device")
        return real(file, data[:5])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(CassetteError, match="No space left"):
            entry.chunks(Chunk(0.0, b"lost"))
    entry.chunks(Chunk(0.0, b"kept"))
    entry.end(End())
    journal.discard()
    assert [i.body for i in salvaged(part_of(journal))] == [b"kept"]


def test_whole_lines_of_partly_written_chunks_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks written together go to the system in one call. If a full disk cuts it anywhere, the whole lines stay."""
    journal = Journal(tmp_path / "story.jsonl")
    entry = journal.begin(request("m"))
    entry.response(Response(200))
    real = os.write
    calls = 0

    def full(file: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OSError(28, "No space left on device")
        return real(file, data[:-5])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(CassetteError, match="No space left"):
            entry.chunks(Chunk(0.0, b"one,"), Chunk(0.0, b"two,"), Chunk(0.0, b"lost"))
    entry.chunks(Chunk(0.0, b"kept"))
    entry.end(End())
    journal.discard()
    assert [i.body for i in salvaged(part_of(journal))] == [b"one,two,kept"]


def test_the_journals_size_does_not_slow_it_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk takes one system call with that chunk's line, however long the journal is."""
    written: list[int] = []
    real = os.write

    def counted(file: int, data: bytes) -> int:
        written.append(len(data))
        return real(file, data)

    journal = Journal(tmp_path / "story.jsonl")
    entry = journal.begin(request("m"))
    entry.response(Response(200))
    monkeypatch.setattr(os, "write", counted)
    for _ in range(100):
        entry.chunks(Chunk(0.001, b"x"))
    assert len(written) == 100
    assert all(one == other for one, other in pairwise(written))
    journal.remove()
