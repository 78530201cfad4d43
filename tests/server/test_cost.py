"""What a served chunk costs, in function calls and objects in reference cycles, not in time."""

from __future__ import annotations

import asyncio
import gc
import selectors
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from support.replays import Fetch, interaction
from support.streams import PATH, events

from gemini_replay import Cassette, Session
from gemini_replay.server.entrance import DEFAULT_RULES
from gemini_replay.server.serving import app, rare_collections
from gemini_replay.server.uvicorn_server import Server

ASYNCIO = str(Path(asyncio.__file__).parent), selectors.__file__


class Counter:
    """Counts the calls in its thread. Resuming a coroutine or generator counts as a call.

    Calls in asyncio do not count, since its loop runs more often on a busy machine.
    """

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call") and not frame.f_code.co_filename.startswith(ASYNCIO)


async def calls_while_serving(session: Session, ask: Callable[[str], object]) -> int:
    """Count the calls in the server's thread while another thread makes its second request."""
    ready = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(app(session), DEFAULT_RULES)
        serving = asyncio.create_task(server.listen(listener, ready.set))
        await ready.wait()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await asyncio.to_thread(ask, url)  # the first request loads modules
        counter, before = Counter(), sys.getprofile()
        gc.collect()
        gc.disable()  # a collection would call finalizers of other tests' objects
        sys.setprofile(counter)
        try:
            await asyncio.to_thread(ask, url)
        finally:
            sys.setprofile(before)
            gc.enable()
        server.stop()
        await serving
    return counter.calls


@pytest.mark.parametrize(
    ("speed", "gap", "most"),
    [
        pytest.param("instant", 0.0, 28, id="at once"),
        pytest.param(1.0, 0.01, 75, id="in its rhythm"),
    ],
)
def test_a_chunk_costs_few_calls(fetch: Fetch, tmp_path: Path, speed: str | float, gap: float, most: int) -> None:
    """Calls count from the schedule to the socket, including those of uvicorn and h11."""

    def calls(count: int) -> int:
        path = tmp_path / f"{count}.jsonl"
        Cassette([interaction(events(count), gap=gap)]).save(path)

        def ask(url: str) -> None:
            assert fetch(url, PATH).chunks == events(count)

        with closing(Session.replaying(path, speed=speed, hosts=None, repeat=True)) as session:
            return asyncio.run(calls_while_serving(session, ask))

    assert (calls(120) - calls(20)) / 100 <= most


def test_an_answer_leaves_little_to_the_collector(fetch: Fetch, served: Any) -> None:
    """An answer makes few reference cycles. A collection would make the chunks of all streams late."""
    with served(interaction(events(50), gap=0.001)) as url:
        fetch(url, PATH)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                fetch(url, PATH)
            assert gc.collect() / 10 <= 40  # twelve are asyncio's
        finally:
            gc.enable()


def test_a_server_in_its_own_process_collects_rarely() -> None:
    """When the server ends, the old setting is back."""
    young, middle, old = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold() == (young, middle, 10 * old)
    assert gc.get_threshold() == (young, middle, old)
