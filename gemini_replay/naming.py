"""File names from test names: safe on every system, and different for different tests."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_LONGEST = 100
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def file_name(test: str) -> str:
    """A file name, without ending, for the part of a test's id behind its module.

    ``TestStory::test_end[long-2]`` becomes ``TestStory.test_end[long-2]``. What a file system may not keep apart or
    not take (other characters, capitals in a parameter, great length) is replaced, and a hash of the whole id
    added, so that no two tests share a file.
    """
    flat = test.replace("::", ".")
    safe = re.sub(r"[^\w.,=+@\[\]-]", "-", unicodedata.normalize("NFC", flat))[:_LONGEST].rstrip(". ")
    _, bracket, parameters = flat.partition("[")
    if safe == flat and not (bracket and parameters != parameters.lower()) and not _RESERVED.match(safe):
        return safe
    digest = hashlib.sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe.lstrip('.') or 'test'}-{digest}"
