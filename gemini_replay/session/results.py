"""The results of a session: replays, recordings, unused recordings and problems."""

from __future__ import annotations

from pathlib import Path

from ..cassette.merging import Recorded
from ..cassette.model import Interaction
from ..cassette.redaction import Removal
from ..engine.faults import Fault
from ..errors import DriftError, GeminiReplayError, RefusedError, UnusedRecordingsError
from .parts import Parts


class Results:
    """The part of a `Session` that only reports its results."""

    path: Path
    recording: bool

    def __init__(self, parts: Parts) -> None:
        self.misses: list[RefusedError] = []
        self._pool = parts.pool
        self._replayer = parts.replayer
        self._recordings = parts.recordings
        self._forks = parts.forks
        self._verification = parts.verification
        self._unused_error: UnusedRecordingsError | None = None
        self._drift: DriftError | None = None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults of the session."""
        return self._replayer.faults

    @property
    def applied(self) -> list[tuple[Fault, Interaction]]:
        """The faults that were applied, each with the recording that it changed, in order."""
        return self._replayer.applied

    @property
    def played(self) -> list[Interaction]:
        """Interactions that were replayed, in order."""
        return self._replayer.played

    @property
    def model_time(self) -> float:
        """Seconds that the replayed interactions took when they were recorded."""
        return sum(interaction.duration for interaction in self.played)

    @property
    def unused(self) -> list[Interaction]:
        """Recordings that no request asked for."""
        return [recording.interaction for recording in self._pool.unused]

    def unused_descriptions(self) -> dict[Path, dict[int, str]]:
        """For each cassette, the numbers of unused recordings, from 1, each with a line about it.

        One that cannot be read is also a problem.
        """
        return self._replayer.unused_descriptions(self.path)

    @property
    def recorded(self) -> Recorded:
        """Interactions that were recorded and have ended, in order of their requests; each is read from the disk."""
        return self._recordings.recorded

    @property
    def interactions(self) -> list[Interaction]:
        """What the session's requests got: interactions that were replayed, then those that were recorded."""
        return [*self.played, *self.recorded]

    @property
    def keeps(self) -> bool:
        """Whether recordings are for the cassette. In mode "verify", they are only compared with it."""
        return self.recording and self._verification is None

    @property
    def drift(self) -> tuple[str, ...]:
        """The differences in form of live answers and recordings, one line each; empty while the session is open."""
        return () if self._drift is None else self._drift.differences

    @property
    def recorded_count(self) -> int:
        """How many interactions were recorded and have ended."""
        return self._recordings.count

    @property
    def left_out(self) -> int:
        """How many interactions `before_record` has left out of the cassette; 0 while the session is open."""
        return self._recordings.left_out

    @property
    def removals(self) -> tuple[Removal, ...]:
        """What was redacted in the recordings, by kind and place; never a value."""
        return self._recordings.removals

    @property
    def hint(self) -> str:
        """A hint at what may be wrong with the recordings, if their answers show something, or ""."""
        return self._recordings.hint

    @property
    def problems(self) -> list[GeminiReplayError]:
        """The errors that must not go unnoticed.

        A failed recording, refused requests, recordings that cannot be read, faults that were not applied; and, once
        the session has ended, drift, and recordings that were not used, if all must be.
        """
        return [
            *self._recordings.failures,
            *self.misses,
            *self._pool.problems,
            *(self._replayer.unused_faults if self._forks.child is None else ()),  # another process may apply them
            *([] if self._drift is None else [self._drift]),
            *([] if self._unused_error is None else [self._unused_error]),
        ]

    @property
    def problem(self) -> GeminiReplayError | None:
        """The first of the problems, or None."""
        return next(iter(self.problems), None)
