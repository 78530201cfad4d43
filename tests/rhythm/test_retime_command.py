"""`gemini-replay retime`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import Cassette
from gemini_replay.cli import main
from gemini_replay.rhythm.rhythms import RHYTHMS

# google-genai derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
FOLDER = Path(__file__).parents[2] / "cassettes"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A cassette with two interactions, comments, and unknown keys in every place."""
    path = tmp_path / "afc.jsonl"
    lines = (FOLDER / "afc.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    for line in found:
        if isinstance(line, dict):
            line["future"] = [1, "二"]
    spelled = [json.dumps(line, ensure_ascii=False) for line in found]
    path.write_text("\n".join(["# mine", *spelled, "# the end", ""]), encoding="utf-8")
    Cassette.load(path).save()
    return path


def without_times(path: Path) -> list[Any]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# Times drawn"):
            continue
        value = line if line.startswith("#") else json.loads(line)
        if isinstance(value, list):
            value[0] = 0
        elif isinstance(value, dict):
            value.pop("after", None)
        found.append(value)
    return found


def test_retime_changes_times_alone_and_keeps_the_original(
    cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is replaced; comments and unknown keys stay, and the original is kept as a backup."""
    before, original = without_times(cassette), cassette.read_bytes()
    assert main(["retime", str(cassette), "--rhythm", "gemini-3-pro"]) == 0
    backup = cassette.with_name("afc.jsonl.bak")
    assert capsys.readouterr().out == f"{cassette}: the original is kept as {backup}\n"
    assert backup.read_bytes() == original
    assert without_times(cassette) == before
    heads = [one.response.after for one in Cassette.load(cassette).interactions if one.response]
    assert len(set(heads)) == 2
    assert all(2.829 <= head <= 4.931 for head in heads)


def test_retime_never_writes_over_a_backup(cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first backup, with the recorded times, stays. The same rhythm again replaces nothing."""
    original = cassette.read_bytes()
    for seed in ("1", "2", "2"):
        assert main(["retime", str(cassette), "--seed", seed]) == 0
    assert cassette.with_name("afc.jsonl.bak").read_bytes() == original
    assert sorted(path.name for path in cassette.parent.iterdir()) == [
        "afc.jsonl",
        "afc.jsonl.bak",
        "afc.jsonl.bak.1",
    ]
    assert capsys.readouterr().out.count("kept as") == 2


def test_retime_into_another_file(cassette: Path, tmp_path: Path) -> None:
    """The cassette stays unchanged. With `--only`, only that interaction gets new times."""
    original, out = cassette.read_bytes(), tmp_path / "out" / "slow.jsonl"
    assert main(["retime", str(cassette), "--only", "2", "-o", str(out)]) == 0
    assert cassette.read_bytes() == original
    old, new = (Cassette.load(path).interactions for path in (cassette, out))
    assert new[0] == old[0]
    assert new[1].comments[-1].startswith("# Times drawn")
    assert main(["retime", str(cassette), "-o", str(tmp_path / "all.jsonl")]) == 0
    assert Cassette.load(tmp_path / "all.jsonl").interactions[1] == new[1]


def test_retime_lists_the_rhythms(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has their figures, and marks those borrowed from another model."""
    assert main(["retime", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in RHYTHMS)
    assert "2115 / 2938 / 8007" in out
    assert "* from another model" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}", "--rhythm", "gemini-2.5-prx"], "Did you mean 'gemini-2.5-pro'"),
        (["{}", "--only", "3"], "no interaction 3"),
        (["{}", "--only", "0"], "It has 2, counted from 1."),
        (["missing.jsonl"], "missing.jsonl"),
        ([], "cassette to retime is missing"),
    ],
    ids=["rhythm", "beyond", "zero", "missing", "none"],
)
def test_retime_leaves_the_file_alone_when_it_cannot(
    cassette: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says what would be accepted; nothing is changed and no backup is made."""
    original = cassette.read_bytes()
    assert main(["retime", *(one.format(cassette) for one in arguments)]) in (1, 2)
    assert words in capsys.readouterr().err
    assert cassette.read_bytes() == original
    assert [path.name for path in cassette.parent.iterdir()] == ["afc.jsonl"]


def test_a_backup_has_the_permissions_of_the_original(cassette: Path) -> None:
    """A file that others may not read stays so as a backup."""
    if sys.platform == "win32":
        pytest.skip("Windows has no such permissions")
    cassette.chmod(0o600)
    assert main(["retime", str(cassette)]) == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in cassette.parent.iterdir()}
    assert modes == {"afc.jsonl": 0o600, "afc.jsonl.bak": 0o600}


def test_retime_as_a_user_runs_it(tmp_path: Path) -> None:
    """The command runs in a process of its own, and its result can be played."""
    shutil.copy(FOLDER / "story.jsonl", tmp_path / "story.jsonl")
    command = [sys.executable, "-m", "gemini_replay", "retime", "story.jsonl", "--seed", "4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    old, new = (Cassette.load(path).interactions[0] for path in (FOLDER / "story.jsonl", tmp_path / "story.jsonl"))
    assert new.text == old.text
    assert new.duration != old.duration
