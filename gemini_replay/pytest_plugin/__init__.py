"""The pytest plugin: options, marker, fixtures, summary. Thin, and cheap to load: it is in every test run.

Loading it imports nothing beyond the standard library's lightest modules; what replays is imported by the first test
that asks for it.
"""

from __future__ import annotations

import pytest

from .fixtures import (
    _gemini_cassette_marker,
    check_gemini_client,
    check_gemini_parser,
    gemini_cassette,
    gemini_cassette_config,
    gemini_cassettes,
    gemini_server,
)
from .options import MARKER_HELP, WATCHED, pytest_addoption
from .run import RUN, Run, set_fixtures

__all__ = [
    "_gemini_cassette_marker",
    "check_gemini_client",
    "check_gemini_parser",
    "gemini_cassette",
    "gemini_cassette_config",
    "gemini_cassettes",
    "gemini_server",
    "pytest_addoption",
]

_PARSER_MARKER_HELP = (
    "gemini_parser(profile='gemini', *, each=False, xfail=()): what check_gemini_parser checks: a profile of the "
    "fuzz kit; each: one test id for each class of cases; xfail: the names of the classes that are known to fail."
)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """With `--gemini-unused`, see which cassettes a conftest.py opens when it is imported."""
    if early_config.known_args_namespace.gemini_unused:
        from ..cassette.files import watch_opened

        early_config.stash[WATCHED] = watch_opened()


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, check the options early, and begin the run."""
    config.addinivalue_line("markers", MARKER_HELP)
    config.addinivalue_line("markers", _PARSER_MARKER_HELP)
    config.pluginmanager.register(Run(config), RUN)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test id for each class of cases, where the marker `gemini_parser` asks for it."""
    if "check_gemini_parser" in metafunc.fixturenames:
        from ..fuzz.testing import parametrize

        parametrize(metafunc)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """The marker alone activates replay. Hooks of `conftest.py` that add markers have been called by now."""
    set_fixtures(item)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Shorten the traceback of an error of this package, after pytest has found the error of a `TestCase`."""
    if call.excinfo is not None:
        from .tracebacks import shorten

        shorten(item, call)
