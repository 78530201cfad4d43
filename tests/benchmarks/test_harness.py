"""Figures, ratios and targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness import (
    PEERS,
    Benchmark,
    Contestant,
    Result,
    Row,
    Setting,
    Spread,
    at_least,
    at_most,
    ratio,
)


@pytest.mark.parametrize(
    ("unit", "amount", "figure"),
    [("s", 1, 0.5), ("ms", 1, 500), ("µs/event", 20, 25_000), ("MB/s", 3, 6), ("MB/s", 0.25, 0.5)],
)
def test_a_figure_is_a_time_or_a_rate(unit: str, amount: float, figure: float) -> None:
    """The unit decides what half a second becomes."""
    assert Benchmark("any", unit, [], amount=amount).figure(0.5) == pytest.approx(figure)


def test_a_spread_is_median_and_quartiles() -> None:
    """For a single value, all three are equal."""
    assert Spread.of([5, 1, 3, 2, 4]) == Spread(2, 3, 4)
    assert Spread.of([7]) == Spread(7, 7, 7)


def test_a_ratio_compares_the_same_rounds() -> None:
    """A busy round slows both, so it does not change the ratio."""
    assert ratio([2, 20, 2], [1, 10, 1]) == Spread(2, 2, 2)


@pytest.mark.parametrize(
    ("target", "said", "met", "missed"),
    [
        (at_most(1.2, times="floor"), "≤ 1.2 × floor", 1.2, 1.21),
        (at_most(150), "≤ 150", 149, 151),
        (at_least(0.8, times="floor"), "≥ 0.8 × floor", 0.8, 0.79),
    ],
)
def test_a_target_is_a_bound(target: object, said: str, met: float, missed: float) -> None:
    """The bound itself meets the target."""
    assert str(target) == said
    assert target.met(met)  # type: ignore[attr-defined]
    assert not target.met(missed)  # type: ignore[attr-defined]


def test_a_shared_file_is_made_once(tmp_path: Path) -> None:
    """No process ever sees it unfinished."""
    setting, made = Setting(True, tmp_path), []

    def make(path: Path) -> None:
        assert not (tmp_path / "data").exists()
        made.append(path.write_text("data"))

    assert setting.file("data", make).read_text() == "data"
    assert setting.file("data", make) == tmp_path / "data"
    assert len(made) == 1


def test_no_floor_is_a_peer() -> None:
    """The best peer is the best of those that do the whole work."""

    def row(name: str, figure: float) -> Row:
        return Row(Contestant(name, lambda: lambda: None, targets=[at_least(1, times=PEERS)]), [figure])

    rows = [row("ours", 6), row("floor", 9), row("another floor", 8), row("peer", 3), row("slow", 2)]
    benchmark = Benchmark(
        "any", "MB/s", [one.contestant for one in rows], floor="floor", other_floors=["another floor"]
    )
    (verdict,) = Result(benchmark, rows).verdicts(rows[0])
    assert (verdict.found, verdict.met) == (2.0, True)
