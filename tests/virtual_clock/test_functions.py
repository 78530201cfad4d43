"""The functions of `time` in virtual time share one clock, which stands still while code runs."""

from __future__ import annotations

import datetime
import queue
import threading
import time
import timeit
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from time import monotonic, sleep
from unittest import mock

import pytest
from support.rhythms import hardly_any_time

import gemini_replay
from gemini_replay import virtual_time

READ = ("time", "monotonic", "perf_counter")


@pytest.fixture
def virtual() -> Iterator[None]:
    with hardly_any_time(), virtual_time():
        yield


@pytest.mark.usefixtures("virtual")
def test_a_sleep_moves_all_clocks() -> None:
    """Functions in seconds and in nanoseconds move, called as `time.…` or imported by name."""
    before = [getattr(time, name)() for name in READ] + [monotonic()]
    before_ns = [getattr(time, f"{name}_ns")() for name in READ]
    time.sleep(40)
    sleep(20)
    after = [getattr(time, name)() for name in READ] + [monotonic()]
    after_ns = [getattr(time, f"{name}_ns")() for name in READ]
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([60.0] * 4, abs=0.001)
    assert [b - a for a, b in zip(before_ns, after_ns, strict=True)] == pytest.approx([60e9] * 3, abs=1e6)


@pytest.mark.usefixtures("virtual")
def test_running_code_takes_no_time() -> None:
    """The clock stands still, except for a microsecond each time it is read."""
    before = time.monotonic()
    really = timeit.default_timer()
    while timeit.default_timer() - really < 0.02:
        pass
    assert time.monotonic() - before < 0.001


@pytest.mark.usefixtures("virtual")
def test_a_loop_that_waits_for_a_deadline_ends() -> None:
    """It ends because reading the clock moves it a little."""
    deadline = time.monotonic() + 0.01
    while time.monotonic() < deadline:
        pass


@pytest.mark.usefixtures("virtual")
def test_the_clocks_begin_where_real_time_is() -> None:
    """A time stamp in virtual time has today's date."""
    assert time.time() == pytest.approx(datetime.datetime.now().timestamp(), abs=60)


@pytest.mark.usefixtures("virtual")
def test_an_impossible_sleep_raises_the_usual_error() -> None:
    """The original function's error is raised."""
    with pytest.raises(ValueError, match="non-negative"):
        time.sleep(-1)
    with pytest.raises(TypeError):
        time.sleep("1")  # type: ignore[arg-type]
    time.sleep(0)


@pytest.mark.usefixtures("virtual")
def test_locks_and_queues_wait_in_real_time() -> None:
    """Work of other threads takes real time, so limits on it do too. Virtual time does not pass meanwhile."""
    before = time.monotonic()
    really = timeit.default_timer()
    with pytest.raises(queue.Empty):
        queue.Queue[None]().get(timeout=0.05)
    assert not threading.Event().wait(0.05)
    with ThreadPoolExecutor(1) as pool:
        waiting = threading.Event()
        future = pool.submit(waiting.wait, 5)
        with pytest.raises(TimeoutError):
            next(as_completed([future], timeout=0.05))
        waiting.set()
    assert timeit.default_timer() - really >= 0.14
    assert time.monotonic() - before < 0.01


@pytest.mark.usefixtures("virtual")
def test_a_function_passed_on_is_virtual_too() -> None:
    """It may be passed to a thread, or to a mock that wraps it."""
    before = time.monotonic()
    thread = threading.Thread(target=time.sleep, args=(30,))
    thread.start()
    thread.join()
    with mock.patch("time.sleep", wraps=time.sleep) as slept:
        time.sleep(12)
    assert slept.call_args_list == [mock.call(12)]
    assert time.monotonic() - before == pytest.approx(42, abs=0.05)


def test_the_end_restores_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """This holds after an exception, and in modules that imported a function by name."""
    originals = {name: getattr(time, name) for name in (*READ, "sleep", "time_ns")}
    module = types.ModuleType("some_library")
    module.__dict__.update(nap=time.sleep, now=time.time)
    monkeypatch.setitem(__import__("sys").modules, "some_library", module)

    def fails() -> None:
        with virtual_time():
            assert time.sleep is not originals["sleep"]
            assert module.nap is time.sleep
            assert module.now is time.time
            raise LookupError

    for _ in range(2):
        with pytest.raises(LookupError):
            fails()
        assert {name: getattr(time, name) for name in originals} == originals
        assert (module.nap, module.now, sleep) == (time.sleep, time.time, originals["sleep"])


def test_a_patch_by_another_tool_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patch made in the block that outlives it calls the original function, which is real again."""
    with virtual_time():
        held = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: held())
    assert time.monotonic is not held
    assert held() == pytest.approx(monotonic(), abs=1)


def test_blocks_nest_and_the_outermost_ends_virtual_time() -> None:
    """Two sessions at once share the clock."""
    with hardly_any_time(), virtual_time():
        before = time.monotonic()
        with virtual_time():
            time.sleep(10)
        time.sleep(10)
        assert time.monotonic() - before == pytest.approx(20, abs=0.001)
    assert time.sleep.__module__ == "time"


@pytest.mark.usefixtures("virtual")
def test_threads_that_sleep_at_once_share_the_time() -> None:
    """Each wakes at its moment, in order, and together they take as long as the longest sleep."""
    began = time.monotonic()
    woken: list[tuple[float, float]] = []

    def nap(gap: float, count: int) -> None:
        start = time.monotonic()
        for turn in range(1, count + 1):
            time.sleep(start + gap * turn - time.monotonic())
            woken.append((time.monotonic() - began, gap))

    threads = [threading.Thread(target=nap, args=each) for each in ((0.1, 100), (0.25, 40), (3.0, 3))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woken == sorted(woken)
    assert woken[-1][0] == pytest.approx(10, abs=0.1)
    assert sum(gap == 0.1 for _, gap in woken[:80]) >= 50


@pytest.mark.usefixtures("virtual")
def test_virtual_sleeps_wait_for_a_working_thread() -> None:
    """A sleep takes real time meanwhile, so a time limit on the work holds as in real time."""
    done: list[bool] = []

    def work() -> None:
        end = timeit.default_timer() + 0.1
        while timeit.default_timer() < end:
            pass
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(50):
        if done:
            break
        time.sleep(0.1)
    assert done
    thread.join()


def test_an_older_thread_keeps_real_time(tmp_path: object) -> None:
    """A thread started before the block has real time until a recording is played in it."""
    orders: queue.Queue[str] = queue.Queue()
    slept: queue.Queue[float] = queue.Queue()

    def serve() -> None:
        while orders.get() == "sleep":
            began = timeit.default_timer()
            time.sleep(0.05)
            slept.put(timeit.default_timer() - began)

    thread = threading.Thread(target=serve)
    thread.start()
    with virtual_time():
        orders.put("sleep")
        assert slept.get() >= 0.049
    orders.put("stop")
    thread.join()


def test_virtual_time_is_public() -> None:
    """`virtual_time` can be imported from the package."""
    assert gemini_replay.virtual_time is virtual_time
