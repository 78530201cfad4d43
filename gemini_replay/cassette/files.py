"""Cassette files: load, save, salvage. The one place that reads and replaces them (the journal writes its own)."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from ..errors import CassetteError, CassetteFormatError, CassetteNotFoundError
from .format_v1 import Comment, Header, decode_line, encode_comments, encode_header, encode_interaction
from .journal import is_left_of
from .model import Interaction
from .places import find_places
from .reader import Reader
from .replacing import locked, replacing


@dataclass
class Cassette:
    """A file of interactions.

    Attributes:
        interactions: what it holds, in the order of the requests.
        recorder: the program that recorded it ("gemini-replay 0.1.0").
        recorded: when, in ISO 8601.
        test: the id of the test that recorded it.
        path: the file that it was loaded from or saved to; None if there is none yet.
        extra: keys of the header that this release does not know.
        comments: the comment lines before the header.
        trailing_comments: the comment lines after the last interaction.
    """

    interactions: list[Interaction] = field(default_factory=list)
    recorder: str | None = None
    recorded: str | None = None
    test: str | None = None
    path: Path | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    trailing_comments: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Cassette:
        """Read a cassette file.

        Raises:
            CassetteNotFoundError: there is no such file.
            CassetteVersionError: a newer release wrote it.
            CassetteTruncatedError: its recording was cut off.
            CassetteFormatError: it is no cassette; ``line`` tells where.
            CassetteError: it cannot be read.
        """
        path = Path(path)
        return cls._read(_read_bytes(path), path)

    @classmethod
    def loads(cls, content: str | bytes) -> Cassette:
        """Read a cassette from text or bytes; the same errors as `load`, without a path."""
        return cls._read(content.encode() if isinstance(content, str) else content, None)

    @classmethod
    def _read(cls, content: bytes, path: Path | None) -> Cassette:
        _refuse_foreign(content, path)
        reader = Reader(BytesIO(content), path)
        interactions = list(reader)
        return cls._of(reader.header, interactions, path, reader.comments, reader.trailing_comments)

    @classmethod
    def _of(
        cls,
        header: Header,
        interactions: list[Interaction],
        path: Path | None,
        comments: tuple[str, ...],
        trailing_comments: tuple[str, ...],
    ) -> Cassette:
        return cls(
            interactions,
            header.recorder,
            header.recorded,
            header.test,
            path,
            header.extra,
            comments,
            trailing_comments,
        )

    def dumps(self) -> bytes:
        """The cassette as the bytes of a file."""
        lines = [*encode_comments(self.comments)]
        lines.append(encode_header(Header(self.recorder, self.recorded, self.test, self.extra)))
        for interaction in self.interactions:
            lines += encode_interaction(interaction)
        lines += encode_comments(self.trailing_comments)
        return "".join(f"{line}\n" for line in lines).encode()

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write the cassette, replacing the file at `path` (by default the one it came from) in one step.

        Either the whole new file is there afterwards or the old one as it was. Folders are created; an old file's
        permissions are kept; a symbolic link stays one.

        Raises:
            CassetteError: it cannot be written.
        """
        target = self.path if path is None else Path(path)
        if target is None:
            raise CassetteError("the cassette has no path yet", hint="Give one: cassette.save(path)")
        try:
            with locked(target), replacing(target) as file:
                file.write(self.dumps())
        except OSError as error:
            raise CassetteError(
                f"the cassette cannot be written: {error.strerror}",
                path=target,
                hint="Nothing was changed. Make room or set the permissions, and try again.",
            ) from error
        self.path = target


@dataclass
class Salvaged:
    """What could be read of a file.

    Attributes:
        cassette: what is there; an interaction that is not whole ends as "cancelled" with ``"salvaged": true``.
        whole: how many interactions are whole.
        problems: the lines that cannot be read.
    """

    cassette: Cassette
    whole: int
    problems: Sequence[CassetteFormatError]


def salvage(path: str | os.PathLike[str]) -> Salvaged:
    """Read what there is of a damaged cassette, or of a journal (``NAME.jsonl.part``) that a crash left.

    Every interaction that is whole is saved, whatever stands between. Nothing is written; save the result where it
    belongs.

    Raises:
        CassetteNotFoundError: there is no such file.
        CassetteFormatError: it is not a cassette.
    """
    path = Path(path)
    content = _read_bytes(path)
    _refuse_foreign(content, path)
    file = BytesIO(content)
    found = find_places(file, path)
    if found.header is None and not found.interactions:
        raise CassetteFormatError("nothing can be salvaged: no header and no request line can be read", path=path)
    interactions = [place.read(file, path) for place in found.interactions]
    cassette = Cassette._of(found.header or Header(), interactions, path, found.comments, found.trailing_comments)
    return Salvaged(cassette, sum(place.whole for place in found.interactions), found.problems)


def refuse_irregular(path: Path) -> None:
    """Refuse a pipe, a socket or a device in a cassette's place: reading it may wait for ever.

    Raises:
        CassetteError: it is one of these.
        OSError: there is no such file, or it cannot be looked at.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise CassetteError(
            "this is a pipe, a socket or a device, not a file",
            path=path,
            hint="Write what it gives to a file, and name that.",
        )


def _read_bytes(path: Path) -> bytes:
    try:
        refuse_irregular(path)
        return path.read_bytes()
    except FileNotFoundError:
        raise not_found(path) from None
    except IsADirectoryError:
        raise CassetteError(
            "this is a folder, not a cassette",
            path=path,
            hint=f"Name one of its files: {_names(_cassettes(path)) or 'it holds no .jsonl file'}",
        ) from None
    except OSError as error:
        if path.is_dir():  # Windows says "permission denied"
            raise CassetteError("this is a folder, not a cassette", path=path) from None
        raise CassetteError(f"the cassette cannot be read: {error.strerror}", path=path) from error


def not_found(path: Path) -> CassetteNotFoundError:
    """The error for a cassette that is not there, with what lies near it."""
    names = _cassettes(path.parent)
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.6)
    left = sorted(part.name for part in _entries(path.parent) if is_left_of(part.name, path.name))
    if left:
        suggestion = f"A recording that was not finished lies beside it: {_names(left)}"
        hint = (
            f"Salvage it with: gemini-replay check --salvage {path.with_name(left[-1])}\n"
            "Or record anew with: pytest --gemini-record once"
        )
    else:
        if near:
            suggestion = f"The closest cassettes there: {_names(near)}"
        elif names:
            suggestion = f"The folder holds {len(names)} other cassettes."
        else:
            suggestion = "" if path.parent.is_dir() else f"There is no folder {path.parent} either."
        hint = f'Record it with: pytest --gemini-record once, or gemini_replay.record("{path}")'
    if type(os).__module__.startswith("pyfakefs"):  # which puts its own module in the place of this one
        hint = (
            "Files are faked by pyfakefs, so the real ones are not seen. Let it see the cassettes: "
            f"fs.add_real_directory({str(path.parent)!r})"
        )
    return CassetteNotFoundError("there is no such cassette", path=path, suggestion=suggestion, hint=hint)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _cassettes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.suffix == ".jsonl")


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")


def _refuse_foreign(content: bytes, path: Path | None) -> None:
    """Say what a file is that is no cassette at all, rather than what its first line is not."""
    if not content.strip():
        raise CassetteFormatError(
            "the file is empty", path=path, hint="Delete it, or record it again with: --gemini-record rewrite"
        )
    for raw in BytesIO(content.removeprefix(b"\xef\xbb\xbf")):
        try:
            item = decode_line(raw)
        except CassetteFormatError:
            break
        if not isinstance(item, Comment):
            return  # a line of a cassette: the reader knows better what is wrong, if anything is
    looks = _looks_like(content[:4096])
    if looks:
        what, hint = looks
        raise CassetteFormatError(f"the file looks like {what}; it is no v1 cassette", path=path, line=1, hint=hint)


def _looks_like(start: bytes) -> tuple[str, str] | None:
    record = "Record a cassette with: --gemini-record once"
    convert = "Convert it with: gemini-replay convert IN OUT.jsonl"
    text = start.lstrip()
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16 text", "Save it as UTF-8."
    if start.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\x28\xb5\x2f\xfd")):
        return "a compressed file", "Decompress it first."
    if text.startswith(b"{") and b'"log"' in text:
        return "a HAR file", convert
    if text.startswith((b"interactions:", b"version: 1", b"---")) or b"\ninteractions:" in text:
        return "a VCR.py cassette (YAML)", convert
    if text.startswith((b"data:", b"event:", b":")):
        return "the body of a stream (server-sent events)", record
    if text.startswith(b"[{") or (text.startswith(b"[") and text[1:].lstrip().startswith(b"{")):
        return "a JSON array, perhaps the body of a stream", record
    if text.startswith((b"<!", b"<html", b"<?xml")):
        return "HTML or XML", record
    if b'"cassette"' in text.split(b"\n", 1)[0] or text.startswith((b"{", b"#")):
        return None
    return "something else", record
