"""The fixtures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from .options import MARKER, SERVER
from .run import RUN

if TYPE_CHECKING:
    from ..faults import ClientReport
    from ..session import Session
    from .run import Run

_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_PLACEHOLDER = "gemini-replay-placeholder-key"


@pytest.fixture(autouse=True)
def _gemini_cassette_marker() -> None:
    """Keeps the place that `gemini_cassette` takes in tests with the marker; never set up, see `run.set_fixtures`."""


@pytest.fixture(scope="session")
def gemini_cassette_config() -> Mapping[str, Any]:
    """The settings of cassettes: override it, with any scope, in a `conftest.py` or a module.

    It returns a dict (see `gemini_replay.CassetteConfig`) of the settings that `gemini_replay.record` and `replay`
    take, and `cassette_dir`. The marker and the command line win over it, and it wins over the ini file.
    """
    return {}


@pytest.fixture
def gemini_cassette(request: pytest.FixtureRequest, gemini_cassette_config: Mapping[str, Any]) -> Iterator[Session]:
    """Answers the test's Gemini requests from its cassette, or records them into it (`--gemini-record`).

    Yields the `Session`. A request that nothing answers fails the test, also where the code under test swallowed
    the error. Where nothing is recorded and the environment has no API key, a placeholder stands in for it, so that
    clients can be built.
    """
    from ..interception import intercepted

    with _opened(request, _monkeypatch(request), gemini_cassette_config) as session, intercepted(session):
        yield session


@pytest.fixture(scope="session")
def gemini_cassettes(
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., AbstractContextManager[Session]]]:
    """Opens cassettes for fixtures of wider scope than a test.

    It is called in a with statement: ``with gemini_cassettes("warm-up"):``. Names and keywords are those of the
    marker. `gemini_cassette_config` holds as the calling file sees it, and the record mode is the run's. The
    recording is kept if the block ends well. A problem, such as a request that nothing answers, is raised at the end
    of the block, even if the code under test swallowed it.
    """
    run = _run(request)
    with pytest.MonkeyPatch.context() as monkeypatch:

        @contextmanager
        def block(name: str, file: Path, settings: Mapping[str, Any]) -> Iterator[Session]:
            with run.wide(name, file, settings) as session:
                _stand_in_for_keys(session, monkeypatch)
                yield session

        def opened(name: str, **settings: Any) -> AbstractContextManager[Session]:
            return block(name, Path(sys._getframe(1).f_code.co_filename), settings)

        yield opened


@pytest.fixture
def gemini_server(request: pytest.FixtureRequest, gemini_cassette_config: Mapping[str, Any]) -> Iterator[str]:
    """The base URL of a local server that answers from the test's cassette: for other processes and languages.

    The environment has it as GOOGLE_GEMINI_BASE_URL and GOOGLE_VERTEX_BASE_URL, too, which the Google SDKs read when
    a client is built. With `--gemini-record` the server is a recording proxy in front of `--gemini-upstream` or the
    Gemini API. The cassette, the marker, misses and the placeholder key are as in `gemini_cassette`; nothing is
    intercepted in this process. Unless something may be recorded, it cannot reach Google's Gemini hosts, and
    placeholder credentials stand in for GOOGLE_APPLICATION_CREDENTIALS where the environment has none.
    """
    from .. import transports
    from ..server.serving import serving
    from ..session import activated
    from ..urls import netloc

    monkeypatch = _monkeypatch(request)
    with _opened(request, monkeypatch, gemini_cassette_config, served=True) as session, activated(session):
        if session.mode == "live":
            url = session.upstream or session.provider.base_url()
            monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
            if session.upstream:
                monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", url)
            yield url
            return
        if session.replay_only:
            transports.start_guard()
        try:
            with serving(session) as url:
                # Clients in this process must reach the server, also where something else intercepts them.
                session.hosts = session.hosts.ignoring(netloc(url))
                session.served_at = url
                for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"):
                    monkeypatch.setenv(name, url)
                if session.replay_only and not os.environ.get(_CREDENTIALS):
                    monkeypatch.setenv(_CREDENTIALS, str(Path(__file__).with_name("placeholder_credentials.json")))
                yield url
        finally:
            if session.replay_only:
                transports.stop_guard()


@contextmanager
def _opened(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    config: Mapping[str, Any],
    *,
    served: bool = False,
) -> Iterator[Session]:
    """The session of a test. It is closed after the test's whole teardown, see `Run`."""
    if {MARKER, SERVER}.issubset(request.fixturenames):
        from ..errors import UsageError

        raise UsageError(
            "The test uses both gemini_cassette and gemini_server.",
            hint="Use gemini_cassette for clients in this process, gemini_server for others. "
            "The marker works for both.",
        )
    attempt = _run(request).open(cast("pytest.Item", request.node), config, served=served)
    _stand_in_for_keys(attempt.session, monkeypatch)
    try:
        yield attempt.session
    finally:
        attempt.let_go()


def _stand_in_for_keys(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients be built without a key, where nothing is recorded."""
    if session.replay_only and not any(os.environ.get(name) for name in _KEYS):
        monkeypatch.setenv(_KEYS[-1], _PLACEHOLDER)


@pytest.fixture
def check_gemini_parser(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Searches for a stream that a parser gets wrong: `check_gemini_parser(parse)`, like `fuzz.check_parser`.

    The marker `gemini_parser` sets the profile, and can make a test id of each class of cases.
    """
    from ..fuzz.testing import checker

    return checker(request)


@pytest.fixture
def check_gemini_client(
    request: pytest.FixtureRequest, gemini_cassette_config: Mapping[str, Any]
) -> Callable[..., ClientReport]:
    """Runs a call under every variation of a cassette: `check_gemini_client(call)`, like `faults.check_client`.

    The cassette is the test's own, by the marker's name or its default, unless another is given. The test's settings
    hold as well: those that `faults.check_client` takes, except for its `speed`.
    """
    from ..faults import check_client
    from ..session.settings import AnsweringSettings

    if not any(os.environ.get(name) for name in _KEYS):
        _monkeypatch(request).setenv(_KEYS[-1], _PLACEHOLDER)

    def check(call: Callable[[], Any], cassette: Any = None, **options: Any) -> ClientReport:
        item = cast("pytest.Item", request.node)
        found = _run(request).sessions().configured(item, gemini_cassette_config)
        given = {
            name: value
            for name, value in found.configuration.settings.items()
            if name in AnsweringSettings.__annotations__
        }
        return check_client(call, found.paths[0] if cassette is None else cassette, **{**given, **options})

    return check


def _monkeypatch(request: pytest.FixtureRequest) -> pytest.MonkeyPatch:
    """The test's own if it has one, so that both undo their changes in the right order."""
    if "monkeypatch" in request.fixturenames:
        return cast("pytest.MonkeyPatch", request.getfixturevalue("monkeypatch"))
    monkeypatch = pytest.MonkeyPatch()
    request.addfinalizer(monkeypatch.undo)
    return monkeypatch


def _run(request: pytest.FixtureRequest) -> Run:
    return cast("Run", request.config.pluginmanager.get_plugin(RUN))
