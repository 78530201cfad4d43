"""``gemini-replay record``, as a process of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.processes import listening
from support.proxies import ASK, Paced, recorded, scripted
from support.streams import PATH, events

from gemini_replay.cli import main
from gemini_replay.server import running


class TestCommand:
    """``gemini-replay record``, as a process of its own."""

    @pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
    def test_a_signal_leaves_a_complete_cassette(
        self, path: Path, connect: Any, wire: Any, number: signal.Signals
    ) -> None:
        """Whole answers are complete, one under way ends as "cancelled", and no journal is left."""
        paced = Paced()
        with scripted(events(2)) as quick, running.Running(_either(quick.app, paced.app)) as server:
            with listening("record", path, "--upstream", server.url) as (process, url):
                assert httpx.post(url + PATH, json=ASK).content == b"".join(events(2))
                with connect(url, "/v1/models/paced:streamGenerateContent") as (_, reader):
                    wire.head(reader)
                    paced()
                    assert wire.chunk(reader) == events(3)[0]
                    assert not path.exists()
                    process.send_signal(number)
                    out, err = process.communicate(timeout=30)
        told, summary = err.splitlines()
        assert told.endswith("paced:streamGenerateContent was complete; its recording ends there.")
        assert (out, summary, process.returncode) == ("", f"gemini-replay: 2 recorded, 0 replayed: {path}", 0)
        whole, cut = recorded(path)
        assert (whole.end.kind, whole.body) == ("eof", b"".join(events(2)))
        assert (cut.end.kind, cut.body) == ("cancelled", events(3)[0])
        assert [file.name for file in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--upstream", "localhost:1"], "is not a base URL"),
            (["--upstream", "http://127.0.0.1:99999"], "is not a base URL"),
            (["--upstream", "http://me:secret-word@127.0.0.1"], "a user name or password"),
            (["--listen", "somewhere"], "is not an address"),
        ],
        ids=["no-scheme", "no-port", "credentials", "listen"],
    )
    def test_impossible_options_are_refused_at_once(
        self, path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
    ) -> None:
        """The error comes before anything listens, and no file is made."""
        assert main(["record", str(path), *arguments]) == 2
        captured = capsys.readouterr()
        assert words in captured.err
        assert "secret-word" not in captured.err
        assert captured.out == ""
        assert not path.exists()


def _either(plain: Any, paced: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (paced if "/paced:" in scope["path"] else plain)(scope, receive, send)

    return app
