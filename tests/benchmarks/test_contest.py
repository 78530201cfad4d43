"""Contestants are checked before they are measured, take turns, and cannot hurt each other."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from support import sample_benchmarks

from benchmarks.contest import Contest, Refused, Worker, _Figures, _Turn, difference
from benchmarks.harness import Benchmark, Contestant, Result, Setting


def measured(name: str, folder: Path) -> Result:
    """One of the sample benchmarks, quickly."""
    setting = Setting(True, folder)
    (benchmark,) = (one for one in sample_benchmarks.benchmarks(setting) if one.name == name)
    return Contest(sample_benchmarks.__name__, benchmark, setting, no_environment).result()


def no_environment(name: str) -> str:
    raise Refused(f"no environment {name}")


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Why the contestants of the benchmark "wrong" were refused."""
    return {row.contestant.name: row.refused for row in measured("wrong", tmp_path_factory.mktemp("wrong")).rows}


def test_contestants_take_turns(tmp_path: Path) -> None:
    """All are checked first and then measured round by round. The medians of further readings are kept."""
    result = measured("turns", tmp_path)
    log = (tmp_path / "log").read_text()
    assert [log[:3], log[3:6], log[6:9], log[9:]] == ["abc", "abc", "bca", "cab"]
    assert [list(row.rounds) for row in result.rows[:3]] == [[1.0] * 3, [2.0] * 3, [4.0] * 3]
    assert result.rows[1].also == {"letter": ord("b")}


@pytest.mark.parametrize(
    ("seconds", "turns", "calls"),
    [
        ([0.0001, 0.002], 10, [100, 5]),
        ([0.001, 0.03], 3, [33, 1]),
        ([0.001, 2.0], 1, [100, 1]),
        ([2.0, 3.0], 1, [1, 1]),
        ([], 1, []),
    ],
)
def test_short_work_has_more_turns_in_a_round(
    tmp_path: Path, seconds: list[float], turns: int, calls: list[int]
) -> None:
    """All contestants are measured within one moment. Beside a long run, a short one has one turn in a round, too."""
    made = [_Turn(_Figures(Contestant("any", lambda: lambda: None)), cast(Worker, None), each) for each in seconds]
    contest = Contest("any", Benchmark("any", "s", []), Setting(False, tmp_path), no_environment)
    assert contest._turns(made) == turns
    assert [turn.calls for turn in made] == calls


@pytest.mark.parametrize(("turns", "processes"), [(1, 1), (2, 3)])
def test_short_work_has_three_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int, processes: int
) -> None:
    """One after the other, with a third of the rounds each."""
    setting = Setting(False, tmp_path)
    (benchmark,) = (one for one in sample_benchmarks.benchmarks(setting) if one.name == "started")
    contest = Contest(sample_benchmarks.__name__, replace(benchmark, rounds=7), setting, no_environment)
    monkeypatch.setattr(contest, "_turns", lambda made: turns)
    (row,) = contest.result().rows
    started = (tmp_path / "started").read_text(encoding="ascii").split()
    assert len(row.rounds) == 7 * turns
    assert len(started) == len(set(started)) == processes


def test_rows_follow_the_order_of_the_contestants(tmp_path: Path) -> None:
    """This holds although the floor is checked first and some contestants are refused."""
    assert [row.contestant.name for row in measured("turns", tmp_path).rows] == ["a", "b", "c", "gone"]


def test_targets_are_compared_with_figures_and_with_other_contestants(tmp_path: Path) -> None:
    """If that contestant has no figures, the target stays open."""
    result = measured("turns", tmp_path)
    assert [one.met for one in result.verdicts(result.rows[1])] == [True, True, None]
    (best,) = result.verdicts(result.rows[2])
    assert (best.found, best.met) == (2.0, False), "the floor is no peer"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("differs", "wrong: item 1: from 2 on b'x', not b'o'"),
        ("floor", ""),
        ("lump", ""),
        ("object", "ValueError: unmarshallable object"),
        ("fails", "ZeroDivisionError"),
        ("exits", "SystemExit: 3"),
        ("fails later", "StopIteration"),
        ("dies", "its process ended with status 3"),
    ],
)
def test_only_correct_contestants_get_figures(refused: dict[str, str], name: str, reason: str) -> None:
    """A contestant must return what the floor returns, or the value expected of this contestant."""
    assert refused[name].startswith(reason)
    assert bool(refused[name]) == bool(reason)


def test_an_expected_value_is_compared_with_the_first_too(tmp_path: Path) -> None:
    """If the benchmark itself names the expected value, the first contestant is checked too."""
    (row,) = measured("expected", tmp_path).rows
    assert row.refused == "wrong: 1, not 2"


def test_a_missing_peer_is_named(tmp_path: Path) -> None:
    """A missing peer does not stop the run."""
    assert measured("turns", tmp_path).rows[3].refused == "not installed: No module named 'no_such_module'"


def test_resources_of_a_contestant_are_closed(tmp_path: Path) -> None:
    """They are closed before the benchmark ends."""
    measured("closed", tmp_path)
    assert (tmp_path / "log").read_text() == "closed"


def test_a_contestant_may_print(tmp_path: Path) -> None:
    """Its output is not mistaken for its result."""
    (row,) = measured("printed", tmp_path).rows
    assert not row.refused
    assert len(row.rounds) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak")
def test_memory_is_the_growth_of_the_peak_in_a_new_process(tmp_path: Path) -> None:
    """One contestant takes 60 MB at once, the other next to nothing."""
    large, small = measured("memory", tmp_path).rows
    assert min(large.rounds) > 50
    assert max(small.rounds) < 10


@pytest.mark.parametrize(
    ("got", "expected", "said"),
    [
        ([1], [1, 2], "1 items, not 2"),
        ("abc", "abcd", "3 long, not 4; from 3 on '', not 'd'"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "at 'a': at 'b': 1, not 2"),
        ({}, {"a": 1}, "key 'a' is missing"),
        ({"a": 1}, {}, "key 'a' is too many"),
        (b"a", "a", "b'a', not 'a'"),
    ],
)
def test_a_difference_is_described_in_one_line(got: object, expected: object, said: str) -> None:
    """The line shows the first place where the values differ."""
    assert difference(got, expected) == said
