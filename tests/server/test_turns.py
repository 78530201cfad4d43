"""The moments at which requests came, although a busy loop reads some of them late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gemini_replay import clocks
from gemini_replay.loops import turn
from gemini_replay.server.turns import Turns


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Stop the real clock; returns a function that moves it."""
    moment = 100.0
    monkeypatch.setattr(clocks, "monotonic", lambda: moment)

    def pass_time(seconds: float) -> None:
        nonlocal moment
        moment += seconds

    return pass_time


def test_requests_read_in_one_turn_came_at_one_moment(pass_time: Callable[[float], None]) -> None:
    """The moment is before the first of them was read. In the next turn, it is before that turn's work."""

    async def main() -> list[float]:
        turns, found = Turns(), []
        for _ in range(2):
            for _ in range(2):
                found.append(turns.began())
                pass_time(1)
            asyncio.get_running_loop().call_soon(pass_time, 10)  # work of the next turn before it reads
            await turn()
        return found

    assert asyncio.run(main()) == [100.0, 100.0, 102.0, 102.0]


def test_after_a_quiet_turn_requests_come_now(pass_time: Callable[[float], None]) -> None:
    """If nothing ran, a request came at the present moment."""

    async def main() -> float:
        turns = Turns()
        turns.began()
        for _ in range(3):
            pass_time(1)
            await turn()
        pass_time(1)
        return turns.began()

    assert asyncio.run(main()) == 104.0
