"""The form of answers: fields and their types."""

from __future__ import annotations

from dataclasses import replace

from support.cassettes import streaming
from support.streams import event, events

from gemini_replay.cassette.forms import Form
from gemini_replay.cassette.model import Response
from gemini_replay.gemini import GEMINI


def test_the_fields_of_all_events_are_one_form() -> None:
    """However the answer was cut into events."""
    assert list(Form([{"a": 1, "list": [{"b": "x"}, {"c": None}]}, {"a": "1", "d": True}]).lines()) == [
        "a: number or string",
        "d: boolean",
        "list: array",
        "list[*]: object",
        "list[*].b: string",
        "list[*].c: null",
    ]
    assert Form.of(streaming(*events(1))).fields.keys() == Form.of(streaming(*events(5))).fields.keys()


def test_arguments_and_results_of_functions_are_data() -> None:
    """Of them, only the type is form, also in snake_case."""
    for call, args in (("functionCall", "args"), ("function_call", "args"), ("functionResponse", "response")):
        assert set(Form([{call: {"name": "f", args: {"city": {"name": "Bern"}}}}], GEMINI.members).lines()) == {
            f"{call}: object",
            f"{call}.{args}: object",
            f"{call}.name: string",
        }
    assert "response.a: number" in Form([{"response": {"a": 1}}], GEMINI.members).lines()  # a gateway's wrapper


def test_some_values_are_form() -> None:
    """Finish and block reasons, and the names of errors; no text is."""
    form = Form(
        [{"finishReason": "STOP", "text": "hello", "error": {"code": 503, "message": "busy"}, "code": 1}],
        GEMINI.members,
    )
    values = {path: list(field.values) for path, field in form.fields.items() if field.values}
    assert values == {"body.finishReason": ['"STOP"'], "body.error.code": ["503"]}


def test_what_is_no_json_has_a_type_of_its_own() -> None:
    """A frame that cannot be read, and a body without any event; an empty body has no field."""
    assert "body: no JSON or object" in Form.of(streaming(event("a"), b"data: {broken\r\n\r\n")).lines()
    html = replace(streaming(b"<html>"), response=Response(200, (("content-type", "text/html"),)))
    assert list(Form.of(html).lines()) == ["body: no JSON"]
    assert list(Form.of(streaming()).lines()) == []


def test_deep_values_are_no_trouble() -> None:
    """Only so much of them is form."""
    value: object = 1
    for _ in range(5000):
        value = [{"a": value}]
    assert 30 < len(list(Form([value]).lines())) < 200
