"""Imports everything before the first run of pytest within this process.

Such a run unloads the modules that it was the first to import. The next import makes new classes, and an `except` or
`isinstance` with the old classes would not recognize the new exceptions.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import pkgutil
import sys
import warnings
from collections.abc import Callable, Iterator

import pytest
from support.plugin_projects import CLIENT
from support.streams import events

import gemini_replay
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

for found in pkgutil.walk_packages(gemini_replay.__path__, "gemini_replay."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
for name in (
    "httpcore",
    "httpcore2",
    "httpx",
    "httpx2",
    "respx",
    "requests",
    "urllib3",
    "aiohttp",
    "uvicorn",
    "trio",
):
    importlib.import_module(name)


_FEW = "-p gemini_replay -p xdist -W ignore::pytest.PytestAssertRewriteWarning"
"""Some versions of pytest would warn that this process has imported the package already."""
_QUIET = "-o asyncio_default_fixture_loop_scope=function"
"""Without this option, pytest-asyncio warns."""


@pytest.fixture(autouse=True)
def _few_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside a test load only our plugin and pytest-xdist. Loading all plugins takes seconds in each process."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", _FEW)


@pytest.fixture(autouse=True)
def _no_byte_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test's files are read anew in each run: byte code counts as current for a second, if the size is the same."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def _no_loop_is_left() -> Iterator[None]:
    """Close the event loop that some versions of pytest-asyncio, such as 1.3, leave open at the end of a run."""
    yield
    with warnings.catch_warnings(), contextlib.suppress(RuntimeError):
        warnings.simplefilter("ignore")  # there may be no loop
        asyncio.get_event_loop().close()
    asyncio.set_event_loop(None)


@pytest.fixture
def async_plugins(_few_plugins: None, _no_loop_is_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside this test also load pytest-asyncio and anyio."""
    monkeypatch.setenv("PYTEST_ADDOPTS", f"{_FEW} -p pytest_asyncio.plugin -p anyio {_QUIET}")


@pytest.fixture
def with_installed_plugins(_few_plugins: None, _no_loop_is_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside this test load every installed plugin, as users' runs do."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    monkeypatch.setenv("PYTEST_ADDOPTS", _QUIET)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a client, and no key in the environment."""
    pytester.makepyfile(asking=CLIENT)
    pytester.makeini("[pytest]\n")  # makes this folder the root directory, wherever pytest starts
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "CI", "BUILD_NUMBER"):  # the last two make reports longer
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(pytester.path)
    return pytester


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    chunks = events(3)
    with upstream.start(Scenario.from_chunks(chunks, gaps=[0.002] * 3)) as running:
        yield running


@pytest.fixture
def run(project: pytest.Pytester, server: upstream.RunningUpstream) -> Callable[..., pytest.RunResult]:
    def run(*arguments: str, **options: bool) -> pytest.RunResult:
        return project.runpytest("-q", f"--gemini-upstream={server.url}", *arguments, **options)

    return run
