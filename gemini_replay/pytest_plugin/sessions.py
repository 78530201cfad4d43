"""The sessions of a run: how each is configured, opened and closed.

The first test that asks for a session loads this module, with all that replays.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from ..clocks import now
from ..interception import intercepted
from ..session import Expectation, Mode, Session
from ..transports.session_end import close, ended_well, report_problems
from .attempt import Attempt
from .cassette_paths import test_id
from .config_fixture import Layer, seen_by
from .configuration import Configuration
from .options import RunSettings
from .rewriting import Rewriting, note_of
from .summary import share_of

if TYPE_CHECKING:
    from .unused import UnusedRecordings

_NO_EXCUSE = (pytest.skip.Exception, pytest.xfail.Exception)
"""What ends a block and does not count as a failure."""


class Configured(NamedTuple):
    """What holds for a test."""

    configuration: Configuration
    test: str
    paths: list[Path]
    mode: Mode


class Sessions:
    """Opens the sessions of a run.

    Args:
        settings: the run's settings.
        notes: returns the folder of the run, which says which cassettes the run has made; None: it cannot be made.
        unused: follows what is used; None: nobody asks for that.
    """

    def __init__(
        self, settings: RunSettings, notes: Callable[[], Path | None], unused: UnusedRecordings | None
    ) -> None:
        self._settings = settings
        self._notes = notes
        self._unused = unused
        self._rewriting = Rewriting(notes)

    def configured(self, item: pytest.Item, config: Mapping[str, Any] | None, *, served: bool = False) -> Configured:
        """What holds for a test, by all that is said of it; `config` is what `gemini_cassette_config` returns.

        Raises:
            UsageError: a setting cannot be used.
        """
        configuration = Configuration(self._settings, item, config, served=served)
        return self._configured(configuration, test_id(item, configuration.redactor, configuration.names))

    def _configured(self, configuration: Configuration, test: str) -> Configured:
        paths = configuration.paths(test)
        mode = configuration.mode
        return Configured(
            configuration, test, paths, "new" if mode == "once" and self._records(paths[0]) else cast("Mode", mode)
        )

    def open(self, item: pytest.Item, config: Mapping[str, Any], *, served: bool = False) -> Attempt:
        """Open the session of a test, by what is said of its cassette; `served`: a server answers from it.

        Raises:
            UsageError: a setting cannot be used.
            CassetteError: the cassette cannot be read.
        """
        found = self.configured(item, config, served=served)
        session = self._session(found)
        notes = self._notes() if session.keeps else None
        return Attempt(session, notes, found.configuration, served=served)

    def _session(self, found: Configured) -> Session:
        if found.mode in {"new", "rewrite"}:
            found.configuration.check_recorded(found.paths[0])
        with nullcontext() if self._unused is None else self._unused.opening_session(found.configuration.folder):
            return Session(found.paths, mode=found.mode, test=found.test, **found.configuration.settings)

    def _records(self, path: Path) -> bool:
        """Whether mode `once` records into this cassette: it is not there, or a test of this run has made it."""
        folder = self._notes()
        if folder is None:
            return not path.exists()
        note = folder / note_of(path)
        if path.exists():
            return note.exists()
        with suppress(OSError):
            note.touch()  # before the session opens: another worker may make the cassette at any moment
        return True

    @contextmanager
    def wide(
        self,
        name: str,
        file: Path,
        settings: Mapping[str, Any],
        item: pytest.Item | None,
        layers: Sequence[Layer],
        keep: Callable[[dict[str, Any]], object],
    ) -> Generator[Session, None, None]:
        """A session of wider scope than a test: the target of ``with gemini_cassettes(name)``, called in `file`.

        `item` is the test that is set up, runs or is torn down, and `layers` is what `gemini_cassette_config` returns
        for it. Only those layers hold that the file sees.

        Its recording is kept if the block ends well and no request was refused in it. In the end, `keep` gets its
        share of the summary.

        Raises:
            UsageError: a setting cannot be used.
            CassetteError: the cassette cannot be read.
            GeminiReplayError: at the end of the block: the first problem of the session. If the block raises, its
                exception has a note about each problem instead; a skip or an expected failure is no excuse.
        """
        seen = seen_by(file, layers, self._settings.root)
        configuration = Configuration(
            self._settings, names=(name,), config_layers=seen, given=settings, folder=file.parent
        )
        maker = f"gemini_cassettes({name!r})"
        if item is not None and not isinstance(item, pytest.Function):  # a doctest, which not every run collects
            maker = f"{item.nodeid.partition('::')[0]}::{maker}"
        session = self._session(self._configured(configuration, maker))
        if session.mode == "rewrite":
            self._rewriting.begin(session.path)
        session.record_command = lambda mode: f"pytest --gemini-record {mode}"
        raised: BaseException | None = None
        started = now()
        try:
            with intercepted(session):
                yield session
        except BaseException as error:
            raised = error
            raise
        finally:
            wall = now() - started
            passed = ended_well(raised)
            keeps, rewrites = passed and not session.problems, session.mode == "rewrite"
            if rewrites:
                session.replace_only(self._rewriting.replaceable(session.path))
            close(session, keep=keeps)
            if rewrites and keeps and session.recorded_count:
                self._rewriting.end(session.path)
            problems = session.problems
            well = passed and not problems
            share = share_of(
                session, configuration, wall=wall, passed=well, kept=well, problems=problems, served=False, wide=True
            )
            if session.keeps and session.recorded_count and not well:
                share["discarded"] = [str(session.test), "did not end well", session.path.exists(), session.hint]
            keep(share)
            report_problems(session, None if isinstance(raised, _NO_EXCUSE) else raised)

    def expectation(self, item: pytest.Item) -> Expectation | None:
        """What holds for the session of a test that has not opened it yet; None: no request concerns it."""
        try:
            found = self.configured(item, None)
            hosts = found.configuration.terms.hosts
        except Exception:
            return None  # the fixture fails with it
        if found.mode == "live":
            return None
        replay_only = found.mode not in {"new", "rewrite", "verify"}
        return Expectation(found.paths[0], found.test, hosts, replay_only=replay_only)
