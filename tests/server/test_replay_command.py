"""``gemini-replay serve``, as a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.processes import listening
from support.replays import interaction
from support.streams import PATH, events

from gemini_replay import Cassette
from gemini_replay.cassette.model import End
from gemini_replay.cli import main


class TestCommand:
    """``gemini-replay serve``, as a process of its own."""

    @pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
    def test_it_serves_until_a_signal_whatever_is_open(
        self, tmp_path: Path, connect: Any, wire: Any, number: signal.Signals
    ) -> None:
        """It prints one line on stdout and misses on stderr, and exits with 0; cassettes and folders can be given."""
        (tmp_path / "more").mkdir()
        Cassette([interaction(events(2), end=End("timeout"))]).save(tmp_path / "one.jsonl")
        Cassette([interaction([b"{}"], method="GET", path="/v1/models/m", ask=None)]).save(
            tmp_path / "more/two.jsonl"
        )
        arguments = ("serve", "one.jsonl", "more", "--speed", "instant")
        with listening(*arguments, cwd=tmp_path) as (process, url):
            assert httpx.get(f"{url}/v1/models/m").text == "{}"
            assert httpx.get(f"{url}/v1/models/another").status_code == 404
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                assert wire.chunk(reader)
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
        assert (out, process.returncode) == ("", 0)
        assert err.startswith("gemini-replay: No recording answers GET")
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ([], 404),
            (["--ignore", "body.seed", "--ignore", "body.contents"], 200),
            (["--match", "method", "--match", "model"], 200),
            (["--match", "method", "--match", "headers:x-run"], 200),
        ],
        ids=["default", "ignore", "match", "headers"],
    )
    def test_options_for_matching(self, tmp_path: Path, options: list[str], status: int) -> None:
        """Options name what is compared and what is ignored."""
        Cassette([interaction(events(2))]).save(tmp_path / "one.jsonl")
        with listening("serve", "one.jsonl", "--speed", "instant", *options, cwd=tmp_path) as (_, url):
            assert httpx.post(f"{url}{PATH}", json={"contents": [], "seed": 7}).status_code == status

    @pytest.mark.parametrize(
        ("arguments", "status", "words"),
        [
            (["good.jsonl", "--ignore", "contents"], 2, "Did you mean 'body.contents'?"),
            (["good.jsonl", "--match", "modell"], 2, "Did you mean 'model'?"),
            (["nothing.jsonl"], 1, "the cassette does not exist"),
            (["empty.jsonl"], 1, "the file is empty"),
            (["good.jsonl", "--speed", "0"], 2, "Unknown speed"),
            (["good.jsonl", "--listen", "8080"], 2, "is not an address"),
            (["good.jsonl", "--listen", "192.0.2.1:0"], 2, "Cannot listen on"),
            (["."], 2, "There is no cassette"),
            (["good.jsonl", "--workers", "2"], 2, "Equal requests play in the recorded order"),
        ],
        ids=["ignore", "match", "missing", "broken", "speed", "listen", "elsewhere", "folder", "workers"],
    )
    def test_impossible_options_are_refused_at_once(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        status: int,
        words: str,
    ) -> None:
        """The error comes before anything listens."""
        monkeypatch.chdir(tmp_path)
        if arguments[0] == "good.jsonl":
            Cassette([interaction(events(1))]).save(tmp_path / "good.jsonl")
        elif arguments[0] == "empty.jsonl":
            (tmp_path / "empty.jsonl").touch()
        assert main(["serve", *arguments]) == status
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.out == ""
