"""Cassette files: load, save and salvage them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from ..arguments import require, require_path
from ..errors import CassetteError, CassetteFormatError, CassetteNotFoundError, did_you_mean
from ..provider import Provider, check_provider
from .atomic_write import atomic_write, locked
from .fake_files import making_visible
from .foreign import explained, joined, refuse_foreign
from .format_v1 import Header, encode_comments, encode_header, encode_interaction
from .index import FileIndex, index_file
from .model import Interaction
from .reader import Reader, Stored

_READ = 64 * 1024
"""Bytes that one read takes: most cassettes are read at once."""
_PATH = 'the path of a cassette, such as "cassettes/story.jsonl"'


@dataclass
class CassetteFile:
    """A file of interactions.

    Attributes:
        interactions: the interactions, in the order of the requests.
        recorder: the program that recorded it ("gemini-replay 0.1.0").
        recorded: when, in ISO 8601.
        test: the id of the test that recorded it.
        path: the file that it was loaded from or last saved to; None for a new cassette.
        extra: header keys that this release does not know.
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

    def __post_init__(self) -> None:
        """Raise a `UsageError` for a wrong argument."""
        given = self.interactions
        holds = isinstance(given, list | tuple) and all(isinstance(one, Interaction) for one in given)
        require(holds, "interactions", given, "a list of `Interaction` objects")
        for name in ("recorder", "recorded", "test"):
            value = getattr(self, name)
            require(value is None or isinstance(value, str), name, value, "a text, or None")
        require(self.path is None or isinstance(self.path, Path), "path", self.path, "a `pathlib.Path`, or None")
        require(isinstance(self.extra, Mapping), "extra", self.extra, "a dict")
        for name in ("comments", "trailing_comments"):
            value = getattr(self, name)
            holds = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
            require(holds, name, value, "lines of text in a tuple")

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, provider: Provider | None = None) -> Self:
        """Read a cassette file.

        Args:
            path: the file.
            provider: the API that was asked; None for Gemini.

        Raises:
            CassetteNotFoundError: there is no such file.
            CassetteVersionError: a newer release wrote it.
            CassetteTruncatedError: its recording was cut off.
            CassetteFormatError: it is not a valid cassette; ``line`` is the wrong line.
            CassetteError: it cannot be read.
        """
        require_path("path", path, _PATH)
        check_provider(provider)
        path = Path(path)
        with _opened(path) as file:
            return cls._load(file, path, provider)

    @classmethod
    def loads(cls, content: str | bytes, *, provider: Provider | None = None) -> Self:
        """Read a cassette from text or bytes. Raises the same errors as `load`, without a path."""
        require(isinstance(content, str | bytes), "content", content, "the text or the bytes of a cassette")
        check_provider(provider)
        return cls._load(BytesIO(content.encode() if isinstance(content, str) else content), None, provider)

    @classmethod
    def _load(cls, file: BinaryIO, path: Path | None, provider: Provider | None) -> Self:
        with _read(file, path, provider) as reader:
            interactions = [stored.interaction for stored in reader]
        return cls._of(reader.header, interactions, path, reader)

    @classmethod
    def _of(
        cls, header: Header, interactions: list[Interaction], path: Path | None, source: Reader | FileIndex
    ) -> Self:
        about = (header.recorder, header.recorded, header.test)
        return cls(interactions, *about, path, header.extra, source.comments, source.trailing_comments)

    def dumps(self) -> bytes:
        """The cassette as the bytes of a file."""
        return b"".join(self._encoded())

    def _encoded(self) -> Iterator[bytes]:
        """The bytes of the file, an interaction at a time."""
        header = Header(self.recorder, self.recorded, self.test, self.extra)
        yield _joined([*encode_comments(self.comments), encode_header(header)])
        for interaction in self.interactions:
            yield _joined(encode_interaction(interaction))
        yield _joined(encode_comments(self.trailing_comments))

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Write the cassette and atomically replace the file at `path`, by default the file it was loaded from.

        If writing fails, the old file stays unchanged. Folders are created, an old file's permissions are kept, and a
        symbolic link stays a link.

        Raises:
            CassetteError: it cannot be written.
        """
        if path is not None:
            require_path("path", path, _PATH)
        target = self.path if path is None else Path(path)
        if target is None:
            raise CassetteError("the cassette has no path yet", hint="Pass one: cassette.save(path)")
        try:
            with locked(target), atomic_write(target) as file:
                file.writelines(self._encoded())
        except OSError as error:
            raise CassetteError(
                f"the cassette cannot be written: {error.strerror}",
                path=target,
                hint="Nothing has changed. Free some disk space or change the permissions, and try again.",
            ) from error
        self.path = target


def _joined(lines: Iterable[str]) -> bytes:
    return "\n".join([*lines, ""]).encode()


def open_cassette(path: Path, *, provider: Provider | None = None, check: bool = False) -> list[Stored]:
    """The interactions of a cassette file, each decoded when it is used.

    The whole file is read now, which finds lines that are cut off, out of place or unknown. Errors within a line are
    found when the line is decoded, or now with `check`.

    Raises:
        CassetteError: see `CassetteFile.load`.
    """
    found = open_whole(path, provider=provider).interactions
    if check:
        for stored in found:
            stored.check()
    return found


class Opened(NamedTuple):
    """A cassette file whose interactions are decoded when they are used.

    Attributes:
        header: its header.
        line: the number of the header's line.
        interactions: its interactions.
    """

    header: Header
    line: int
    interactions: list[Stored]


def open_whole(path: Path, *, provider: Provider | None = None) -> Opened:
    """The same as `open_cassette`, with the header."""
    with _opened(path) as file, _read(file, path, provider) as reader:
        return Opened(reader.header, len(reader.comments) + 1, list(reader))


def raw_lines(path: Path) -> list[bytes]:
    """The lines of a file as they are, whatever is in them; a `CassetteError` if it cannot be read."""
    with _opened(path) as file:
        return list(file)


@dataclass
class Salvaged:
    """What could be read from a damaged file.

    Attributes:
        cassette: its interactions; an incomplete one stops before its first line that cannot be read, and ends as
            "cancelled" with ``"salvaged": true``.
        whole: how many interactions are complete.
        problems: the lines that cannot be read.
        lines: the number of each interaction's request line.
    """

    cassette: CassetteFile
    whole: int
    problems: Sequence[CassetteFormatError]
    lines: Sequence[int]


def salvage(path: str | os.PathLike[str]) -> Salvaged:
    """Read what can be read from a damaged cassette, or from a journal (``NAME.jsonl.part``) that a crash left.

    Every complete interaction is kept, even between damaged lines. Nothing is written: save the result yourself.

    Raises:
        CassetteNotFoundError: there is no such file.
        CassetteFormatError: it is not a cassette.
    """
    path = Path(path)
    with _opened(path) as original:
        file = BytesIO(original.read())
    refuse_foreign(file.getvalue(), path)
    found = index_file(file, path)
    if found.header is None and not found.entries:
        raise CassetteFormatError("nothing can be salvaged: no header and no request line can be read", path=path)
    interactions = [entry.read(file, path) for entry in found.entries]
    cassette = CassetteFile._of(found.header or Header(), interactions, path, found)
    whole = sum(not one.end.extra.get("salvaged") for one in interactions)
    return Salvaged(cassette, whole, found.problems, [entry.line for entry in found.entries])


def mended(path: str | os.PathLike[str]) -> CassetteFile | None:
    """The cassette in a file whose lines a formatter has spread over several lines each; None for any other file.

    Nothing is written: save the result yourself.

    Raises:
        CassetteNotFoundError: there is no such file.
        CassetteFormatError: the file has other errors too.
    """
    path = Path(path)
    with _opened(path) as file:
        lines = joined(file.read())
    return None if lines is None else CassetteFile._load(BytesIO(lines), path, None)


def refuse_irregular(path: Path) -> None:
    """Refuse a pipe, a socket or a device with a `CassetteError`: reading it might block forever."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise CassetteError(
            "this is a pipe, a socket or a device, not a file",
            path=path,
            hint="Write its content to a file, and give that file.",
        )


_watchers: list[set[Path]] = []


def watch_opened() -> set[Path]:
    """A set to which the path of each file is added that is opened as a cassette from now on."""
    _watchers.append(set())
    return _watchers[-1]


def stop_watching(paths: set[Path]) -> None:
    """Add nothing more to a set that `watch_opened` returned."""
    _watchers[:] = [one for one in _watchers if one is not paths]


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A cassette file, open for reading; a `CassetteError` if it cannot be opened or read."""
    for paths in _watchers:
        paths.add(Path(os.path.abspath(path)))
    try:
        refuse_irregular(path)
        with path.open("rb", buffering=_READ) as file:
            yield file
    except FileNotFoundError:
        raise not_found(path) from None
    except OSError as error:
        if path.is_dir():
            if reason := _unreadable(path):
                hint = "Change its permissions; no cassette in it was read."
                raise CassetteError(f"the folder cannot be read: {reason}", path=path, hint=hint) from error
            raise CassetteError(
                "this is a folder, not a cassette",
                path=path,
                hint=f"Give one of its files: {_names(_cassettes(path)) or 'it has no .jsonl file'}",
            ) from None
        raise CassetteError(f"the cassette cannot be read: {error.strerror}", path=path) from error


@contextmanager
def _read(file: BinaryIO, path: Path | None, provider: Provider | None) -> Iterator[Reader]:
    """A reader of the file. If another tool has changed the file, an error names that change."""
    try:
        yield Reader(file, path, provider)
    except CassetteFormatError as error:
        file.seek(0)
        raise explained(error, file.read(), path) from None


def not_found(path: Path) -> CassetteNotFoundError:
    """The error for a missing cassette. It names a similar cassette and unfinished recordings."""
    from .journal import is_left_of  # reading a cassette needs nothing that records

    if path.is_symlink():
        return CassetteNotFoundError(
            f"the link leads to a file that does not exist: {os.path.realpath(path)}",
            path=path,
            hint="Restore that file, or delete the link.",
        )
    names = _cassettes(path.parent)
    left = sorted(part.name for part in _entries(path.parent) if is_left_of(part.name, path.name))
    if left:
        suggestion = f"There is an unfinished recording of it: {_names(left)}"
        hint = (
            f"Salvage it with: gemini-replay check --salvage {path.with_name(left[-1])}\n"
            "Or record it again with: pytest --gemini-record once"
        )
    else:
        suggestion = did_you_mean(path.name, names, str)
        if names and not suggestion:
            suggestion = f"The folder has {len(names)} other cassettes."
        elif not path.parent.is_dir():
            suggestion = f"The folder {path.parent} does not exist either."
        hint = f'Record it with: pytest --gemini-record once, or gemini_replay.record("{path}")'
    return CassetteNotFoundError(
        "the cassette does not exist", path=path, suggestion=suggestion, hint=making_visible(path) or hint
    )


def _unreadable(folder: Path) -> str | None:
    """Why the names in a folder cannot be read; None if they can."""
    try:
        os.scandir(folder).close()
    except OSError as error:
        return error.strerror or "unknown"
    return None


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _cassettes(folder: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.suffix == ".jsonl")


def _names(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
