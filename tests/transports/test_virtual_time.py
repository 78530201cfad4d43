"""Every client in virtual time observes the recorded rhythm, and the test does not wait."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from support.clients import Client
from support.rhythms import FIRST, MINUTE, STALL, cassette, hardly_any_time
from support.streams import GOOGLE

import gemini_replay
from gemini_replay.errors import UsageError
from gemini_replay.transports import httpx as explicit
from gemini_replay.transports.respx import from_cassette


def test_a_minute_is_observed_without_waiting(client: Client, tmp_path: Path) -> None:
    """Time to the first byte, each moment and each gap are the recorded ones, to the millisecond."""
    path = cassette(tmp_path / "minute.jsonl", MINUTE)
    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        seen = client.fetch(GOOGLE)
    assert seen.error is None
    assert seen.headed - seen.began == pytest.approx(FIRST, abs=0.001)
    due = [FIRST + at for at in accumulate(MINUTE)]
    assert [at - seen.began for at in seen.times] == pytest.approx(due, abs=0.001)
    assert [b - a for a, b in pairwise(seen.times)] == pytest.approx(MINUTE[1:], abs=0.001)


def test_a_read_timeout_fires_in_a_stall_at_its_time(client: Client, tmp_path: Path) -> None:
    """The library's own error comes after the last chunk plus the read timeout."""
    path = cassette(tmp_path / "stall.jsonl", STALL)
    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        seen = client.fetch(GOOGLE, timeout=2.5)
    assert type(seen.error) is client.errors["timeout"]
    assert len(seen.chunks) == 2
    assert seen.ended - seen.times[-1] == pytest.approx(2.5, abs=0.001)


def test_a_slow_consumer_finds_the_chunks_that_came_meanwhile(client: Client, tmp_path: Path) -> None:
    """The consumer's work is a sleep, which passes on the same clock."""
    path = cassette(tmp_path / "fast.jsonl", [0.1] * 20)
    with hardly_any_time(), gemini_replay.replay(path, speed="virtual"):
        seen = client.fetch(GOOGLE, consume=0.5)
    # aiohttp's reader merges chunks that came meanwhile; the work per chunk still counts.
    assert seen.ended - seen.began >= FIRST + 0.5 * len(seen.times)
    assert seen.times[0] - seen.began == pytest.approx(FIRST + 0.1, abs=0.001)
    assert seen.times[1] - seen.times[0] == pytest.approx(0.5, abs=0.001)


def test_a_transport_or_route_says_how_to_play_in_virtual_time(tmp_path: Path) -> None:
    """They cannot begin virtual time themselves, since it would have to end with them."""
    path = cassette(tmp_path / "stall.jsonl", STALL)
    for make in (explicit.ReplayTransport, from_cassette):
        with pytest.raises(UsageError, match=r"with gemini_replay\.virtual_time\(\)"):
            make(path, speed="virtual")


def test_a_transport_plays_in_surrounding_virtual_time(tmp_path: Path) -> None:
    """This is what the error advises."""
    import httpx

    path = cassette(tmp_path / "stall.jsonl", STALL)
    with hardly_any_time(), gemini_replay.virtual_time():
        from time import monotonic

        began = monotonic()
        with httpx.Client(transport=explicit.ReplayTransport(path), timeout=60) as client:
            from support.clients import ASK

            assert client.post(GOOGLE, json=ASK).status_code == 200
        assert monotonic() - began == pytest.approx(FIRST + sum(STALL), abs=0.002)
