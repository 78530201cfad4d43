"""Clocks and sleeps that a test replaces, and green threads: a recording plays at its moments all the same."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import freezegun
import httpx
import pytest
import time_machine
import trio
import trio.testing
from support.cassettes import recorded
from support.clients import ASK, CLIENTS, Client
from support.every_client import EVERY_CLIENT
from support.rhythms import hardly_any_time, rhythm
from support.streams import GOOGLE, PATH, events

import gemini_replay
from gemini_replay import Cassette, Session, clocks, virtual_time
from gemini_replay.loops import AsyncioClock, TrioClock
from gemini_replay.server import upstream
from gemini_replay.server.serving import serving
from gemini_replay.server.upstream.scenarios import Scenario

PACKAGE = Path(gemini_replay.__file__).parent
FIRST = 0.05
GAPS = [0.05, 0.05, 0.05]
LASTS = 0.2
"""Seconds that a stream takes whose head comes after the first of these, and its chunks after those gaps."""


def cassette(path: Path, *gaps: list[float]) -> Path:
    """A cassette with a recording for each row of gaps."""
    return recorded(path, *[rhythm(row, first=FIRST) for row in gaps])


@contextmanager
def mocked(value: float) -> Iterator[None]:
    """The clocks of module `time` stand still."""
    with ExitStack() as patches:
        for name in ("time", "monotonic", "perf_counter"):
            patches.enter_context(mock.patch(f"time.{name}", return_value=value))
        yield


STRANGE: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "freezegun": lambda: freezegun.freeze_time("2026-01-01"),
    "freezegun at 0": lambda: freezegun.freeze_time("1970-01-01"),
    "freezegun ticking": lambda: freezegun.freeze_time("2026-01-01", tick=True),
    "freezegun leaping": lambda: freezegun.freeze_time("2026-01-01", auto_tick_seconds=15),
    "freezegun, but for asyncio": lambda: freezegun.freeze_time("2026-01-01", real_asyncio=True),
    "time-machine": lambda: time_machine.travel("2026-01-01", tick=False),
    "mock": lambda: mocked(12.5),
    "mock that stands at the present": lambda: mocked(time.monotonic()),
}


@pytest.fixture(params=STRANGE)
def strange(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Any]]:
    """What replaces clocks."""
    return STRANGE[request.param]


@contextmanager
def takes(seconds: float) -> Iterator[None]:
    """The block takes so much real time, and not several times as much."""
    began = clocks.now()
    yield
    took = clocks.now() - began
    assert seconds - 0.02 <= took < seconds + 3


WAYS_TO_WAIT = {"httpx-sync", "httpx-asyncio", "httpx-trio", "aiohttp"}
"""One client for each way in which a playback waits; the others wait in one of these ways."""


@pytest.mark.parametrize(
    ("client", "name"),
    [
        pytest.param(client, name, id=f"{client.name}-{name}")
        for client in EVERY_CLIENT
        for name in STRANGE
        if client.name in WAYS_TO_WAIT or name == "freezegun"
    ],
)
def test_a_recording_plays_in_its_rhythm(client: Client, name: str, tmp_path: Path) -> None:
    """Whatever has become of the clocks that the client itself can see."""
    path = cassette(tmp_path / "c.jsonl", GAPS)
    with gemini_replay.replay(path), takes(LASTS), STRANGE[name]():
        seen = client.fetch(GOOGLE, timeout=None)  # aiohttp's own time limits go by the loop's clock, also live
    assert seen.error is None
    assert len(seen.chunks) == len(GAPS)


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_read_timeout_comes_at_its_moment(client: Client, tmp_path: Path) -> None:
    """It counts in real time, as a socket's would."""
    path = cassette(tmp_path / "c.jsonl", [0.05, 5.0])
    with gemini_replay.replay(path), takes(FIRST + 0.05 + 0.5), STRANGE["freezegun"]():
        seen = client.fetch(GOOGLE, timeout=0.5)
    assert type(seen.error) is client.errors["timeout"]


@pytest.mark.parametrize("speed", [1.0, "instant"])
@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_replaced_sleep_is_not_called(client: Client, speed: Any, tmp_path: Path) -> None:
    """A test that counts the sleeps of its own code counts none of ours."""
    path = cassette(tmp_path / "c.jsonl", GAPS)
    with ExitStack() as patches:
        patches.enter_context(gemini_replay.replay(path, speed=speed))
        sleeps = [patches.enter_context(mock.patch("time.sleep"))]
        for name in ("asyncio.sleep", "anyio.sleep", "trio.sleep", "trio.sleep_until"):
            sleeps.append(patches.enter_context(mock.patch(name, new=mock.AsyncMock())))
        with takes(LASTS if speed == 1.0 else 0):
            seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert [sleep.mock_calls for sleep in sleeps] == [[]] * len(sleeps)


def test_clocks_that_change_in_mid_stream_do_not_matter(strange: Any, tmp_path: Path) -> None:
    """Replaced while a chunk is waited for, put back while another one is."""
    path = cassette(tmp_path / "c.jsonl", [0.1] * 8)

    async def read() -> int:
        async with httpx.AsyncClient() as client, client.stream("POST", GOOGLE, json=ASK) as response:
            return len([chunk async for chunk in response.aiter_raw()])

    async def main() -> None:
        reading = asyncio.create_task(read())
        await AsyncioClock().sleep(0.22)
        with strange():
            await AsyncioClock().sleep(0.3)
        assert await reading == 8

    with gemini_replay.replay(path), takes(FIRST + 0.8):
        asyncio.run(main())


def test_a_server_in_the_tests_process_keeps_the_rhythm(strange: Any, tmp_path: Path) -> None:
    """Its loop sees the same clocks as the test."""
    session = Session.replaying(cassette(tmp_path / "c.jsonl", GAPS), hosts=None)
    with serving(session) as url, takes(LASTS), strange():
        seen = CLIENTS[0].fetch(url + PATH)
    session.close()
    assert seen.error is None
    assert seen.body.count(b"data: ") == len(GAPS)


@pytest.mark.parametrize("frozen", ["freezegun", "time-machine"])
@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_a_recording_has_the_real_times(client: Client, frozen: str, tmp_path: Path) -> None:
    """Those of its chunks, and the date in its header."""
    path = tmp_path / "c.jsonl"
    with upstream.start(Scenario.from_chunks(events(4), gaps=[0.1] * 4)) as server:
        with gemini_replay.record(path, upstream=server.url), STRANGE[frozen]():
            assert client.fetch(GOOGLE).error is None
    made = Cassette.load(path)
    assert 0.3 < sum(chunk.after for chunk in made.interactions[0].chunks) < 3
    assert made.recorded is not None
    assert not made.recorded.startswith("2026-01-01")


# -- waiting in a loop -----------------------------------------------------------------------------------------------


def alarms() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "gemini-replay alarm"]


def test_a_wait_in_asyncio_ends_although_the_loops_clock_stands_still() -> None:
    """And one that is cancelled leaves nothing behind."""

    async def main() -> None:
        with takes(0.2):
            await AsyncioClock().sleep(0.2)
        waiting = asyncio.create_task(AsyncioClock().sleep(60))
        await AsyncioClock().sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()

    with STRANGE["mock"]():
        asyncio.run(main())
    for alarm in alarms():
        alarm.join(5)
    assert not alarms()


def test_a_wait_in_trio_ends_although_its_clock_stands_still() -> None:
    """And one that is cancelled leaves nothing behind."""

    async def main() -> None:
        with takes(0.2):
            await TrioClock().sleep(0.2)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(TrioClock().sleep, 60)
            await TrioClock().sleep(0.01)
            nursery.cancel_scope.cancel()

    with STRANGE["freezegun"]():
        trio.run(main)
    for alarm in alarms():
        alarm.join(5)
    assert not alarms()


def test_a_loop_may_end_before_what_it_waits_for() -> None:
    """The alarm finds nobody, and is silent about it."""

    async def main() -> None:
        AsyncioClock().call_at(AsyncioClock().now() + 0.05, lambda: pytest.fail("nobody waits for this any more"))

    with STRANGE["mock"]():
        asyncio.run(main())
        for alarm in alarms():
            alarm.join(5)
    assert not alarms()


def test_a_timer_calls_at_its_moment_unless_it_is_cancelled() -> None:
    """Also one whose moment is past, which has a turn of the loop to itself."""
    called: list[str] = []

    async def main() -> None:
        clock = AsyncioClock()
        for name, ahead in {"past": -1, "soon": 0.05, "cancelled": 0.05, "later": 0.1}.items():
            timer = clock.call_at(clock.now() + ahead, lambda name=name: called.append(name))  # type: ignore[misc]
            if name == "cancelled":
                timer.cancel()
        assert called == []
        await clock.sleep(0.2)

    for strange in (STRANGE["mock"], ExitStack):
        called.clear()
        with strange():
            asyncio.run(main())
        assert called == ["past", "soon", "later"]


def test_a_loop_whose_clock_goes_right_needs_no_thread() -> None:
    """Threads are for loops that cannot wait."""

    async def main(clock: Any) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(clock().sleep, 0.1)
            await clock().sleep(0.05)
            assert not alarms()

    asyncio.run(main(AsyncioClock))
    trio.run(main, TrioClock)


def test_a_clock_that_a_run_was_started_with_is_followed() -> None:
    """It is no replacement: trio's mock clock, and an asyncio loop whose class has a `time` of its own."""

    class Slow(asyncio.SelectorEventLoop):
        def time(self) -> float:
            return clocks.monotonic() / 2

    async def main() -> None:
        clock = AsyncioClock()
        began = clock.now()
        with takes(0.2):
            await clock.sleep(0.1)
        assert clock.now() - began >= 0.1

    with asyncio.Runner(loop_factory=Slow) as runner:
        runner.run(main())
    with hardly_any_time():
        trio.run(lambda: TrioClock().sleep(60), clock=trio.testing.MockClock(autojump_threshold=0))


# -- virtual time ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frozen", ["freezegun", "freezegun, but for asyncio"])
@pytest.mark.parametrize("outside", [True, False], ids=["freeze, then virtual", "virtual, then freeze"])
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_virtual_time_moves_a_replay_also_where_clocks_are_frozen(
    client: Client, outside: bool, frozen: str, tmp_path: Path
) -> None:
    """A minute of a recording takes hardly any time."""
    path = cassette(tmp_path / "c.jsonl", [1.0] * 60)
    blocks: list[Callable[[], AbstractContextManager[Any]]] = [STRANGE[frozen], virtual_time]
    with hardly_any_time(3), gemini_replay.replay(path), ExitStack() as stack:
        for block in blocks if outside else reversed(blocks):
            stack.enter_context(block())
        seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert len(seen.chunks) == 60


# -- in another process ----------------------------------------------------------------------------------------------


def run(code: str, *args: object) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_clocks_are_real_also_where_they_are_imported_in_a_frozen_test() -> None:
    """Nothing of this package is imported before it is used, and that may be then."""
    out = run(
        "import time, freezegun\n"
        "real = (time.perf_counter, time.monotonic, time.time)\n"
        "with freezegun.freeze_time('1999-12-31'):\n"
        "    from gemini_replay import clocks\n"
        "    before = [clock() for clock in real[:2]]\n"
        "    ours = [clocks.now(), clocks.monotonic()]\n"
        "    after = [clock() for clock in real[:2]]\n"
        "    assert all(a - 1e-3 <= b <= c + 1e-3 for a, b, c in zip(before, ours, after)), (before, ours, after)\n"
        "    assert not clocks.timestamp().startswith('1999')\n"
        "    print('real')\n"
    )
    assert out == "real\n"


def test_freezegun_loads_nothing_of_ours() -> None:
    """It reads every name of every module, and our package's names are imported when they are read."""
    out = run(
        "import sys, freezegun, gemini_replay.pytest_plugin\n"
        "for _ in range(2):\n"
        "    with freezegun.freeze_time('2026-01-01'):\n"
        "        import gemini_replay.fuzz\n"
        "print(*sorted({'httpx', 'hypothesis', 'aiohttp', 'gemini_replay.fuzz.api'} & set(sys.modules)))\n"
    )
    assert out == "\n"


GREEN = """
import sys, warnings
warnings.simplefilter("ignore")  # gevent tells of what it finds imported
order, patch, path = sys.argv[1:]
from gevent import monkey
if order == "before": getattr(monkey, patch)()
import gevent, requests, time, gemini_replay
from gemini_replay.clocks import now
with gemini_replay.replay(path):
    if order == "after": getattr(monkey, patch)()
    turns = []
    def spin():
        while True:
            turns.append(now())
            gevent.sleep(0.01)
    spinning = gevent.spawn(spin)
    def ask():
        body = requests.post({url!r}, json={ask!r}).content
        return body.count(b"data: ")
    began = now()
    jobs = [gevent.spawn(ask) for _ in range(3)]
    gevent.joinall(jobs)
    took = now() - began
    spinning.kill()
print([job.value for job in jobs], took < 2.7, len(turns) > 20)
"""


@pytest.mark.parametrize("patch", ["patch_all", "patch_socket", "patch_time"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_wait_of_a_greenlet_lets_the_others_go_on(order: str, patch: str, tmp_path: Path) -> None:
    """Three requests of 0.95 s at once take less than one after another, whether gevent came before us or after."""
    path = cassette(tmp_path / "c.jsonl", *[[0.3] * 3] * 3)
    code = GREEN.replace("{url!r}", repr(GOOGLE)).replace("{ask!r}", repr(ASK))
    assert (
        run(f"import warnings; warnings.simplefilter('ignore')\n{code}", order, patch, path)
        == "[3, 3, 3] True True\n"
    )


# -- the rule --------------------------------------------------------------------------------------------------------

CLOCKS = {"clocks.py", "virtual_clock/functions.py", "fuzz/serve.py"}
"""The one that holds the real clocks; the one that replaces them; one file that must do without this package."""

SLEEPS = {("asyncio", "sleep"), ("anyio", "sleep"), ("trio", "sleep"), ("trio", "sleep_until"), ("datetime", "now")}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_other_module_reads_a_clock_or_sleeps(path: Path) -> None:
    """Each takes it from `clocks` or `loops`."""
    if str(path.relative_to(PACKAGE)) in CLOCKS:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert "time" not in {alias.name for alias in node.names}, f"line {node.lineno}"
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module != "time", f"line {node.lineno}"
        elif isinstance(node, ast.Attribute):
            value = node.value
            owner = (
                value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
            )
            assert (owner, node.attr) not in SLEEPS, f"line {node.lineno}"
