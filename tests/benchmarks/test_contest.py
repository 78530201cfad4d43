"""Contestants are checked before they are measured, take turns, and cannot hurt each other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import sample_benchmarks

from benchmarks.contest import Contest, Refused, difference
from benchmarks.harness import Result, Setting


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
    """After a check of each, round by round; the median of what it read besides is kept."""
    result = measured("turns", tmp_path)
    log = (tmp_path / "log").read_text()
    assert [log[:3], log[3:6], log[6:9], log[9:]] == ["abc", "abc", "bca", "cab"]
    assert [list(row.rounds) for row in result.rows[:3]] == [[1.0] * 3, [2.0] * 3, [4.0] * 3]
    assert result.rows[1].also == {"letter": ord("b")}


def test_rows_stand_in_the_order_of_the_contestants(tmp_path: Path) -> None:
    """Although the floor is checked first, and some are refused."""
    assert [row.contestant.name for row in measured("turns", tmp_path).rows] == ["a", "b", "c", "gone"]


def test_targets_are_compared_with_figures_and_with_other_contestants(tmp_path: Path) -> None:
    """A contestant without figures leaves a target open."""
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
def test_only_right_contestants_get_figures(refused: dict[str, str], name: str, reason: str) -> None:
    """What a contestant returns equals what the floor returns, or what is said of this contestant."""
    assert refused[name].startswith(reason)
    assert bool(refused[name]) == bool(reason)


def test_a_value_for_all_is_compared_with_the_first_as_well(tmp_path: Path) -> None:
    """Where the benchmark says what is expected."""
    (row,) = measured("expected", tmp_path).rows
    assert row.refused == "wrong: 1, not 2"


def test_a_missing_peer_is_named(tmp_path: Path) -> None:
    """It is not fatal."""
    assert measured("turns", tmp_path).rows[3].refused == "not installed: No module named 'no_such_module'"


def test_what_a_contestant_opened_is_closed(tmp_path: Path) -> None:
    """Before the benchmark is over."""
    measured("closed", tmp_path)
    assert (tmp_path / "log").read_text() == "closed"


def test_what_a_contestant_prints_is_no_answer(tmp_path: Path) -> None:
    """It may print."""
    (row,) = measured("printed", tmp_path).rows
    assert not row.refused
    assert len(row.rounds) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell the peak")
def test_memory_is_the_growth_of_the_peak_in_a_new_process(tmp_path: Path) -> None:
    """60 MB at once for one contestant, next to nothing for the other."""
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
def test_a_difference_is_said_in_a_line(got: object, expected: object, said: str) -> None:
    """Where the values differ first."""
    assert difference(got, expected) == said
