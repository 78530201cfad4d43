"""Advice about pyfakefs, which hides cassettes from a session and would lose recordings."""

from __future__ import annotations

import os
from pathlib import Path

RECORDING = (
    "Ask for gemini_cassette before fs, and record the request with the real files: "
    "`with Pause(fs):`, from pyfakefs.fake_filesystem_unittest."
)
"""Advice on how to record with it."""


def are_fake() -> bool:
    """Whether pyfakefs has replaced the file system, and with it the module `os`."""
    return type(os).__module__.startswith("pyfakefs")


def making_visible(path: Path) -> str:
    """Advice on how a session can find its cassette `path`; "" if nothing hides it."""
    if not are_fake():
        return ""
    return (
        "pyfakefs hides the real files. Ask for gemini_cassette before fs, or make the cassettes visible with: "
        f"fs.add_real_directory({str(path.parent)!r})"
    )
