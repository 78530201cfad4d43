"""File names from test names: safe on every system, and different for different tests.

A name that is safe as it is stays readable. Any other gets a short hash of the whole name, so that no two tests share
a file. A name is safe if every file system takes it and keeps it apart from every other safe name, also one that
ignores capitals or normalizes Unicode.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

LONGEST = 150
"""Bytes of a name in UTF-8. File systems take 255; a cassette adds its ending, and a recording more of them."""

_UNSAFE = re.compile(r"[^\w.,=+@\[\]-]")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # on Windows


def file_name(test: str, *, twin: bool = False) -> str:
    """A file name, without ending, for the part of a test's id that follows its module.

    ``TestStory::test_end[long-2]`` becomes ``TestStory.test_end[long-2]``. Capitals are unsafe, except in the names
    of classes, where they are the rule; so is a dot in the function's name (that of a doctest), since a dot joins it
    to its class.

    Args:
        test: the class names, the function's name and its parameters, as pytest joins them.
        twin: whether one of the classes has a twin, whose name differs from its own in capitals only.
    """
    name, bracket, parameters = test.partition("[")
    *classes, function = name.split("::")
    rest = f"{function}{bracket}{parameters}"
    plain = not twin and "." not in function and fold(rest) == rest and all(_is_normal(part) for part in classes)
    return _safe(".".join([*classes, rest]), test, plain)


def folder_names(module: Sequence[str]) -> list[str]:
    """Folder names for a module's path.

    Args:
        module: the parts of the path below the root directory, the last without ``.py``. A path that leaves the root
            directory begins with ``..``; it gets one folder, ``outside-`` and a hash, for all that precedes its last
            part.
    """
    *folders, last = module
    if ".." in folders:
        return [f"outside-{_digest('/'.join(folders))}", *folder_names([last])]
    return [_safe(part, part, fold(part) == part) for part in module]


def fold(name: str) -> str:
    """What is the same for all names that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


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
