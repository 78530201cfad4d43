"""The journal's file: one session at a time, and no journal of another session is lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.journals import part_of, request, salvaged, write

from gemini_replay.cassette.files import salvage
from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.model import End, Interaction
from gemini_replay.errors import CassetteError


def test_an_unused_journal_creates_no_file(tmp_path: Path) -> None:
    """A journal that nothing was written to creates no file and no folder."""
    Journal(tmp_path / "new" / "story.jsonl").discard()
    assert list(tmp_path.iterdir()) == []


def test_the_journal_of_a_crash_is_moved_aside(tmp_path: Path) -> None:
    """The next recording moves a journal that a crash left aside, and overwrites none that was moved aside before."""
    path = tmp_path / "story.jsonl"
    for crash in range(2):
        (tmp_path / "story.jsonl.part").write_text(f'{{"cassette": 1, "test": "{crash}"}}\n')
        Journal(path).begin(request("m"))._journal.remove()
    kept = [salvage(tmp_path / f"story.jsonl.crashed-{n}.part").cassette.test for n in (1, 2)]
    assert kept == ["0", "1"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_discarded_journal_is_kept_until_the_next_recording(tmp_path: Path) -> None:
    """A journal that was discarded can be salvaged until the next recording replaces it."""
    path = tmp_path / "story.jsonl"
    for name in ("a", "b"):
        journal = Journal(path)
        write(journal, Interaction(request(name), None, (), End("reset")))
        journal.discard()
        assert [i.request.model for i in salvaged(part_of(journal))] == [name]
    assert [entry.name for entry in tmp_path.iterdir()] == ["story.jsonl.part"]


def test_another_tests_discarded_journal_stays(tmp_path: Path) -> None:
    """The recording of a failed test stays until the same test records again."""
    path = tmp_path / "story.jsonl"

    def discarded(test: str) -> None:
        journal = Journal(path, test=test)
        write(journal, Interaction(request(test), None, (), End("reset")))
        journal.discard()

    for test in ("a", "b", "b", "a", "b"):
        discarded(test)
        parts = sorted(tmp_path.iterdir())
        assert len(parts) == len({salvage(part).cassette.test for part in parts})
    assert sorted(salvage(part).cassette.test or "" for part in tmp_path.iterdir()) == ["a", "b"]


def test_each_session_has_a_journal_of_its_own(tmp_path: Path) -> None:
    """Sessions that record to one cassette at the same time write to different files, without disturbance."""
    path = tmp_path / "story.jsonl"
    journals = [Journal(path), Journal(path), Journal(path)]
    for number, journal in enumerate(journals):
        write(journal, Interaction(request(f"m{number}"), None, (), End("reset")))
    names = [part_of(journal).name for journal in journals]
    assert names == ["story.jsonl.part", "story.jsonl.2.part", "story.jsonl.3.part"]
    assert [salvaged(part_of(journal))[0].request.model for journal in journals] == ["m0", "m1", "m2"]
    for journal in journals:
        journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_racing_sessions_never_share_a_journal(tmp_path: Path) -> None:
    """Of many sessions that begin at once beside an old journal, each gets its own journal; the old one is kept."""
    path = tmp_path / "story.jsonl"
    (tmp_path / "story.jsonl.part").write_text('{"cassette": 1, "test": "old"}\n')
    start = threading.Barrier(8)
    journals: list[Journal] = []

    def begin() -> None:
        journal = Journal(path)
        start.wait()
        journal.begin(request("m"))
        journals.append(journal)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({journal.part for journal in journals}) == 8
    assert salvage(tmp_path / "story.jsonl.crashed-1.part").cassette.test == "old"
    for journal in journals:
        journal.remove()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """If there is a file in the folder's place, the error says so."""
    (tmp_path / "cassettes").touch()
    with pytest.raises(CassetteError, match="cannot be created"):
        Journal(tmp_path / "cassettes" / "story.jsonl").begin(request("m"))
