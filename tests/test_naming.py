"""File names from test names."""

import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gemini_replay.naming import LONGEST, file_name, fold, folder_names

SUFFIXES = len(".jsonl.crashed-1000.part")


def on_any_system(name: str) -> str:
    """The name as seen by a file system that ignores case and normalizes Unicode."""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()).casefold()


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_story", "test_story"),
        ("TestStory::test_end", "TestStory.test_end"),
        ("TestStory::TestInner::test_end", "TestStory.TestInner.test_end"),
        ("test_story[long-2]", "test_story[long-2]"),
        ("test_story[gemini-2.5-flash]", "test_story[gemini-2.5-flash]"),
        ("test_故事", "test_故事"),
    ],
)
def test_ordinary_names_stay_readable(test: str, name: str) -> None:
    """Names get an addition only if they need one."""
    assert file_name(test) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("test_a[x/y]", "test_a[x?y]"),
        ("test_a[A]", "test_a[a]"),
        ("test_Story", "test_story"),
        ("TestA::test_X", "TestA::test_x"),
        ("test_a[" + "x" * 300 + "1]", "test_a[" + "x" * 300 + "2]"),
        ("test_" + "写" * 90 + "1", "test_" + "写" * 90 + "2"),
        ("test_a[a b]", "test_a[a\tb]"),
        ("test_a[a::b]", "test_a[a.b]"),
        ("TestA::test_a", "TestA.test_a"),
        ("testa::test_a", "testa.test_a"),
        ("con", "CON"),
        ("test_é", "test_e\u0301"),
        ("test_ﬁ", "test_fi"),
        ("test_straße", "test_strasse"),
    ],
)
def test_names_that_a_file_system_may_confuse_get_different_files(one: str, other: str) -> None:
    """They stay different if case does not count, and in any Unicode normalization."""
    assert on_any_system(file_name(one)) != on_any_system(file_name(other))


def test_classes_that_differ_in_case_get_different_files() -> None:
    """This needs to know that there is such a pair of classes."""
    assert file_name("TestA::test_x", twin=True).lower() != file_name("Testa::test_x", twin=True).lower()


@pytest.mark.parametrize(
    ("module", "folders"),
    [
        (["test_x"], ["test_x"]),
        (["a", "tests", "test_x"], ["a", "tests", "test_x"]),
        (["docs", "guide.md"], ["docs", "guide.md"]),
    ],
)
def test_folders_follow_the_modules_path(module: list[str], folders: list[str]) -> None:
    """The path counts from the root directory."""
    assert folder_names(module) == folders


def test_folders_that_a_file_system_may_confuse_get_different_names() -> None:
    """This holds at every level, as for tests."""
    paths = [["a", "test_x"], ["A", "test_x"], ["a", "Test_x"], ["aux", "test_x"], ["é", "x"], ["e\u0301", "x"]]
    names = {on_any_system("/".join(folder_names(path))) for path in paths}
    assert len(names) == len(paths)


def test_a_module_outside_the_root_directory_gets_a_folder_below_it() -> None:
    """Each outside folder gets its own, named after the relative path that leads to it."""
    names = [folder_names(["..", *more, "test_x"]) for more in ([], ["a"], ["b"], ["..", "a"])]
    assert all(len(name) == 2 and name[0].startswith("outside-") and name[1] == "test_x" for name in names)
    assert len({name[0] for name in names}) == 4


def test_a_long_name_leaves_room_for_suffixes() -> None:
    """Its length counts in bytes, and it is cut between characters."""
    name = file_name("test_" + "写" * 90)
    assert 140 < len(name.encode()) <= LONGEST
    assert len(name.encode()) + SUFFIXES < 200
    assert name.startswith("test_写写写")


@given(st.text(min_size=1))
def test_any_name_is_safe(test: str) -> None:
    """A safe name has no separators, no dot or space at either end, is not reserved, and not too long."""
    for name in (file_name(test), folder_names([test])[0]):
        assert re.fullmatch(r"[\w.,=+@\[\]-]+", name)
        assert len(name.encode()) <= LONGEST
        assert name.strip(". ") == name
        assert name.split(".")[0].lower() not in {"con", "prn", "aux", "nul", "com1", "lpt1"}


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_tests_get_different_files(one: str, other: str) -> None:
    """This holds for any names. Classes that differ in case are handled by the code that knows the module."""
    assume(one != other)
    assume(fold(one) != fold(other) or "::" not in one)
    assert on_any_system(file_name(one)) != on_any_system(file_name(other))


@given(st.text(alphabet="aAbß:.[]-é", min_size=1, max_size=6), st.text(alphabet="aAbß:.[]-é", min_size=1, max_size=6))
def test_names_that_are_nearly_the_same_get_different_files(one: str, other: str) -> None:
    """The names have few characters, including those that join the parts of a test's id."""
    assume(one != other)
    twin = fold(one) == fold(other)
    assert on_any_system(file_name(one, twin=twin)) != on_any_system(file_name(other, twin=twin))
