"""The fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from . import marker
from .run import RUN

if TYPE_CHECKING:
    from ..faults import ClientReport
    from ..session import Session
    from .run import Run

_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_PLACEHOLDER = "gemini-replay-placeholder-key"


@pytest.fixture(autouse=True)
def _gemini_cassette_marker(request: pytest.FixtureRequest) -> None:
    """The marker alone activates replay, like the fixture; beside another fixture of ours it only configures that."""
    others = {"gemini_server", "check_gemini_client"}
    if request.node.get_closest_marker(marker.NAME) is not None and others.isdisjoint(request.fixturenames):
        request.getfixturevalue(marker.NAME)


@pytest.fixture
def gemini_cassette(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Answers the test's Gemini requests from its cassette, or records them into it (`--gemini-record`).

    Yields the `Session`. A request that nothing answers fails the test, also where the code under test swallowed
    the error. Where nothing is recorded and the environment has no API key, a placeholder stands in for it, so that
    clients can be built.
    """
    from ..interception import intercepted

    with _opened(request, monkeypatch) as session, intercepted(session):
        yield session


@pytest.fixture
def gemini_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base URL of a local server that answers from the test's cassette: for other processes and languages.

    The environment has it as GOOGLE_GEMINI_BASE_URL and GOOGLE_VERTEX_BASE_URL, too, which the Google SDKs read when
    a client is built. With `--gemini-record` the server is a recording proxy in front of `--gemini-upstream` or the
    Gemini API. The cassette, the marker, misses and the placeholder key are as in `gemini_cassette`; nothing is
    intercepted in this process, but while nothing is recorded, Google's Gemini hosts are out of its reach, and
    placeholder credentials stand in for GOOGLE_APPLICATION_CREDENTIALS where the environment has none.
    """
    from .. import transports
    from ..server.serving import serving
    from ..session import activated
    from ..session.hosts import Hosts, netloc

    with _opened(request, monkeypatch) as session, activated(session):
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
                settings = _run(request).settings
                ignored = [*settings.ignore_hosts, netloc(url)]
                session.hosts = Hosts(settings.hosts, ignored, session.upstream, session.provider)
                for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"):
                    monkeypatch.setenv(name, url)
                if session.replay_only and not os.environ.get(_CREDENTIALS):
                    monkeypatch.setenv(_CREDENTIALS, str(Path(__file__).with_name("placeholder_credentials.json")))
                yield url
        finally:
            if session.replay_only:
                transports.stop_guard()


@contextmanager
def _opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The session of a test. It is closed after the test's whole teardown, see `Run`."""
    from ..clocks import now
    from ..errors import UsageError

    if {"gemini_cassette", "gemini_server"} <= set(request.fixturenames):
        raise UsageError(
            "The test uses both gemini_cassette and gemini_server.",
            hint="Use gemini_cassette for clients in this process, gemini_server for others. "
            "The marker works for both.",
        )
    attempt = _run(request).open(cast("pytest.Item", request.node))
    session = attempt.session
    if session.replay_only and not any(os.environ.get(name) for name in _KEYS):
        monkeypatch.setenv(_KEYS[-1], _PLACEHOLDER)
    started = now()
    try:
        yield session
    finally:
        attempt.wall = now() - started


@pytest.fixture
def check_gemini_parser(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Searches for a stream that a parser gets wrong: `check_gemini_parser(parse)`, else as `fuzz.check_parser`.

    The marker `gemini_parser` sets the profile, and can make a test id of each class of cases.
    """
    from ..fuzz.testing import checker

    return checker(request)


@pytest.fixture
def check_gemini_client(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ClientReport]:
    """Runs a call under every variation of a cassette: `check_gemini_client(call)`, else as `faults.check_client`.

    The cassette is the test's own, by the marker's name or its default, unless another is given.
    """
    from ..faults import check_client

    if not any(os.environ.get(name) for name in _KEYS):
        monkeypatch.setenv(_KEYS[-1], _PLACEHOLDER)

    def check(call: Callable[[], Any], cassette: Any = None, **options: Any) -> ClientReport:
        if cassette is None:
            cassette = _run(request).cassette_path(cast("pytest.Item", request.node))
        return check_client(call, cassette, **options)

    return check


def _run(request: pytest.FixtureRequest) -> Run:
    return cast("Run", request.config.pluginmanager.get_plugin(RUN))
