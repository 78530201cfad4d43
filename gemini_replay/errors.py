"""Every error this package raises on purpose, as one tree.

    GeminiReplayError                 anything below
    ├── UsageError                    an argument, option, marker or setting that cannot be used   (ValueError)
    ├── MissingExtraError             an optional dependency is not installed                      (ImportError)
    ├── FrameError                    malformed framing, in strict decoding                        (ValueError)
    │   └── FrameTooLargeError        one frame outgrew the decoder's limit
    ├── CassetteError                 something about one cassette file; has ``path`` and ``line``
    │   ├── CassetteNotFoundError     no such file                                                 (FileNotFoundError)
    │   └── CassetteFormatError       a line that is not a cassette line                           (ValueError)
    │       ├── CassetteTruncatedError  an interaction without its end line
    │       └── CassetteVersionError    written by a newer format
    ├── RecordingError                a recording that failed; the client still got the live response
    ├── DriftError                    live answers that have another form than their recordings
    ├── RefusedError                  a request that was kept from the network
    │   ├── MissError                 no recording answers it
    │   ├── NetworkBlockedError       it bypassed every cassette
    │   ├── HookError                 a user's function that a setting names has failed
    │   ├── AmbiguousSessionError     several open sessions may own it
    │   └── RecordingEndedError       its recording stops where its client closed the response
    ├── UnusedRecordingsError         recordings that nothing asked for, if all must be used
    ├── FaultUnusedError              a fault that was never applied
    ├── ParserBug                     a stream that a parser gets wrong                            (AssertionError)
    └── ClientBug                     variations of a recording deceive a client                   (AssertionError)

A message says what happened with its values, then what was closest, then what to do, and ends with the error's
``slug``; ``gemini-replay explain SLUG`` prints its section of `docs/errors.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .plain_text import plain_lines

_LONGEST_TYPO = 100
_MOST_NAMED = 12
"""How many things of one kind a message lists; further ones are only counted."""


class GeminiReplayError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what happened, with its values.
        suggestion: what was closest to being right, if anything was.
        hint: what to do about it.
    """

    slug: ClassVar[str] = "error"

    def __init__(self, message: str, *, suggestion: str = "", hint: str = "") -> None:
        self.message = message
        self.suggestion = suggestion
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        lines = [part for part in (self.message, self.suggestion, self.hint) if part]
        return plain_lines("\n".join([*lines, f"[gemini-replay explain {self.slug}]"]))


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known word most similar to `word`; None if none is near. Long words are not compared, as that is slow."""
    from difflib import get_close_matches  # not when the package is imported

    if not isinstance(word, str) or len(word) > _LONGEST_TYPO:
        return None
    words = [one for one in known if len(one) <= _LONGEST_TYPO]
    return next(iter(get_close_matches(word, words, 1)), None)


def did_you_mean(word: object, known: Iterable[str], show: Callable[[str], str] = repr) -> str:
    """The suggestion of an error about a misspelled `word`: "Did you mean 'x'?"; empty if no known word is near."""
    near = nearest(word, known)
    return f"Did you mean {show(near)}?" if near is not None else ""


class UsageError(GeminiReplayError, ValueError):
    """An argument, option, marker or setting that cannot be used."""

    slug = "usage"


class MissingExtraError(GeminiReplayError, ImportError):
    """An optional dependency is needed but not installed.

    Args:
        package: the distribution that is missing.
        extra: the extra of gemini-replay that installs it.
        purpose: what it is needed for.
    """

    slug = "missing-extra"

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"{purpose} needs {package}, which is not installed.",
            hint=f"Install it with: pip install 'gemini-replay[{extra}]'",
        )


class FrameError(GeminiReplayError, ValueError):
    """Malformed framing, reported by a strict decoder; ``offset`` is the byte position in the stream."""

    slug = "frame"

    def __init__(self, message: str, *, offset: int, suggestion: str = "", hint: str = "") -> None:
        self.offset = offset
        super().__init__(f"{message} (at byte {offset})", suggestion=suggestion, hint=hint)


class FrameTooLargeError(FrameError):
    """One frame outgrew ``limit`` bytes; the decoder cannot go on."""

    slug = "frame-too-large"

    def __init__(self, *, offset: int, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"a frame is larger than {limit} bytes",
            offset=offset,
            hint="Pass max_frame_bytes= with a larger limit if such frames are expected.",
        )


class CassetteError(GeminiReplayError):
    """A problem with one cassette file. ``line`` counts from 1; None if no single line is the cause."""

    slug = "cassette"

    def __init__(
        self,
        message: str,
        *,
        path: Path | None = None,
        line: int | None = None,
        suggestion: str = "",
        hint: str = "",
    ) -> None:
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(place + message, suggestion=suggestion, hint=hint)


class CassetteNotFoundError(CassetteError, FileNotFoundError):
    """There is no file at ``path``."""

    slug = "cassette-not-found"


class CassetteFormatError(CassetteError, ValueError):
    """A line, at ``path`` and ``line``, that is not valid in the cassette format."""

    slug = "cassette-format"


class CassetteTruncatedError(CassetteFormatError):
    """An interaction has no end line: the recording was cut off."""

    slug = "cassette-truncated"


class CassetteVersionError(CassetteFormatError):
    """The file was written in a newer format than this release reads."""

    slug = "cassette-version"


class RecordingError(GeminiReplayError):
    """A recording failed on our side (a full disk, a bug). The client still got the live response.

    Raised at the end of the session. The cassette is unchanged.

    Attributes:
        part: the journal, which holds what was written before the failure; None if nothing was written.
    """

    slug = "recording-failed"

    def __init__(self, message: str, *, part: Path | None = None, suggestion: str = "", hint: str = "") -> None:
        self.part = part
        super().__init__(message, suggestion=suggestion, hint=hint)


class DriftError(GeminiReplayError):
    """Live answers have another form than their recordings, or no recording answers what was asked (mode "verify").

    Raised at the end of the session. The client got the live answers, and the cassette is unchanged.

    Attributes:
        differences: one line for each difference, which begins with its path.
    """

    slug = "drift"

    def __init__(
        self, message: str, *, differences: Sequence[str] = (), suggestion: str = "", hint: str = ""
    ) -> None:
        self.differences = tuple(differences)
        super().__init__(message, suggestion=suggestion, hint=hint)


class RefusedError(GeminiReplayError):
    """A request that was kept from the network."""

    slug = "refused"


class MissError(RefusedError):
    """No recording answers a request.

    Attributes:
        differences: how the nearest recording differs, one line each.
    """

    slug = "miss"

    def __init__(
        self, message: str, *, suggestion: str = "", hint: str = "", differences: Sequence[str] = ()
    ) -> None:
        self.differences = tuple(differences)
        super().__init__(message, suggestion=suggestion, hint=hint)


class NetworkBlockedError(RefusedError):
    """A Gemini request bypassed every cassette and was stopped before it left the machine."""

    slug = "network-blocked"


class HookError(RefusedError):
    """A function of yours that a setting names raised an exception, or returned what it must not.

    The exception is the ``__cause__``. If it happened while a cassette was made, this error is the ``__cause__`` of a
    `RecordingError`.
    """

    slug = "hook"


class AmbiguousSessionError(RefusedError):
    """Several open sessions may own a request, and nothing says which one does."""

    slug = "ambiguous-session"


class RecordingEndedError(RefusedError):
    """A client reads on where the recording stops: the client that made it had closed the response there."""

    slug = "recording-ended"

    def __init__(self) -> None:
        super().__init__(
            "The recording has no more bytes: the client that made it closed the response here.",
            hint="Record it again with a client that reads to the end, or stop reading where that one did.",
        )


class UnusedRecordingsError(GeminiReplayError):
    """Recordings that nothing asked for, in a session that must use all of its recordings (``allow_unused=False``).

    Attributes:
        recordings: one line for each of them.
    """

    slug = "unused-recordings"

    def __init__(self, recordings: Sequence[str], *, hint: str = "") -> None:
        self.recordings = tuple(recordings)
        shown = self.recordings[:_MOST_NAMED]
        more = len(self.recordings) - len(shown)
        super().__init__(
            f"Recordings that nothing asked for: {len(self.recordings)}.",
            suggestion="\n".join([*(f"  - {line}" for line in shown), *([f"  - … and {more} more"] if more else [])]),
            hint=hint,
        )


class FaultUnusedError(GeminiReplayError):
    """A fault was asked for and never applied, so the test ran without it.

    Attributes:
        fault: the fault, as it was spelled.
    """

    slug = "fault-unused"

    def __init__(self, fault: str, *, suggestion: str = "") -> None:
        self.fault = fault
        super().__init__(
            f"The fault {fault} was never applied.",
            suggestion=suggestion,
            hint="Place it within an answer to a request that is made. See an answer's chunks with: "
            "gemini-replay show --chunks CASSETTE",
        )


class ParserBug(GeminiReplayError, AssertionError):
    """The fuzz kit found a stream that a parser gets wrong.

    Attributes:
        case: the name of the case class, or "promptness", "growth" or "isolation".
        profile: the profile in which it is a bug.
        chunks: the smallest chunks that show the bug.
        expected: the JSON values that the parser should have yielded.
        got: those that it yielded.
        error: the parser's error, as text; None if it raised nothing.
        kind: "raises", "loses", "changes", "invents", "stalls", "grows", "leaks" or "hides".
        needs_cut: whether the bug appears only if the body is cut into several chunks.
        parser: the parser's name.
        after: the streams that the parser must have read before, if it keeps something between streams, as often as
            they stand here.
        kept_test: the test to keep, a whole file for pytest; "" if the bug was found by one.
    """

    slug = "parser-bug"

    def __init__(
        self,
        message: str,
        *,
        case: str,
        profile: str,
        kind: str,
        parser: str,
        chunks: Sequence[bytes] = (),
        expected: Sequence[object] = (),
        got: Sequence[object] = (),
        error: str | None = None,
        needs_cut: bool = False,
        after: Sequence[Sequence[bytes]] = (),
        kept_test: str = "",
    ) -> None:
        self.case = case
        self.profile = profile
        self.kind = kind
        self.parser = parser
        self.chunks = tuple(chunks)
        self.expected = tuple(expected)
        self.got = tuple(got)
        self.error = error
        self.needs_cut = needs_cut
        self.after = tuple(map(tuple, after))
        self.kept_test = kept_test
        super().__init__(message)


class ClientBug(GeminiReplayError, AssertionError):
    """Variations of a recording deceived a call: other chunk boundaries changed its result, or a fault cut it short.

    Attributes:
        report: what each variation did, a `gemini_replay.faults.ClientReport`.
    """

    slug = "client-bug"

    def __init__(self, message: str, *, report: Any, suggestion: str = "", hint: str = "") -> None:
        self.report = report
        super().__init__(message, suggestion=suggestion, hint=hint)
