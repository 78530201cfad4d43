"""The judge."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from gemini_replay.fuzz.documents import Document, Reading
from gemini_replay.fuzz.target import Output
from gemini_replay.fuzz.verdicts import Complaint, judge, same

A, B, C = {"a": 1}, {"b": 2}, {"c": 3}
GOOD = Document(b"", (Reading("yields", (A, B)),))
BAD = Document(b"", (Reading("skips", (A, B)), Reading("keeps", (A, C, B))), malformed=True)
ERROR = Document(b"", (Reading("yields", (A, B)),), says=("Overloaded.",))


@pytest.mark.parametrize(
    ("got", "verdict"),
    [
        ([A], "loses"),
        ([], "loses"),
        ([A, B, B], "invents"),
        ([A, C], "changes"),
        ([B, A], "changes"),
        ([C], "loses"),
    ],
)
def test_a_wrong_result_has_a_verdict(got: list[Any], verdict: str) -> None:
    """Fewer values, more values, or others."""
    complaint = judge(GOOD, Output(got))
    assert isinstance(complaint, Complaint)
    assert (complaint.kind, complaint.expected, complaint.got) == (verdict, (A, B), tuple(got))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0, False), (None, 0), ("1", 1), ([], {}), ([1], [1, 2]), ({"a": 1}, {"a": 1, "b": 1})],
)
def test_what_python_takes_for_equal_may_differ_as_json(one: Any, other: Any) -> None:
    """Integers, fractions, booleans and null are four things."""
    assert not same(one, other)
    assert not same(other, one)


def test_a_fraction_may_be_a_decimal_of_the_same_value() -> None:
    """As ijson makes it; an integer may not."""
    assert same({"n": Decimal("0.1")}, {"n": 0.1})
    assert not same(Decimal("0.2"), 0.1)
    assert not same(Decimal("1"), 1)


def test_a_value_that_python_cannot_show_is_wrong() -> None:
    """It takes the place of an event."""

    class Hidden:
        def __repr__(self) -> str:
            raise ValueError("no")

    complaint = judge(GOOD, Output([A, {"b": Hidden()}]))
    assert isinstance(complaint, Complaint)
    assert complaint.kind == "changes"


def test_the_order_of_keys_does_not_matter() -> None:
    """Unlike in a list."""
    assert same({"a": [1, {"x": None, "y": 2.5}], "b": "é"}, {"b": "é", "a": [1, {"y": 2.5, "x": None}]})


def test_no_error_excuses_a_good_stream() -> None:
    """Not even a documented one."""
    for documented in ((), (ValueError,)):
        complaint = judge(GOOD, Output([A], ValueError("no")), documented)
        assert isinstance(complaint, Complaint)
        assert complaint.kind == "raises"
        assert complaint.error == "ValueError: no"


def test_malformed_input_excuses_errors_but_no_accidents() -> None:
    """A ValueError is an answer; a KeyError shows code that met something unforeseen, unless it is documented."""
    assert judge(BAD, Output([A], ValueError())) == "raises ValueError"
    assert isinstance(judge(BAD, Output([A], KeyError("x"))), Complaint)
    assert judge(BAD, Output([A], KeyError("x")), (LookupError,)) == "raises KeyError"


def test_what_came_before_an_error_must_be_right() -> None:
    """It may be less than there was, and nothing else."""
    assert judge(BAD, Output([], ValueError())) == "raises ValueError"
    complaint = judge(BAD, Output([C], ValueError()))
    assert isinstance(complaint, Complaint)


def test_a_choice_is_reported_by_its_label() -> None:
    """Each correct result has a name; a silent stop is not one."""
    assert judge(BAD, Output([A, B])) == "skips"
    assert judge(BAD, Output([A, C, B])) == "keeps"
    complaint = judge(BAD, Output([A]))
    assert isinstance(complaint, Complaint)
    assert complaint.kind == "loses"


def test_an_error_object_may_be_given_or_raised() -> None:
    """An exception that quotes its message reports it, by its text or by what it carries; another does not."""

    class ApiError(Exception):
        def __init__(self, body: Any) -> None:
            self.body = body

        def __str__(self) -> str:
            return "API error"

    assert judge(ERROR, Output([A, B])) == "yields"
    assert judge(ERROR, Output([A], RuntimeError("503: Overloaded."))) == "raises RuntimeError"
    assert judge(ERROR, Output([A], ApiError({"message": "Overloaded."}))) == "raises ApiError"
    assert isinstance(judge(ERROR, Output([A], RuntimeError("something"))), Complaint)
    assert judge(ERROR, Output([A], RuntimeError("something")), (RuntimeError,)) == "raises RuntimeError"


def test_a_decoding_error_does_not_report_what_it_failed_on() -> None:
    """It carries the text that it could not decode, and does not report the error in it."""
    error = json.JSONDecodeError("Expecting value", '{"error": {"message": "Overloaded."}}', 0)
    assert isinstance(judge(ERROR, Output([A], error)), Complaint)


def test_a_parser_that_was_stopped_stalls() -> None:
    """Whatever it gave."""
    complaint = judge(GOOD, Output([A, B], hung=True))
    assert isinstance(complaint, Complaint)
    assert (complaint.kind, complaint.stopped) == ("stalls", True)
