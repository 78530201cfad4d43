"""Explains files that are not cassettes, or no longer. No I/O.

Some were never cassettes, such as a HAR file or the body of a stream. Some replace a cassette, such as a pointer of
Git LFS. Some were changed by a merge, by a formatter, or by sorting their lines.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from io import BytesIO
from pathlib import Path

from ..errors import CassetteFormatError, CassetteVersionError
from .format_v1 import Comment, Header, decode_line
from .model import End, Request, Response
from .reader import BOM

_RECORD = "Record it again with: --gemini-record rewrite. This file is then kept with the ending .bak."
_CONVERT = (
    "Convert it with: gemini-replay convert {path} {cassette}\nOr record it again with: --gemini-record rewrite"
)
_POINTER = b"version https://git-lfs.github.com/spec/"
_CONFLICT = re.compile(rb"<{7} |\|{7} |={7}\r?$|>{7} ", re.MULTILINE)
_BREAK = re.compile(r"\s*[\r\n]\s*")
_TRACE = re.compile(rb'\{\s*"cassette"\s*:\s*\d|^version https://git-lfs\.github\.com/spec/')
_DECODER = json.JSONDecoder()


def is_other_json_lines(content: bytes) -> bool:
    """Whether the content is plainly JSON Lines of another kind: its first line is JSON, and no line of a cassette.

    It has no trace of a cassette: no header, wherever it could be, and it is no pointer of Git LFS.
    """
    if _TRACE.search(content):
        return False
    lines = BytesIO(content.removeprefix(BOM))
    first = next((raw for raw in lines if raw.strip() and not raw.startswith(b"#")), b"")
    try:
        value = json.loads(first.decode())
    except (ValueError, RecursionError):
        return False
    request = value.get("request") if isinstance(value, dict) else None
    if isinstance(request, dict) and request.keys() & {"method", "url"}:
        return False
    try:
        decode_line(first)
    except CassetteFormatError:
        return True
    return False


def refuse_foreign(content: bytes, path: Path | None) -> None:
    """Raise a `CassetteFormatError` that says what a file is, unless it is a cassette with one value on each line."""
    if not content.strip():
        raise CassetteFormatError(
            "the file is empty", path=path, hint="Delete it, or record it again with: --gemini-record rewrite"
        )
    if found := _spread(content, path):
        raise found
    for raw in BytesIO(content.removeprefix(BOM)):
        try:
            item = decode_line(raw)
        except CassetteFormatError:
            if _CONFLICT.match(raw):
                return
            break
        if not isinstance(item, Comment):
            return  # it is a cassette; the reader reports what is wrong with it, if anything
    if looks := _looks_like(content[:4096]):
        what, hint = looks
        hint = hint.format(path=path or "FILE", cassette=path.with_suffix(".jsonl") if path else "CASSETTE")
        raise CassetteFormatError(
            f"the file is not a v1 cassette; it looks like {what}", path=path, line=1, hint=hint
        )


def explained(error: CassetteFormatError, content: bytes, path: Path | None) -> CassetteFormatError:
    """The error of a reader, or a better one if a change of the file explains it."""
    if isinstance(error, CassetteVersionError):
        return error
    try:
        refuse_foreign(content, path)
    except CassetteFormatError as foreign:
        return foreign
    return _conflict(content, path) or _out_of_order(error, content, path) or error


def _conflict(content: bytes, path: Path | None) -> CassetteFormatError | None:
    for number, raw in enumerate(BytesIO(content), 1):
        if _CONFLICT.match(raw):
            name = path or "PATH"
            return CassetteFormatError(
                "git has left a merge conflict in the cassette, which begins here",
                path=path,
                line=number,
                hint=f"Take one side with: git checkout --ours {name} (or --theirs)\n"
                f"Or keep what is whole of both with: gemini-replay check --salvage {name}\n"
                "Or record it again with: --gemini-record rewrite",
            )
    return None


def _spread(content: bytes, path: Path | None) -> CassetteFormatError | None:
    """The error about a cassette whose values are spread over several lines; None for any other file."""
    for number, text in _values(content):
        if _BREAK.search(text):
            return CassetteFormatError(
                "a formatter has spread the lines of the cassette over several lines each, from here on",
                path=path,
                line=number,
                hint=f"Mend it with: gemini-replay check --fix {path or 'PATH'}\n"
                "Leave cassettes out of what the formatter changes.",
            )
    return None


def joined(content: bytes) -> bytes | None:
    """A cassette whose values are spread over several lines, with each joined to one line; None for other files."""
    if _spread(content, None) is None:
        return None
    return "".join(f"{_BREAK.sub(' ', text)}\n" for _, text in _values(content)).encode()


def _values(content: bytes) -> list[tuple[int, str]]:
    """The values of a cassette, however they are spread over lines, and its comments, each with its line number.

    Empty if the content is something else. A line break within a value is never within a string.
    """
    try:
        text = content.removeprefix(BOM).decode()
    except UnicodeDecodeError:
        return []
    found: list[tuple[int, str]] = []
    has_header = False
    at, number = 0, 1
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end].strip()
        if line and not line.startswith("#"):
            start = text.index(line[0], at)
            try:
                value, stop = _DECODER.raw_decode(text, start)
            except (ValueError, RecursionError):
                return []
            has_header = has_header or (isinstance(value, dict) and "cassette" in value)
            end = _line_end(text, stop)
            if not has_header or text[stop:end].strip():
                return []
            line = text[start:stop]
        found.append((number, line))
        number += text.count("\n", at, end) + 1
        at = end + 1
    return found


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _out_of_order(error: CassetteFormatError, content: bytes, path: Path | None) -> CassetteFormatError | None:
    """The error about lines that would make a cassette in another order; None if they would not."""
    lines = [raw for raw in content.removeprefix(BOM).split(b"\n") if raw.strip()]
    try:
        kinds = Counter(type(decode_line(raw)) for raw in lines)
    except CassetteFormatError:
        return None
    if kinds[Header] != 1 or kinds[Request] != kinds[End] or not 1 <= kinds[Response] <= kinds[Request]:
        return None
    is_sorted = lines in (sorted(lines), sorted(lines, reverse=True))
    return CassetteFormatError(
        f"the lines of the cassette {'are sorted' if is_sorted else 'have been moved'}, by hand or by a tool: "
        + error.message.removeprefix(f"{path}:{error.line}: "),
        path=path,
        line=error.line,
        hint="Their order is the recording, and cannot be told from them. Restore the file with: "
        f"git checkout {path or 'PATH'}\nOr record it again with: --gemini-record rewrite",
    )


def _looks_like(start: bytes) -> tuple[str, str] | None:
    text = start.lstrip()
    if text.startswith(_POINTER):
        fetch = "Fetch it with: git lfs pull. (On GitHub: actions/checkout with lfs: true.)"
        return "a pointer of Git LFS, whose file was not fetched", fetch
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text", "Save it as UTF-8."
    if start.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\x28\xb5\x2f\xfd")):
        return "a compressed file", "Decompress it first."
    if text.startswith(b"{") and b'"log"' in text:
        return "a HAR file", _CONVERT
    if text.startswith((b"interactions:", b"version: 1", b"---")) or b"\ninteractions:" in text:
        return "a VCR.py cassette (YAML)", _CONVERT
    if text.startswith((b"data:", b"event:", b":")):
        return "the body of a stream (server-sent events)", _RECORD
    if text.startswith(b"[{") or (text.startswith(b"[") and text[1:].lstrip().startswith(b"{")):
        return "a JSON array, perhaps the body of a stream", _RECORD
    if text.startswith((b"<!", b"<html", b"<?xml")):
        return "HTML or XML", _RECORD
    if b'"cassette"' in text.split(b"\n", 1)[0] or text.startswith((b"{", b"#")):
        return None
    return "something else", _RECORD
