"""One session: a cassette, a record mode, matching and timing.

A session decides what becomes of each request. It knows no client library: a transport asks `Session.plan` and
does what it says.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ..cassette.matching import DEFAULT_KEYS, Matcher
from ..cassette.merging import Recorded
from ..cassette.model import Interaction, Request
from ..cassette.pool import Pool
from ..cassette.redaction import Redactor, Removal
from ..engine.coding import DECODED_LIMIT
from ..engine.faults import Fault, NoConnection
from ..engine.player import Playback
from ..engine.rechunking import parse_rechunk
from ..engine.recorder import Recorder
from ..engine.script import Scripting, check_events
from ..engine.timing import INSTANT, is_virtual, parse_max_gap, parse_speed
from ..errors import FaultUnusedError, GeminiReplayError, MissError, RecordingError, RefusedError, UsageError
from ..provider import Provider
from ..shipped import shipped
from .arguments import REDACTION, Mode, checked
from .children import Child, Children, watch_forks
from .describing import describe
from .hosts import Hosts, address, netloc, place
from .recordings import Recordings
from .refusing import blocked, explained, through

Faults = str | Fault | Iterable[str | Fault] | None
"""What `fault=` takes, see `engine.faults.parse_faults`."""


@dataclass(frozen=True)
class Recording:
    """The plan for a request that goes to the network: record it with `recorder`, send it to `url`."""

    recorder: Recorder
    url: str
    unanswered: Callable[[str], None] = lambda where: None

    def unreachable(self, problem: BaseException) -> None:
        """There was no connection: record nothing, and say on the exception where it was tried.

        The recording fails if no later try gets an answer, also where the code under test swallows the exception.
        """
        self.recorder.drop()
        parts = urlsplit(self.url)
        where = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
        self.unanswered(where)
        problem.add_note(
            f"gemini-replay was recording and could not reach {where}. Nothing was recorded and no cassette was "
            "changed. Check the network, --gemini-upstream or the client's base URL; or replay without a record mode."
        )


Plan = Playback | NoConnection | Recording | None


class Session:
    """Answers requests from one cassette, or records them into it.

    Args:
        path: the cassette file.
        mode: "none" replays only; "once" records when there is no file, else replays; "new" replays what is there
            and appends what is missing; "rewrite" records everything anew; "live" lets everything through.
        speed: a factor of the recorded rhythm, "instant", or "virtual": the recorded rhythm in virtual time, which
            `interception.intercepted` sets up while the session only replays.
        max_gap: the longest wait of a replay, in seconds; None: as recorded.
        rechunk: other chunk boundaries for what is replayed, see `engine.rechunking.parse_rechunk`.
        fault: what goes wrong with what is replayed, see `engine.faults`; such a session cannot record.
        match: what must be equal for a recording to answer a request, see `cassette.matching`.
        hosts: further hosts whose requests belong to the session, as shell patterns, with or without a port.
            The provider's own always do, and so does any URL of its shape, unless it calls a server of this process,
            see `hosts.Hosts.is_under_test`. None: every request belongs.
        ignore_hosts: hosts whose requests never belong to the session, in the same form; not the provider's.
        upstream: a base URL that recorded requests are sent to, in place of their own scheme and host.
        redact: further secrets: literal values that must not be stored.
        keep_headers: headers whose values are kept although their names are not known to be harmless.
        redact_headers: further headers whose values are taken out.
        keep_fields: members of JSON, and query and form parameters, whose values are kept although their names tell.
        redact_fields: further such names whose values are taken out.
        redact_patterns: further shapes of secrets, as regular expressions; a first group is the secret.
        test: the id of the test that records, for the cassette's header and for messages.
        wire: keep compressed bodies as they came, instead of decoded.
        decoded_limit: the most bytes that a compressed body may decode to; more is a failure of the recording.
        repeat: start again from the first when every recording of a request was played, as a server must.
        provider: whose API is recorded and replayed; None for Gemini.

    Attributes:
        upstream: as given.
        virtual: whether time is to be virtual where the session is replayed.
        played: interactions that were replayed, in order.
        recorded: interactions that were recorded, in order of their requests.
        misses: requests that nothing answered, as the errors that they raised.
        struck: the faults that struck, each with the recording that it struck, in order.
        hosts: which hosts are the session's.
        passed_through: the addresses of this process's own servers that were called, one for each request.

    Raises:
        UsageError: an argument cannot be used.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        mode: Mode = "none",
        speed: str | float = 1.0,
        max_gap: float | None = None,
        rechunk: str | int | None = None,
        fault: Faults = None,
        match: Sequence[str] = DEFAULT_KEYS,
        hosts: Iterable[str] | None = (),
        ignore_hosts: Iterable[str] = (),
        upstream: str | None = None,
        redact: Iterable[str] = (),
        keep_headers: Iterable[str] = (),
        redact_headers: Iterable[str] = (),
        keep_fields: Iterable[str] = (),
        redact_fields: Iterable[str] = (),
        redact_patterns: Iterable[str | re.Pattern[str]] = (),
        test: str | None = None,
        wire: bool = False,
        decoded_limit: int = DECODED_LIMIT,
        repeat: bool = False,
        provider: Provider | None = None,
    ) -> None:
        given = checked(
            path=path,
            mode=mode,
            speed=speed,
            max_gap=max_gap,
            rechunk=rechunk,
            fault=fault,
            match=match,
            hosts=hosts,
            ignore_hosts=ignore_hosts,
            upstream=upstream,
            redact=redact,
            keep_headers=keep_headers,
            redact_headers=redact_headers,
            keep_fields=keep_fields,
            redact_fields=redact_fields,
            redact_patterns=redact_patterns,
            test=test,
            wire=wire,
            decoded_limit=decoded_limit,
            repeat=repeat,
            provider=provider,
        )
        self.path = Path(os.path.abspath(path))  # whatever the working directory is later
        self.provider = provider or shipped()
        self.mode: Mode = mode
        self.speed = parse_speed(speed)
        self.max_gap = parse_max_gap(max_gap)
        self.rechunk = parse_rechunk(rechunk)
        self.faults: tuple[Fault, ...] = given["fault"]
        if self.faults and mode != "none":
            raise UsageError(
                f"A session with a fault ({self.faults[0]}) replays only; its mode is {mode!r}.",
                hint="Record without the fault, then replay with it.",
            )
        self.virtual = is_virtual(speed)
        self._redactor = Redactor(given["redact"], **{name: given[name] for name in REDACTION})
        self.test = None if test is None else self._redactor.text(test)  # its parameters may hold a key
        # An id without its secrets names no test; the function without its parameters does.
        self._test_to_run = test if self.test == test else (self.test or "").partition("[")[0]
        self.played: list[Interaction] = []
        self.misses: list[RefusedError] = []
        self._answered = 0
        self.struck: list[tuple[Fault, Interaction]] = []
        matcher = Matcher(given["match"])
        self._pool = Pool(matcher, repeat=repeat, test=self.test, provider=self.provider)
        self.hosts = Hosts(given["hosts"], given["ignore_hosts"], upstream, self.provider)
        self.upstream = upstream
        self._lock = threading.RLock()
        self._recordings = Recordings(
            self.path,
            test=self.test,
            rewrite=mode == "rewrite",
            matcher=matcher,
            redactor=self._redactor,
            wire=wire,
            decoded_limit=decoded_limit,
        )
        self._children = Children()
        self._child: Child | None = None
        self.active = True
        watch_forks(self)
        self.passed_through: list[str] = []
        self._places: set[tuple[str, int]] = set()
        self._known = set() if upstream is None else {address(upstream)[0]}  # the hosts that transports reach
        self._unseen: dict[str, tuple[str, str]] = {}
        existing = self.path.exists()
        self.recording = mode in {"new", "rewrite"} or (mode == "once" and not existing)
        if existing and mode in {"none", "once", "new"}:
            self._load(self.path)

    @classmethod
    def replaying(
        cls,
        path: str | Path,
        *more: str | Path,
        speed: str | float = 1.0,
        max_gap: float | None = None,
        rechunk: str | int | None = None,
        fault: Faults = None,
        match: Sequence[str] = DEFAULT_KEYS,
        hosts: Iterable[str] | None = (),
        ignore_hosts: Iterable[str] = (),
        redact: Iterable[str] = (),
        keep_headers: Iterable[str] = (),
        redact_headers: Iterable[str] = (),
        keep_fields: Iterable[str] = (),
        redact_fields: Iterable[str] = (),
        redact_patterns: Iterable[str | re.Pattern[str]] = (),
        repeat: bool = False,
        provider: Provider | None = None,
    ) -> Session:
        """A session that only replays, from a cassette that must be there; or from several, as if they were one.

        Raises:
            UsageError: an argument cannot be used.
            CassetteError: there is no such file, or it cannot be read as a cassette.
        """
        paths = [checked(path=one)["path"] for one in (path, *more)]
        session = cls(
            paths[0],
            speed=speed,
            max_gap=max_gap,
            rechunk=rechunk,
            fault=fault,
            match=match,
            hosts=hosts,
            ignore_hosts=ignore_hosts,
            redact=redact,
            keep_headers=keep_headers,
            redact_headers=redact_headers,
            keep_fields=keep_fields,
            redact_fields=redact_fields,
            redact_patterns=redact_patterns,
            repeat=repeat,
            provider=provider,
        )
        if not session._pool.loaded:
            session._load(session.path)  # raises, and says what is near
        for another in paths[1:]:
            session._load(Path(another))
        return session

    def _load(self, path: Path) -> None:
        self._pool.load(path)
        self._places |= {place(request.url) for request in self._pool.requests}

    # -- what belongs to the session ---------------------------------------------------------------------------

    @property
    def replay_only(self) -> bool:
        """Whether no request of the session may reach the network."""
        return self.mode != "live" and not self.recording

    def owns(self, url: str) -> bool:
        """Whether a request to this URL belongs to the session."""
        return self.hosts.owns(url)

    # -- what becomes of a request -----------------------------------------------------------------------------

    def plan(self, request: Request) -> Plan:
        """What to do with a request: play this, record that, or (None) let it through untouched.

        A recording that cannot be begun is a failure of the session, told where it ends; the request goes on.

        Raises:
            MissError: nothing recorded answers it (or there is no cassette), and the mode does not allow to record.
            RefusedError: a server of this process is asked what a recording from elsewhere would answer.
            UsageError: the session is closed.
        """
        if self.mode == "live" or not self.owns(request.url):
            return None
        request = request.of(self.provider)
        with self._lock:
            self._check_open()
            self._known.add(address(request.url)[0])
        if not self.recording:
            if self._calls_own_server(request):
                return None
            return self._replay(self._redactor.for_request(request).request())
        try:
            if self._calls_own_server(request):
                return None
            redactor = self._redactor.for_request(request)
            asked = replace(redactor.request(), test=self.test)
            answer = None if self.mode == "rewrite" else self._take(asked)
        except RefusedError:
            raise
        except Exception as problem:
            recorder = self._recordings.deaf(problem, Request(request.method, urlsplit(request.url).path))
            return Recording(recorder, self._route(request.url))
        if answer is not None:
            return self._answer(*answer)
        return Recording(
            self._recordings.begin(asked, redactor),
            self._route(request.url),
            partial(self._recordings.unanswered, asked),
        )

    def _calls_own_server(self, request: Request) -> bool:
        """Whether a request calls a server of this process, which is code under test: it goes through, counted.

        Raises:
            RefusedError: the cassette has an answer to this very request, so that it may as well be for the cassette.
        """
        if not self.hosts.is_under_test(request.url, recorded=self._places, recording=self.recording):
            return False
        where = netloc(request.url)
        if self._pool.answers(self._redactor.for_request(request).request()):
            raise self.refuse(
                RefusedError(
                    f"A request goes to {where}, a server of this process; {self.path} has an answer to it that was "
                    "recorded elsewhere.",
                    suggestion="It is not certain which of the two is to answer it.",
                    hint=f"If the cassette is, name {where!r} in the setting hosts; if the server is, in "
                    "ignore_hosts.",
                )
            )
        with self._lock:
            self.passed_through.append(where)
        return True

    def _replay(self, asked: Request) -> Playback | NoConnection:
        with self._lock:
            taken = self._take(asked)
            if taken is None:
                raise self.refuse(self._miss(asked))
            return self._answer(*taken)

    def _take(self, asked: Request) -> tuple[int, Interaction] | None:
        with self._lock:
            return self._pool.take(asked)

    def _answer(self, number: int, interaction: Interaction) -> Playback | NoConnection:
        """Play a recording, with the faults that strike this request."""
        with self._lock:
            return self._answered_by(number, interaction)

    def _answered_by(self, number: int, interaction: Interaction) -> Playback | NoConnection:
        check_events(self.faults, self.rechunk, interaction)
        self._answered += 1
        scripting = Scripting(interaction, self.rechunk)
        struck: list[Fault] = []
        for fault in self.faults:
            if fault.request not in (None, self._answered):
                continue
            if fault.times is not None and self._times_struck(fault) >= fault.times:
                continue
            if fault.cause is not None or scripting.apply(fault):
                struck.append(fault)
        self.struck += [(fault, interaction) for fault in struck]
        if any(fault.breaks for fault in struck):
            self._pool.give_back(interaction)
        for fault in struck:
            if fault.cause is not None:
                return NoConnection(fault.cause, waits=self.speed != INSTANT)
        self.played.append(interaction)
        if self._child is not None:
            self._child.played(number)
        return Playback(interaction, self.speed, self.max_gap, scripting.script)

    def _times_struck(self, fault: Fault) -> int:
        return sum(fault is other for other, _ in self.struck)

    @property
    def guarded(self) -> bool:
        """Whether clients that no transport here sees must not reach the session's hosts unnoticed."""
        return self.mode != "live" and not self.hosts.every

    def reaches(self, url: str) -> bool:
        """Whether a request to this URL is the session's, and calls no server of this process that is under test."""
        return self.owns(url) and not self.hosts.is_under_test(url, recorded=self._places, recording=self.recording)

    def meet(self, where: str) -> None:
        """Called by the guard: a client that no transport here sees is about to reach a place of the session's.

        Raises:
            NetworkBlockedError: the session only replays.
        """
        if self.replay_only:
            raise self.refuse(blocked(where))
        host = address(f"//{where}")[0]
        if host not in self._known:
            self._unseen.setdefault(host, (where, " ".join(explained(through()))))

    def unrecorded(self, where: str, why: str) -> None:
        """A request that is to be recorded was made outside of the session, which fails the recording."""
        self._recordings.fail(GeminiReplayError(f"A request to {where} was not recorded.", hint=why))

    def _check_open(self) -> None:
        if not self.active:
            raise UsageError(
                f"The session of {self.path} is closed.",
                hint="Send requests inside the with-block, or inside the test that opened it.",
            )

    def refuse(self, error: RefusedError) -> RefusedError:
        """Count a request that is refused, which the session tells at its end; gives the error back, to be raised."""
        self.misses.append(error)
        if self._child is not None:
            self._child.missed(error)
        return error

    def _miss(self, asked: Request) -> MissError:
        command = (
            f'pytest "{self._test_to_run}" --gemini-record {{}}'
            if self.test
            else f'gemini_replay.record("{self.path}", mode="{{}}")'
        )
        what = f"No recording answers {describe(asked)}."
        aside = (
            f"\nLeave out the fault {self.faults[0]} for that: a session with one replays only."
            if self.faults
            else ""
        )
        if not self._pool.loaded:
            return MissError(
                what,
                suggestion=f"There is no cassette at {self.path}.",
                hint=f"Record it with: {command.format('once')}{aside}",
            )
        near = self._pool.nearest(asked)
        return MissError(
            what,
            suggestion=near.words,
            hint=(
                f"If the request has changed, record it anew with: {command.format('rewrite')}\n"
                f"If it is one more, record what is missing with: {command.format('new')}{aside}"
                if near.own
                else f"Record what is missing with: {command.format('new')}{aside}"
            ),
            differences=near.differences,
        )

    # -- recording ---------------------------------------------------------------------------------------------

    def _route(self, url: str) -> str:
        if self.upstream is None:
            return url
        base, own = urlsplit(self.upstream), urlsplit(url)
        return urlunsplit((base.scheme, base.netloc, base.path.rstrip("/") + own.path, own.query, ""))

    @property
    def recorded(self) -> Recorded:
        """Interactions that were recorded and have ended, in order of their requests; each is read from the disk."""
        return self._recordings.recorded.of(self.provider)

    @property
    def recorded_count(self) -> int:
        """How many interactions were recorded and have ended."""
        return self._recordings.count

    @property
    def removals(self) -> tuple[Removal, ...]:
        """What was taken out of what was recorded, by kind and place; never a value."""
        return self._recordings.removals

    def on_recording_failure(self, call: Callable[[RecordingError], None]) -> None:
        """Call `call` at once when the recording fails; the session also says it where it ends."""
        self._recordings.on_failure = call

    # -- the end -----------------------------------------------------------------------------------------------

    @property
    def unused(self) -> list[Interaction]:
        """Recordings that no request asked for."""
        return [interaction for _, interaction in self._pool.unused]

    def unused_descriptions(self) -> list[str]:
        """Each unused recording in one line."""
        return [f"{place}: {describe(interaction.request)}" for place, interaction in self._pool.unused]

    @property
    def hint(self) -> str:
        """What may be wrong with a recording, as far as its answers tell; empty where they tell nothing."""
        for interaction in self.recorded if self._recordings.refused else ():
            response, error = interaction.response, interaction.error
            bad_key = error is not None and error.refuses_key
            if response is not None and (response.status in {401, 403} or bad_key):
                reason = error.message if error is not None else "no reason given"
                return (
                    f"The upstream answered {response.status}: {self._redactor.text(reason)} "
                    f"Set {self.provider.key_variable} (or the client's own key) to one that it takes."
                )
        return ""

    @property
    def problems(self) -> list[GeminiReplayError]:
        """What must not pass unnoticed at the end: a failed recording, then requests that nothing answered, then
        faults that struck none.
        """
        found: list[GeminiReplayError] = [*self._recordings.failures, *self.misses]
        unused = (fault for fault in self.faults if not self._times_struck(fault))
        return [*found, *(FaultUnusedError(fault.text, suggestion=self._answers()) for fault in unused)]

    @property
    def problem(self) -> GeminiReplayError | None:
        """The first of the problems, or None."""
        return next(iter(self.problems), None)

    def _answers(self) -> str:
        if not self.played:
            return f"{self._answered or 'No'} request{'s were' if self._answered != 1 else ' was'} answered."
        longest = max(self.played, key=lambda interaction: len(interaction.body))
        return (
            f"{self._answered} request{'s were' if self._answered != 1 else ' was'} answered; the longest answer has "
            f"{len(longest.events)} events and {len(longest.body)} bytes in {len(longest.chunks)} chunks."
        )

    @property
    def model_time(self) -> float:
        """Seconds that the replayed interactions took when they were recorded."""
        return sum(interaction.duration for interaction in self.played)

    def close(self, *, keep: bool = True) -> None:
        """End the session. With `keep`, the cassette is made from what was recorded; without, it stays as it is.

        Never raises: what went wrong is among the `problems`. What was recorded and not kept stays beside the
        cassette as ``NAME.jsonl.part`` until the next recording.
        """
        with self._lock:
            if not self.active:
                return
            self.active = False
        if self._child is not None:
            self._recordings.close_child()
            return
        for host, (where, why) in self._unseen.items():
            if host not in self._known:
                self.unrecorded(where, why)
        try:
            for report in self._children.reports():
                if isinstance(report, RefusedError):
                    self.misses.append(report)
                else:
                    self.played.append(self._pool.played_elsewhere(report))
            journals = self._children.journals
            self._recordings.close(keep=keep, more=journals)
        except Exception as problem:
            self._recordings.fail(problem)
        finally:
            self._children.forget()

    # -- forked children -------------------------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Called in the parent before each fork."""
        if self.active and self._child is None:
            self._children.prepare()

    def after_fork_in_child(self) -> None:
        """Called in a forked child: what it plays, misses and records from now on is told to the parent."""
        if not self.active:
            return
        self._lock = threading.RLock()
        self._child = self._children.child()
        self._recordings.become_child(self._child.cassette)
        self.played, self.misses = [], []
