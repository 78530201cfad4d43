"""One run of pytest: opens the session of each test, and follows it through the test's phases."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from .options import CHECK_CLIENT, FIXTURE, MARKER, SERVER, WIDE, RunSettings
from .summary import Summary

if TYPE_CHECKING:
    from ..session import Expected, Session
    from .attempt import Attempt
    from .config_fixture import Layer
    from .sessions import Sessions
    from .unused import UnusedRecordings

RUN = "gemini-replay-run"
"""The name under which the run is registered as a plugin."""
PLACE = "_gemini_cassette_marker"
"""The fixture that keeps the place of `gemini_cassette` in tests with the marker, before their own fixtures."""
_ATTEMPT = pytest.StashKey["Attempt"]()
_FIXTURES = frozenset({MARKER, SERVER})
"""The fixtures that open a session."""
_CONFIGURED = frozenset({SERVER, CHECK_CLIENT})
"""The fixtures that the marker configures; with none of them, it activates replay by itself."""
Kept = Literal["clients", "guard", ""]
"""What stays in place between tests: the interception of all clients with the guard, the guard alone, or nothing."""
_SHARES = "gemini_replay_shares"
"""The attribute of a report that holds what the sessions that have just ended came to, see `summary.share_of`."""


class Run:
    """Opens the session of each test, and follows it through the phases of the test.

    A run that may record has a folder in the temporary directory, which the workers of pytest-xdist share with their
    controller. It says which cassettes the run has made, and which tests have not ended.

    Attributes:
        settings: the run's settings.
        unused: follows which recordings are used; None without `--gemini-unused`.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.settings = RunSettings(config)
        self.summary = Summary()
        self._sessions: Sessions | None = None
        self._attempts: list[Attempt] = []
        self._item: pytest.Item | None = None  # the test that is running
        self._layers: list[Layer] | None = None  # what gemini_cassette_config returns for it, once its setup is over
        self._expected: Expected | None = None  # its session
        self._kept: Kept = ""  # what stays in place until the next test begins
        self._shares: list[dict[str, Any]] = []  # of sessions of wider scope, until a report takes them along
        self._page = ""  # what the summary says of it
        given = getattr(config, "workerinput", {}).get("gemini_replay_folder")
        self._folder: Path | None = None if given is None else Path(given)
        self._owner = 0  # the process that removes the folder
        self.unused: UnusedRecordings | None = None
        if self.settings.list_unused:
            from .unused import UnusedRecordings

            self.unused = UnusedRecordings(config, self.settings)
            config.pluginmanager.register(self.unused, f"{RUN}-unused")
        if self.settings.block_network:
            from .. import transports

            transports.block_network(self.settings.hosts, self.settings.allow_hosts)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """The workers of pytest-xdist use the controller's folder."""
        folder = self._notes()
        if folder is not None:
            node.workerinput["gemini_replay_folder"] = str(folder)

    def _notes(self) -> Path | None:
        """The folder of the run, made when it is first asked for; None: it cannot be made."""
        if self._folder is None:
            with suppress(OSError):  # a full disk: the summary has less then
                self._folder, self._owner = Path(tempfile.mkdtemp(prefix="gemini-replay-run-")), os.getpid()
        return self._folder

    def pytest_unconfigure(self) -> None:
        """Let other runs in this process have the network again, and remove the run's folder."""
        if self.settings.block_network:
            from .. import transports

            transports.unblock_network()
        if self._folder is not None and self._owner == os.getpid():
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- the session of a test -------------------------------------------------------------------------------------

    def sessions(self) -> Sessions:
        """What opens the sessions; loaded when a test first asks for one.

        It is no property, since pytest up to 8.2 reads each property of a plugin, to see whether it is a fixture.
        """
        from .sessions import Sessions

        if self._sessions is None:
            self._sessions = Sessions(self.settings, self._notes, self.unused)
        return self._sessions

    def open(self, item: pytest.Item, config: Mapping[str, Any], *, served: bool = False) -> Attempt:
        """Open the session of a test and follow it to the end of the test, see `Sessions.open`."""
        attempt = item.stash[_ATTEMPT] = self.sessions().open(item, config, served=served)
        self._attempts.append(attempt)
        if self._expected is not None:
            self._expected.opened(attempt.session)
        return attempt

    def wide(self, name: str, file: Path, settings: Mapping[str, Any]) -> AbstractContextManager[Session]:
        """A session of wider scope than a test, see `Sessions.wide`."""
        layers = self._layers
        if layers is None:
            from .config_fixture import current_layers

            layers = [] if self._item is None else current_layers(self._item)
        return self.sessions().wide(
            name, file, settings, self._item, layers, lambda share: self._shares.append(share)
        )

    # -- the phases of a test --------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """From the setup of its first fixture on, a test's requests cannot bypass the session that it opens."""
        self._item, self._layers = item, None
        names = getattr(item, "fixturenames", ())
        fixtures = _FIXTURES.intersection(names)
        marked = item.get_closest_marker(MARKER) is not None
        if fixtures or marked:
            clients = MARKER in fixtures or (marked and _CONFIGURED.isdisjoint(names))
            self._keep("clients" if clients else "guard")
            self._expect(item, min(fixtures, default=f"the marker {MARKER}"))
        else:
            self._keep("")
        try:
            return (yield)
        except pytest.fail.Exception:
            if fixtures or marked or WIDE in names:
                from .config_fixture import params_missing

                if (missing := params_missing(item)) is not None:
                    raise missing from None
            raise
        finally:
            if WIDE in names:
                self._note_layers(item)

    def _note_layers(self, item: pytest.Item) -> None:
        """In the teardown, it is too late to ask for what `gemini_cassette_config` returns."""
        from ..errors import UsageError
        from .config_fixture import layers

        config = getattr(item, "funcargs", {}).get(FIXTURE)  # there unless the setup failed before
        with suppress(UsageError):  # it is raised where a block opens
            self._layers = None if config is None else list(layers(item, config))

    def _keep(self, wanted: Kept) -> None:
        """Keep interception in place until the next test begins, which mostly has a cassette as well; or no longer.

        Without a session, what is intercepted goes its own way. If the guard alone is wanted, only that is kept.
        """
        if not (wanted or self._kept):
            return
        from .. import transports

        # Again, since another tool may have put some originals back.
        if wanted == "clients":
            transports.install()
        elif wanted == "guard":
            transports.start_guard()
        before, self._kept = self._kept, wanted
        if before == "clients":
            transports.uninstall()
        elif before == "guard":
            transports.stop_guard()

    def _expect(self, item: pytest.Item, fixture: str) -> None:
        from ..session import Expected, expect

        self._expected = Expected(fixture, lambda: self.sessions().expectation(item))
        expect(self._expected)

    def _expect_no_longer(self) -> None:
        if self._expected is not None:
            from ..session import expect_no_longer

            expect_no_longer(self._expected)
            self._expected = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        """A nearer `gemini_cassette_config` adds to those further off."""
        if fixturedef.argname == FIXTURE:
            from .config_fixture import set_up_overridden

            set_up_overridden(fixturedef, request)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that passes although one of its requests was refused.

        Raises:
            UsageError: the test has the marker and no session.
        """
        if _is_marked_late(item):
            from ..errors import UsageError

            raise UsageError(
                f"The test got the marker {MARKER} after its setup had begun, so it has no cassette.",
                hint="Add the marker in a hook, such as pytest_collection_modifyitems; or let the fixture call "
                f'request.getfixturevalue("{MARKER}") instead.',
            )
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
        report = yield
        if call.excinfo is not None:
            from .tracebacks import show_short

            show_short(item, call.excinfo, report)
        attempt = item.stash.get(_ATTEMPT, None)
        if attempt is not None:
            attempt.read(report, call.excinfo.value if call.excinfo is not None else None)
            if attempt.share is not None:
                self._shares.append(attempt.share)
                del item.stash[_ATTEMPT]
        if self._shares:
            vars(report)[_SHARES] = self._shares
            self._shares = []
        return report

    # -- the end of the run ----------------------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add to the summary what the sessions that have ended came to, whatever process ran the test."""
        for share in getattr(report, _SHARES, ()):
            self.summary.add(share)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Close the sessions of tests that the run's end interrupts, as they are; write the page of the run."""
        self._expect_no_longer()
        self._keep("")
        for attempt in self._attempts:
            attempt.end(torn_down=False, interrupted=True)
            assert attempt.share is not None
            self._shares.append(attempt.share)
        for share in self._shares:
            self.summary.add(share)
        if self.settings.report is not None and not hasattr(self.config, "workerinput"):
            self._write_page(self.settings.report, session)

    def _write_page(self, path: Path, session: pytest.Session) -> None:
        from ..errors import UsageError
        from .reporting import write_page

        try:
            write_page(path, self.summary.report)
            self._page = f"page of the run: {path}"
        except UsageError as error:
            self._page = error.message
            session.exitstatus = session.exitstatus or pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the summary, if there is anything to say."""
        for note in sorted(self._folder.glob("open-*.json")) if self._folder is not None else ():
            with suppress(OSError, ValueError):
                unfinished = json.loads(note.read_text(encoding="utf-8"))
                self.summary.add_unfinished(unfinished["test"], Path(unfinished["path"]))
        lines = self.summary.lines(
            list_silent=self.settings.list_unused,
            list_problems=self.config.option.tbstyle in {"no", "line"},
            show_config=self.settings.show_config,
        )
        if self.unused is not None:
            summary = self.summary
            lines += self.unused.lines(summary.unused, summary.doubts, delete=self.settings.delete_unused)
        if self._page:
            lines.append(self._page)
        if lines:
            terminalreporter.section("gemini-replay", sep="-")
        for line in lines:
            terminalreporter.write_line(line)


def set_fixtures(item: pytest.Item) -> None:
    """Put `gemini_cassette` in its place if the marker activates replay, and nothing there otherwise.

    A fixture that decides would be set up for each test of every run, also for tests without a cassette. In tests
    that use `gemini_cassettes`, the settings come first, so that they hold to the end of the teardown.
    """
    names: list[str] = getattr(item, "fixturenames", [])
    if PLACE in names:
        place = names.index(PLACE)
        alone = item.get_closest_marker(MARKER) is not None and _CONFIGURED.isdisjoint(names)
        first = [MARKER] if alone else []
        settings = [FIXTURE] if WIDE in names else []
        # A new list, since the tests of one function share theirs.
        vars(item)["fixturenames"] = [*settings, *names[:place], *first, *names[place + 1 :]]


def _is_marked_late(item: pytest.Item) -> bool:
    """Whether a test with the marker, for which a fixture would open a session, has none of these fixtures."""
    names = getattr(item, "fixturenames", None)
    if names is None or item.get_closest_marker(MARKER) is None:
        return False
    return _FIXTURES.isdisjoint(names) and _CONFIGURED.isdisjoint(names) and _ATTEMPT not in item.stash


def _fail_with(problems: list[str]) -> None:
    if problems:
        pytest.fail("\n\n".join(problems), pytrace=False)
