"""One self-contained page: its style, its script and the data in one file, which asks for nothing else.

The content security policy lets in the one style and the one script, by their hashes, and nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from ...cassette.atomic_write import atomic_write
from ...errors import UsageError
from ...plain_text import plain
from .data import Json, embedded

_SCRIPTS = ("elements.js", "answer.js", "timeline.js", "player.js", "details.js", "page.js")
"""In the order of their use; together they are the page's one script."""
_GENERATOR = b'<meta name="generator" content="gemini-replay">'
_HEAD = 256
"""Bytes at the beginning of a page, with `_GENERATOR` among them."""


def page(title: str, groups: Iterable[Json], *, nothing: str) -> bytes:
    """The page.

    Args:
        title: its title.
        groups: what it shows, see `data.group`.
        nothing: what it says if there are no groups.
    """
    style, script = _read("page.css"), "(() => {\n'use strict';\n" + "".join(map(_read, _SCRIPTS)) + "})();\n"
    made = Template(_read("page.html")).substitute(
        title=escape(plain(title)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=embedded(title, groups, nothing),
    )
    return made.encode()


def write(path: Path, made: bytes) -> None:
    """Save a page; an older page that was there stays until this one is whole.

    Raises:
        UsageError: the file cannot be written, or is not for a page, see `check_place`.
    """
    check_place(path)
    try:
        with atomic_write(path) as file:
            file.write(made)
    except OSError as error:
        raise UsageError(f"The page {path} cannot be written: {error.strerror or error}.") from None


def check_place(path: Path) -> None:
    """Refuse a file that a page must not overwrite.

    Raises:
        UsageError: the file exists and is not a page of this tool, or its name ends in ``.jsonl``, or is ``-``.
    """
    if path.name == "-":
        raise UsageError("A page is saved to a file, not printed.", hint="Name a file, such as report.html.")
    if path.suffix.lower() == ".jsonl":
        why = "a name that ends in .jsonl is for cassettes"
    elif path.is_file() and not _is_page(path):
        why = "the file exists and is not a page of gemini-replay"
    else:
        return
    raise UsageError(f"The page {path} cannot be written: {why}.", hint="Name another file, such as report.html.")


def _is_page(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _GENERATOR in file.read(_HEAD)
    except OSError:
        return False


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
