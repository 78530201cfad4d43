"""The commands convert and migrate, run as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.cli import main

STORY = Path(__file__).parents[2] / "cassettes" / "story.jsonl"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The exit status and the output."""
    status = main([*map(str, arguments)])
    return status, *capsys.readouterr()


def test_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cassette converted to HAR and back is the same cassette."""
    assert run(capsys, "convert", STORY, tmp_path / "story.har")[0] == 0
    status, out, _ = run(capsys, "convert", tmp_path / "story.har", tmp_path / "story.jsonl")
    assert (status, out) == (0, f"{tmp_path / 'story.jsonl'}: 1 interaction from HAR\n")
    assert (tmp_path / "story.jsonl").read_bytes() == STORY.read_bytes()


def test_unknown_times_are_reported_and_can_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """YAML has no times. The command says so, unless --rhythm draws them."""
    run(capsys, "convert", STORY, tmp_path / "story.yaml")
    target = tmp_path / "story.jsonl"
    assert "gemini-replay retime" in run(capsys, "convert", tmp_path / "story.yaml", target)[1]
    assert Cassette.load(target).interactions[0].duration == 0
    status, out, _ = run(capsys, "convert", tmp_path / "story.yaml", target, "--rhythm", "gemini-2.5-flash")
    assert status == 0
    assert "retime" not in out
    assert f"the original is kept as {target}.bak" in out
    (one,) = Cassette.load(target).interactions
    assert one.duration > 0.1
    assert [line for line in one.comments if "Times" in line] == [
        "# Times drawn, not recorded: gemini-2.5-flash, seed 0"
    ]


def test_removed_secrets_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are named by kind and place, never by value."""
    run(capsys, "convert", STORY, tmp_path / "story.har")
    log = json.loads((tmp_path / "story.har").read_text())
    log["log"]["entries"][0]["request"]["headers"].append({"name": "cookie", "value": "session=s3cr3t-4711"})
    (tmp_path / "story.har").write_text(json.dumps(log))
    _, out, _ = run(capsys, "convert", tmp_path / "story.har", tmp_path / "story.jsonl")
    assert "removed: value of the header cookie, request header cookie" in out
    assert "4711" not in out + (tmp_path / "story.jsonl").read_text()


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name gives status 2, a wrong file status 1, and nothing is written."""
    status, _, err = run(capsys, "convert", STORY, tmp_path / "story.jsnl")
    assert (status, "Did you mean '.jsonl'?" in err) == (2, True)
    status, _, err = run(capsys, "convert", STORY, tmp_path / "story.jsonl")
    assert (status, "Both files are cassettes" in err) == (2, True)
    (tmp_path / "a.yaml").write_text("some: thing")
    status, _, err = run(capsys, "convert", tmp_path / "a.yaml", tmp_path / "story.jsonl")
    assert (status, "not a recording that can be converted" in err) == (1, True)
    status, _, err = run(capsys, "convert", tmp_path, tmp_path / "story.jsonl")
    assert (status, "gemini-replay migrate" in err) == (1, True)
    assert run(capsys, "convert", tmp_path / "none.yaml", tmp_path / "story.jsonl")[0] == 1
    assert run(capsys, "migrate", tmp_path / "a.yaml")[0] == 2
    assert not (tmp_path / "story.jsonl").exists()


def test_the_advice_for_another_tools_file_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`show` names the exact command that converts the file."""
    for name in ("story.har", "story.yaml"):
        run(capsys, "convert", STORY, tmp_path / name)
        status, _, err = run(capsys, "show", tmp_path / name)
        assert status == 1
        (advice,) = [line for line in err.splitlines() if "gemini-replay convert" in line]
        command = advice.partition("gemini-replay ")[2].split()
        assert run(capsys, *command)[0] == 0


def test_migrate_prints_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints what was converted, the setting to add, and each place in the code to change."""
    folder = tmp_path / "cassettes" / "test_story"
    folder.mkdir(parents=True)
    run(capsys, "convert", STORY, folder / "test_story.yaml")
    (tmp_path / "conftest.py").write_text("def vcr_config(): ...\n")
    status, out, _ = run(capsys, "migrate", tmp_path)
    assert status == 0
    assert f"{folder / 'test_story.yaml'} → test_story.jsonl: 1 interaction" in out
    assert "1 converted, 0 left as they are, 0 with errors, 0 that are no recordings" in out
    assert "gemini_cassette_dir = {folder}/cassettes" in out
    assert f"{tmp_path / 'conftest.py'}:1: def vcr_config → " in out
    (tmp_path / "broken.yaml").write_text("interactions: 3\n")
    assert run(capsys, "migrate", tmp_path)[0] == 1


def test_yaml_is_not_loaded_before_it_is_used() -> None:
    """Neither the package nor the command line imports a YAML library."""
    script = "import sys\nfrom gemini_replay.cli import _parser\n_parser()\nprint('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
