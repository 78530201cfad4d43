"""How lateness is computed; wrong streams are refused."""

from __future__ import annotations

import pytest

from benchmarks.lateness import reading
from benchmarks.story import Story, Stream


def test_lateness_is_counted_from_the_request() -> None:
    """Each chunk's lateness is in milliseconds."""
    told = Story(2, 0.5, 1.0)
    seen = [(101.5, told.chunks[0]), (102.25, told.chunks[1])]
    assert told.lateness(Stream(100.0, seen)) == pytest.approx([0.0, 250.0])


def test_figures_are_those_of_all_chunks() -> None:
    """Drift is the lateness of the last tenth minus that of the first tenth, as the median of all streams."""
    told = Story(10, 0.1, 0.0)

    def late(*ms: float) -> Stream:
        moments = (due + by / 1000 for due, by in zip(told.due, ms, strict=True))
        return Stream(0.0, list(zip(moments, told.chunks, strict=True)))

    steady, drifting = late(*[3.0] * 10), late(*map(float, range(10)))
    found = reading(told, [steady, drifting, drifting], 0.003)
    assert found.value == 30
    assert found.figure == pytest.approx(9.0)
    assert found.also == pytest.approx({"p50": 3.0, "max": 9.0, "drift": 9.0, "CPU, µs/chunk": 100.0})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda seen: seen[:-1], id="a chunk missing at the end"),
        pytest.param(lambda seen: [(seen[-1][0], b"".join(data for _, data in seen))], id="chunks in one piece"),
        pytest.param(lambda seen: [*seen[:-1], (seen[-1][0], seen[-1][1][:-1])], id="a byte missing"),
        pytest.param(lambda seen: [*seen, seen[-1]], id="a chunk too many"),
        pytest.param(lambda seen: [(seen[0][0] - 0.01, seen[0][1]), *seen[1:]], id="a chunk before its time"),
    ],
)
def test_a_wrong_stream_gives_no_figures(spoil: object) -> None:
    """A stream with other bytes or chunks, or one too early, is an error."""
    told = Story(3, 0.1, 0.1)
    right = list(zip(told.due, told.chunks, strict=True))
    assert told.lateness(Stream(0.0, right)) == pytest.approx([0.0] * 3)
    with pytest.raises(AssertionError):
        told.lateness(Stream(0.0, spoil(right)))  # type: ignore[operator]
