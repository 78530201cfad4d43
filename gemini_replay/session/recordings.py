"""What a session records: its journal, the recorders of its requests, and the cassette that is made in the end."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .. import clocks
from ..cassette.describing import describe
from ..cassette.format_v1 import decode_line, encode_request
from ..cassette.journal import Journal, keep_beside
from ..cassette.matching import Matcher
from ..cassette.merging import Recorded, recorded_in
from ..cassette.model import Request
from ..cassette.redaction import Redactor, Removal, RequestRedactor
from ..cassette.redaction.replacements import total
from ..engine.recorder import NullRecorder, Recorder
from ..errors import GeminiReplayError, RecordingError
from ..provider import Provider
from .forks import Child, Forks, Report, error_as_data, error_from_data
from .making import CassetteMaker

_log = logging.getLogger("gemini_replay")
_REFUSED = {400, 401, 403}
_OUR_BUG = "This is a bug of gemini-replay; its traceback is the cause of this error."


class Recordings:
    """Records the requests of one session into one cassette, an absolute path. Safe for threads.

    With `left_beside`, the journal of a recording that has failed stays beside the cassette, and errors name it.

    Attributes:
        failures: what went wrong in the recording, in order.
        on_failure: called at once with each failure.
        removals: what was taken out of what was recorded, by kind and place.
        left_out: how many interactions `before_record` has left out of the cassette.
    """

    def __init__(
        self,
        path: Path,
        *,
        provider: Provider,
        test: str | None,
        matcher: Matcher,
        redactor: Redactor,
        maker: CassetteMaker,
        wire: bool,
        decoded_limit: int,
        left_beside: bool = True,
        forks: Forks,
    ) -> None:
        self.failures: list[RecordingError] = []
        self.on_failure: Callable[[RecordingError], None] = lambda failure: None
        self._refused = False  # whether an answer had the status 400, 401 or 403: the key may be wrong
        self.removals: tuple[Removal, ...] = ()
        self.left_out = 0
        self._path = path
        self._provider = provider
        self._test = test
        self._maker = maker
        self._matcher = matcher
        self._redactor = redactor
        self._left_beside = left_beside
        self._wire = wire
        self._decoded_limit = decoded_limit
        self._lock = threading.Lock()
        self._journal: Journal | None = None
        self._live: set[Recorder] = set()
        self._finished: Recorded | None = None
        # Each request without a connection, where it went, and how many of the list below began before it failed.
        self._unanswered: list[tuple[Request, str, str, int]] = []
        self._begun_since: list[tuple[Request, Recorder]] = []  # since the first of them
        self._forks = forks
        self._broken = False  # something of ours failed, perhaps in the middle of an answer

    # -- while the session is open ---------------------------------------------------------------------------------

    def begin(self, asked: Request, redactor: RequestRedactor) -> Recorder:
        """The recorder of a redacted request; one that records nothing where the journal cannot be written."""
        try:
            with self._lock:
                child = self._forks.child
                if child is not None and not child.has_parent:
                    child.report()  # it cannot, and warns: it has outlived the session
                    return NullRecorder()
                self._check_names(redactor)
                if self._journal is None:
                    self._journal = Journal(self._path, test=self._test)
                journal = self._journal
            recorder = Recorder(
                entry=journal.begin(asked),
                began=clocks.now(),
                scrub=redactor.stream(),
                redact=redactor.response,
                failed=lambda problem: self.fail(problem, asked),
                done=lambda recorder: self._done(recorder, redactor),
                left_open=lambda: self._left_open(asked),
                wire=self._wire,
                decoded_limit=self._decoded_limit,
            )
            with self._lock:
                self._live.add(recorder)
                if self._unanswered:
                    self._begun_since.append((asked, recorder))
            return recorder
        except Exception as problem:
            return self.null_recorder(problem, asked)

    def _check_names(self, redactor: RequestRedactor) -> None:
        """Refuse to record a secret of a request in the id of the test or the name of the file.

        Raises:
            RecordingError: one of them holds one.
        """
        for what, text in (("id of the test", self._test or ""), ("name of the cassette", self._path.name)):
            if kinds := redactor.kinds(text):
                raise RecordingError(
                    f"The {what} holds a secret: {kinds[0]}.",
                    hint='Name the parameter: pytest.param(key, id="key"); or choose another file name.',
                )

    def replace_only(self, interactions: frozenset[bytes]) -> None:
        """See `making.CassetteMaker`."""
        self._maker.replace_only(interactions)

    def null_recorder(self, problem: BaseException, asked: Request) -> Recorder:
        """A recorder that records nothing, because of this problem."""
        self.fail(problem, asked)
        return NullRecorder()

    def unanswered(self, asked: Request, where: str, error: str) -> None:
        """There was no connection for a request; if no later try gets an answer, the recording has failed."""
        with self._lock:
            self._unanswered.append((asked, where, error, len(self._begun_since)))
        self._forks.report(unanswered=encode_request(asked), where=where, error=error)

    def _check_answered(self, more: Sequence[Path]) -> None:
        if not self._unanswered:
            return
        elsewhere = [interaction.request for part in more for interaction in recorded_in(part).of(self._provider)]
        for asked, where, error, earlier in self._unanswered:
            later = [request for request, recorder in self._begun_since[earlier:] if recorder.status is not None]
            if not any(self._matcher.matches(request, asked) for request in [*later, *elsewhere]):
                self._report(
                    RecordingError(
                        f"{describe(asked)} got no answer: there was no connection to {where} ({error}).",
                        suggestion="The client got its own error; nothing was recorded of the request.",
                        hint="Check the network, --gemini-upstream, and the client's base URL and limits; "
                        "then record again.",
                    )
                )

    def fail(self, problem: BaseException, asked: Request | None = None) -> None:
        """The recording has failed; the session says so where it ends. Raises nothing of its own."""
        self._broken = True
        try:
            failure = self._described(problem, asked)
        except Exception as trouble:
            failure = RecordingError(f"The recording failed: {type(problem).__name__}.", hint=_OUR_BUG)
            failure.__cause__ = trouble
        self._report(failure)

    def _described(self, problem: BaseException, asked: Request | None) -> RecordingError:
        about = "" if asked is None else f" of {describe(asked)}"
        if isinstance(problem, GeminiReplayError):
            text, hint = problem.message, problem.hint
        else:
            text = f"{type(problem).__name__}: {problem}"
            hint = _OUR_BUG
        left = self._left_beside and self._journal is not None and self._forks.child is None
        part = self._journal.part if left and self._journal is not None else None
        failure = RecordingError(
            self._redactor.text(f"The recording{about} failed: {text}"),
            part=part,
            suggestion="The client was not disturbed: it got the live response."
            + (f" What was recorded before that is in {part}." if part is not None and os.path.exists(part) else ""),
            hint=hint,
        )
        failure.__cause__ = problem
        return failure

    def _report(self, failure: RecordingError) -> None:
        self.failures.append(failure)
        self._forks.report(failed=error_as_data(failure))
        with suppress(Exception):  # the session says it once more where it ends
            self.on_failure(failure)

    def _done(self, recorder: Recorder, redactor: RequestRedactor) -> None:
        with self._lock:
            self._live.discard(recorder)
            self.removals = total([*self.removals, *redactor.removals])
        refused = recorder.status in _REFUSED
        self._refused = self._refused or refused
        removed = [(removal.place, removal.kind, removal.count) for removal in redactor.removals]
        self._forks.report(removed=removed, key_refused=refused)

    def _left_open(self, asked: Request) -> None:
        _log.warning(
            "%s: the response to %s was neither read to its end nor closed when the session ended; "
            "its recording stops there. Read it to its end or close it inside the session.",
            self._path,
            describe(asked),
        )

    @property
    def count(self) -> int:
        """How many interactions were recorded and have ended."""
        if self._finished is not None:
            return len(self._finished)
        for recorder in self._open():
            recorder.end_if_abandoned()
        return self._journal.ended if self._journal is not None else 0

    @property
    def recorded(self) -> Recorded:
        """The interactions that were recorded and have ended, in order of their requests, read from the disk."""
        found = self._finished
        if found is None and self.count and self._journal is not None and self._journal.part is not None:
            found = recorded_in(self._journal.part)
        return (found or Recorded()).of(self._provider)

    @property
    def hint(self) -> str:
        """What may be wrong with the recording, as far as its answers show; empty where they show nothing."""
        for interaction in self.recorded if self._refused else ():
            response, error = interaction.response, interaction.error
            bad_key = error is not None and error.refuses_key
            if response is not None and (response.status in {401, 403} or bad_key):
                reason = error.message if error is not None else "no reason given"
                return (
                    f"The upstream answered {response.status}: {self._redactor.text(reason)} "
                    f"Set {self._provider.key_variable} (or the client's own key) to one that it accepts."
                )
        return ""

    def _open(self) -> list[Recorder]:
        with self._lock:
            return list(self._live)

    # -- the end ---------------------------------------------------------------------------------------------------

    def close(self, *, keep: bool, more: Sequence[Path] = ()) -> None:
        """End the recording. With `keep`, the cassette is made from it, and from `more` journals of child processes.

        A recording that has failed, or that is not kept, stays beside the cassette as a journal.
        """
        for recorder in self._open():
            recorder.cut()
        self._check_answered(more)
        journal = self._journal
        own = [journal.part] if journal is not None and journal.part is not None else []
        if keep and not self.failures and (self.count or more):
            header = (journal or Journal(self._path, test=self._test)).header
            try:
                ended = [journal.ended] if own and journal is not None else []
                made = self._maker.make(own, more, header, ended=ended, removals=self.removals)
            except Exception as problem:
                self.fail(problem)
            else:
                self._finished, self.removals, self.left_out = made.recorded, made.removals, made.left_out
                if journal is not None:
                    journal.remove()
                return
        for part in more:
            keep_beside(self._path, part, discarded=not self.failures)
        if journal is not None:
            self._give_up(journal)

    def _give_up(self, journal: Journal) -> None:
        try:
            if not self.count and not self._broken:
                journal.remove()
                return
            if self.failures:
                journal.abandon()
            else:
                journal.discard()
            if journal.part is not None:
                self._finished = recorded_in(journal.part)
        except Exception as problem:
            self.fail(problem)

    # -- in a forked child -----------------------------------------------------------------------------------------

    def become_child(self, child: Child) -> None:
        """Record for the parent from now on: into a journal that the parent merges."""
        self._lock = threading.Lock()
        for recorder in self._live:
            recorder.forget()
        self._live = set()
        if self._journal is not None:
            self._journal.forget()
        self._journal = None
        self._path = child.cassette
        self.failures = []
        self.removals = ()

    def close_child(self) -> None:
        """End the recording of a child process: its journal stays for the parent."""
        for recorder in self._open():
            recorder.cut()
        if self._journal is not None:
            self._journal.abandon()

    def receive(self, report: Report) -> None:
        """Count in the parent what a child has reported."""
        match report:
            case {"failed": error}:
                self._broken = True
                self._report(error_from_data(error, RecordingError))
            case {"removed": removed, "key_refused": refused}:
                self.removals = total([*self.removals, *(Removal(*one) for one in removed)])
                self._refused = self._refused or refused
            case {"unanswered": line, "where": where, "error": error}:
                asked = decode_line(line.encode())
                assert isinstance(asked, Request)
                self._unanswered.append((asked, where, error, len(self._begun_since)))
