"""Cassettes changed by other tools: the error names the change and the remedy; `mended` undoes a formatter's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cassette.files import mended, salvage
from gemini_replay.errors import CassetteError, CassetteFormatError

Change = Callable[[list[bytes]], bytes]


@pytest.fixture
def lines(tmp_path: Path) -> list[bytes]:
    """The lines of a cassette with two interactions, a comment, an empty line and rare characters."""
    first = Cassette.from_text("One two\u2028three. 你好 😀 " * 5, prompt="What?").interactions[0]
    first = replace(first, comments=())
    cassette = Cassette([first, first], comments=("# a comment", ""))
    cassette.save(tmp_path / "story.jsonl")
    return (tmp_path / "story.jsonl").read_bytes().splitlines(keepends=True)


def test_the_cassette_of_these_tests_is_right(lines: list[bytes]) -> None:
    """A comment, an empty line, the header, and two interactions."""
    assert lines[2].startswith(b'{"cassette"')
    assert lines[3].startswith(b'{"request"')
    assert len(Cassette.loads(b"".join(lines)).interactions) == 2


def conflict(lines: list[bytes], start: int, stop: int) -> bytes:
    ours = theirs = b"".join(lines[start:stop])
    both = b"<<<<<<< HEAD\n" + ours + b"||||||| base\n" + b"=======\n" + theirs + b">>>>>>> other\n"
    return b"".join(lines[:start]) + both + b"".join(lines[stop:])


def spread(lines: list[bytes], indent: int | None = 2, *, end: str = "\n") -> bytes:
    """The lines as a formatter of JSON spreads them."""
    found = [
        line.decode().rstrip()
        if line.startswith((b"#", b"\n"))
        else json.dumps(json.loads(line), indent=indent, ensure_ascii=False)
        for line in lines
    ]
    return "".join(f"{line}\n" for line in found).replace("\n", end).encode()


CHANGES: dict[str, tuple[Change, int, str, str]] = {
    "conflict, whole file": (
        lambda lines: conflict(lines, 0, len(lines)),
        1,
        "a merge conflict",
        "git checkout --ours",
    ),
    "conflict, header": (lambda lines: conflict(lines, 2, 3), 3, "a merge conflict", "git checkout --ours"),
    "conflict, chunks": (lambda lines: conflict(lines, 6, 8), 7, "a merge conflict", "git checkout --ours"),
    "pointer of Git LFS": (
        lambda lines: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        1,
        "a pointer of Git LFS",
        "git lfs pull",
    ),
    "spread": (spread, 3, "a formatter has spread", "gemini-replay check --fix"),
    "spread, CRLF": (lambda lines: spread(lines, end="\r\n"), 3, "a formatter has spread", "check --fix"),
    "spread, one line": (
        lambda lines: b"".join([*lines[:3], spread(lines[3:4]), *lines[4:]]),
        4,
        "a formatter has spread",
        "gemini-replay check --fix",
    ),
    "spread, a chunk": (
        lambda lines: b"".join([*lines[:6], spread(lines[6:7], 0), *lines[7:]]),
        7,
        "a formatter has spread",
        "gemini-replay check --fix",
    ),
    "sorted": (lambda lines: b"".join(sorted(lines)), 3, "are sorted", "git checkout"),
    "sorted backwards": (lambda lines: b"".join(sorted(lines, reverse=True)), 1, "are sorted", "git checkout"),
    "header last": (lambda lines: b"".join([*lines[3:], lines[2]]), 1, "have been moved", "git checkout"),
    "a chunk moved": (
        lambda lines: b"".join([*lines[:3], lines[6], *lines[3:6], *lines[7:]]),
        4,
        "have been moved",
        "git checkout",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_change_made_to_a_cassette_is_named(tmp_path: Path, lines: list[bytes], name: str) -> None:
    """However the cassette is read, the error has the path, the line, the change and the remedy."""
    change, line, what, remedy = CHANGES[name]
    path = tmp_path / "story.jsonl"
    path.write_bytes(change(lines))
    with pytest.raises(CassetteFormatError) as caught:
        Cassette.load(path)
    assert (caught.value.path, caught.value.line) == (path, line)
    assert what in caught.value.message
    assert caught.value.message.count(str(path)) == 1
    assert remedy in caught.value.hint
    with pytest.raises(CassetteFormatError, match=what):
        Cassette.loads(change(lines))


@pytest.mark.parametrize("name", [name for name in CHANGES if name.startswith("spread")])
def test_a_spread_cassette_is_mended_exactly(tmp_path: Path, lines: list[bytes], name: str) -> None:
    """`mended` gives back exactly the recorded bytes."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(CHANGES[name][0](lines))
    found = mended(path)
    assert found is not None
    assert found.dumps() == b"".join(lines)


@pytest.mark.parametrize("name", [None, *(name for name in CHANGES if not name.startswith("spread"))])
def test_nothing_else_is_mended(tmp_path: Path, lines: list[bytes], name: str | None) -> None:
    """`mended` gives None for a good cassette and for one that was changed in another way."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(b"".join(lines) if name is None else CHANGES[name][0](lines))
    assert mended(path) is None


def test_a_spread_cassette_with_another_defect_is_not_mended(tmp_path: Path, lines: list[bytes]) -> None:
    """The error names the other defect."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(spread(lines[:-1]))
    with pytest.raises(CassetteFormatError, match="no end line"):
        mended(path)


def test_both_sides_of_a_conflict_can_be_salvaged(tmp_path: Path, lines: list[bytes]) -> None:
    """Salvage keeps every whole interaction of both sides."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(conflict(lines, 0, len(lines)))
    assert salvage(path).whole == 4


@pytest.mark.parametrize("name", ["spread", "pointer of Git LFS"])
def test_cassettes_with_another_remedy_are_not_salvaged(tmp_path: Path, lines: list[bytes], name: str) -> None:
    """Salvaging would lose content that the other remedy keeps."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(CHANGES[name][0](lines))
    with pytest.raises(CassetteError, match=CHANGES[name][2]):
        salvage(path)


def test_text_that_only_looks_similar_is_not_blamed_on_git(tmp_path: Path, lines: list[bytes]) -> None:
    """A line of equals signs is a conflict marker only if it has git's exact form."""
    path = tmp_path / "story.jsonl"
    path.write_bytes(b"".join([*lines[:5], b"========\n", *lines[5:]]))
    with pytest.raises(CassetteFormatError, match="not valid JSON"):
        Cassette.load(path)
