"""How git is told to compare cassettes by what they say."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from ..errors import UsageError
from ..plain_text import plain

DRIVER = "gemini-replay"
ATTRIBUTES = f"*.jsonl diff={DRIVER}"
"""The line of `.gitattributes` that makes git use the driver."""


def set_up() -> None:
    """Set up the repository of the current folder, and print what was done.

    Raises:
        UsageError: the folder is not in a git repository, or git is not installed.
    """
    root = Path(_git("rev-parse", "--show-toplevel"))
    command = f"{shlex.quote(Path(sys.executable).as_posix())} -m gemini_replay show --outline"
    _git("config", f"diff.{DRIVER}.textconv", command)
    print(plain(f"git config diff.{DRIVER}.textconv {shlex.quote(command)}"))
    attributes = root / ".gitattributes"
    present = attributes.read_text(encoding="utf-8") if attributes.is_file() else ""
    if f"diff={DRIVER}" in present:
        print(plain(f"{attributes} already uses it."))
        return
    separator = "" if not present or present.endswith("\n") else "\n"
    attributes.write_text(f"{present}{separator}{ATTRIBUTES}\n", encoding="utf-8", newline="\n")
    print(plain(f"{attributes}: added the line: {ATTRIBUTES}"))
    print("Commit it. Whoever clones the repository runs `gemini-replay diff --git` once.")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, encoding="utf-8", check=True)
    except FileNotFoundError:
        raise UsageError("There is no program named git.", hint="Install it, or put it on the path.") from None
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"git {arguments[0]} failed: {error.stderr.strip()}",
            hint="Run this command in the repository that holds the cassettes.",
        ) from None
    return done.stdout.strip()
