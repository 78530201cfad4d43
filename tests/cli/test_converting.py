"""The commands convert and migrate, run as a user runs them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, End
from gemini_replay.cli import main

STORY = Path(__file__).parents[2] / "cassettes" / "story.jsonl"
KEY = "AIza" + "SyB3xQ9mZ7pLw2vN4rT6yU8iO0aS1dF5gHk"


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


@pytest.mark.parametrize("ending", [".har", ".yaml"])
def test_secrets_are_removed_from_a_cassette_too(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are removed from every part of it, and named by kind and place."""
    (one,) = Cassette.load(STORY).interactions
    request = replace(
        one.request,
        url=f"{one.request.url}&key={KEY}",
        headers=(*one.request.headers, ("x-goog-api-key", KEY)),
        test=f"t.py::test[{KEY}]",
        extra={"by": KEY},
    )
    chunks = (*one.chunks, Chunk(0.0, f": {KEY}\n\n".encode()))
    head = {"test": f"t.py::test[{KEY}]", "extra": {"note": [KEY]}, "comments": (f"# {KEY}",)}
    Cassette([replace(one, request=request, chunks=chunks, comments=(f"# {KEY}",))], **head).save(
        tmp_path / "a.jsonl"
    )
    status, out, _ = run(capsys, "convert", tmp_path / "a.jsonl", tmp_path / f"a{ending}")
    assert status == 0
    assert KEY not in out + (tmp_path / f"a{ending}").read_text("utf-8")
    for place in (
        "request header x-goog-api-key",
        "request URL",
        "answer, chunk",
        "interaction 1, beside",
        "header or",
    ):
        assert place in out


@pytest.mark.parametrize("key", ["test", "note"])
def test_secrets_are_removed_from_what_har_holds_beside_the_messages(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as the names of tests."""
    Cassette(Cassette.load(STORY).interactions, test="t.py::test", extra={"note": "mine"}).save(tmp_path / "a.jsonl")
    run(capsys, "convert", tmp_path / "a.jsonl", tmp_path / "a.har")
    old = {"test": '"test": "t.py::test', "note": '"note": "mine'}[key]
    text = (tmp_path / "a.har").read_text("utf-8")
    assert old in text
    (tmp_path / "a.har").write_text(text.replace(old, f"{old} {KEY}"), "utf-8")
    status, out, _ = run(capsys, "convert", tmp_path / "a.har", tmp_path / "b.jsonl")
    assert status == 0
    assert KEY not in out + (tmp_path / "b.jsonl").read_text("utf-8")
    assert "removed: API key (Google), header or comments of the cassette" in out


def test_only_what_was_written_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """YAML has no place for a connection without a response."""
    (one,) = Cassette.load(STORY).interactions
    broken = Interaction(one.request, None, (), End("reset"))
    Cassette([one, broken]).save(tmp_path / "a.jsonl")
    assert "a.yaml: 1 interaction from" in run(capsys, "convert", tmp_path / "a.jsonl", tmp_path / "a.yaml")[1]
    Cassette([broken]).save(tmp_path / "b.jsonl")
    status, _, err = run(capsys, "convert", tmp_path / "b.jsonl", tmp_path / "b.yaml")
    assert (status, "interaction 1 is left out" in err, ".har" in err) == (1, True, True)
    assert not (tmp_path / "b.yaml").exists()


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


def test_a_name_with_a_secret_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The key comes into no new name, and is not printed; also not that of a folder."""
    run(capsys, "convert", STORY, tmp_path / "a.yaml")
    (tmp_path / "a.yaml").rename(tmp_path / f"test_{KEY}.yaml")
    folder = tmp_path / f"of-{KEY}"
    folder.mkdir()
    run(capsys, "convert", STORY, folder / "b.yaml")
    status, out, err = run(capsys, "migrate", tmp_path)
    assert status == 1
    assert "the name of the file holds a secret" in out
    assert "1 converted, 0 left as they are, 1 with errors" in out
    assert KEY not in out + err
    assert [path.name for path in tmp_path.rglob("*.jsonl")] == ["b.jsonl"]
    assert run(capsys, "convert", STORY, tmp_path / f"{KEY}.har")[0] == 2


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, the rest is converted, and the exit status is 1."""
    run(capsys, "convert", STORY, tmp_path / "z.yaml")
    closed = tmp_path / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path: Path) -> Any:  # root may read every folder, so permissions alone do not show it
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    status, out, _ = run(capsys, "migrate", tmp_path)
    assert status == 1
    assert f"{closed}: it cannot be read: Permission denied" in out
    assert "1 converted, 0 left as they are, 1 with errors" in out


def test_a_cassette_name_that_is_a_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told like any file that cannot be read."""
    run(capsys, "convert", STORY, tmp_path / "z.yaml")
    (tmp_path / "z.jsonl").mkdir()
    status, out, _ = run(capsys, "migrate", tmp_path)
    assert (status, f"{tmp_path / 'z.jsonl'}: it cannot be read: Is a directory" in out) == (1, True)


def test_nothing_to_migrate_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without recordings gives status 1; a second migration of a folder gives 0."""
    (tmp_path / "config.yaml").write_text("some: thing\n")
    status, _, err = run(capsys, "migrate", tmp_path)
    assert (status, f"there is no recording of another tool in {tmp_path}" in err) == (1, True)
    run(capsys, "convert", STORY, tmp_path / "a.yaml")
    assert [run(capsys, "migrate", tmp_path)[0] for _ in range(2)] == [0, 0]


def test_files_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Empty, binary or invalid files may be recordings that went bad; many documents and own tags are valid."""
    for name, content in {
        "empty.har": b"",
        "binary.yaml": b"\x7fELF\0\0",
        "invalid.yaml": b"a: 1\nfoo: [1\n",
        "invalid.json": b"{\n]",
        "many.yaml": b"a: 1\n---\nb: !own 2\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    run(capsys, "convert", STORY, tmp_path / "story.har")
    status, out, _ = run(capsys, "migrate", tmp_path)
    lines = [line.removeprefix(f"{tmp_path}/") for line in out.splitlines() if line.endswith("passed over")]
    assert status == 0
    assert lines[:2] == [
        "binary.yaml: the file is binary, not text; passed over",
        "empty.har: the file is empty; passed over",
    ]
    assert lines[2].startswith("invalid.json:2: the file is not valid JSON")
    assert lines[3].startswith("invalid.yaml:3: the file is not valid YAML")
    assert "5 that are no recordings" in out


@pytest.mark.parametrize(
    ("name", "content", "said", "hint"),
    [
        ("a.har", '{"log": {"entries": []}}', "holds no interaction", "Export it again from the browser or proxy"),
        ("a.yaml", "interactions: []\n", "holds no interaction", "pytest --record-mode=rewrite"),
        ("a.har", "", "the file is empty", "record it again"),
        ("a.yaml", "foo: [1\n", "a.yaml:2: the file is not valid YAML", ""),
    ],
)
def test_the_advice_fits_the_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, said: str, hint: str
) -> None:
    """No option of this package makes a HAR or YAML file."""
    (tmp_path / name).write_text(content)
    status, _, err = run(capsys, "convert", tmp_path / name, tmp_path / "story.jsonl")
    assert (status, said in err, hint in err, "--gemini-record" in err) == (1, True, True, False)


def test_yaml_is_not_loaded_before_it_is_used() -> None:
    """Neither the package nor the command line imports a YAML library."""
    script = "import sys\nfrom gemini_replay.cli import _parser\n_parser()\nprint('yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
