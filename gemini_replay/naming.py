"""File names from test names: valid on every system, and different for different tests.

A safe name does not change. Any other name gets a short hash of the whole name, so that no two tests share a file. A
name is safe if every file system accepts it and distinguishes it from every other safe name, even if the file system
ignores case or normalizes Unicode.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cassette.redaction import Redactor

LONGEST = 150
"""Bytes of a name in UTF-8. File systems allow 255; cassettes and journals add suffixes."""

_UNSAFE = re.compile(r"[^\w.,=+@\[\]-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # on Windows
_NO_WORD = re.compile(r"[^A-Za-z0-9]")
_LITTLE = 100_000
"""Characters that are searched at once."""


def file_name(test: str, *, twin: bool = False) -> str:
    """A file name, without suffix, for the part of a test's id after its module.

    ``TestStory::test_end[long-2]`` becomes ``TestStory.test_end[long-2]``. Upper case is unsafe, except in class
    names, where it is usual. A dot in the function's name (of a doctest) is unsafe too, since a dot follows a class.

    Args:
        test: the class names, the function's name and its parameters, as pytest joins them.
        twin: whether another class has the same name except for upper case.
    """
    name, bracket, parameters = test.partition("[")
    *classes, function = name.split("::")
    rest = f"{function}{bracket}{parameters}"
    plain = not twin and "." not in function and fold(rest) == rest and all(_is_normal(part) for part in classes)
    return _safe(".".join([*classes, rest]), test, plain)


def folder_names(module: Sequence[str]) -> list[str]:
    """Folder names for a module's path.

    Args:
        module: the parts of the path below the root directory, the last without ``.py``. For a path outside of the
            root directory, which begins with ``..``, one folder ``outside-HASH`` replaces all parts but the last.
    """
    *folders, last = module
    if ".." in folders:
        return [f"outside-{_digest('/'.join(folders))}", *folder_names([last])]
    return [_safe(part, part, fold(part) == part) for part in module]


def fold(name: str) -> str:
    """The same text for all names that some file system does not distinguish."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def name_without_secrets(name: str, redactor: Redactor) -> str:
    """A name without secrets, also where one follows a hyphen or the like, as it does not in ordinary text."""
    if hold_no_secret([name], redactor):
        return name
    for start in reversed(_starts(name)):
        name = name[:start] + redactor.text(name[start:])
    return name


def hold_no_secret(names: Sequence[str], redactor: Redactor) -> bool:
    """Whether one search shows that none of these names holds a secret."""
    searched: list[str] = []
    for name in names:
        starts = _starts(name)
        if len(name) * len(starts) >= _LITTLE:
            return False
        searched += [name[start:] for start in starts]
    return not redactor.finds_in(searched)


def _starts(name: str) -> list[int]:
    """Where a secret may begin in a name."""
    return [0, *[found.end() for found in _NO_WORD.finditer(name)]]


def _is_normal(name: str) -> bool:
    return unicodedata.normalize("NFKC", name) == name


def _safe(name: str, whole: str, plain: bool) -> str:
    safe = _UNSAFE.sub("-", unicodedata.normalize("NFC", name))
    if plain and safe == name == name.strip(".- ") and not _RESERVED.match(name) and _size(name) <= LONGEST:
        return name
    digest = _digest(whole)
    cut = safe.encode()[: LONGEST - len(digest) - 1].decode(errors="ignore").strip(".- ") or "test"
    return f"{cut}-{digest}"


def _size(name: str) -> int:
    return len(name.encode())


def _digest(whole: str) -> str:
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:10]
