"""Which recording is nearest to a request, and how it differs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.requests_asked import asks, prompt

from gemini_replay.cassette.matching import Matcher
from gemini_replay.cassette.matching.differences import Difference, common_length
from gemini_replay.cassette.matching.matcher import lines, nearest
from gemini_replay.cassette.model import Request

GOOGLE = "https://generativelanguage.googleapis.com"


def near(asked: Request, recordings: Sequence[Request]) -> tuple[int, list[Difference]] | None:
    matcher = Matcher()
    return nearest(matcher, matcher.compared(asked), [matcher.compared(one) for one in recordings])


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Each plain value, by its place."""
    if not isinstance(value, dict | list):
        return {place: value}
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return {at: one for key, member in members for at, one in leaves(member, f"{place}/{key}").items()}


def distance(ours: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The number of values that differ, as a share of the larger number of values."""
    both = ours.keys() | theirs.keys()
    unlike = sum(place not in ours or place not in theirs or ours[place] != theirs[place] for place in both)
    return unlike / max(1, len(ours), len(theirs))


@pytest.mark.parametrize(
    ("recorded", "asked", "said"),
    [
        pytest.param(
            prompt("Tell me"),
            prompt("Tell mee"),
            ['body.contents[0].parts[0].text: recorded "Tell me", asked "Tell mee"'],
            id="text",
        ),
        pytest.param({"a": 1}, {"a": True}, ["body.a: recorded 1, asked true"], id="type"),
        pytest.param({"a": ""}, {"a": "x"}, ['body.a: recorded "", asked "x"'], id="empty-text"),
        pytest.param({}, {"a": {"b": 1}}, ['body.a: missing in the recording, asked {"b": 1}'], id="more"),
        pytest.param({"x y": 1}, {}, ['body["x y"]: recorded 1, missing in the request'], id="less"),
        pytest.param([1], [1, 2], ["body: recorded 1 item, asked 2 items"], id="length"),
        pytest.param(
            {"generationConfig": {}},
            {"generation_config": {}},
            ["body.generationConfig: the request has 'generation_config' instead"],
            id="spelling",
        ),
        pytest.param(None, {"a": 1}, ["body: recorded none, asked JSON of 8 bytes"], id="nothing-recorded"),
        pytest.param(
            b"ab\xff",
            b"ac\xff",
            ["body: recorded 3 bytes, asked 3 bytes", "body, from byte 1: recorded b'b\\xff', asked b'c\\xff'"],
            id="bytes",
        ),
    ],
)
def test_differences_in_words(recorded: Any, asked: Any, said: list[str]) -> None:
    """Each difference is one line: where, what was recorded, what was asked."""
    assert lines(Matcher().differences(asks(recorded), asks(asked))) == said


def test_differences_of_model_and_alt() -> None:
    """A different model or alt is named as such."""
    one, other = asks(url="http://h/v1/models/m:go?alt=sse"), asks(url="http://h/v1/models/n:go")
    assert lines(Matcher().differences(one, other)) == [
        'model: recorded "/models/m", asked "/models/n"',
        'alt: recorded "sse", asked none',
    ]


def test_long_texts_are_clipped_around_the_difference() -> None:
    """Of two long texts, only the part around the first difference is shown."""
    start = "a" * 5000
    (line,) = lines(Matcher().differences(asks(prompt(f"{start}X{start}")), asks(prompt(f"{start}Y{start}"))))
    assert "aaaX" in line
    assert "aaaY" in line
    assert len(line) < 300


def test_many_differences_are_cut_short() -> None:
    """A hundred differences are not listed on a hundred lines."""
    one, other = asks({f"k{n}": n for n in range(100)}), asks({f"k{n}": -n - 1 for n in range(100)})
    said = lines(Matcher().differences(one, other))
    assert len(said) == 12
    assert said[-1] == "… and 89 more differences"


def test_the_nearest_is_the_one_that_differs_least() -> None:
    """Model and method count first, then the body. The listed differences are those of the nearest recording."""
    recordings = [
        asks(prompt("Describe the sea in winter.")),
        asks(prompt("Tell me a story about a dragon."), url=f"{GOOGLE}/v1/models/other:go"),
        asks(prompt("Tell me a story about a wagon.")),
        asks(None),
    ]
    index, found = near(asks(prompt("Tell me a story about a dragon.")), recordings) or (None, [])
    assert index == 2
    assert lines(found) == [
        'body.contents[0].parts[0].text: recorded "Tell me a story about a wagon.", '
        'asked "Tell me a story about a dragon."'
    ]


@given(st.text("ab", max_size=20), st.text("ab", max_size=20), st.text("ab", max_size=20))
def test_the_common_length_is_that_of_the_common_prefix(start: str, one: str, other: str) -> None:
    """Of texts and of bytes."""
    ours, theirs = start + one, start + other
    shorter = min(len(ours), len(theirs))
    expected = next((at for at, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), shorter)
    assert common_length(ours, theirs) == common_length(ours.encode(), theirs.encode()) == expected


def test_no_recordings_no_nearest() -> None:
    """If nothing was recorded, there is no nearest recording."""
    assert near(asks(), []) is None


@pytest.mark.parametrize(
    ("asked", "recorded"),
    [
        pytest.param([1, 2, 3], [[9, 9, 9], [1, 2], {"a": 1}], id="items"),
        pytest.param({"a": {"b": 1}}, [{"a": 1}, {"a": {"b": 2}, "c": 1}, {"a": {"b": 1, "c": 2}}], id="members"),
        pytest.param({"a": [1], "b": 2}, [{"a": {"x": 1}, "b": 3}, {"b": 2}, {"a": [1]}, {"a": 1}], id="kinds"),
        pytest.param("a text", [1, None, [], "a test"], id="plain-values"),
    ],
)
def test_the_nearest_has_most_values_in_common(asked: Any, recorded: list[Any]) -> None:
    """The distance equals that of a plain comparison of values place by place, for all kinds of value."""
    distances = [distance(leaves(one), leaves(asked)) for one in recorded]
    found = near(asks(asked), [asks(one) for one in recorded])
    assert found is not None
    assert distances[found[0]] == min(distances)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON)
def test_a_match_has_no_differences(one: Any, other: Any) -> None:
    """For any two bodies, a match means that no differences are found, and the other way round."""
    matcher, ours, theirs = Matcher(), asks(one), asks(other)
    assert matcher.matches(ours, ours)
    assert (not matcher.differences(ours, theirs)) is matcher.matches(ours, theirs)
    assert all("\n" not in line for line in lines(matcher.differences(ours, theirs)))
