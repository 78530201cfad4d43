"""Runs a command in this process."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from gemini_replay.cli import main


class Done(NamedTuple):
    """A command that has ended: its exit status, and what it printed."""

    status: int
    out: str
    err: str
    raw: bytes


def run(*arguments: str | Path) -> Done:
    """Run a command in this process, with standard output and error streams as a user has them."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        status = main([*map(str, arguments)])
    raw, err = (stream.detach().getvalue() for stream in streams)  # type: ignore[attr-defined]
    return Done(status, raw.decode("utf-8", "replace"), err.decode(), raw)
