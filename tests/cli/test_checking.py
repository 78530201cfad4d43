"""The command check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.cassettes import recorded, streaming
from support.commands import run
from support.planted_secrets import SHAPED

from gemini_replay import Cassette
from gemini_replay.checks.findings import KINDS

FOLDER = Path(__file__).parents[2] / "cassettes"
EVENT = b'data: {"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}\n\n'
LAST = b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n'
KEY = SHAPED["API key (Google) AIza"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder without an ini file."""
    monkeypatch.chdir(tmp_path)


def test_check_finds_and_salvages_truncated_cassettes(tmp_path: Path) -> None:
    """The original is kept, and good cassettes are left alone."""
    good, cut = tmp_path / "good.jsonl", tmp_path / "cut.jsonl"
    shutil.copy(FOLDER / "thinking.jsonl", good)
    whole = (FOLDER / "story.jsonl").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    done = run("check", tmp_path)
    assert done.status == 1
    assert "cut.jsonl" in done.out
    assert "good.jsonl" not in done.out
    assert "2 checked, 1 with errors" in done.out
    assert run("check", tmp_path, "--salvage").status == 0
    assert (tmp_path / "cut.jsonl.bak").read_bytes() == whole[: len(whole) // 2]
    mended = Cassette.load(cut).interactions[0]
    assert mended.end.kind == "cancelled"
    assert 0 < len(mended.chunks) < 13
    assert run("check", tmp_path).status == 0


def test_check_fixes_cassettes_spread_by_a_formatter(tmp_path: Path) -> None:
    """The recorded bytes come back, the original is kept, and other files are unchanged."""
    spread, cut = tmp_path / "spread.jsonl", tmp_path / "cut.jsonl"
    whole = (FOLDER / "story.jsonl").read_bytes()
    formatted = "".join(f"{json.dumps(json.loads(line), indent=4)}\n" for line in whole.splitlines())
    spread.write_text(formatted, encoding="utf-8")
    cut.write_bytes(whole[: len(whole) // 2])
    assert "check --fix" in run("check", tmp_path).out
    done = run("check", "--fix", tmp_path)
    assert done.status == 1
    assert "2 checked, 1 with errors" in done.out
    assert "spread.jsonl: mended" in done.out
    assert spread.read_bytes() == whole
    assert (tmp_path / "spread.jsonl.bak").read_text(encoding="utf-8") == formatted
    assert cut.read_bytes() == whole[: len(whole) // 2]
    before = spread.stat().st_mtime_ns
    assert run("check", "--fix", spread).status == 0
    assert spread.stat().st_mtime_ns == before


def test_a_journal_of_a_crash_becomes_a_cassette(tmp_path: Path) -> None:
    """It gets the cassette's name if that is free, and otherwise a name beside the old cassette."""
    whole = (FOLDER / "story.jsonl").read_bytes()
    (tmp_path / "story.jsonl.part").write_bytes(whole[: len(whole) // 2])
    assert run("check", "--salvage", tmp_path / "story.jsonl.part").status == 0
    assert Cassette.load(tmp_path / "story.jsonl").interactions[0].end.kind == "cancelled"
    first = (tmp_path / "story.jsonl").read_bytes()
    assert run("check", "--salvage", tmp_path / "story.jsonl.part").status == 0
    assert (tmp_path / "story.jsonl").read_bytes() == first
    assert (tmp_path / "story.salvaged.jsonl").exists()


def damaged(damage: str) -> tuple[list[bytes], bytes]:
    """The lines of story.jsonl, damaged after its third chunk, and the body of the chunks before."""
    lines = (FOLDER / "story.jsonl").read_bytes().splitlines(keepends=True)
    before = b"".join(chunk.data for chunk in Cassette.load(FOLDER / "story.jsonl").interactions[0].chunks[:3])
    if damage == "hole":
        lines[6] = b'[0.1, "unfinis\n'
    elif damage == "whole ends in both sides":
        lines[6:] = [b"<<<<<<< HEAD\n", *lines[6:], b"=======\n", *lines[8:], b">>>>>>> other\n"]
    else:
        lines[6:9] = [b"<<<<<<< HEAD\n", *lines[6:8], b"=======\n", *lines[7:9], b">>>>>>> other\n"]
    return lines, before


@pytest.mark.parametrize("damage", ["hole", "whole ends in both sides", "conflict"])
def test_a_salvaged_answer_ends_where_it_cannot_be_read(damage: str) -> None:
    """It has no hole and mixes no sides; later checks warn of it."""
    lines, before = damaged(damage)
    Path("a.jsonl").write_bytes(b"".join(lines))
    done = run("check", "--salvage", "a.jsonl")
    assert "a.jsonl: 1 interaction salvaged, 1 incomplete: cut where" in done.out
    assert "left out: a.jsonl:7:" in done.out
    (kept,) = Cassette.load("a.jsonl").interactions
    assert (kept.body, kept.end.kind, kept.end.extra) == (before, "cancelled", {"salvaged": True})
    again = run("check", "a.jsonl")
    assert (again.status, run("check", "--strict", "a.jsonl").status) == (0, 1)
    assert "a.jsonl:2: warning: the answer was salvaged" in again.out
    assert "[salvaged-answer]" in again.out


@pytest.mark.parametrize("rest", ["nonsense\n", '{"request": {"method": 1}}\n', ""])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.part"])
def test_where_nothing_can_be_salvaged_the_file_stays(rest: str, name: str) -> None:
    """And that is an error."""
    if rest or name.endswith(".part"):
        Path(name).write_text('{"cassette": 1}\n' + rest)
        done = run("check", "--salvage", name)
        assert done.status == 1
        assert "nothing can be salvaged" in done.out
        assert [path.name for path in Path().iterdir()] == [name]
        assert Path(name).read_text() == '{"cassette": 1}\n' + rest


def test_a_cassette_without_interactions_is_a_warning() -> None:
    """It answers nothing."""
    Path("a.jsonl").write_text('{"cassette": 1}\n')
    done = run("check", "a.jsonl")
    assert done.status == 0
    assert "a.jsonl:1: warning: the cassette holds no interaction [no-interactions]" in done.out


def test_what_cannot_be_mended_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder may be protected; the search goes on."""
    whole = (FOLDER / "story.jsonl").read_bytes()
    Path("a.jsonl").write_text("".join(f"{json.dumps(json.loads(one), indent=4)}\n" for one in whole.splitlines()))
    shutil.copy(FOLDER / "404.jsonl", "b.jsonl")
    original = Path.open

    def protected(path: Path, mode: str = "r", *more: Any, **settings: Any) -> Any:
        if "x" in mode:
            raise PermissionError(13, "Permission denied")
        return original(path, mode, *more, **settings)

    monkeypatch.setattr(Path, "open", protected)
    done = run("check", "--fix", "a.jsonl", "b.jsonl")
    assert done.status == 1
    assert "a.jsonl: it cannot be mended: Permission denied [cassette]" in done.out
    assert "b.jsonl:2:" in done.out
    assert done.err == "" or "Searching" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a right")
def test_the_backup_is_beside_the_file_that_was_changed() -> None:
    """If a link is named, too."""
    Path("real").mkdir()
    lines, _ = damaged("hole")
    Path("real/a.jsonl").write_bytes(b"".join(lines))
    Path("link.jsonl").symlink_to("real/a.jsonl")
    done = run("check", "--salvage", "link.jsonl")
    assert "a.jsonl.bak" in done.out
    assert Path("real/a.jsonl.bak").read_bytes() == b"".join(lines)
    assert not Path("link.jsonl.bak").exists()


def test_errors_and_warnings_are_told_apart() -> None:
    """A warning leaves the exit status at 0, unless it is strict; what to do is said once for all of a kind."""
    shutil.copy(FOLDER / "503.jsonl", "a.jsonl")
    shutil.copy(FOLDER / "404.jsonl", "b.jsonl")
    done = run("check", ".")
    assert (done.status, run("check", "--strict", ".").status) == (0, 1)
    assert done.out.splitlines() == [
        "a.jsonl:2: warning: the answer is an error: HTTP 503 UNAVAILABLE (interaction 1) [recorded-error]",
        "  If the test is not about this error, record it again.",
        "b.jsonl:2: warning: the answer is an error: HTTP 404 NOT_FOUND (interaction 1) [recorded-error]",
        "2 checked, 0 with errors, 2 with warnings",
    ]


def test_json_is_a_line_for_each_finding() -> None:
    """With the same keys each time; nothing else is on standard output, and no secret."""
    said = EVENT.replace(b"hi", f"it is {KEY}!".encode())
    recorded(Path("é.jsonl"), [EVENT], [said, LAST])
    Path("b.jsonl").write_text("nonsense\n")
    done = run("check", "--json", "--salvage", "b.jsonl", ".")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 1
    assert KEY not in done.out + done.err
    assert [(one["path"], one["line"], one["interaction"], one["slug"], one["severity"]) for one in found] == [
        ("b.jsonl", 1, None, "cassette-format", "error"),
        ("é.jsonl", 2, 1, "no-finish-reason", "warning"),
        ("é.jsonl", 8, 2, "secret", "error"),
    ]
    assert {tuple(one) for one in found} == {
        ("path", "line", "interaction", "slug", "severity", "message", "hint"),
    }
    assert all(isinstance(one["message"], str) and one["hint"] for one in found)
    assert "2 checked, 2 with errors, 1 with warnings" in done.err


def test_one_file_does_not_end_the_rest() -> None:
    """Neither one that is missing, nor one of which nothing can be salvaged."""
    Path("b.jsonl").write_text("nonsense\n")
    shutil.copy(FOLDER / "404.jsonl", "c.jsonl")
    done = run("check", "--salvage", "--fix", "a.jsonl", "b.jsonl", "c.jsonl")
    assert done.status == 1
    told = [line for line in done.out.splitlines() if line.endswith("]")]
    assert [line.partition(":")[0] for line in told] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert "3 checked, 2 with errors, 1 with warnings" in done.out


def test_age_and_models_come_from_the_command_line_or_the_ini_file() -> None:
    """The command line decides about the age, and adds to the models."""
    Cassette([streaming(EVENT, LAST)], recorded="2020-01-01T00:00:00Z").save("a.jsonl")
    assert run("check", "a.jsonl").out == "1 checked, 0 with errors\n"
    assert "[too-old]" in run("check", "a.jsonl", "--max-age", "12w").out
    assert "[retired-model]" in run("check", "a.jsonl", "--retired-model", "gemini-2.5-*=2026-01-01").out
    settings = ['gemini_max_age = "36h"', 'gemini_retired_models = ["other", "gemini-2.5-flash=2026-01-01"]']
    Path("pyproject.toml").write_text("\n".join(["[tool.pytest.ini_options]", *settings]))
    done = run("check", "a.jsonl")
    assert done.status == 1
    assert "[too-old]" in done.out
    assert "the model gemini-2.5-flash is retired since 2026-01-01" in done.out
    assert "[too-old]" not in run("check", "a.jsonl", "--max-age", "9000d", "--retired-model", "x").out
    assert "[retired-model]" in run("check", "a.jsonl", "--retired-model", "x").out


@pytest.mark.parametrize(
    "arguments", [["--max-age", "soon"], ["--max-age", "5"], ["--max-age", ""], ["--retired-model", "=x"], ["none/"]]
)
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    """And checks nothing."""
    Path("none").mkdir()
    shutil.copy(FOLDER / "404.jsonl", "a.jsonl")
    done = run("check", "a.jsonl", *arguments)
    assert (done.status, done.out) == (2, "")


def test_other_json_lines_are_left_out() -> None:
    """In folders, and with an option wherever they are; what may have been a cassette is checked."""
    Path("data.jsonl").write_text('{"text": "a \\"cassette\\": 1"}\n')
    Path("empty.jsonl").write_bytes(b"")
    whole = (FOLDER / "404.jsonl").read_bytes()
    Path("moved.jsonl").write_bytes(b"".join(sorted(whole.splitlines(keepends=True))))
    Path("spread.jsonl").write_text(json.dumps(json.loads(whole.splitlines()[0]), indent=2))
    Path("pointer.jsonl").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    Path("conflict.jsonl").write_bytes(b"<<<<<<< HEAD\n" + whole)
    for arguments in (["."], ["--cassettes-only", *map(str, Path().glob("*.jsonl"))]):
        done = run("check", *arguments)
        assert done.out.endswith(
            "\n5 checked, 5 with errors, 1 with warnings; other files, left out: 1 (data.jsonl)\n"
        )
    assert run("check", "data.jsonl").status == 1
    assert run("check", "--cassettes-only", "data.jsonl").status == 0
    assert "does not exist" in run("check", "--cassettes-only", "gone.jsonl").out


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n\n",
        b"\0" * 100,
        b"# only a comment\n",
        b"nonsense\n",
        '{"cassette": 1}\n'.encode("utf-16"),
        '{"other": 1}\n'.encode("utf-16-le"),
        b"".join((FOLDER / "404.jsonl").read_bytes().splitlines(keepends=True)[1:]),
        b"".join((FOLDER / "404.jsonl").read_bytes().splitlines(keepends=True)[2:]),
        b'{"request": {"url": "https://a.example"}}\n',
    ],
)
def test_a_damaged_cassette_is_not_left_out(content: bytes) -> None:
    """In a folder as by name: what is no JSON Lines of another kind is a finding."""
    Path("a").mkdir()
    Path("a/a.jsonl").write_bytes(content)
    for arguments in (["a"], ["a/a.jsonl"], ["--cassettes-only", "a/a.jsonl"]):
        done = run("check", *arguments)
        assert done.status == 1
        assert "1 checked, 1 with errors" in done.out


@pytest.mark.parametrize(
    "line", ['{"request": {"contents": []}}', '{"prompt": "a", "response": "b"}', '{"start": 1, "end": 5}', "3", "{}"]
)
def test_the_first_files_that_are_left_out_are_named(line: str) -> None:
    """The others are counted."""
    shutil.copy(FOLDER / "thinking.jsonl", "a.jsonl")
    for number in range(5):
        Path(f"b{number}.jsonl").write_text(f"{line}\n")
    done = run("check", ".")
    assert (done.status, done.out) == (
        0,
        "1 checked, 0 with errors; other files, left out: 5 (b0.jsonl, b1.jsonl, b2.jsonl, …)\n",
    )


def close_folder(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let no one read folders of this name, not even root, who may run the tests."""
    scandir = os.scandir

    def protected(path: Any) -> Any:
        if Path(path).name == name:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", protected)


@pytest.mark.parametrize("command", [["check"], ["show"], ["report", "-o", "page.html"]])
def test_a_folder_that_cannot_be_read_is_told(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beside it is read."""
    Path("all/closed").mkdir(parents=True)
    shutil.copy(FOLDER / "thinking.jsonl", "all/a.jsonl")
    close_folder(monkeypatch, "closed")
    done = run(*command, "all")
    assert done.status == 1
    assert f"{Path('all/closed')}: the folder cannot be read: Permission denied" in done.out + done.err
    assert any(told in done.out for told in ("a.jsonl", "2 checked, 1 with errors", "1 cassette, 1 interaction"))


def test_diff_tells_a_folder_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beside it is compared; the status is that of trouble."""
    for folder in ("old", "new"):
        Path(folder, "closed").mkdir(parents=True)
        shutil.copy(FOLDER / "thinking.jsonl", folder)
    close_folder(monkeypatch, "closed")
    done = run("diff", "old", "new")
    assert done.status == 2
    assert f"{Path('old/closed')}: the folder cannot be read: Permission denied" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a right")
def test_a_link_that_leads_nowhere_is_named_as_one() -> None:
    """With where it leads, and no other name."""
    Path("a.jsonl").symlink_to("gone.jsonl")
    Path("b.jsonl").symlink_to("a.jsonl")
    done = run("check", "a.jsonl")
    assert "a.jsonl: the link leads to a file that does not exist:" in done.out
    assert "gone.jsonl" in done.out
    assert "Did you mean" not in done.out


@pytest.mark.parametrize("slug", KINDS)
def test_each_kind_of_finding_is_explained(slug: str) -> None:
    """By a section of the page about the command."""
    assert run("explain", slug).out.startswith(f"{slug}\n\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("rich", [True, False])
def test_a_terminal_shows_how_far_it_is(rich: bool) -> None:
    """While there are many files; not in a pipe, which the test of a run without a terminal shows."""
    for number in range(40):
        shutil.copy(FOLDER / "thinking.jsonl", f"{number}.jsonl")
    without = "" if rich else "import sys; sys.modules['rich'] = None; "
    script = f"{without}from gemini_replay.cli import main; main(['check', '.'])"
    ours, theirs = os.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, env=environment)
        os.write(theirs, b"<end>")
        shown = b""
        while b"<end>" not in shown:
            shown += terminal.read(65536)
        os.close(theirs)
    assert done.stdout == b"40 checked, 0 with errors\n"
    assert b"Checking cassettes" in shown
    assert (b"of 40" in shown) is not rich
    bare = subprocess.run(command, capture_output=True, check=True)
    assert b"Checking" not in bare.stderr
