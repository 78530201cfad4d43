"""One run of pytest: opens the session of each test, and follows it through the test's phases."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import Settings
from .summary import Summary

if TYPE_CHECKING:
    from ..session import Expected, Mode
    from .attempt import Attempt

RUN = "gemini-replay-run"
"""The name under which the run is registered as a plugin."""
_ATTEMPT = pytest.StashKey["Attempt"]()
_FIXTURES = frozenset({"gemini_cassette", "gemini_server"})
"""The fixtures that open a session."""
_SHARE = "gemini_replay_share"
"""The attribute of a test's last report that holds its `Attempt.share`."""


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
                with suppress(OSError):  # a full disk: the summary has less then
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
        from ..session import Session
        from .attempt import Attempt
        from .cassette_paths import check_inside

        settings = self.settings
        test, path, given = self._read(item)
        mode = self._mode(path, given)
        if mode in {"new", "rewrite"}:
            check_inside(settings.folder, path)
        session = Session(path, mode=mode, redact=settings.redact, test=test, **{**settings.session, **given})
        attempt = item.stash[_ATTEMPT] = Attempt(session, self._folder if session.recording else None)
        self._attempts.append(attempt)
        if self._expected is not None:
            self._expected.opened(session)
        return attempt

    def _mode(self, path: Path, given: dict[str, Any]) -> Mode:
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
        from ..session.arguments import checked

        settings = self.settings
        try:
            test, path, given = self._read(item)
            provider = checked(**given).get("provider")
            hosts = Hosts(settings.hosts, settings.ignore_hosts, settings.upstream, provider)
        except GeminiReplayError:
            return  # the fixture fails with it
        mode = self._mode(path, given)
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
            _fail_with(attempt.unreported(faults=False))
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
        problems = attempt.end(torn_down=torn_down)
        if torn_down:
            _fail_with(problems)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add a session's problems to the report, and its share of the summary to the last one."""
        from .tracebacks import shorten

        shorten(item, call)
        report = yield
        attempt = item.stash.get(_ATTEMPT, None)
        if attempt is not None:
            attempt.read(report)
            if attempt.share is not None:
                vars(report)[_SHARE] = attempt.share
                del item.stash[_ATTEMPT]
        return report

    # -- the end of the run ----------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a test's share to the summary, whatever process ran the test."""
        share = getattr(report, _SHARE, None)
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


def _fail_with(problems: list[str]) -> None:
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)
