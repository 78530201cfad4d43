"""Every error this package raises on purpose, as one tree.

    GeminiReplayError                 anything below
    ├── UsageError                    an argument, option, marker or setting that cannot be used   (ValueError)
    ├── MissingExtraError             an optional dependency is not installed                      (ImportError)
    ├── FrameError                    malformed framing, in strict decoding                        (ValueError)
    │   └── FrameTooLargeError        one frame outgrew the decoder's limit
    ├── CassetteError                 something about one cassette file; has ``path`` and ``line``
    │   ├── CassetteNotFoundError     no such file                                                 (FileNotFoundError)
    │   └── CassetteFormatError       a line that is no cassette line                              (ValueError)
    │       ├── CassetteTruncatedError  an interaction without its end line
    │       └── CassetteVersionError    written by a newer format
    ├── RecordingError                a recording that failed; the client got the live response all the same
    ├── RefusedError                  a request that was kept from the network
    │   ├── MissError                 no recording answers it
    │   ├── NetworkBlockedError       it slipped past every cassette
    │   ├── AmbiguousSessionError     several open sessions may own it
    │   └── RecordingEndedError       its recording stops where the client that made it let go
    ├── FaultUnusedError              a fault that struck no answer
    ├── ParserBug                     a stream that a parser gets wrong                            (AssertionError)
    └── ClientBug                     a recording, varied, that deceives a client                  (AssertionError)

A message says what happened with its values, then what was closest, then what to do, and ends with the error's
``slug``; `docs/errors.md` has one section for each slug.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .plain_text import plain_lines


class GeminiReplayError(Exception):
    """Base of all errors raised on purpose.

    Args:
        what: what happened, with its values.
        closest: what came nearest to being right, if anything did.
        todo: what the reader can do about it.
    """

    slug: ClassVar[str] = "error"

    def __init__(self, what: str, *, closest: str = "", todo: str = "") -> None:
        self.what = what
        self.closest = closest
        self.todo = todo
        super().__init__(what)

    def __str__(self) -> str:
        lines = [part for part in (self.what, self.closest, self.todo) if part]
        return plain_lines("\n".join([*lines, f"[docs/errors.md#{self.slug}]"]))


class UsageError(GeminiReplayError, ValueError):
    """An argument, option, marker or setting that cannot be used."""

    slug = "usage"


class MissingExtraError(GeminiReplayError, ImportError):
    """An optional dependency is needed and not installed.

    Args:
        package: the distribution that is missing.
        extra: the extra of gemini-replay that brings it.
        purpose: what it is needed for.
    """

    slug = "missing-extra"

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"{purpose} needs {package}, which is not installed.",
            todo=f"Install it with: pip install 'gemini-replay[{extra}]'",
        )


class FrameError(GeminiReplayError, ValueError):
    """Malformed framing, reported by a strict decoder; ``offset`` is the byte position in the stream."""

    slug = "frame"

    def __init__(self, what: str, *, offset: int, closest: str = "", todo: str = "") -> None:
        self.offset = offset
        super().__init__(f"{what} (at byte {offset})", closest=closest, todo=todo)


class FrameTooLargeError(FrameError):
    """One frame outgrew ``limit`` bytes; the decoder cannot go on."""

    slug = "frame-too-large"

    def __init__(self, *, offset: int, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"a frame is larger than {limit} bytes",
            offset=offset,
            todo="Pass max_frame_bytes= with a larger limit if such frames are expected.",
        )


class CassetteError(GeminiReplayError):
    """Something about one cassette file; ``line`` counts from 1, None where no line is to blame."""

    slug = "cassette"

    def __init__(
        self,
        what: str,
        *,
        path: Path | None = None,
        line: int | None = None,
        closest: str = "",
        todo: str = "",
    ) -> None:
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + what, closest=closest, todo=todo)


class CassetteNotFoundError(CassetteError, FileNotFoundError):
    """There is no file at ``path``."""

    slug = "cassette-not-found"


class CassetteFormatError(CassetteError, ValueError):
    """``path``, ``line``: a line that the cassette format does not know."""

    slug = "cassette-format"


class CassetteTruncatedError(CassetteFormatError):
    """An interaction has no end line: the recording was cut off."""

    slug = "cassette-truncated"


class CassetteVersionError(CassetteFormatError):
    """The file was written in a newer format than this release reads."""

    slug = "cassette-version"


class RecordingError(GeminiReplayError):
    """A recording failed on our side (a full disk, a bug). The client got the live response all the same.

    Raised where the session ends. The cassette is as it was before.

    Attributes:
        part: the journal, which holds what was written before the failure; None if there is none.
    """

    slug = "recording-failed"

    def __init__(self, what: str, *, part: Path | None = None, closest: str = "", todo: str = "") -> None:
        self.part = part
        super().__init__(what, closest=closest, todo=todo)


class RefusedError(GeminiReplayError):
    """A request that was kept from the network."""

    slug = "refused"


class MissError(RefusedError):
    """No recording answers a request.

    Attributes:
        differences: how the nearest recording differs, one line each.
    """

    slug = "miss"

    def __init__(self, what: str, *, closest: str = "", todo: str = "", differences: Sequence[str] = ()) -> None:
        self.differences = tuple(differences)
        super().__init__(what, closest=closest, todo=todo)


class NetworkBlockedError(RefusedError):
    """A Gemini request got past every cassette and was stopped before it left the machine."""

    slug = "network-blocked"


class AmbiguousSessionError(RefusedError):
    """Several open sessions may own a request, and nothing says which one does."""

    slug = "ambiguous-session"


class RecordingEndedError(RefusedError):
    """A client reads on where the recording stops, because the client that made it closed the response there."""

    slug = "recording-ended"

    def __init__(self) -> None:
        super().__init__(
            "The recording has no more bytes: the client that made it closed the response here.",
            todo="Record it again with a client that reads to the end, or stop reading where that one did.",
        )


class FaultUnusedError(GeminiReplayError):
    """A fault was asked for, and no answer had a place for it: what was tested ran without it.

    Attributes:
        fault: the fault, as it was spelled.
    """

    slug = "fault-unused"

    def __init__(self, fault: str, *, closest: str = "") -> None:
        self.fault = fault
        super().__init__(
            f"The fault {fault} struck no answer.",
            closest=closest,
            todo="Place it within an answer to a request that is made; list them with: gemini-replay show --chunks",
        )


class ParserBug(GeminiReplayError, AssertionError):
    """The fuzz kit found a stream that a parser gets wrong.

    Attributes:
        case: the name of the case class, or "promptness" or "growth".
        profile: the profile in which it is a bug.
        chunks: the smallest chunks that show it.
        expected: the JSON values that should have come out.
        got: those that came.
        error: the parser's error, as text; None if it raised none.
        verdict: "raises", "loses", "changes", "invents", "stalls" or "grows".
        needs_cut: whether it takes a cut, or happens to the whole body in one chunk too.
        parser: the parser's name.
    """

    slug = "parser-bug"

    def __init__(
        self,
        what: str,
        *,
        case: str,
        profile: str,
        verdict: str,
        parser: str,
        chunks: Sequence[bytes] = (),
        expected: Sequence[object] = (),
        got: Sequence[object] = (),
        error: str | None = None,
        needs_cut: bool = False,
    ) -> None:
        self.case = case
        self.profile = profile
        self.verdict = verdict
        self.parser = parser
        self.chunks = tuple(chunks)
        self.expected = tuple(expected)
        self.got = tuple(got)
        self.error = error
        self.needs_cut = needs_cut
        super().__init__(what)


class ClientBug(GeminiReplayError, AssertionError):
    """A call gave another result under a chunking, or a short answer that looks whole under a fault.

    Attributes:
        variation: what was done to the response ("chunking bytes", "reset@event:2").
        chunks: the chunks of the response that was varied, as the client got them.
        expected: in words, what the call should have come to.
        got: what it came to; its `result`, or its `error`.
    """

    slug = "client-bug"

    def __init__(
        self, what: str, *, variation: str, chunks: Sequence[bytes] = (), expected: str = "", got: object = None
    ) -> None:
        self.variation = variation
        self.chunks = tuple(chunks)
        self.expected = expected
        self.got = got
        super().__init__(what)
