"""Checks of cassette files: everything that is wrong is told, whatever else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.planted_secrets import SHAPED

from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, Request, Response
from gemini_replay.cassette.redaction import Redactor
from gemini_replay.checks.cassettes import CassetteCheck
from gemini_replay.checks.findings import KINDS

FOLDER = Path(__file__).parents[2] / "cassettes"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENT = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}\n\n'
LAST = b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n'
KEY = SHAPED["API key (Google) AIza"]
SECRET = EVENT.replace(b"hi", f"it is {KEY}!".encode())


def check(**settings: Any) -> CassetteCheck:
    return CassetteCheck(now=NOW, redactor=Redactor(environ={}), **settings)


def found(path: Path, **settings: Any) -> list[tuple[str, int | None, int | None]]:
    """The slug, line and interaction of each finding."""
    return [(one.slug, one.line, one.interaction) for one in check(**settings).findings(path)]


def test_each_finding_has_its_place(tmp_path: Path) -> None:
    """The line of the request, or of what is wrong; the number of the interaction."""
    path = recorded(tmp_path / "a.jsonl", [EVENT, LAST], [EVENT], [b"nonsense\n"], [SECRET, LAST])
    assert found(path) == [
        ("no-finish-reason", 7, 2),
        ("unreadable-body", 11, 3),
        ("secret", 17, 4),
    ]
    for one in check().findings(path):
        assert (one.path, one.severity, one.hint) == (path, *KINDS[one.slug])
        assert KEY not in one.message


@pytest.mark.parametrize(
    ("recorded_at", "slug"),
    [
        ("2026-05-30T12:00:00Z", ""),
        ("2026-05-29T11:59:59Z", "too-old"),
        ("2026-05-29T11:59:59", "too-old"),
        ("2026-06-02T11:00:00Z", ""),
        ("2027-01-01T00:00:00+09:00", "future-date"),
        (None, "no-date"),
        ("yesterday", "no-date"),
    ],
)
def test_the_age_is_that_of_the_header(recorded_at: str | None, slug: str, tmp_path: Path) -> None:
    """Where a greatest age is given; without a date, that is told."""
    path = tmp_path / "a.jsonl"
    Cassette([streaming(EVENT, LAST)], recorded=recorded_at, comments=("# mine",)).save(path)
    assert found(path) == []
    expected = [(slug, 2, None)] if slug else []
    assert found(path, max_age=timedelta(days=3)) == expected


def test_an_age_is_told_with_its_date(tmp_path: Path) -> None:
    """And what is allowed."""
    Cassette([streaming(EVENT, LAST)], recorded="2026-03-01T12:00:00Z").save(tmp_path / "a.jsonl")
    (one,) = check(max_age=timedelta(days=90)).findings(tmp_path / "a.jsonl")
    assert one.message == "recorded 92 days ago, on 2026-03-01; allowed are at most 90 days"
    (one,) = check(max_age=timedelta(0)).findings(tmp_path / "a.jsonl")
    assert one.message.endswith("; allowed are at most 0 hours")


def test_what_is_broken_hides_nothing_else(tmp_path: Path) -> None:
    """Secrets are found before and after a line that cannot be read, and in what was cut off."""
    path = recorded(tmp_path / "a.jsonl", [SECRET, LAST], [EVENT, LAST], [SECRET, LAST])
    lines = path.read_text().splitlines(keepends=True)
    lines[6] = "nonsense\n"
    path.write_text("".join(lines[:-1]))
    slugs = found(path)
    assert [one for one in slugs if one[0] == "cassette-format"] == [("cassette-format", 7, None)]
    assert [line for slug, line, _ in slugs if slug == "secret"] == [4, 14]
    path = recorded(path, [SECRET, LAST], [EVENT, LAST], [SECRET, LAST])
    path.write_text(path.read_text().replace(path.read_text().splitlines()[8], '["soon", "data"]'))
    assert found(path) == [
        ("secret", 4, 1),
        ("cassette-format", 9, 2),
        ("secret", 14, 3),
    ]


def test_a_file_that_cannot_be_read_is_one_finding(tmp_path: Path) -> None:
    """With the slug and the hint of its error, whatever the file is."""
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "new.jsonl").write_text('{"cassette": 9}\n')
    (tmp_path / "har.jsonl").write_text('{"log": {"entries": []}}')
    (tmp_path / "deep.jsonl").write_text('{"cassette": 1, "x": ' + "[" * 100_000)
    for name, slug in {
        "none": "cassette-not-found",
        "folder": "cassette",
        "empty": "cassette-format",
        "new": "cassette-version",
        "har": "cassette-format",
        "deep": "cassette-truncated",
    }.items():
        (one,) = check().findings(tmp_path / f"{name}.jsonl")
        assert one.slug in (slug, "cassette-format")
        assert one.severity == "error"
        assert str(tmp_path) not in one.message


def test_any_damage_is_a_finding_and_no_crash(tmp_path: Path) -> None:
    """Bytes that are changed, lines that are lost, doubled or swapped."""
    import random

    whole = (FOLDER / "split.jsonl").read_bytes()
    rng = random.Random(5)
    path = tmp_path / "a.jsonl"
    for _ in range(150):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(content))
            content[at : at + rng.randint(0, 30)] = rng.randbytes(rng.randint(0, 5))
        lines = bytes(content).splitlines(keepends=True)
        if rng.random() < 0.3:
            rng.shuffle(lines)
        path.write_bytes(b"".join(lines))
        assert all(json.dumps(one.message) for one in check(max_age=timedelta(days=1)).findings(path))


def test_our_own_cassettes_have_only_the_findings_that_are_meant() -> None:
    """Recorded errors, and answers that are cut off."""
    slugs = {path.stem: {slug for slug, _, _ in found(path)} for path in FOLDER.glob("*.jsonl")}
    told = {name: found for name, found in slugs.items() if found}
    errors, cut = {"recorded-error"}, {"no-finish-reason"}
    assert told == {
        "400": errors,
        "404": errors,
        "429": errors,
        "503": errors,
        "inband_error": errors,
        "cut": cut,
        "cut_clean": cut,
    }


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        (1, "# mine", "# mine: KEY"),
        (2, '"cassette": 1', '"cassette": 1, "note": {"a": "KEY"}'),
        (2, '"cassette": 1', '"cassette": 1, "test": "test_a[KEY]"'),
        (2, '"cassette": 1', '"cassette": 1, "recorder": "KEY"'),
        (2, '"cassette": 1', '"cassette": 1, "recorded": "KEY"'),
        (3, '"method"', '"note": "KEY", "method"'),
        (3, '"method"', '"client": "KEY", "method"'),
        (3, '"method"', '"test": "KEY", "method"'),
        (3, '"POST"', '"KEY"'),
        (4, '"status"', '"note": ["KEY"], "status"'),
        (7, '"end"', '"error": "KEY", "end"'),
        (6, "[0.001", "[0.001, broken KEY"),
    ],
)
def test_a_secret_is_found_wherever_it_is(line: int, old: str, new: str, tmp_path: Path) -> None:
    """In comments, in members that are not replayed, in lines that cannot be read."""
    path = tmp_path / "a.jsonl"
    Cassette([streaming(EVENT, LAST)], comments=("# mine",)).save(path)
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new.replace("KEY", KEY))
    path.write_text("".join(lines))
    findings = check(max_age=timedelta(days=3)).findings(path)
    assert [one.line for one in findings if one.slug == "secret"] == [line]
    assert not any(KEY in one.message + one.hint for one in findings)


def test_the_name_of_the_file_is_searched(tmp_path: Path) -> None:
    """It is a finding of the file as a whole."""
    path = recorded(tmp_path / f"{KEY}.jsonl", [EVENT, LAST])
    assert found(path) == [("secret", None, None)]


def test_comments_and_unreadable_lines_move_no_finding(tmp_path: Path) -> None:
    """The line of a secret is the one that holds it."""
    path = recorded(tmp_path / "a.jsonl", [EVENT, SECRET, LAST], [EVENT, SECRET, LAST])
    lines = path.read_text().splitlines(keepends=True)
    lines[4:4] = ["# one\n", "\n", "# three\n"]
    lines.insert(9, "nonsense\n")
    path.write_text("".join(lines))
    expected = [number for number, line in enumerate(lines, 1) if KEY in line]
    assert [line for slug, line, _ in found(path) if slug == "secret"] == expected
    path.write_text("".join(line for line in lines if line != "nonsense\n"))
    assert [line for slug, line, _ in found(path) if slug == "secret"] == [8, 14]


def test_every_unreadable_line_is_told(tmp_path: Path) -> None:
    """Whether the reader can tell what they are or not."""
    path = recorded(tmp_path / "a.jsonl", [EVENT, EVENT, EVENT, LAST], [EVENT, LAST])
    lines = path.read_text().splitlines(keepends=True)
    lines[3] = lines[5] = '["soon", "data"]\n'
    path.write_text("".join(lines))
    assert found(path) == [("cassette-format", 4, 1), ("cassette-format", 6, 1)]
    lines[4] = "nonsense\n"
    path.write_text("".join(lines))
    assert sorted(line or 0 for slug, line, _ in found(path) if slug == "cassette-format") == [4, 5, 6]


def test_a_secret_is_found_in_bytes_that_no_decoder_takes(tmp_path: Path) -> None:
    """A server that calls plain text gzip sends it readable all the same."""
    head = Response(200, (("content-encoding", "gzip"),), body="decoded")
    asked = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent")
    Cassette([Interaction(asked, head, (Chunk(0.0, b"", (), KEY.encode()),))]).save(tmp_path / "a.jsonl")
    assert ("secret", 4, 1) in found(tmp_path / "a.jsonl")
