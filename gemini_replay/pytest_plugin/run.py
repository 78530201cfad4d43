"""What the tests of one run share: the settings, what the run has recorded, and the summary."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import Settings

if TYPE_CHECKING:
    from ..session import Expected
    from .attempt import Attempt

RUN = "gemini-replay-run"
"""The name under which the run is registered as a plugin."""
_ATTEMPT = pytest.StashKey["Attempt"]()
_FIXTURES = frozenset({"gemini_cassette", "gemini_server"})
"""The fixtures that open a session."""


class Run:
    """Opens the session of each test, and follows it through the phases of the test.

    A run that may record has a folder in the temporary directory, which the workers of pytest-xdist share with their
    controller. It says which cassettes the run has made, and which tests have not ended.

    Attributes:
        settings: the run's settings.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.settings = Settings(config)
        self.summary = Summary()
        self._attempts: list[Attempt] = []
        self._expected: Expected | None = None  # the session of the test that is running
        self._folder: Path | None = None
        self._owner = 0  # the process that removes the folder
        if self.settings.may_record:
            given = getattr(config, "workerinput", {}).get("gemini_replay_folder")
            if given is not None and os.path.isdir(given):
                self._folder = Path(given)
            else:
                with suppress(OSError):  # a full disk: the run tells less then
                    self._folder, self._owner = Path(tempfile.mkdtemp(prefix="gemini-replay-run-")), os.getpid()
        if self.settings.block_network:
            from .. import transports

            transports.block_network(self.settings.hosts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """The workers of pytest-xdist use the controller's folder."""
        if self._folder is not None:
            node.workerinput["gemini_replay_folder"] = str(self._folder)

    def pytest_unconfigure(self) -> None:
        """Let other runs in this process have the network again, and remove the run's folder."""
        if self.settings.block_network:
            from .. import transports

            transports.unblock_network()
        if self._folder is not None and self._owner == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- the session of a test -------------------------------------------------------------------------------------

    def cassette_path(self, item: pytest.Item) -> Path:
        """The path of a test's cassette, by its marker or by its name."""
        return self._read(item)[1]

    def _read(self, item: pytest.Item) -> tuple[str, Path, dict[str, Any]]:
        from .cassette_paths import default_path, named_path, test_id
        from .marker import read_marker

        redactor = self.settings.redactor()
        test = test_id(item, redactor)
        name, given = read_marker(item, test)
        if name is None:
            return test, default_path(self.settings.folder, item, test, redactor), given
        return test, named_path(self.settings.folder, name, redactor), given

    def open(self, item: pytest.Item) -> Attempt:
        """Open the session of a test, by its marker and the run's settings.

        Raises:
            UsageError: the marker or a setting cannot be used.
            CassetteError: the cassette cannot be read.
        """
        from ..cassette.matching import DEFAULT_KEYS
        from ..session import Session
        from .attempt import Attempt
        from .cassette_paths import check_inside

        settings = self.settings
        test, path, given = self._read(item)
        given = {key: value for key, value in given.items() if value is not None}
        mode = self._mode(path, given)
        if mode in {"new", "rewrite"}:
            check_inside(settings.folder, path)
        session = Session(
            path,
            mode=mode,
            speed=given.get("speed", settings.speed),
            max_gap=given.get("max_gap"),
            rechunk=given.get("rechunk"),
            fault=given.get("fault"),
            match=given.get("match", settings.match or DEFAULT_KEYS),
            hosts=settings.hosts,
            ignore_hosts=settings.ignore_hosts,
            upstream=settings.upstream,
            redact=settings.redact,
            **settings.redaction,
            test=test,
        )
        attempt = item.stash[_ATTEMPT] = Attempt(session, self._folder if session.recording else None)
        self._attempts.append(attempt)
        if self._expected is not None:
            self._expected.opened(session)
        return attempt

    def _mode(self, path: Path, given: dict[str, Any]) -> Any:
        mode = "none" if given.get("fault") else self.settings.mode  # a test without the fault makes the recording
        return "new" if mode == "once" and self._records(path) else mode

    def _records(self, path: Path) -> bool:
        """Whether mode `once` records into this cassette: it is not there, or a test of this run has made it."""
        if self._folder is None:
            return not path.exists()
        note = self._folder / hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()
        if path.exists():
            return note.exists()
        with suppress(OSError):
            note.touch()  # before the session opens: another worker may make the cassette at any moment
        return True

    # -- the phases of a test --------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """From the setup of its first fixture on, nothing that a test asks goes past the session that it opens."""
        fixtures = _FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if self.settings.mode != "live" and (fixtures or item.get_closest_marker("gemini_cassette") is not None):
            self._expect(item, min(fixtures, default="the marker gemini_cassette"))
        return (yield)

    def _expect(self, item: pytest.Item, fixture: str) -> None:
        from .. import transports
        from ..errors import GeminiReplayError
        from ..session import Expected, Hosts, expect

        try:
            test, path, given = self._read(item)
        except GeminiReplayError:
            return  # the fixture fails with it
        mode, settings = self._mode(path, given), self.settings
        hosts = Hosts(settings.hosts, settings.ignore_hosts, settings.upstream)
        recording = mode in {"new", "rewrite"}
        self._expected = Expected(path, test=test, fixture=fixture, hosts=hosts, replay_only=not recording)
        transports.start_guard()
        expect(self._expected)

    def _expect_no_longer(self) -> None:
        if self._expected is not None:
            from .. import transports
            from ..session import expect_no_longer

            expect_no_longer(self._expected)
            transports.stop_guard()
            self._expected = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """A test that passes in spite of a refused request fails."""
        result = yield
        attempt = item.stash.get(_ATTEMPT, None)
        if attempt is not None:
            _fail_with(attempt.news(faults=False))
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """The session is closed when the whole teardown is over; what went wrong by then fails the test."""
        try:
            result = yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise  # the run ends here; `pytest_sessionfinish` closes the session
        except BaseException:
            self._end(item, torn_down=False)
            raise
        self._end(item, torn_down=True)
        return result

    def _end(self, item: pytest.Item, *, torn_down: bool) -> None:
        self._expect_no_longer()
        attempt = item.stash.get(_ATTEMPT, None)
        if attempt is None:
            return
        self._attempts.remove(attempt)
        news = attempt.end(torn_down=torn_down)
        if torn_down:
            _fail_with(news)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Tell a session's problems in the report, and what it adds to the summary in the last one."""
        from .attempt import shorten

        shorten(item, call)
        report = yield
        attempt = item.stash.get(_ATTEMPT, None)
        if attempt is not None:
            attempt.see(report)
            if attempt.share is not None:
                vars(report)["gemini_cassette"] = attempt.share
                del item.stash[_ATTEMPT]
        return report

    # -- the end of the run ----------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a test's share to the summary, whatever process ran the test."""
        share = getattr(report, "gemini_cassette", None)
        if share is not None:
            self.summary.add(share)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Close the sessions of tests that the run's end interrupts; their cassettes stay as they are."""
        self._expect_no_longer()
        for attempt in self._attempts:
            attempt.end(torn_down=False, interrupted=True)
            assert attempt.share is not None
            self.summary.add(attempt.share)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the summary, if there is anything to say."""
        for note in sorted(self._folder.glob("open-*.json")) if self._folder is not None else ():
            with suppress(OSError, ValueError):
                unfinished = json.loads(note.read_text(encoding="utf-8"))
                self.summary.add_unfinished(unfinished["test"], Path(unfinished["path"]))
        lines = self.summary.lines(
            list_unused=self.settings.list_unused, list_problems=self.config.option.tbstyle in {"no", "line"}
        )
        if lines:
            terminalreporter.section("gemini-replay", sep="-")
        for line in lines:
            terminalreporter.write_line(line)


class Summary:
    """What the sessions of a run came to."""

    def __init__(self) -> None:
        self._replayed = self._recorded = 0
        self._model = self._wall = 0.0
        self._unused: dict[str, list[str]] = {}  # of each cassette, what none of its tests asked for
        self._problems: list[str] = []
        self._discarded: list[tuple[Path, str, str, bool, str]] = []
        self._silent: list[str] = []
        self._passed_through: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()  # of what was removed, that from answers' own texts

    def add(self, share: dict[str, Any]) -> None:
        """Add the share of one test, see `Attempt.share`."""
        self._replayed += share["replayed"]
        self._recorded += share["recorded"]
        self._model += share["model"]
        self._wall += share["wall"]
        self._problems += share["problems"]
        self._passed_through.update(share["passed_through"])
        for place, kind, count, in_answer in share["removals"]:
            where = "answers" if in_answer else place
            (self._changed if in_answer else self._removed)[f"{kind} in {where}"] += count
        if share["silent"]:
            self._silent.append(share["test"])
        path = share["path"]
        # A test that did not pass may not have come to its requests.
        unused = share["unused"] if share["passed"] else []
        others = self._unused.get(path, unused)
        self._unused[path] = [described for described in unused if described in others]
        if share["discarded"] is not None:
            self._discarded.append((Path(path), *share["discarded"]))

    def add_unfinished(self, test: str, path: Path) -> None:
        """Add a test that has recorded and did not end: its process crashed, or the run was interrupted."""
        if _journals(path, test):
            self._discarded.append((path, test, "did not end", path.exists(), ""))

    def lines(self, *, list_unused: bool, list_problems: bool) -> list[str]:
        """One line, and more only where something needs saying; none where no session did anything."""
        unused = [f"{path}: {described}" for path, left in self._unused.items() for described in left]
        problems = self._problems if list_problems else []
        if not (self._replayed or self._recorded or unused or self._discarded or problems or self._silent):
            return []
        line = f"{self._replayed} replayed, {self._recorded} recorded, {len(unused)} unused"
        if self._replayed:
            line += f"; {self._model:.1f} s of model time in {self._wall:.1f} s"
        return [
            line,
            *problems,
            *(f"called in this process: {where} ({count} times)" for where, count in self._passed_through.items()),
            *_taken_out("taken out", self._removed),
            *_taken_out("CHANGED IN THE ANSWERS THEMSELVES, so that replay differs: taken out", self._changed),
            *_without_requests(self._silent, whole=list_unused),
            *(f"not recorded: {_not_recorded(*discarded)}" for discarded in self._discarded),
            *(f"unused: {text}" for text in unused if list_unused),
        ]


def _taken_out(what: str, removals: Counter[str]) -> list[str]:
    """What was taken out of the recordings of the run, by kind and place."""
    if not removals:
        return []
    return [f"{what}: " + ", ".join(f"{text} ({count})" for text, count in sorted(removals.items()))]


def _without_requests(tests: list[str], *, whole: bool) -> list[str]:
    """Tests that opened a session and made no request that was seen: a client may go past every transport."""
    if not tests:
        return []
    shown = tests if whole else tests[:5]
    more = f" and {len(tests) - len(shown)} more" if len(tests) > len(shown) else ""
    return [f"asked for a cassette and made no request that gemini-replay saw: {', '.join(shown)}{more}"]


def _not_recorded(path: Path, test: str, why: str, exists: bool, hint: str) -> str:
    state = "is as it was" if exists else "was not made"
    journals = ", ".join(_journals(path, test))
    left = f"what came is in {journals}" if journals else "nothing is left of what came"
    return f"{test} {why}, so {path} {state}; {left}" + (f"\n  {hint}" if hint else "")


def _journals(path: Path, test: str) -> list[str]:
    """The names of the journals that a test has left beside a cassette."""
    from ..cassette.format_v1 import Header, decode_line
    from ..cassette.journal.file import is_left_of
    from ..errors import CassetteFormatError

    found = []
    with suppress(OSError):
        for entry in sorted(path.parent.iterdir()):
            if is_left_of(entry.name, path.name):
                with suppress(OSError, CassetteFormatError), entry.open("rb") as file:
                    header = decode_line(file.readline(65536))
                    if isinstance(header, Header) and header.test == test:
                        found.append(entry.name)
    return found


def _fail_with(news: list[str]) -> None:
    if news:
        pytest.fail("\n\n".join(news), pytrace=False)
