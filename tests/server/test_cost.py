"""What a served chunk costs: calls of functions, which do not depend on the machine."""

from __future__ import annotations

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
        pytest.param(1.0, 0.01, 135, id="in its rhythm"),
    ],
)
def test_a_chunk_costs_few_calls(fetch: Fetch, served: Any, speed: str | float, gap: float, most: int) -> None:
    """From its schedule to its socket, those of uvicorn and asyncio included."""

    def calls(count: int) -> int:
        counter = Counter()
        with counter.counting(), served(interaction(events(count), gap=gap), speed=speed) as url:
            assert fetch(url, PATH).chunks == events(count)
        return counter.calls

    calls(1)  # imports and caches
    assert (calls(120) - calls(20)) / 100 <= most
