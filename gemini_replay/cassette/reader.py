"""Reads interactions from the lines of a cassette and reports a line that is out of place. No I/O of its own.

Reading has two steps, so that a session decodes only what it plays. `Reader` distinguishes lines and finds those that
are cut off, out of place or unknown. `Stored` decodes the lines of one interaction when it is used, and finds errors
within a line.

Comments belong to the interaction that follows them. A comment between the lines of an interaction moves to the next
interaction, so that the chunks stay together. Comments after the last one are `Reader.trailing_comments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from ..errors import CassetteFormatError, CassetteTruncatedError
from ..provider import Provider
from .format_v1 import Comment, Header, Line, decode_line, kind_shown
from .model import Chunk, End, Interaction, Request, Response

BOM = b"\xef\xbb\xbf"
"""The byte order mark that some editors write."""
_SALVAGE = "Close it with: gemini-replay check --salvage {path}, or record it again with: --gemini-record rewrite"


class Draft:
    """An interaction that is being decoded. The order of its lines has been checked."""

    def __init__(self, request: Request, comments: Sequence[str]) -> None:
        self._request = request
        self._comments = tuple(comments)
        self._response: Response | None = None
        self._chunks: list[Chunk] = []
        self._coded = False  # whether the last chunk has coded bytes
        self.ended: End | None = None  # the end, once it is set

    def add(self, item: Response | Chunk, *, path: Path | None, number: int) -> None:
        """Add the next line, unless it is the end line; a `CassetteFormatError` if the chunk cannot come next."""
        if isinstance(item, Response):
            self._response = item
            return
        if (item.coded or item.members or self._coded) and (fault := self._misplaced(item)):
            raise CassetteFormatError(fault, path=path, line=number)
        self._coded = bool(item.coded)
        self._chunks.append(item)

    def _misplaced(self, chunk: Chunk) -> str:
        """The reason why a chunk cannot come here, or ""."""
        assert self._response is not None
        if (chunk.coded or chunk.members) and self._response.body != "decoded":
            return "a chunk with coded bytes or members, but the response is not stored decoded"
        if (chunk.data or chunk.members) and self._coded:
            return "a chunk with decoded bytes after a chunk with coded bytes"
        return ""

    def end(self, end: End, *, path: Path | None, number: int) -> None:
        """Set the end; a `CassetteFormatError` if it is that of an answer, and none has begun."""
        if self._response is None and end.kind == "eof":
            raise CassetteFormatError(
                "the answer ends with 'eof', but there is no response line",
                path=path,
                line=number,
                hint="An interaction without a response ends with 'reset', 'timeout' or 'cancelled'.",
            )
        self.ended = end

    def finish(self, end: End) -> Interaction:
        """The interaction with an end."""
        return Interaction(self._request, self._response, tuple(self._chunks), end, self._comments)


class Stored:
    """The lines of one interaction of a cassette, decoded when they are needed.

    Attributes:
        line: the number of its request line.
    """

    def __init__(
        self, lines: list[bytes], line: int, comments: Sequence[str], path: Path | None, provider: Provider | None
    ) -> None:
        self.line = line
        self._lines = lines  # with the comments between them, so that each line's number is known
        self._comments = tuple(comments)
        self._path = path
        self._provider = provider
        self._request: Request | None = None
        self._interaction: Interaction | None = None

    @property
    def request(self) -> Request:
        """Its request, the same object each time; a `CassetteFormatError` if its line is wrong."""
        if self._request is None:
            request = decode_line(self._lines[0], path=self._path, number=self.line)
            assert isinstance(request, Request)
            self._request = request if self._provider is None else request.of(self._provider)
        return self._request

    @property
    def interaction(self) -> Interaction:
        """The interaction, the same object each time; a `CassetteFormatError` if one of its lines is wrong."""
        if self._interaction is None:
            self._interaction = self._decode()
            self._lines = []
        return self._interaction

    def _decode(self) -> Interaction:
        draft = Draft(self.request, self._comments)
        for number, raw in enumerate(self._lines[1:], self.line + 1):
            item = decode_line(raw, path=self._path, number=number)
            if isinstance(item, (Chunk, Response)):  # faster than a union
                draft.add(item, path=self._path, number=number)
            elif isinstance(item, End):
                draft.end(item, path=self._path, number=number)
        return draft.finish(draft.ended or End())

    def check(self) -> None:
        """Raise a `CassetteFormatError` if one of the lines so far is wrong."""
        if self._interaction is None:
            self._decode()


class Reader:
    """Reads the lines of a cassette: first the header and the comments before it, then one interaction at a time.

    Once all have been read, `trailing_comments` has the comments after the last one. A line that is cut off, out of
    place or unknown raises a `CassetteFormatError`, during iteration too.
    """

    def __init__(self, lines: Iterable[bytes], path: Path | None = None, provider: Provider | None = None) -> None:
        self.path = path
        self._provider = provider
        self.trailing_comments: tuple[str, ...] = ()
        self._lines = enumerate(lines, 1)
        comments: list[str] = []
        for number, raw in self._lines:
            item = decode_line(raw.removeprefix(BOM), path=path, number=number)
            if isinstance(item, Header):
                self.header = item
                break
            if not isinstance(item, Comment):
                raise CassetteFormatError(
                    'the first line is not the header, {"cassette": 1, …}', path=path, line=number
                )
            comments.append(item.text)
        else:
            raise CassetteFormatError(
                "the cassette is empty: it has no header line",
                path=path,
                hint="Record it again with: --gemini-record rewrite",
            )
        self.comments = tuple(comments)

    def __iter__(self) -> Iterator[Stored]:
        stored: Stored | None = None
        lines: list[bytes] = []
        comments: list[str] = []
        responded = False
        for number, raw in self._lines:
            if responded and raw[:1] == b"[" and raw[-2:] == b"]\n":  # nearly all lines: chunks, see `kind_shown`
                lines.append(raw)
                continue
            kind = kind_shown(raw) or self._kind(raw, number, stored)
            if kind is Chunk and responded:
                lines.append(raw)
            elif kind is Comment:
                lines.append(raw)
                comments.append(cast(Comment, decode_line(raw)).text)
            elif kind is Request:
                if stored is not None:
                    raise self._unended(stored)
                lines = [raw]
                stored = Stored(lines, number, comments, self.path, self._provider)
                comments, responded = [], False
            elif out_of_place := _out_of_place(kind, stored, responded):
                if stored is not None:
                    stored.check()
                decode_line(raw, path=self.path, number=number)
                raise CassetteFormatError(out_of_place, path=self.path, line=number)
            else:
                lines.append(raw)
                responded = kind is Response
                if kind is End and stored is not None:
                    yield stored
                    stored, lines = None, []
        if stored is not None:
            raise self._unended(stored)
        self.trailing_comments = tuple(comments)

    def _kind(self, raw: bytes, number: int, stored: Stored | None) -> type[Line]:
        """The kind of a line that must be decoded to know it."""
        try:
            return type(decode_line(raw, path=self.path, number=number))
        except CassetteFormatError as error:
            if stored is not None:
                stored.check()  # what is wrong in an earlier line comes first
            if raw.endswith(b"\n"):
                raise
            raise self._truncated("the last line is incomplete", number) from error

    def _unended(self, stored: Stored) -> CassetteTruncatedError:
        stored.check()
        return self._truncated("the interaction that starts here has no end line", stored.line)

    def _truncated(self, what: str, line: int) -> CassetteTruncatedError:
        return CassetteTruncatedError(
            f"{what}: the recording was cut off",
            path=self.path,
            line=line,
            hint=_SALVAGE.format(path=self.path or "PATH"),
        )


def _out_of_place(kind: type[Line], stored: Stored | None, responded: bool) -> str:
    """What is wrong with a line of this kind after those of an interaction, or an empty text."""
    if kind is Header:
        return "a second header line: one file contains one cassette (to join two cassettes, remove this line)"
    if stored is None:
        return f"a {kind.__name__.lower()} line before any request line"
    if kind is Chunk:
        return "a chunk before its response line"
    if kind is Response and responded:
        return f"a second response to the request of line {stored.line}"
    return ""
