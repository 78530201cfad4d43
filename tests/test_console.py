"""Output is plain text without control sequences, on consoles with any encoding."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from support.cassettes import GOOGLE, recorded, streaming

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.cli import main
from gemini_replay.errors import MissError

EVIL = "\x1b]0;title\x07\x1b[31m\x9b31m\u202eevil\u200b"
HARMFUL = ("\x1b", "\x07", "\x9b", "\u202e", "\u200b")

FIRST = {"cassette": 1}
REQUEST = {"request": {"method": "POST", "url": GOOGLE, "headers": [], "json": {}}}
RESPONSE = {"response": {"status": 200, "headers": [["content-type", "text/event-stream"]]}, "after": 0}
END = {"end": "eof", "after": 0}


def event(text: str) -> str:
    """An event with the text unescaped, as a body may have it."""
    return (
        f"data: {json.dumps({'candidates': [{'content': {'parts': [{'text': text}]}}]}, ensure_ascii=False)}\r\n\r\n"
    )


def request(**fields: str) -> object:
    return {"request": {**REQUEST["request"], **fields}}


STRANGE: dict[str, list[object]] = {
    "text": [FIRST, REQUEST, RESPONSE, [0, event(EVIL)], END],
    "method": [FIRST, request(method=f"PO{EVIL}ST"), RESPONSE, END],
    "model": [FIRST, request(url=GOOGLE.replace("gemini-2.5-flash", f"gemini-{EVIL}")), RESPONSE, END],
    "first line": [{**FIRST, "test": EVIL, "recorder": EVIL}, REQUEST, RESPONSE, END],
    "member": [FIRST, {EVIL: 1}],
    "version": [{"cassette": 9, "recorder": EVIL}],
    "end": [FIRST, REQUEST, RESPONSE, {"end": EVIL, "after": 0}],
    "error": [
        FIRST,
        REQUEST,
        {**RESPONSE, "response": {"status": 400, "headers": []}},
        [0, json.dumps({"error": {"code": 400, "message": EVIL, "status": EVIL}}, ensure_ascii=False)],
        END,
    ],
    "not JSON": [FIRST],
    f"name {EVIL}": [FIRST, REQUEST, RESPONSE, [0, event("hi")], END],
    "[bold]markup[": [FIRST, REQUEST, RESPONSE, [0, event("[/]hi")], END],
}


@pytest.mark.parametrize(
    "command",
    [
        ["show"],
        *(["show", option] for option in ("--brief", "--request", "--events", "--chunks", "--json", "--outline")),
        ["diff", "--all", "plain.jsonl"],
        ["check"],
        ["check", "--salvage"],
        ["play", "--speed", "instant"],
    ],
)
@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_control_sequences_of_a_cassette_are_never_printed(
    name: str, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fields and file names are made safe in output and in error messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in STRANGE[name])
    recorded(Path("plain.jsonl"), [event("hi").encode()])
    path = Path(f"{name}.jsonl")
    path.write_bytes(text.encode() + (f"{EVIL}\n".encode() if name == "not JSON" else b""))
    main([*command, str(path)])
    out, err = capsys.readouterr()
    assert not [code for code in HARMFUL if code in out + err]
    if command == ["show"] and name.startswith("["):
        assert name in out


def test_an_answer_in_pieces_is_plain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A control sequence cut by events and chunks is made safe. Line ends and joined emoji stay."""
    pieces = ["one\n\x1b", "[31mtwo\t\ud83d", "\ude00 👩\u200d👧"]
    events = "".join(
        event(text) if text.isascii() else event(text).encode("utf-8", "replace").decode() for text in pieces
    )
    path = recorded(tmp_path / "c.jsonl", streaming(*(bytes([byte]) for byte in events.encode())))
    assert main(["play", "--speed", "instant", str(path)]) == 0
    assert capsys.readouterr().out == "one\n\\x1b[31mtwo\t?? 👩\u200d👧\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_raw_bytes_are_plain_on_a_terminal(tmp_path: Path) -> None:
    """In a pipe or a file they are unchanged. A character cut by chunks is put together."""
    body = event(f"{EVIL} 你").encode() + b"\xff"
    path = recorded(tmp_path / "c.jsonl", streaming(*(bytes([byte]) for byte in body)))
    command = [sys.executable, "-m", "gemini_replay", "play", "--raw", "--speed", "instant", str(path)]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == body
    ours, theirs = os.openpty()
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run(command, stdout=theirs, check=True, env={**os.environ, "PYTHONIOENCODING": "utf-8"})
        shown = b""
        while b"ff" not in shown:
            shown += terminal.read(65536)
        os.close(theirs)
    assert "\\x9b31m\\u202eevil\\u200b 你".encode() in shown
    assert b"\\r" not in shown
    assert not [code for code in HARMFUL if code.encode() in shown]


def test_a_miss_is_plain(tmp_path: Path) -> None:
    """The request and the nearest recording are made safe in the message."""

    def asking(model: str, text: str) -> Request:
        body = json.dumps({"contents": [{"parts": [{"text": text}]}]}, ensure_ascii=False)
        return Request("POST", GOOGLE.replace("gemini-2.5-flash", model), body=body.encode())

    path = tmp_path / "c.jsonl"
    Cassette([Interaction(asking(f"gemini-{EVIL}", EVIL), Response(200), (Chunk(0, b"x"),))]).save(path)
    session = Session.replaying(path, hosts=None)
    with pytest.raises(MissError) as miss:
        session.decide(asking(f"gemini-2{EVIL}", f"2{EVIL}"))
    session.close()
    assert "\\x1b" in str(miss.value)
    assert not [code for code in HARMFUL if code in str(miss.value)]


def on_a_console(encoding: str, *commands: list[str]) -> tuple[list[int], str]:
    """Run commands with this encoding for their output; returns their statuses and output."""
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, encoding=encoding, write_through=True) as stream:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            statuses = [main(command) for command in commands]
        return statuses, buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("command", [["show"], ["show", "--chunks"], ["play", "--speed", "instant"], ["check"]])
def test_a_console_that_is_not_utf_8_gets_only_its_characters(
    command: list[str], encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other characters become escapes, also in file names and error messages."""
    monkeypatch.setenv("COLUMNS", "400")
    path = recorded(tmp_path / "月.jsonl", [event("café 月亮 ✓").encode()])
    statuses, out = on_a_console(encoding, [*command, str(path)], [*command, str(path.with_name("亮.jsonl"))])
    assert statuses == [0, 1]
    assert r"\u4eae" in out
    if command[0] != "check":
        assert r"\u6708" in out
        assert ("café" if encoding == "cp1252" else r"caf\xe9") in out


def test_the_demo_runs_on_such_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's story is Chinese."""
    from gemini_replay import demo

    monkeypatch.setattr(demo.upstream, "start", partial(demo.upstream.start, pace=0.2))
    statuses, out = on_a_console("ascii", ["demo", "--speed", "instant"])
    assert (statuses, r"\u4ece" in out) == ([0], True)
