"""Reads interactions from the lines of a cassette and reports a line that is out of place. No I/O of its own.

Comments belong to the interaction that follows them. A comment between the lines of an interaction moves to the next
interaction, so that the chunks stay together. Comments after the last one are `Reader.trailing_comments`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import CassetteFormatError, CassetteTruncatedError
from .format_v1 import Comment, Header, decode_line
from .model import Chunk, End, Interaction, Request, Response

_SALVAGE = "Close it with: gemini-replay check --salvage {path}, or record it again with: --gemini-record rewrite"


class Draft:
    """An interaction of which more lines are still to be read."""

    def __init__(self, request: Request, comments: Sequence[str], line: int) -> None:
        self.request = request
        self.comments = tuple(comments)
        self.line = line
        self.response: Response | None = None
        self.chunks: list[Chunk] = []

    def add(self, item: Response | Chunk, *, path: Path | None, number: int) -> None:
        """Add the next line, unless it is the end line; a `CassetteFormatError` if it cannot come next."""
        if isinstance(item, Chunk):
            if self.response is None:
                raise CassetteFormatError("a chunk before its response line", path=path, line=number)
            if fault := self._misplaced(item):
                raise CassetteFormatError(fault, path=path, line=number)
            self.chunks.append(item)
        elif self.response is not None:
            raise CassetteFormatError(f"a second response to the request of line {self.line}", path=path, line=number)
        else:
            self.response = item

    def _misplaced(self, chunk: Chunk) -> str:
        """What is wrong with a chunk here, or an empty text."""
        assert self.response is not None
        if (chunk.coded or chunk.members) and self.response.body != "decoded":
            return "a chunk with coded bytes or members, but the response is not stored decoded"
        if (chunk.data or chunk.members) and self.chunks and self.chunks[-1].coded:
            return "a chunk with decoded bytes after a chunk with coded bytes"
        return ""

    def finish(self, end: End) -> Interaction:
        """The interaction with its end."""
        return Interaction(self.request, self.response, tuple(self.chunks), end, self.comments)


class Reader:
    """Reads the lines of a cassette: the header and the comments before it at once, then one interaction at a time.

    Once all have been read, `trailing_comments` has the comments after the last one. A wrong line raises a
    `CassetteFormatError`, during iteration too.
    """

    def __init__(self, lines: Iterable[bytes], path: Path | None = None) -> None:
        self.path = path
        self.trailing_comments: tuple[str, ...] = ()
        self._lines = enumerate(lines, 1)
        comments: list[str] = []
        for number, raw in self._lines:
            item = decode_line(raw, path=path, number=number)
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

    def __iter__(self) -> Iterator[Interaction]:
        draft: Draft | None = None
        comments: list[str] = []
        for number, raw in self._lines:
            try:
                item = decode_line(raw, path=self.path, number=number)
            except CassetteFormatError as error:
                if raw.endswith(b"\n"):
                    raise
                raise self._truncated("the last line is incomplete", number) from error
            if isinstance(item, Comment):
                comments.append(item.text)
            elif isinstance(item, Header):
                raise CassetteFormatError(
                    "a second header line: one file contains one cassette", path=self.path, line=number
                )
            elif isinstance(item, Request):
                if draft is not None:
                    raise self._truncated("the interaction that starts here has no end line", draft.line)
                draft, comments = Draft(item, comments, number), []
            elif draft is None:
                kind = type(item).__name__.lower()
                raise CassetteFormatError(f"a {kind} line before any request line", path=self.path, line=number)
            elif isinstance(item, End):
                yield draft.finish(item)
                draft = None
            else:
                draft.add(item, path=self.path, number=number)
        if draft is not None:
            raise self._truncated("the interaction that starts here has no end line", draft.line)
        self.trailing_comments = tuple(comments)

    def _truncated(self, what: str, line: int) -> CassetteTruncatedError:
        return CassetteTruncatedError(
            f"{what}: the recording was cut off",
            path=self.path,
            line=line,
            hint=_SALVAGE.format(path=self.path or "PATH"),
        )
