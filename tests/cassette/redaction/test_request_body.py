"""What is redacted in the body of a request."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.secret_bodies import KEY

from gemini_replay.cassette.model import Headers, Request
from gemini_replay.cassette.redaction import REDACTED, Redactor

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent"
JSON_TYPE: Headers = (("content-type", "application/json"),)


def without_digits(text: str) -> str:
    """The text with the digits of its marks removed. The tests of `replacements` check the digits."""
    return re.sub("REDACTED-[0-9a-f]{4}", REDACTED, text)


def body_of(body: bytes, headers: Headers = JSON_TYPE) -> bytes:
    return Redactor(environ={}).for_request(Request("POST", URL, headers, body)).request().body


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        pytest.param(b'{"apiKey" : "abc\\"d", "n": 1.50}', b'{"apiKey" : "REDACTED", "n": 1.50}', id="member"),
        pytest.param(
            b'{"headers": {"Authorization": "Bearer q7x2"}}', b'{"headers": {"Authorization": "REDACTED"}}', id="mcp"
        ),
        pytest.param(b'{"authorization": [ "q7x2"]}', b'{"authorization": [ "REDACTED"]}', id="array"),
        pytest.param(
            b'{"client_secret":"q7x2","refreshToken":"q7x3"}',
            b'{"client_secret":"REDACTED","refreshToken":"REDACTED"}',
            id="oauth",
        ),
        pytest.param(b'{"apiKey": "YOUR_KEY"}', b'{"apiKey": "YOUR_KEY"}', id="a-placeholder"),
        pytest.param(b'{"token": "ethereum"}', b'{"token": "ethereum"}', id="a-word"),
        pytest.param(
            b'{"properties": {"password": {"type": "string"}}}',
            b'{"properties": {"password": {"type": "string"}}}',
            id="a-schema",
        ),
        pytest.param(
            b'{"text": "the \\"password\\": \\"x\\" is"}',
            b'{"text": "the \\"password\\": \\"x\\" is"}',
            id="in-a-text",
        ),
        pytest.param(
            b'{"maxOutputTokens": 5, "tokens": "x"}', b'{"maxOutputTokens": 5, "tokens": "x"}', id="other-names"
        ),
        pytest.param(f'{{"text": "my key {KEY}."}}'.encode(), b'{"text": "my key REDACTED."}', id="shape"),
        pytest.param(b"\xff\x00", b"\xff\x00", id="binary"),
        pytest.param(b"", b"", id="nothing"),
    ],
)
def test_json_bodies(body: bytes, stored: bytes) -> None:
    """Values after secret names and keys are removed; everything else stays to the byte."""
    assert without_digits(body_of(body).decode("latin-1")) == stored.decode("latin-1")


TOKEN = "9f2c7be41d0a4c538e6b1f7d2a90c3e5"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param('{"value": "%s"}', id="an-object"),
        pytest.param('{"scheme": "Bearer", "parameter": "%s"}', id="with-a-scheme"),
        pytest.param('[{"v": "%s"}]', id="in-an-array"),
        pytest.param('{"service": {"of": [{"v": "%s"}]}}', id="at-any-depth"),
        pytest.param('"{\\"v\\": \\"%s\\"}"', id="json-in-a-string"),
    ],
)
@pytest.mark.parametrize("name", ["password", "apiKey", "authorization", "credentials"])
def test_a_random_value_within_an_object_with_a_secret_name_is_redacted(name: str, value: str) -> None:
    """However it is called there. The words around it stay."""
    body = f'{{"{name}": {value % TOKEN}}}'
    assert without_digits(body_of(body.encode()).decode()) == body.replace(TOKEN, REDACTED)


def test_the_schema_of_a_secret_stays() -> None:
    """Its words are not random."""
    body = b"""{"properties": {"password": {"type": "STRING", "description": "The user's own password, 8 to 64
 characters.", "format": "password", "enum": ["first-password", "second-password"], "minLength": 8}}}"""
    assert body_of(body) == body


def test_a_field_that_is_kept_keeps_what_is_in_it() -> None:
    """As it does when its value is a string."""
    body = f'{{"credentials": {{"v": "{TOKEN}"}}}}'.encode()
    redactor = Redactor(environ={}, keep_fields=["credentials"])
    assert redactor.for_request(Request("POST", URL, JSON_TYPE, body)).request().body == body


def test_form_bodies() -> None:
    """An OAuth token exchange loses its secrets and keeps its shape."""
    form: Headers = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)
    assert (
        without_digits(
            body_of(b"grant_type=refresh_token&client_secret=q7%2Fx2&refresh_token=q7x3&scope=x", form).decode()
        )
        == "grant_type=refresh_token&client_secret=REDACTED&refresh_token=REDACTED&scope=x"
    )


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_json_stays_json(members: dict[str, object]) -> None:
    """A redacted JSON body has the same members."""
    body = body_of(json.dumps(members, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    assert list(json.loads(body.decode("utf-8", "surrogatepass"))) == list(members)
