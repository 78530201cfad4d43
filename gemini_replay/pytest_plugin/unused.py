"""``--gemini-unused``: what of the cassettes no test of the run has used, and whether the run can know that.

It can if every test of the project ran, replayed and passed, see `whole_runs`. The workers of
pytest-xdist tell their controller what they know, and the controller decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ..cassette.files import stop_watching, watch_opened
from ..cassette.index import index_file
from ..errors import CassetteError, GeminiReplayError
from .configuration import Configuration
from .options import WATCHED, RunSettings
from .whole_runs import TestsOfRun

_OUTPUT = "gemini_replay_unused"
"""Where a worker of pytest-xdist leaves what it knows for its controller."""
_HOW = (
    "every test of the project must be collected, run, replay and pass to show what is unused. Run pytest from the "
    "root directory without paths and options that choose tests, where no test is skipped, with ini settings and a "
    "conftest.py that leave no test out, such as: pytest --gemini-unused=delete -o testpaths="
)
_CHOOSING = ("lf", "stepwise", "collectonly", "setuponly", "setupplan")
"""pytest's options with which tests are left out, or do not run."""

Unused = Mapping[str, Mapping[int, str]]
"""Of each cassette, the recordings that no test asked for: their numbers from 1, each with a line about it."""


class UnusedRecordings:
    """A plugin that follows which tests run and which cassettes they open.

    Args:
        config: pytest's.
        settings: the run's.
    """

    def __init__(self, config: pytest.Config, settings: RunSettings) -> None:
        self._config = config
        self._settings = settings
        # By other code than the sessions of tests.
        self._watched = config.stash[WATCHED] if WATCHED in config.stash else watch_opened()
        self._opened: set[str] = set()  # the same in workers
        self._folders: set[str] = set()
        self._tests = TestsOfRun(config.rootpath)
        self._workers = 0
        self._exit_status = 0

    # -- what happens in the run -----------------------------------------------------------------------------------

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Tests are left out."""
        self._tests.deselected.update(item.nodeid for item in items)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """There is a test."""
        self._tests.collected(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or was not."""
        self._tests.reported_file(report)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note where the cassettes of the tests are."""
        for item in session.items:
            with suppress(GeminiReplayError):  # the test fails with it
                self._add_folder(Configuration(self._settings, item).folder)

    @contextmanager
    def opening_session(self, folder: Path) -> Iterator[None]:
        """A with-block opens the session of a test, whose cassettes are in `folder`; it tells what it has used."""
        self._add_folder(folder)
        before = set(self._watched)
        try:
            yield
        finally:
            self._watched.intersection_update(before)

    def _add_folder(self, folder: Path) -> None:
        self._folders.add(os.path.realpath(folder))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test is over, in this process or in a worker."""
        self._tests.reported(report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker begins."""
        self._workers += 1

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker ends, and has told what it knows unless it crashed."""
        told = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if told is not None:
            self._workers -= 1
            self._opened.update(told["opened"])
            self._folders.update(told["folders"])
            self._tests.add(told["tests"])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """In a worker, tell the controller."""
        self._exit_status = int(exitstatus)
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = {
                "opened": sorted(map(os.path.realpath, self._watched)),
                "folders": sorted(self._folders),
                "tests": self._tests.told(),
            }

    def pytest_unconfigure(self) -> None:
        """Watch no longer."""
        stop_watching(self._watched)

    # -- what it comes to ------------------------------------------------------------------------------------------

    def lines(self, unused: Unused, doubts: Sequence[str], *, delete: bool) -> Iterator[str]:
        """Lines about what is not used; with `delete`, it is removed then, if the run can know. None in a worker.

        Args:
            unused: the recordings of the cassettes in use that no test asked for.
            doubts: why the sessions of the run do not show what is used.
            delete: whether it is to be removed.
        """
        if hasattr(self._config, "workerinput"):
            return  # a worker has run some of the tests; its controller knows of all
        opened = {*map(os.path.realpath, self._watched), *self._opened}
        cassettes = dict(self._without({*opened, *map(os.path.realpath, unused)}))
        unused = {path: numbers for path, numbers in unused.items() if os.path.realpath(path) not in opened}
        if not (any(unused.values()) or cassettes):
            return
        doubts = [*self._doubts(), *self._tests.doubts_about(test for *_, test in cassettes.values()), *doubts]
        label = "not used in this run" if doubts else "unused"
        if doubts:
            yield f"what is not used in this run may be needed all the same, since {'; '.join(doubts)}"
        for path, numbers in unused.items():
            yield from (f"{label}: {path}: {line}" for line in numbers.values())
        for path, (number, *_) in cassettes.items():
            yield f"{label}: {path}: no test has opened it ({number} recording{'' if number == 1 else 's'})"
        if not delete:
            return
        if doubts:
            yield f"nothing was removed: {_HOW}"
            return
        for path, numbers in unused.items():
            if numbers:
                yield from _removed(Path(path), numbers)
        for path, (_, whole, _) in cassettes.items():
            if whole:
                yield from _removed(Path(path))
            else:
                yield f"not removed: {path}: it is damaged; gemini-replay check --salvage may save its recordings"

    def _doubts(self) -> Iterator[str]:
        """Why the run cannot know what all tests need."""
        if self._exit_status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            yield "the run did not come to its end"
        if self._workers > 0:
            yield "a worker did not come to its end"
        if not self._is_whole():
            yield "the command line chooses among the tests"
        yield from self._tests.doubts(self._config.getini("python_files"))

    def _is_whole(self) -> bool:
        """Whether the command line names no part of the tests: neither paths nor options that choose."""
        given = self._config.invocation_params
        chosen = any(getattr(self._config.option, name, False) for name in _CHOOSING)
        if chosen or any(str(one).startswith("--ignore") for one in given.args):
            return False
        root = self._settings.root
        if self._config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            return True
        places = [Path(given.dir, one) for one in self._config.args]
        wanted = [root / one for one in self._config.getini("testpaths")] or [root]
        return all(any(one.is_relative_to(place) for place in places) for one in wanted)

    def _without(self, opened: set[str]) -> Iterator[tuple[str, _Recordings]]:
        """The cassettes below the folders that were not opened."""
        left_out = self._config.getini("norecursedirs")
        found: set[str] = set()
        for folder in sorted(self._folders):
            for place, folders, files in os.walk(folder):
                folders[:] = [one for one in folders if not any(fnmatch(one, pattern) for pattern in left_out)]
                paths = (os.path.join(place, name) for name in files if name.endswith(".jsonl"))
                found.update(path for path in paths if not os.path.islink(path))
        for path in sorted(found - opened):
            if (recordings := _recordings_in(path)) is not None:
                yield path, recordings


class _Recordings(NamedTuple):
    """What a cassette says of itself: how many recordings it has, whether it is whole, and which test made it."""

    number: int
    whole: bool
    test: str | None


def _recordings_in(path: str) -> _Recordings | None:
    """What is known of a cassette; None: the file is no cassette."""
    try:
        with open(path, "rb") as file:
            index = index_file(file)
    except OSError:
        return None
    if index.header is None:
        return None
    whole = not index.problems and all(entry.whole for entry in index.entries)
    return _Recordings(len(index.entries), whole, index.header.test)


def _removed(path: Path, numbers: Mapping[int, str] | None = None) -> Iterator[str]:
    """Remove recordings of a cassette, or the whole (None), and say so."""
    from ..cassette.merging import remove_interactions

    try:
        if numbers is None:
            path.unlink()
            yield f"removed: {path}"
        else:
            remove_interactions(path, numbers)
            yield from (f"removed: {path}: {line}" for line in numbers.values())
    except (OSError, CassetteError) as problem:
        yield f"not removed: {path}: {problem}"
