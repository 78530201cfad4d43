"""File names from test names."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gemini_replay.naming import file_name


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_story", "test_story"),
        ("TestStory::test_end", "TestStory.test_end"),
        ("test_story[long-2]", "test_story[long-2]"),
        ("test_故事", "test_故事"),
    ],
)
def test_ordinary_names_stay_readable(test: str, name: str) -> None:
    """Nothing is added where nothing has to be."""
    assert file_name(test) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("test_a[x/y]", "test_a[x?y]"),
        ("test_a[A]", "test_a[a]"),
        ("test_a[" + "x" * 300 + "1]", "test_a[" + "x" * 300 + "2]"),
        ("test_a[a b]", "test_a[a\tb]"),
        ("con", "CON"),
    ],
    ids=["slashes", "capitals", "length", "spaces", "reserved"],
)
def test_what_a_file_system_may_confuse_is_told_apart(one: str, other: str) -> None:
    """Also where capitals do not count."""
    assert file_name(one).lower() != file_name(other).lower()


@given(st.text(min_size=1))
def test_any_name_is_safe(test: str) -> None:
    """No separator, no reserved or leading-dot name, no great length."""
    name = file_name(test)
    assert re.fullmatch(r"[\w.,=+@\[\]-]+", name)
    assert len(name) <= 110
    assert not name.startswith(".")
    assert name.rstrip(". ") == name
    assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_tests_get_different_files(one: str, other: str) -> None:
    """Whatever their names hold, but for the dots that join class and function."""
    assume(one.replace("::", ".") != other.replace("::", "."))
    assert file_name(one) != file_name(other)
