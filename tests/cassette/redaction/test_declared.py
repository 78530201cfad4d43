"""The value of a field that the user declares secret is redacted there, whatever it looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.requests_asked import asks

from gemini_replay.cassette.matching import Matcher
from gemini_replay.cassette.model import Request, Response
from gemini_replay.cassette.redaction import Redactor

WEAK = ["41", "user-7", "Ann", "4711", "9000111", "1234", "alice", "test", "a", "words about a user", 4711, -1.5, 0]


def stored(request: Request) -> Request:
    return Redactor(redact_fields=["user_id"], environ={}).for_request(request).request()


@pytest.mark.parametrize("value", WEAK)
@pytest.mark.parametrize(
    "shape",
    [
        lambda value: {"user_id": value},
        lambda value: {"User_ID": [value]},
        lambda value: {"user_id": {"name": value}},
        lambda value: {"name": "user_id", "value": value},
    ],
)
def test_a_weak_value_is_redacted_in_json(shape: Any, value: Any) -> None:
    """Strings and numbers are redacted, also nested ones. A request still matches only its own recording."""
    request = asks({"kept": 7, "user": shape(value)})
    made = stored(request)
    read = json.loads(made.body)
    assert "REDACTED-" in json.dumps(read["user"])
    assert read["kept"] == 7
    assert json.dumps(value) not in json.dumps([*read["user"].values()])
    assert Matcher(["body"]).matches(made, stored(request))
    assert not Matcher(["body"]).matches(made, stored(asks({"kept": 7, "user": shape("other")})))


@pytest.mark.parametrize("value", [str(value) for value in WEAK])
def test_a_weak_value_is_redacted_in_forms_and_queries(value: str) -> None:
    """The field is found in a form, a multipart body, a query, and JSON within JSON."""
    plain = value.replace(" ", "+")
    form = asks(f"user_id={plain}&x=1".encode(), headers=(("content-type", "application/x-www-form-urlencoded"),))
    assert b"user_id=REDACTED-" in stored(form).body
    part = f'--b\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{value}\r\n--b--\r\n'.encode()
    multipart = asks(part, headers=(("content-type", "multipart/form-data; boundary=b"),))
    assert b"\r\n\r\nREDACTED-" in stored(multipart).body
    assert "user_id=REDACTED-" in stored(asks(url=f"http://h/x?user_id={plain}")).url
    inner = json.loads(stored(asks({"text": json.dumps({"user_id": value})})).body)["text"]
    assert json.loads(inner)["user_id"].startswith("REDACTED-")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("value", [*WEAK, 'say "hi"', "back\\", "a" * 400])
def test_a_weak_value_is_redacted_in_answers(value: Any, size: int) -> None:
    """However the answer is cut, it stays JSON of the same length, and nothing else changes."""
    inner = json.dumps({"user_id": value})
    whole = {"before": "x" * 200, "user_id": value, "after": inner, "kept": 4712}
    body = f"data: {json.dumps(whole)}\r\n\r\n".encode()
    redactor = Redactor(redact_fields=["user_id"], environ={}).for_request(asks({}))
    redactor.request()
    redactor.response(Response(200, ()))
    stream = redactor.stream()
    made = [chunk for at in range(0, len(body), size) for chunk in stream.feed(body[at : at + size])]
    made += stream.close()
    assert [len(chunk) for chunk in made] == [len(body[at : at + size]) for at in range(0, len(body), size)]
    read = json.loads(b"".join(made).removeprefix(b"data: "))
    assert read["user_id"] != value
    assert json.loads(read["after"])["user_id"] != value
    assert {**read, "user_id": 0, "after": 0} == {**whole, "user_id": 0, "after": 0}
