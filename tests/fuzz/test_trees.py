"""JSON values without what may be left out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.fuzz.trees import reduced

JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda of: st.lists(of) | st.dictionaries(st.text(max_size=3), of),
)


def test_only_what_is_needed_is_left() -> None:
    """In lists and objects, at any depth."""
    tree = [{"a": 1}, {"b": [1, {"c": "x", "d": [2, 3]}, 4], "e": {}}, "f"]
    assert reduced(tree, lambda one: "3" in json.dumps(one)) == [{"b": [{"d": [3]}]}]


def test_the_given_tree_stays_as_it_is() -> None:
    """Even if all of it may be left out."""
    tree = [{"a": [1]}]
    assert reduced(tree, lambda one: True) == []
    assert tree == [{"a": [1]}]


@given(JSON, st.integers(0, 40))
def test_what_is_left_still_fails(tree: Any, size: int) -> None:
    """If the whole does."""

    def fails(one: Any) -> bool:
        return len(json.dumps(one)) >= size

    assert fails(reduced(tree, fails)) == fails(tree)
