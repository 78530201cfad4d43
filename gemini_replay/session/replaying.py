"""Answers from recordings: which recording a request gets, and which faults are applied to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ..cassette.describing import describe
from ..cassette.editing import BeforeReplay, before_replay
from ..cassette.fake_files import making_visible
from ..cassette.matching import Pool, Recording, lines
from ..cassette.model import Interaction, Request
from ..engine.faults import Fault, NoConnection
from ..engine.player import Playback
from ..engine.rechunking import Rechunking
from ..engine.script import Script, Scripting, check_events
from ..engine.timing import INSTANT
from ..errors import CassetteError, FaultUnusedError, MissError, UnusedRecordingsError
from .forks import Forks, Report
from .hosts import Address, comparable_address

_FEW = 3
"""Differences, for which the error about a miss says how to ignore them."""


class Replayer:
    """Plays the recordings of a session's pool. Not safe for threads: see `Session.decide`.

    Attributes:
        faults: as given.
        played: the recordings that were played, in order.
        applied: the faults that were applied, each with the recording that it changed, in order.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        only_redacted: bool,
        records_all: bool,
        speed: float,
        max_gap: float,
        rechunk: Rechunking,
        faults: tuple[Fault, ...],
        before_replay: BeforeReplay | None = None,
        forks: Forks,
    ) -> None:
        self.faults = faults
        self.played: list[Interaction] = []
        self.applied: list[tuple[Fault, Interaction]] = []
        self._pool = pool
        self._only_redacted = only_redacted
        self._records_all = records_all
        self._speed = speed
        self._max_gap = max_gap
        self._rechunk = rechunk
        self._before_replay = before_replay
        self._forks = forks
        self._count = 0
        self._addresses: set[Address] | None = None
        self._paths: set[tuple[Address, str]] | None = None
        self._playbacks: dict[int, Playback] = {}  # by the recording's number, without faults

    def load(self, path: Path, *, check: bool = False) -> None:
        """Add a cassette; with `check`, each of its lines is checked now and not when it is needed."""
        self._pool.load(path, check=check)
        self._addresses = self._paths = None

    def load_interactions(self, path: Path, interactions: Sequence[Interaction]) -> None:
        """Add recordings that are in memory, as if they were those of a cassette."""
        self._pool.load_interactions(path, interactions)
        self._addresses = self._paths = None

    def addresses(self) -> set[Address]:
        """The hosts of all recordings; reads all requests."""
        if self._addresses is None:
            self._addresses = {comparable_address(request.url) for request in self._pool.requests}
        return self._addresses

    def is_recorded(self, url: str) -> bool:
        """Whether a recording comes from this URL's address and path; reads all requests."""
        if self._paths is None:
            self._paths = {_address_and_path(request.url) for request in self._pool.requests}
        return _address_and_path(url) in self._paths

    def take(self, asked: Request, *, redacted: bool = False) -> Recording | None:
        """The recording that answers a request; None without one, or if all is recorded.

        The first search uses the request as it was sent, which finds nearly all: a mark in a recording matches the
        secret that it replaces. Only if that finds nothing, the search is repeated with the redacted request. Users'
        functions are only called with redacted requests.

        Raises:
            CassetteFormatError: a recording that might answer it cannot be read.
            HookError: a function of the user's failed.
        """
        if self._records_all or (self._only_redacted and not redacted):
            return None
        return self._pool.take(asked)

    def play(self, recording: Recording) -> Playback | NoConnection:
        """A recording that was taken, with the faults that apply to this request. A broken answer is put back.

        Raises:
            HookError: `before_replay` failed.
            GeminiReplayError: the recording cannot be played: a fault or the rechunking needs the events of a body
                that is stored compressed, or its coding is not installed.
        """
        plain = self._playbacks.get(recording.number)
        if plain is None:
            plain = self._plain(recording.interaction)
            if self._before_replay is None:
                self._playbacks[recording.number] = plain
        self._count += 1
        before = len(self.applied)
        answer = self._faulted(plain, recording) if self.faults else plain
        connected = isinstance(answer, Playback)
        if connected:
            self.played.append(plain.interaction)
        if self._forks.child is not None:
            faults = self._applied_since(before)
            self._forks.report(answered=recording.number, connected=connected, faults=faults)
        return answer

    def _plain(self, interaction: Interaction) -> Playback:
        """A recording, without faults that are due now."""
        if self._before_replay is not None:
            interaction = before_replay(self._before_replay, interaction)
        check_events(self.faults, self._rechunk, interaction)
        return Playback(interaction, self._speed, self._max_gap, Script.of(interaction, self._rechunk))

    def _faulted(self, plain: Playback, recording: Recording) -> Playback | NoConnection:
        """The answer with the faults that are due. The recording is put back if one of them breaks it."""
        due = [fault for fault in self.faults if self._is_due(fault)]
        if not due:
            return plain
        scripting = Scripting(plain.interaction, self._rechunk)
        due.sort(key=scripting.order)
        unconnected = next((fault for fault in due if fault.cause is not None), None)
        applied = [fault for fault in due if scripting.apply(fault)] if unconnected is None else [unconnected]
        self.applied += [(fault, plain.interaction) for fault in applied]
        if any(fault.breaks for fault in applied):
            self._pool.give_back(recording)
        if unconnected is not None and unconnected.cause is not None:
            return NoConnection(unconnected.cause, waits=self._speed != INSTANT)
        return replace(plain, script=scripting.script)

    def _is_due(self, fault: Fault) -> bool:
        """Whether a fault is meant for the present answer."""
        if fault.request not in (None, self._count):
            return False
        return fault.times is None or self._times_applied(fault) < fault.times

    def _times_applied(self, fault: Fault) -> int:
        return sum(fault is other for other, _ in self.applied)

    def _applied_since(self, before: int) -> list[int]:
        """The indices in `faults` of the faults applied since `applied` had this many entries."""
        return [
            index for done, _ in self.applied[before:] for index, fault in enumerate(self.faults) if fault is done
        ]

    def receive(self, report: Report) -> None:
        """Count in the parent what a child has answered: the recording's number, and the faults by their indices.

        It played the recording if the faults left a connection for that. The parent lists it as it was recorded,
        even if `before_replay` changed it in the child.
        """
        match report:
            case {"answered": number, "connected": connected, "faults": faults}:
                interaction = self._pool.played_elsewhere(number)
                self._count += 1
                self.applied += [(self.faults[index], interaction) for index in faults]
                if connected:
                    self.played.append(interaction)

    # -- what is reported --------------------------------------------------------------------------------------------

    def miss(self, asked: Request, path: Path, record: Callable[[str], str]) -> MissError:
        """The error about a redacted request that nothing answers; `record` returns the command for a record mode."""
        message = f"No recording answers {describe(asked)}."
        note = (
            f"\nLeave out the fault {self.faults[0]} for that: a session with a fault only replays."
            if self.faults
            else ""
        )
        if not self._pool.loaded:
            hint = making_visible(path) or f"Record it with: {record('once')}{note}"
            return MissError(message, suggestion=f"There is no cassette at {path}.", hint=hint)
        near = self._pool.nearest(asked)
        hints = [f"Record what is missing with: {record('new')}"]
        if near.replaced:
            hints = [
                f"If the request has changed, record it again with: {record('rewrite')}",
                f"If it is a further one, record what is missing with: {record('new')}",
            ]
        if near.differences and all(difference.paths for difference in near.differences):
            paths = list(dict.fromkeys(path for difference in near.differences for path in difference.paths))
            words = any(difference.words for difference in near.differences)
            if len(paths) <= _FEW:
                named = json.dumps(paths, ensure_ascii=False)
                hints.insert(len(hints) - 1 if words else 0, f"If it varies from run to run: ignore={named}")
        return MissError(
            message, suggestion=near.words, hint="\n".join(hints) + note, differences=lines(near.differences)
        )

    def unused_descriptions(self, path: Path) -> dict[Path, dict[int, str]]:
        """For the cassette `path` and each other one, the numbers of unused recordings, from 1.

        Each has a line about it, with the test that made it.
        """
        described: dict[Path, dict[int, str]] = {path: {} for path in (path, *self._pool.paths)}
        for recording in self._pool.unused:
            made_by = _made_by(recording)
            line = _described(recording) + (f" (recorded by {made_by})" if made_by else "")
            described[recording.path][recording.place] = line
        return described

    def unused_error(self, record: Callable[[str], str]) -> UnusedRecordingsError | None:
        """The error about unused recordings, except those of other tests; `record` is as for `miss`."""
        left = [one for one in self._pool.unused if not self._pool.is_of_another_test(one)]
        if not left:
            return None
        return UnusedRecordingsError(
            [f"{recording.path}: {_described(recording)}" for recording in left],
            hint=f"Record again what is used with: {record('rewrite')}\n"
            "Or allow unused recordings with: allow_unused=True",
        )

    @property
    def unused_faults(self) -> list[FaultUnusedError]:
        """The faults that were never applied."""
        return [
            FaultUnusedError(fault.text, suggestion=self._summary())
            for fault in self.faults
            if not self._times_applied(fault)
        ]

    def _summary(self) -> str:
        requests = f"{self._count or 'No'} request{' was' if self._count == 1 else 's were'} answered"
        if not self.played:
            return f"{requests}."
        longest = max(self.played, key=lambda interaction: len(interaction.body))
        return (
            f"{requests}; the longest answer has {len(longest.events)} events and {len(longest.body)} bytes in "
            f"{len(longest.chunks)} chunks."
        )


def _address_and_path(url: str) -> tuple[Address, str]:
    return comparable_address(url), urlsplit(url).path


def _made_by(recording: Recording) -> str | None:
    with suppress(CassetteError):
        return recording.request.test
    return None


def _described(recording: Recording) -> str:
    """A recording in one line; one that cannot be read is also a problem."""
    try:
        what = describe(recording.request)
    except CassetteError as problem:
        what = problem.message
    return f"{recording.position}: {what}"
