"""What a served chunk costs: calls of functions and objects in circles, which do not depend on the machine."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.replays import Fetch, interaction
from support.streams import PATH, events


class Counter:
    """Counts the calls in threads that begin while it counts; a resumed coroutine or generator is a call as well."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: object, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call")

    @contextmanager
    def counting(self) -> Iterator[None]:
        threading.setprofile(self)
        try:
            yield
        finally:
            threading.setprofile(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speed", "gap", "most"),
    [
        pytest.param("instant", 0.0, 30, id="at once"),
        pytest.param(1.0, 0.01, 115, id="in its rhythm"),
    ],
)
def test_a_chunk_costs_few_calls(fetch: Fetch, served: Any, speed: str | float, gap: float, most: int) -> None:
    """From its schedule to its socket, those of uvicorn and asyncio included."""

    def calls(count: int) -> int:
        counter = Counter()
        with counter.counting(), served(interaction(events(count), gap=gap), speed=speed) as url:
            fetch(url, PATH)  # what a first answer loads is kept
            counter.calls = 0
            assert fetch(url, PATH).chunks == events(count)
            return counter.calls

    assert (calls(120) - calls(20)) / 100 <= most


def test_an_answer_leaves_little_to_the_collector(fetch: Fetch, served: Any) -> None:
    """What is in no circle is freed at once. A look at all objects would make the chunks of all streams late."""
    with served(interaction(events(50), gap=0.001)) as url:
        fetch(url, PATH)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                fetch(url, PATH)
            assert gc.collect() / 10 <= 40  # asyncio's own are twelve
        finally:
            gc.enable()
