"""The command line, run as a user runs it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest
from support.clients import ASK, KEY
from support.commands import run
from support.processes import listening
from support.streams import PATH

from gemini_replay import Cassette, __version__
from gemini_replay.cli import main

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY, OTHER = FOLDER / "story.jsonl", FOLDER / "thinking.jsonl"


def test_demo_records_replays_and_compares(tmp_path: Path) -> None:
    """Bytes, boundaries and rhythm are the same, the exit status says so, and the cassette is kept on request."""
    done = run("demo", "--keep", tmp_path / "kept.jsonl")
    assert done.status == ("NO" in done.out), done.out + done.err
    for what in ("bytes", "chunk boundaries", "requests on replay"):
        assert re.search(f"^{what} .* yes$", done.out, re.MULTILINE)
    late = re.search(r"^time of each chunk +off by ([\d.]+) ms \(p50\)", done.out, re.MULTILINE)
    assert late is not None
    assert float(late[1]) < 600  # more than the demo allows, on a busy machine; a wrong rhythm is off by a second
    assert done.out.count("从前，海边有一座老灯塔") == 2
    assert Cassette.load(tmp_path / "kept.jsonl").interactions[0].complete


def test_demo_fails_if_a_line_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replay that loses a boundary makes the demo fail."""
    from gemini_replay import demo

    monkeypatch.setattr(demo.upstream, "start", partial(demo.upstream.start, pace=0))
    true, calls = demo._stream, []

    def merging(client: httpx.Client, model: str) -> demo.Seen:
        seen = true(client, model)
        calls.append(seen)
        return seen if len(calls) == 1 else demo.Seen([b"".join(seen.chunks)], seen.times)

    monkeypatch.setattr(demo, "_stream", merging)
    done = run("demo", "--speed", "instant")
    assert done.status == 1
    assert re.search("^chunk boundaries .* NO$", done.out, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_upstream_serves_until_a_signal() -> None:
    """It says where it listens, answers like Gemini, and ends well on SIGINT and SIGTERM."""
    for sign in (signal.SIGINT, signal.SIGTERM):
        command = [sys.executable, "-m", "gemini_replay", "upstream", "--pace", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            line = server.stdout.readline()
            assert line.startswith("listening on http://127.0.0.1:")
            url = line.split()[-1] + "/v1beta/models/story:streamGenerateContent?alt=sse"
            body = {"contents": [{"parts": [{"text": "hi"}]}]}
            assert httpx.post(url, json=body, params={"key": "k"}).status_code == 200
            assert httpx.post(url, json=body).status_code == 403
            server.send_signal(sign)
            assert server.wait(timeout=10) == 0
            assert server.stderr is not None
            assert server.stderr.read() == ""


def test_upstream_lists_its_scenarios() -> None:
    """Each is listed with its description."""
    lines = run("upstream", "--list").out.splitlines()
    assert any(line.startswith("story ") for line in lines)
    assert all(len(line.split(None, 1)) == 2 for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["upstream", "--scenario", "stroy"], "story"),
        (["upstream", "--listen", "nowhere"], "'nowhere' is not an address"),
        (["upstream", "--pace", "-1"], "pace"),
        (["play", str(FOLDER / "story.jsonl"), "-n", "2"], "no interaction 2"),
        (["play", str(FOLDER / "story.jsonl"), "--speed", "0"], "Unknown speed"),
        (["show", "nothing.jsonl"], "nothing.jsonl"),
        (["record", "new.jsonl", "--mode", "live"], "does not record"),
        (["record", "new.jsonl", "--mode", "rewrit"], "Did you mean 'rewrite'?"),
        (["check", "."], "no cassette"),
    ],
    ids=["scenario", "listen", "pace", "interaction", "speed", "missing", "mode", "misspelled-mode", "no-cassettes"],
)
def test_wrong_input_is_explained(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message goes to standard error without a traceback, and the status is not 0."""
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.status in (1, 2)
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is full")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["show", STORY], 1), (["show", "--json", STORY], 1), (["explain", "pytest"], 1), (["diff", STORY, OTHER], 2)],
    ids=["show", "json", "explain", "diff"],
)
def test_an_output_that_cannot_be_written_is_said(arguments: list[str], status: int) -> None:
    """In a line; `diff` has the status of trouble, not of a difference."""
    command = [sys.executable, "-m", "gemini_replay", *map(str, arguments)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == status
    assert done.stderr == "gemini-replay: the output cannot be written: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX shell")
def test_a_closed_output_is_left_alone() -> None:
    """The command does what it does otherwise."""
    command = f"{shlex.quote(sys.executable)} -m gemini_replay diff {STORY} {OTHER} >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(sys.platform == "win32", reason="no POSIX signals")
def test_record_compares_with_live_answers_in_mode_verify(tmp_path: Path) -> None:
    """Drift is said where the proxy ends, with exit status 1; the cassette stays as it is."""
    path = tmp_path / "story.jsonl"

    def proxied(scenario: str, mode: str) -> tuple[int, str]:
        with (
            listening("upstream", "--scenario", scenario, "--pace", "0") as (_, upstream),
            listening("record", path, "--upstream", upstream, "--mode", mode) as (process, url),
        ):
            httpx.post(url + PATH, json=ASK, headers={"x-goog-api-key": KEY})
            process.send_signal(signal.SIGINT)
            return process.wait(timeout=30), process.communicate()[1]

    assert proxied("story", "rewrite")[0] == 0
    before = path.read_bytes()
    assert proxied("story", "verify") == (
        0,
        f"gemini-replay: 1 compared with live answers, no drift, 0 replayed: {path}\n",
    )
    status, told = proxied("max_tokens", "verify")
    assert status == 1
    assert 'body.candidates[*].finishReason: "STOP" → "MAX_TOKENS"' in told
    assert path.read_bytes() == before


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The module runs as a program; its version is the package's; help names every command."""
    command = [sys.executable, "-m", "gemini_replay", "--version"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.strip() == f"gemini-replay {__version__}"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert {"demo", "upstream", "show", "play", "check"} <= set(capsys.readouterr().out.split())
