"""The pytest plugin: options, marker, fixture, summary. Thin, and cheap to load: it is in every test run.

Loading it imports nothing beyond the standard library's lightest modules; what replays is imported by the first test
that asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .faults import Trial
    from .session import Session

_MARKER = "gemini_replay"
_MARKER_HELP = (
    "gemini_replay(name=None, *, speed=None, max_gap=None, rechunk=None, fault=None, match=None): answer the test's "
    "Gemini requests from the cassette NAME.jsonl (by default MODULE/TEST.jsonl), or record them into it with "
    "--gemini-record."
)
_PARSER_MARKER_HELP = (
    "gemini_parser(profile='gemini', *, each=False, xfail=()): what check_gemini_parser checks: a profile of the "
    "fuzz kit; each: one test id for each class of cases; xfail: the names of the classes that are known to fail."
)
_KEYS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
_PLACEHOLDER = "gemini-replay-placeholder-key"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options and ini settings."""
    group = parser.getgroup("gemini-replay", "record and replay Gemini streams")
    group.addoption(
        "--gemini-record",
        metavar="MODE",
        help="none (default): only replay; once: record where there is no cassette; new: append what is missing; "
        "rewrite: record everything anew; live: use no cassette at all",
    )
    group.addoption(
        "--gemini-speed",
        metavar="SPEED",
        help="replay this many times as fast as recorded, or 'instant', or 'virtual' (recorded rhythm, no waiting)",
    )
    group.addoption(
        "--gemini-upstream",
        metavar="URL",
        help="the base URL that recorded requests are sent to, in place of their own",
    )
    group.addoption(
        "--gemini-block-network",
        action="store_true",
        help="refuse Google's Gemini hosts in every test, also in tests without a cassette",
    )
    group.addoption(
        "--gemini-unused",
        action="store_true",
        help="list the recordings of the cassettes in use that no test asked for",
    )
    parser.addini("gemini_cassette_dir", "the folder of the cassettes, from the root directory", default="cassettes")
    parser.addini("gemini_speed", "the speed of replay", default="1")
    parser.addini("gemini_hosts", "further hosts whose requests are recorded and replayed", type="args", default=[])
    parser.addini("gemini_match", "what must be equal for a recording to answer a request", type="args", default=[])
    parser.addini(
        "gemini_redact",
        "names of environment variables whose values must not be stored, beside those that are known to be secret",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, check the options early, and start the summary."""
    config.addinivalue_line("markers", _MARKER_HELP)
    config.addinivalue_line("markers", _PARSER_MARKER_HELP)
    config.pluginmanager.register(Runs(config), "gemini-replay-runs")


class Runs:
    """What the sessions of one test run share: settings, and the summary."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        option = config.option
        self.mode = _checked_mode(option.gemini_record) if option.gemini_record is not None else "none"
        self.speed: Any = option.gemini_speed or config.getini("gemini_speed")
        self.hosts: list[str] = config.getini("gemini_hosts")
        self.match: list[str] = config.getini("gemini_match")
        self.upstream: str | None = option.gemini_upstream
        if option.gemini_speed is not None or self.speed != "1" or self.match or self.upstream:
            self._check()
        self.written: set[Path] = set()
        self.counts = {"replayed": 0, "recorded": 0}
        self.seconds = {"model": 0.0, "wall": 0.0}
        self.unused: dict[str, list[str]] = {}  # of each cassette, what none of its tests asked for
        self.discarded: list[str] = []
        if option.gemini_block_network:
            from . import transports

            transports.block_network(self.hosts)

    def _check(self) -> None:
        from .cassette.matching import Matcher
        from .engine.timing import parse_speed
        from .errors import UsageError
        from .session import base_url

        try:
            parse_speed(self.speed)
            base_url(self.upstream)
            if self.match:
                Matcher(self.match)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None

    def open(self, item: pytest.Item) -> Session:
        """The session of one test, by its marker and the run's settings."""
        from .cassette.matching import DEFAULT_KEYS
        from .session import Session

        name, given = _marker(item)
        path = _cassette_path(item, name)
        mode: Any = self.mode
        if path in self.written and mode in {"once", "rewrite"}:
            mode = "new"  # a test before this one, sharing its cassette, has just recorded it
        if given.get("fault"):
            mode = "none"  # a fault is done to a recording; a test without it makes that
        environ = (os.environ.get(variable) for variable in self.config.getini("gemini_redact"))
        return Session(
            path,
            mode=mode,
            speed=given.get("speed", self.speed),
            max_gap=given.get("max_gap"),
            rechunk=given.get("rechunk"),
            fault=given.get("fault"),
            match=given.get("match") or self.match or DEFAULT_KEYS,
            hosts=self.hosts,
            upstream=self.upstream,
            redact=[value for value in environ if value],
            test=item.nodeid,
        )

    def add(self, session: Session, *, kept: bool, wall: float) -> None:
        """Count a session that has been closed, its recording kept or not."""
        self.counts["replayed"] += len(session.played)
        self.seconds["model"] += session.model_time
        self.seconds["wall"] += wall
        self._left(str(session.path), session.unused_descriptions())
        if session.recorded and kept:
            self.counts["recorded"] += len(session.recorded)
            self.written.add(session.path)
        elif session.recorded:
            state = "is as it was" if session.path.exists() else "was not made"
            self.discarded.append(
                f"{session.test} did not pass, so {session.path} {state}; what came is in {session.path.name}.part"
                + (f"\n  {session.hint}" if session.hint else "")
            )

    def _left(self, path: str, descriptions: list[str]) -> None:
        others = self.unused.get(path, descriptions)
        self.unused[path] = [described for described in descriptions if described in others]

    def pytest_unconfigure(self) -> None:
        """Let other runs in this process have the network again."""
        if self.config.option.gemini_block_network:
            from . import transports

            transports.unblock_network()

    # -- the summary, also from the workers of pytest-xdist --------------------------------------------------------

    _SHARED = ("counts", "seconds", "unused", "discarded")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker hands its share to the controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["gemini_replay"] = {name: getattr(self, name) for name in self._SHARED}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """The controller adds a worker's share to its own."""
        share = getattr(node, "workeroutput", {}).get("gemini_replay")
        if share is None:
            return
        for total, more in ((self.counts, share["counts"]), (self.seconds, share["seconds"])):
            for key, value in more.items():
                total[key] += value
        for path, descriptions in share["unused"].items():
            self._left(path, descriptions)
        self.discarded += share["discarded"]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """One line, and more only where something needs saying."""
        counts, seconds = self.counts, self.seconds
        unused = [f"{path}: {described}" for path, left in self.unused.items() for described in left]
        if not any(counts.values()) and not unused and not self.discarded:
            return
        terminalreporter.section("gemini-replay", sep="-")
        line = f"{counts['replayed']} replayed, {counts['recorded']} recorded, {len(unused)} unused"
        if counts["replayed"]:
            line += f"; {seconds['model']:.1f} s of model time in {seconds['wall']:.1f} s"
        terminalreporter.write_line(line)
        for text in self.discarded:
            terminalreporter.write_line(f"not recorded: {text}")
        for text in unused if self.config.option.gemini_unused else ():
            terminalreporter.write_line(f"unused: {text}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Remember how the test went: its cassette is replaced only if it passed."""
    _shorten(item, call)
    report = yield
    if call.when == "call":
        vars(item)["_gemini_replay_passed"] = report.passed
    return report


@pytest.fixture(autouse=True)
def _gemini_replay_marker(request: pytest.FixtureRequest) -> None:
    """The marker alone activates replay, like the fixture; beside another fixture of ours it only configures that."""
    others = {"gemini_server", "check_gemini_client"}
    if request.node.get_closest_marker(_MARKER) is not None and others.isdisjoint(request.fixturenames):
        request.getfixturevalue(_MARKER)


@pytest.fixture
def gemini_replay(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Answers the test's Gemini requests from its cassette, or records them into it (`--gemini-record`).

    Yields the `Session`. A request that nothing answers fails the test, also where the code under test swallowed
    the error. Where nothing is recorded and the environment has no API key, a placeholder stands in for it, so that
    clients can be built.
    """
    from .interception import intercepted

    with _opened(request, monkeypatch) as session, intercepted(session):
        yield session


@pytest.fixture
def gemini_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base URL of a local server that answers from the test's cassette: for other processes and languages.

    The environment has it as GOOGLE_GEMINI_BASE_URL, too, which the Google SDKs read when a client is built. With
    `--gemini-record` the server is a recording proxy in front of `--gemini-upstream` or the Gemini API. The cassette,
    the marker, misses and the placeholder key are as in `gemini_replay`; nothing is intercepted in this process, but
    while nothing is recorded, Google's Gemini hosts are out of its reach.
    """
    from . import transports
    from .errors import UsageError
    from .server.replay import GOOGLE, serving
    from .session import activated

    if _MARKER in request.fixturenames:
        raise UsageError(
            f"{request.node.nodeid} uses both gemini_replay and gemini_server.",
            todo="Take gemini_replay for clients in this process, gemini_server for others; the marker suits both.",
        )
    with _opened(request, monkeypatch) as session, activated(session):
        if session.mode == "live":
            url = session.upstream or GOOGLE
            monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
            yield url
            return
        guarded = session.replay_only and not request.config.option.gemini_block_network
        if guarded:
            transports.block_network()
        try:
            with serving(session) as url:
                monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
                yield url
        finally:
            if guarded:
                transports.unblock_network()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test id for each class of cases, where the marker `gemini_parser` asks for it."""
    if "check_gemini_parser" in metafunc.fixturenames:
        from .fuzz.testing import parametrize

        parametrize(metafunc)


@pytest.fixture
def check_gemini_parser(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Searches for a stream that a parser gets wrong: `check_gemini_parser(parse)`, else as `fuzz.check_parser`.

    The marker `gemini_parser` sets the profile, and can make a test id of each class of cases.
    """
    from .fuzz.testing import checker

    return checker(request)


@pytest.fixture
def check_gemini_client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trial]:
    """Runs a whole call under every fault of a cassette: `check_gemini_client(call)`, else as `faults.try_all`.

    The cassette is the test's own, by the marker's name or its default, unless another is given. Fails with every
    fault under which the call ends silently short; gives what it came to under each.
    """
    from .faults import try_all

    if not any(os.environ.get(name) for name in _KEYS):
        monkeypatch.setenv(_KEYS[-1], _PLACEHOLDER)

    def check(call: Callable[[], Any], cassette: Any = None, **options: Any) -> Trial:
        if cassette is None:
            cassette = _cassette_path(request.node, _marker(request.node)[0])
        trial = try_all(call, cassette, **options)
        trial.check()
        return trial

    return check


@contextmanager
def _opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The session of a test; at the end it is closed and counted, and a miss fails the test."""
    import time

    item = cast("pytest.Item", request.node)
    runs = cast("Runs", request.config.pluginmanager.get_plugin("gemini-replay-runs"))
    session = runs.open(item)
    if session.replay_only and not any(os.environ.get(name) for name in _KEYS):
        monkeypatch.setenv(_KEYS[-1], _PLACEHOLDER)
    started = time.perf_counter()
    try:
        yield session
    except BaseException:
        session.close(keep=False)
        raise
    passed = vars(item).get("_gemini_replay_passed", False)
    problem = session.problem
    kept = passed and problem is None
    session.close(keep=kept)
    runs.add(session, kept=kept, wall=time.perf_counter() - started)
    if problem is not None and passed:
        pytest.fail(str(problem), pytrace=False)


def _shorten(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """End the traceback of a refused request in the user's own code.

    The frames of the client library below say nothing about the miss, and their arguments, which pytest prints, may
    hold the key.
    """
    from sys import modules

    errors = modules.get("gemini_replay.errors")
    if call.excinfo is None or errors is None or not isinstance(call.excinfo.value, errors.RefusedError):
        return
    root = str(item.config.rootpath)
    last, frame = None, call.excinfo.value.__traceback__
    while frame is not None:
        file = frame.tb_frame.f_code.co_filename
        if file.startswith(root) and "site-packages" not in file:
            last = frame
        frame = frame.tb_next
    if last is not None:
        last.tb_next = None
        call.excinfo = pytest.ExceptionInfo.from_exception(call.excinfo.value)


def _checked_mode(mode: str) -> str:
    modes = ("none", "once", "new", "rewrite", "live")
    if mode in modes:
        return mode
    import difflib

    close = difflib.get_close_matches(mode, modes, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    raise pytest.UsageError(f"--gemini-record: {mode!r} is no record mode.{guess} Use one of {', '.join(modes)}.")


def _marker(item: pytest.Item) -> tuple[str | None, dict[str, Any]]:
    """The cassette's name and the arguments of the marker, checked; the closest marker's win one by one."""
    from .errors import UsageError

    known = ("name", "speed", "max_gap", "rechunk", "fault", "match")
    name: str | None = None
    given: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(_MARKER))):
        unknown = [key for key in marker.kwargs if key not in known]
        if unknown or len(marker.args) > 1:
            import difflib

            culprit = unknown[0] if unknown else repr(marker.args[1])
            close = difflib.get_close_matches(culprit, known, 1)
            raise UsageError(
                f"The marker gemini_replay of {item.nodeid} does not know the argument {culprit}.",
                closest=f"Did you mean {close[0]}=?" if close else "",
                todo="It takes a cassette name, speed=, max_gap=, rechunk=, fault= and match=: "
                '@pytest.mark.gemini_replay("story", speed=4).',
            )
        given.update(marker.kwargs)
        name = given.pop("name", marker.args[0] if marker.args else name)
        if name is not None and not (isinstance(name, (str, os.PathLike)) and str(name)):
            raise UsageError(
                f"The marker gemini_replay of {item.nodeid} has {name!r} for a cassette name.",
                todo='Give it a name such as "story", or none at all.',
            )
    match = given.get("match")
    if isinstance(match, str):
        given["match"] = (match,)
    return (None if name is None else str(name)), given


def _cassette_path(item: pytest.Item, name: str | None) -> Path:
    """Where the test's cassette is: a name is relative to the cassette folder, the default is MODULE/TEST."""
    from pathlib import Path

    folder: Path = item.config.rootpath / item.config.getini("gemini_cassette_dir")
    if name is not None:
        path = Path(name)
        return folder / (path if path.suffix == ".jsonl" else path.with_name(path.name + ".jsonl"))
    from .naming import file_name

    module = getattr(getattr(item, "module", None), "__name__", item.path.stem)
    inner = item.nodeid.partition("::")[2] or item.name
    return folder.joinpath(*module.split("."), file_name(inner) + ".jsonl")
