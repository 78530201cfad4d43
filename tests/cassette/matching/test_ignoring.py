"""The setting `ignore`: what it leaves out of the comparison."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.requests_asked import asks, prompt

from gemini_replay.cassette.matching import IgnoredDrift, Matcher
from gemini_replay.errors import UsageError

TURNS = {"contents": [{"parts": [{"text": "a"}, {"text": "b"}]}, {"parts": [{"text": "c"}]}]}


@pytest.mark.parametrize(
    ("path", "one", "other", "same"),
    [
        ("body.seed", {"seed": 1, "k": 1}, {"seed": 2, "k": 1}, True),
        ("body.seed", {"seed": 1, "k": 1}, {"k": 1}, True),
        ("body.seed", {"seed": 1, "k": 1}, {"seed": 1, "k": 2}, False),
        ("body.config.seed", {"config": {"seed": 1}}, {"config": {"seed": 2}}, True),
        ('body["x y"]', {"x y": 1}, {"x y": 2}, True),
        ('body["0"]', {"0": 1}, {"0": 2}, True),
        ("body.x-y", {"x-y": 1}, {"x-y": 2}, True),
        ("body.*", {"a": 1}, {"b": 2}, True),
        ("body.a.*.b", {"a": {"x": {"b": 1}}}, {"a": {"x": {"b": 2}}}, True),
        ("body.contents[0].parts[1].text", TURNS, {"contents": [{"parts": [{"text": "a"}, {}]}, TURNS]}, False),
        ("body.list[1]", {"list": [1, 2]}, {"list": [1, 3]}, True),
        ("body.list[1]", {"list": [1, 2]}, {"list": [2, 2]}, False),
        ("body.list[1]", {"list": [1, 2]}, {"list": [1]}, False),
        ("body.list[*]", {"list": [1, 2]}, {"list": [3, 4]}, True),
        ("body.list[*]", {"list": [1, 2]}, {"list": [1]}, False),
        ("body.list", {"list": [1, 2]}, {"list": [1]}, True),
        ("body.a.b", {"a": 1}, {"a": 1}, True),
        ("body.a[0]", {"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ("body.a", b"\xff", b"\xfe", False),
    ],
)
def test_members_of_the_body(path: str, one: Any, other: Any, same: bool) -> None:
    """An ignored member may be missing. An ignored item of a list must be there, but its value is not compared."""
    matcher = Matcher(ignore=[path])
    assert matcher.matches(asks(one), asks(other)) is same
    assert matcher.matches(asks(other), asks(one)) is same
    assert (not matcher.differences(asks(one), asks(other))) is same


def test_every_text_of_every_turn() -> None:
    """A star in a path stands for all items of a list."""
    matcher = Matcher(ignore="body.contents[*].parts[*].text")
    other = {"contents": [{"parts": [{"text": "x"}, {}]}, {"parts": [{"text": "z"}]}]}
    assert matcher.matches(asks(TURNS), asks(other))
    assert not matcher.matches(asks(TURNS), asks({"contents": other["contents"][:1]}))


@pytest.mark.parametrize(
    ("path", "one", "other", "same"),
    [
        ("query.pageToken", "pageToken=a&pageSize=2", "pageSize=2&pageToken=b", True),
        ("query.pageToken", "pageToken=a&pageSize=2", "pageToken=a&pageSize=3", False),
        ("query.pageToken", "pageToken=a", "", True),
        ('query["page token"]', "page+token=a", "page%20token=b", True),
    ],
)
def test_parameters_of_the_query(path: str, one: str, other: str, same: bool) -> None:
    """An ignored parameter may differ or be missing."""
    ours, theirs = asks(url=f"http://h/v1/models?{one}"), asks(url=f"http://h/v1/models?{other}")
    assert Matcher(ignore=[path]).matches(ours, theirs) is same


def test_headers() -> None:
    """An ignored header is not compared, even if `match` names it."""
    ours, theirs = asks(headers=(("X-Run", "1"), ("x-user", "u"))), asks(headers=(("x-run", "2"), ("x-user", "u")))
    match = ["headers:x-run", "headers:x-user"]
    assert not Matcher(match).matches(ours, theirs)
    assert Matcher(match, ignore=["headers.x-run"]).matches(ours, theirs)
    assert not Matcher(match, ignore=["headers.x-user"]).matches(ours, theirs)


@pytest.mark.parametrize(
    ("path", "closest"),
    [
        ("contents[*].parts", "body.contents[*].parts"),
        ("$.contents[0]", "body.contents[0]"),
        ("boddy.a", "body.a"),
        ("header.x", "headers.x"),
        ("body.contents[].text", "body.contents[*].text"),
        ("body.contents.0.text", "body.contents[0].text"),
        ("body.contents..text", "body.contents.text"),
        ("body['a b']", 'body["a b"]'),
        ("body/contents/0", "body.contents[0]"),
        ("body.", ""),
        ("body", ""),
        ("body.a[", ""),
        ('body["\\x"]', ""),
        ("headers", ""),
        ("headers.a.b", ""),
        ("query[0]", ""),
        ("query.*", ""),
        ("", ""),
    ],
)
def test_an_impossible_path_is_an_error(path: str, closest: str) -> None:
    """The error names the closest path that is possible."""
    with pytest.raises(UsageError, match="ignore names") as caught:
        Matcher(ignore=[path])
    assert caught.value.suggestion == (f"Did you mean {closest!r}?" if closest else "")
    assert "body.generationConfig.seed" in caught.value.hint


JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON)
def test_ignoring_what_a_miss_names_makes_a_match(one: Any, other: Any) -> None:
    """For any two bodies whose differences all have paths, ignoring those paths makes them match."""
    differences = Matcher().differences(asks(one), asks(other))
    if all(difference.paths for difference in differences):
        ignored = [path for difference in differences for path in difference.paths]
        assert Matcher(ignore=ignored).matches(asks(one), asks(other))


def test_paths_that_a_miss_names_besides_the_body() -> None:
    """Parameters and headers have paths too; a model has none."""
    matcher = Matcher(["model", "action", "headers:X-User"])
    one = asks(url="http://h/v1/models?a=1&b=1&key=k", headers=(("x-user", "a"),))
    other = asks(url="http://h/v1/models?a=2&b=1")
    assert [difference.paths for difference in matcher.differences(one, other)] == [("query.a",), ("headers.x-user",)]
    assert Matcher().differences(one, asks(prompt("x")))[0].paths == ()


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("usageMetadata.a", "Did you mean 'body.usageMetadata.a'?"),
        ("query.a", "it begins with none of body, headers"),
        ("body.parts[0].text", "one item of a list"),
        ("body", "it is all of it; name a part"),
    ],
)
def test_where_no_drift_can_be(path: str, told: str) -> None:
    """The setting `ignore_drift` takes the same paths, of answers."""
    with pytest.raises(UsageError) as caught:
        IgnoredDrift([path])
    assert told in str(caught.value)
    assert "ignore_drift names" in caught.value.message
