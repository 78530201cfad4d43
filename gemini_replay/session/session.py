"""One session: a cassette with a record mode. It decides how to handle each request that belongs to it.

It knows no client library. A transport asks `owner.owner_of` for the session of a URL, then `Session.decide` with the
whole request, and carries out the decision.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack
from urllib.parse import urlsplit

from ..cassette import fake_files
from ..cassette.matching import Recording
from ..cassette.model import Request
from ..engine.faults import Fault, NoConnection
from ..engine.player import Playback
from ..engine.recorder import NullRecorder
from ..errors import (
    CassetteError,
    GeminiReplayError,
    HookError,
    RecordingError,
    RefusedError,
    UsageError,
)
from ..provider import Provider
from ..urls import netloc
from .arguments import checked
from .client_names import client_name
from .forks import error_as_data, error_from_data, watch_forks
from .forward import Forward, route
from .hosts import address
from .parts import Parts
from .refusing import blocked, own_server
from .results import Results
from .settings import Mode, Paths, ReplaySettings, SessionSettings
from .terms import OWN, terms_of

Decision = Playback | NoConnection | Forward | None
"""A decision on a request: it is answered from a recording, or fails as a fault says; it goes to the network and is
recorded; or (None) it goes to the network untouched.
"""


class Session(Results):
    """Answers requests from one cassette, or records them into it.

    Args:
        path: the cassette file; of several, the first is recorded into, and all are replayed from. Unless the mode
            is "none", the others need not be there.
        settings: see `settings.SessionSettings`. A session with a fault cannot record.

    Attributes:
        path: the cassette, as an absolute path.
        provider: whose API is recorded and replayed.
        mode: the record mode.
        test: the id of the test, without secrets.
        hosts: which hosts are the session's.
        upstream: where requests are sent that go to the network; None: where they are addressed to.
        speed: the factor of the recorded rhythm, infinite where it is "instant".
        virtual: whether the speed is "virtual".
        recording: whether requests that no recording answers are recorded; in mode "verify", all are, beside the
            cassette.
        passes_all_on: whether every request goes where its client sends it: mode "live" without an upstream.
        active: whether the session is open.
        record_command: what messages advise for recording, by record mode; None: what the test's id or the path says.
        misses: the requests that were refused, as the errors that they raised.
        passed_through: the addresses of this process's own servers that were called, one for each request.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(self, path: Paths, **settings: Unpack[SessionSettings]) -> None:
        terms = terms_of({name: value for name, value in settings.items() if name not in OWN})
        own = checked(path=path, **{name: value for name, value in settings.items() if name in OWN})
        self.path, *more = map(_absolute, own["path"])  # the folder may change later
        if os.path.isdir(self.path):
            raise UsageError(f"{self.path} is a folder, not a cassette.", hint="Name a file in it.")
        self.provider: Provider = terms.provider
        self.mode: Mode = own.get("mode", "none")
        faults: tuple[Fault, ...] = terms.given["fault"]
        if faults and self.mode != "none":
            raise UsageError(
                f"A session with a fault ({faults[0]}) only replays; its mode is {self.mode!r}.",
                hint="Record without the fault, then replay with it.",
            )
        self.virtual = terms.virtual
        self.speed = terms.speed
        self._redactor = terms.redactor()
        test: str | None = own.get("test")
        self.test = None if test is None else self._redactor.text(test)  # its parameters may hold a key
        # An id without its secrets names no test; the function without its parameters does.
        self._test_to_run = test if self.test == test else (self.test or "").partition("[")[0]
        self.upstream: str | None = terms.given["upstream"]
        self.passes_all_on = self.mode == "live" and self.upstream is None
        self.hosts = terms.hosts
        self.record_command: Callable[[str], str] | None = None
        self.passed_through: list[str] = []
        self.served_at: str | None = None  # the server that answers from the session, where no transport does
        parts = Parts(self.path, self.mode, terms, redactor=self._redactor, test=self.test)
        super().__init__(parts)
        self._unseen = parts.unseen
        self._allow_unused: bool = terms.given["allow_unused"]
        self._lock = threading.RLock()
        self.active = True
        watch_forks(self)
        existing = os.path.exists(self.path)
        self.recording = self.mode in {"new", "rewrite", "verify"} or (self.mode == "once" and not existing)
        if self.recording:
            self._redactor.prepare()
        if self.recording and fake_files.are_fake():
            raise UsageError(
                "Nothing can be recorded while pyfakefs hides the real files.", hint=fake_files.RECORDING
            )
        if own.get("interactions") is not None:
            self._replayer.load_interactions(self.path, own["interactions"])
        elif existing and self.mode not in {"rewrite", "live"}:
            self._replayer.load(self.path, check=self.recording)  # lines that cannot be read would be left out
        for other in more if self.mode != "live" else ():
            # in a run that may record, another session may be making it now
            if other.exists() or self.mode == "none":
                self._replayer.load(other)
        if self._verification is not None and not self._pool.loaded:
            self._replayer.load(self.path)  # raises an error that names similar files

    @classmethod
    def replaying(cls, path: Paths, **settings: Unpack[ReplaySettings]) -> Session:
        """A session that only replays, from a cassette that must be there; or from several, as if they were one.

        Raises:
            UsageError: an argument cannot be used.
            CassetteError: there is no such file, or it cannot be read as a cassette.
        """
        session = cls(path, **checked(ReplaySettings.__annotations__, **settings))
        if not session.path.exists():
            session._replayer.load(session.path)  # raises an error that names similar files
        return session

    # -- what belongs to the session ---------------------------------------------------------------------------------

    def replace_only(self, interactions: frozenset[bytes]) -> None:
        """In mode "rewrite", replace none but these interactions of the cassette, given by `merging.digests`."""
        self._recordings.replace_only(interactions)

    @property
    def replay_only(self) -> bool:
        """Whether no request of the session may reach the network."""
        return self.mode != "live" and not self.recording

    def owns(self, url: str) -> bool:
        """Whether a request to this URL belongs to the session."""
        return not self.passes_all_on and self.hosts.owns(url, self._replayer.is_recorded)

    def reaches(self, url: str) -> bool:
        """Whether a request to this URL belongs to the session, and calls no server of this process under test."""
        return self.hosts.owns(url, self._replayer.is_recorded) and not self._is_under_test(url)

    @property
    def guarded(self) -> bool:
        """Whether clients that no transport sees must not reach the session's hosts unnoticed."""
        return self.mode != "live" and not self.hosts.every

    def _is_under_test(self, url: str) -> bool:
        return self.hosts.is_under_test(url, recorded=self._replayer.addresses, recording=self.recording)

    # -- what becomes of a request -----------------------------------------------------------------------------------

    def decide(self, request: Request) -> Decision:
        """What to do with a request of the session (see `owns`).

        In a session that records, a request that cannot be recorded goes to the network all the same, and the session
        reports the problem where it ends.

        Raises:
            MissError: no recording answers it (or there is no cassette), and the mode does not allow recording.
            RefusedError: it calls a server of this process, and a recording from elsewhere would answer it, too.
            UsageError: the session is closed.
            HookError: a function of the user's failed.
            GeminiReplayError: the recording that answers it cannot be played.
        """
        if self.mode == "live":
            aside = self.passes_all_on or self._is_under_test(request.url)
            return None if aside else Forward(NullRecorder(), route(request.url, self.upstream))
        if not self.active:
            raise UsageError(
                f"The session of {self.path} is closed.",
                hint="Send requests inside the with-block, or inside the test that opened it.",
            )
        with self._lock:  # an answer that a fault breaks is taken and put back before the next request is answered
            unreadable = len(self._pool.problems)
            try:
                return self._decide(request.of(self.provider))
            except RefusedError as error:
                self.refuse(error)
                raise
            finally:
                for problem in self._pool.problems[unreadable:]:
                    self._forks.report(unreadable=error_as_data(problem))

    def _decide(self, request: Request) -> Decision:
        host, port = address(request.url)
        if host not in self._unseen.known:
            self._unseen.add_known(host)
        try:
            if not self.hosts.owns_host(host, port) and self._calls_own_server(request):
                return None
            recorded = self._replayer.take(request)
            if recorded is None:
                redactor = self._redactor.for_request(request)
                asked = redactor.request()
                client = client_name(asked.headers, request.client)
                asked = replace(asked, client=client, test=self.test)
                recorded = self._take_or_record(asked)
        except RefusedError:
            raise
        except Exception as problem:
            if not self.recording:
                raise
            recorder = self._recordings.null_recorder(problem, Request(request.method, urlsplit(request.url).path))
            return Forward(recorder, route(request.url, self.upstream))
        if recorded is not None:
            return self._replayer.play(recorded)
        if not self.recording:
            raise self._replayer.miss(asked, self.path, self._record)
        return Forward(
            self._recordings.begin(asked, redactor),
            route(request.url, self.upstream),
            lambda where, error: self._recordings.unanswered(asked, where, error),
        )

    def _take_or_record(self, asked: Request) -> Recording | None:
        """The recording that answers a redacted request; None also if a function of the user's fails while recording.

        The recording has failed then, but the response, which may have cost money, is in the journal.
        """
        try:
            return self._replayer.take(asked, redacted=True)
        except HookError as problem:
            if not self.recording:
                raise
            self._recordings.fail(problem, asked)
            return None

    def _calls_own_server(self, request: Request) -> bool:
        """Whether a request calls a server of this process, which is code under test: it is counted and let through.

        Raises:
            RefusedError: the cassette has an answer to this very request, so it may be meant for the cassette.
        """
        if not self._is_under_test(request.url):
            return False
        where = netloc(request.url)
        if self._pool.answers(self._redactor.for_request(request).request()):
            raise own_server(where, self.path)
        self.passed_through.append(where)
        self._forks.report(called=where)
        return True

    def _record(self, mode: str) -> str:
        """How to record into the cassette, for messages."""
        if self.record_command is not None:
            return self.record_command(mode)
        if self.test:
            return f'pytest "{self._test_to_run}" --gemini-record {mode}'
        return f'gemini_replay.record("{self.path}", mode="{mode}")'

    # -- requests that no transport sees -----------------------------------------------------------------------------

    def refuse(self, error: RefusedError) -> RefusedError:
        """Count a refused request, which the session reports at its end; returns the error, to be raised."""
        if isinstance(error, HookError):  # it has the words of the user's own exception
            error.message = self._redactor.text(error.message)
        self.misses.append(error)
        self._forks.report(refused=error_as_data(error))
        return error

    def handle_unseen(self, where: str) -> None:
        """Called by the guard: a client that no transport sees is about to reach a host of the session's.

        A session that only replays raises a `NetworkBlockedError`.
        """
        if self.replay_only:
            why = hint = ""
            if self.served_at is not None:
                why = f"{self.path} is served at {self.served_at}, and no client of this process is intercepted."
                hint = "Give the client that base URL, or let the test use gemini_cassette in place of gemini_server."
            raise self.refuse(blocked(where, suggestion=why, hint=hint, provider=self.provider))
        self._unseen.reached(where)

    def unrecorded(self, where: str, why: str) -> None:
        """A request that was to be recorded was made outside of the session, so the recording fails."""
        self._recordings.fail(GeminiReplayError(f"A request to {where} was not recorded.", hint=why))

    def on_recording_failure(self, call: Callable[[RecordingError], None]) -> None:
        """Call `call` at once when the recording fails; the session also reports it where it ends."""
        self._recordings.on_failure = call

    # -- the end, and forked children --------------------------------------------------------------------------------

    def close(self, *, keep: bool = True) -> None:
        """End the session. With `keep`, the cassette is made from what was recorded; without, it stays as it is.

        Never raises: what went wrong is among the `problems`. What was recorded and not kept stays beside the
        cassette as ``NAME.jsonl.part`` until the next recording.
        """
        with self._lock:
            if not self.active:
                return
            self.active = False
        if self._forks.child is not None:
            self._recordings.close_child()
            return
        keep = keep or self._verification is not None
        close = partial(self._recordings.close, keep=keep, more=self._forks.journals)
        for step in (self._receive, self._report_unseen, close, self._verify, self._check_used):
            try:
                step()
            except Exception as problem:
                self._recordings.fail(problem)
        self._forks.forget()

    def _report_unseen(self) -> None:
        for where, why in self._unseen.unknown():
            self.unrecorded(where, why)

    def _verify(self) -> None:
        """Compare what came live with the recordings, unless it could not be recorded."""
        if self._verification is not None and not self._recordings.failures:
            hint = self._recordings.hint
            self._drift = self._verification.compare(self._recordings.recorded, record=self._record, hint=hint)

    def _check_used(self) -> None:
        """A session that replays or verifies has used all of its recordings, unless it need not."""
        if (self.replay_only or self._verification is not None) and not self._allow_unused:
            self._unused_error = self._replayer.unused_error(self._record)

    def before_fork(self) -> None:
        """Called in the parent before each fork."""
        if self.active and self._forks.child is None:
            self._forks.prepare()

    def after_fork_in_child(self) -> None:
        """Called in a forked child: what it does from now on is reported to the parent, and counts there."""
        if not self.active:
            return
        self._lock = threading.RLock()
        self._replayer.played = []
        self._recordings.become_child(self._forks.become_child())
        self._pool.problems.clear()
        self.misses = []
        self.passed_through = []

    def _receive(self) -> None:
        """Count in the parent what children have reported."""
        for report in self._forks.reports():
            match report:
                case {"refused": error}:
                    self.misses.append(error_from_data(error, RefusedError))
                case {"unreadable": error}:
                    self._pool.problems.append(error_from_data(error, CassetteError))
                case {"called": where}:
                    self.passed_through.append(where)
                case _:
                    for part in (self._replayer, self._recordings, self._unseen):
                        part.receive(report)


def _absolute(path: Path) -> Path:
    if path.is_absolute() and ".." not in path.parts:
        return path
    return Path(os.path.abspath(path))
