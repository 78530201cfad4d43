"""The documents: the expectations that come from how they are built, checked against independent readers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gemini_replay.fuzz.classes import CLASSES, PROFILES, CaseClass, classes_of
from gemini_replay.fuzz.classes.sse import write
from gemini_replay.fuzz.documents import PRETTY, STYLES, Dice, Least, Spelled, google_array, plain, spell
from gemini_replay.fuzz.verdicts import same

pytestmark = pytest.mark.usefixtures("unmeasured")

ORDINARY = [one for one in CLASSES if one.sized is None]
SURE = [one for one in ORDINARY if not one.policy]


def by_the_letter(body: bytes) -> list[Any]:
    """Server-sent events by the standard, in one go, and Gemini's raw error at the end."""
    text = re.sub("\r\n|\r", "\n", body.decode().removeprefix("\ufeff"))
    text, _, raw = text.partition("\n\n{\n")
    values = []
    for block in re.split(r"\n\n+", text.lstrip("\n")):
        lines = [
            line.partition(":")[2].removeprefix(" ") for line in block.split("\n") if re.match("data(:|$)", line)
        ]
        if lines:
            values.append(json.loads("\n".join(lines)))
    return values + ([json.loads("{\n" + raw)] if raw else [])


@pytest.mark.parametrize("case", [one for one in SURE if "json-array" not in one.profiles], ids=lambda one: one.name)
def test_sse_holds_what_is_expected(case: CaseClass) -> None:
    """A reader of the whole body by the letter of the standard finds just that."""
    for document in case.documents(20):
        assert same(by_the_letter(document.body), document.expected)


@pytest.mark.parametrize("case", [one for one in SURE if "json-array" in one.profiles], ids=lambda one: one.name)
def test_arrays_hold_what_is_expected(case: CaseClass) -> None:
    """`json.loads` of the whole body finds just that."""
    for document in case.documents(20):
        assert same(json.loads(document.body), document.expected)


@pytest.mark.parametrize("case", ORDINARY, ids=lambda one: one.name)
def test_documents_are_the_same_each_time_and_small(case: CaseClass) -> None:
    """Fixed cases can be named; and a person can read the smallest."""
    assert case.documents() == case.documents()
    assert len(case.build(Least()).body) <= 300


@pytest.mark.parametrize("case", ORDINARY, ids=lambda one: one.name)
def test_only_policies_leave_a_choice(case: CaseClass) -> None:
    """Where there is one right result, no error excuses a parser."""
    documents = case.documents()
    assert all(len(one.readings) == 1 and not one.malformed for one in documents) != case.policy


def test_classes_have_names_of_their_own() -> None:
    """Names, descriptions and profiles are what reports are made of."""
    assert len({one.name for one in CLASSES}) == len(CLASSES)
    assert all(one.description and set(one.profiles) <= set(PROFILES) for one in CLASSES)
    assert all(classes_of([profile]) for profile in PROFILES)


def test_a_blank_line_never_merges_with_the_end_before() -> None:
    """CR, an empty line and LF would be one CRLF."""
    for nth in range(200):
        text = write(["data: 1", "", "data: 2", ""], Dice(str(nth)), ("\r", "\n", "\r\n"))
        assert re.split("\r\n|\r|\n", text) == ["data: 1", "", "data: 2", "", ""]


@pytest.mark.parametrize("style", [PRETTY, *STYLES], ids=str)
def test_spelling_and_meaning_agree(style: Any) -> None:
    """What is written in any style decodes to the plain value."""
    tree = {"a": [1, None, {}, [], {"b": Spelled("é", '"\\u00e9"')}], Spelled("k", '"\\u006b"'): -0.5}
    assert json.loads(spell(tree, style)) == plain(tree) == {"a": [1, None, {}, [], {"b": "é"}], "k": -0.5}


def test_google_arrays_are_spelled_as_google_does() -> None:
    """Pretty-printed elements, LF, comma, CRLF, no line end at the end."""
    assert google_array([{"a": 1}, {"b": []}]) == '[{\n  "a": 1\n}\n,\r\n{\n  "b": []\n}\n]'
    assert google_array([]) == "[]"
