"""Function calls, whole and with streamed arguments."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay.gemini.function_calls import assemble
from gemini_replay.provider import FunctionCall


def part(path: str, more: bool = True, **value: Any) -> dict[str, Any]:
    return {"partialArgs": [{"jsonPath": path, **value}], "willContinue": more}


def test_whole_calls_stay_separate() -> None:
    """Parallel calls of the same function are not merged."""
    calls = assemble([{"name": "f", "args": {"a": 1}, "id": "1"}, {"name": "f", "args": {"a": 2}}, {"name": "g"}])
    assert calls == (
        FunctionCall("f", {"a": 1}, "1"),
        FunctionCall("f", {"a": 2}),
        FunctionCall("g", {}),
    )


def test_streamed_arguments_are_put_together() -> None:
    """Strings are appended, other values set, missing containers made. An empty part ends the call."""
    (call,) = assemble(
        [
            {"name": "cook", "id": "7", "willContinue": True},
            part("$.steps[0].text", stringValue="Boil ", willContinue=True),
            part("$.steps[0].text", stringValue="water"),
            part("$.steps[1]['a b']", numberValue=0.5),
            part("$.steps[1].done", boolValue=False),
            part('$["it\\"s"].x', nullValue="NULL_VALUE"),
            part("$.grid[1][2]", numberValue=3),
            {},
        ]
    )
    assert call == FunctionCall(
        "cook",
        {
            "steps": [{"text": "Boil water"}, {"a b": 0.5, "done": False}],
            'it"s': {"x": None},
            "grid": [None, [None, None, 3]],
        },
        "7",
    )


def test_a_call_without_an_end_is_incomplete() -> None:
    """The arguments that have come are kept."""
    (call,) = assemble([{"name": "f", "willContinue": True}, part("$.a", stringValue="x")])
    assert call == FunctionCall("f", {"a": "x"}, complete=False)


def test_a_new_name_or_id_starts_a_new_call() -> None:
    """This holds even if the call before has not ended."""
    open_ = {"willContinue": True}
    calls = assemble(
        [
            {"name": "f", **open_},
            {"name": "g", **open_},
            {"name": "g", "id": "1"},
            {"name": "h", "id": "2"},
        ]
    )
    assert [(call.name, call.id, call.complete) for call in calls] == [
        ("f", None, False),
        ("g", "1", True),
        ("h", "2", True),
    ]


def test_snake_case_is_understood() -> None:
    """Some gateways send it."""
    calls = assemble(
        [
            {"name": "f", "will_continue": True},
            {"partial_args": [{"json_path": "$.a", "string_value": "x"}]},
        ]
    )
    assert calls == (FunctionCall("f", {"a": "x"}),)


@pytest.mark.parametrize(
    "path",
    ["", "$", "a", "$.", "$..a", "$.a[", "$[*]", "$.a[999999999]", "$[0]", "$.s.t", "$.s[0]"],
)
def test_a_path_that_cannot_be_followed_is_kept_as_a_key(path: str) -> None:
    """So no value is lost, whatever its path."""
    (call,) = assemble([{"name": "f", "args": {"s": "str"}, **part(path, more=False, numberValue=1)}])
    assert call.args == {"s": "str", **({"a": []} if path == "$.a[999999999]" else {}), path: 1}


@pytest.mark.parametrize(
    "pieces",
    [None, 5, [None, 5, "x"], [{}], [{"jsonPath": 5}], [{"jsonPath": "$.a", "willContinue": True}]],
)
def test_unknown_shapes_change_nothing(pieces: Any) -> None:
    """No shape raises an error."""
    assert assemble([{"name": "f", "partialArgs": pieces}]) == (FunctionCall("f", {}),)


def test_an_end_without_a_call_is_ignored() -> None:
    """An empty object ends a call if one is open, and otherwise has no meaning."""
    assert assemble([{}]) == ()
