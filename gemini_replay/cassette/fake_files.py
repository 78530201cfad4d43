"""What to do about pyfakefs, which hides cassettes from a session, and would lose what one records."""

from __future__ import annotations

import os
from pathlib import Path

RECORDING = (
    "Ask for gemini_cassette before fs, and record the request with the real files: "
    "`with Pause(fs):`, from pyfakefs.fake_filesystem_unittest."
)
"""How to record all the same."""


def are_fake() -> bool:
    """Whether pyfakefs stands in for the file system. It replaces the module `os`."""
    return type(os).__module__.startswith("pyfakefs")


def making_visible(path: Path) -> str:
    """How a session can find its cassette `path` all the same; "" if nothing hides it."""
    if not are_fake():
        return ""
    return (
        "pyfakefs hides the real files. Ask for gemini_cassette before fs, or make the cassettes visible with: "
        f"fs.add_real_directory({str(path.parent)!r})"
    )
