"""Values that are not secret stay unchanged in requests, responses and heads, on every machine."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid

import pytest
from support.planted_secrets import drawn, without_secrets
from support.random_values import RANDOM

from gemini_replay.cassette.model import Headers, Request, Response
from gemini_replay.cassette.redaction import Redactor

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
JSON: Headers = (("content-type", "application/json"),)
TEXTS = [
    "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE",
    "the cost is 1//number_of_items_in_the_whole_batch_x",
    "fly to sk-SK_Bratislava_2025-01-01 now",
    "sk-learn-compatible-estimators-everywhere, sk-abcd",
    "curl -H 'x-goog-api-key: $GEMINI_API_KEY' -H 'Authorization: Bearer ${TOKEN}'",
    "a token is a piece of a word; the token internationalization is one, the token count is 17",
    "Set api_key=YOUR_API_KEY, password = 'changeme' and client_secret: <your client secret>",
    "key: value, token: ethereum, secret: elephants, password: swordfish",
    "https://user:password@example.com/ and postgres://postgres:postgres@localhost:5432/db",
    "https://example.com/a?token=ethereum&session=evening&code=number_four&key=value",
    "http://localhost:8080/path and https://h.example:443/x@y",
    f"commit {hashlib.sha1(b'x').hexdigest()}, sha256:{hashlib.sha256(b'x').hexdigest()}",
    f"id {uuid.uuid5(uuid.NAMESPACE_DNS, 'y')}",
    "AIza is how keys begin, eyJ is how tokens do, ghp_ and hf_ and npm_ and AKIA too",
    "hf_transformers_pipeline_for_text_generation_models and npm_config_registry_default_value_is_used_here",
    "-----BEGIN PRIVATE KEY----- is the first line of a key, and what follows is base64, in lines of 64 characters.",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY are samples",
    "100%25 of it, 50% off &amp; more, caf\u00e9 \u4f60\u597d, a\\/b, \\u003d",
    "data:image/png;base64," + base64.b64encode(hashlib.sha512(b"i").digest() * 9).decode(),
    "SELECT token, secret FROM keys WHERE password_hash IS NOT NULL -- 2025-11-26",
    "the next page is nextPageToken=" + drawn("n", 40),
    "responseId " + drawn("r", 23),
    "x-request-id: 8f1a2b3c4d5e6f70-ZRH, cf-ray 8f1a2b3c4d5e6f70",
    "Basic dXNlcjpwYXNzd29yZA== is how user:password is written",
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:30])
def test_innocent_texts_stay(text: str) -> None:
    """They stay in an answer, whole or cut, in a request's text, form and header, in a head and in a message."""
    redactor = Redactor(environ={})
    body = json.dumps({"contents": [{"parts": [{"text": text}]}]}).encode()
    request = Request("POST", GOOGLE, (*JSON, ("user-agent", text.replace("\n", " "))), body)
    own = redactor.for_request(request)
    stored = own.request()
    assert stored.body == body
    assert stored.headers == request.headers
    answer = f"data: {body.decode()}\r\n\r\n".encode()
    assert without_secrets(own, [answer]) == [answer]
    pieces = [answer[at : at + 1] for at in range(len(answer))]
    assert without_secrets(own, pieces) == pieces
    head = Response(200, (("x-note", text.split("?")[0].replace("\n", " ").split("://")[0]),))
    assert own.response(head) == head
    assert own.removals == ()


@pytest.mark.parametrize(
    "body",
    [
        {"token": "ethereum"},
        {"secret": "the butler did it", "key": drawn("id", 20), "code": "4/number_four"},
        {"pageToken": drawn("page", 40)},
        {"properties": {"password": {"type": "string", "description": "of the user"}}, "required": ["password"]},
        {"text": json.dumps({"token": "bitcoin", "password": {"type": "string"}})},
        {"headers": {"Accept": "text/html", "X-Tenant": "acme", "Content-Type": "application/json"}},
        {"inlineData": {"data": base64.b64encode(hashlib.sha512(b"d").digest() * 50).decode()}},
        {"thoughtSignature": base64.b64encode(hashlib.sha512(b"t").digest() * 9).decode()},
        {"apiKey": "YOUR_API_KEY", "authorization": "Bearer ${TOKEN}", "password": ""},
        {"n": [1.50, 1e400, -0.0, 12345678901234567890, True, None], "\u4f60": "\u597d", "a/b": "\ud800"},
    ],
    ids=lambda body: str(body)[:30],
)
def test_innocent_bodies_stay(body: object) -> None:
    """Request bodies stay to the byte, and none of their values is taken out of the answer."""
    for spelled in (json.dumps(body), json.dumps(body, indent=2), json.dumps(body).replace("/", "\\/")):
        request = Request("POST", GOOGLE, JSON, spelled.encode())
        own = Redactor(environ={}).for_request(request)
        assert own.request().body == request.body
        echo = b"ethereum bitcoin the butler did it acme " + spelled.encode()
        assert without_secrets(own, [echo]) == [echo]


def test_the_environment_hides_only_true_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Column names, modes, paths and words stay, even if they are the value of a variable that is called a key."""
    innocent = {
        "PARTITION_KEY": "customer_id",
        "SORT_KEY": "created_at",
        "DB_PASSWORD": "postgres",
        "MINIO_SECRET_KEY": "minioadmin",
        "AUTH": "disabled",
        "CACHE_KEY": "gemini-2.5-flash",
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/me/key-1.json",
        "TOKEN": "ethereum",
        "SECRET_KEY": "development",
        "SSH_KEY": "~/.ssh/id_ed25519",
        "API_KEY": "test-api-key",
    }
    for name, value in innocent.items():
        monkeypatch.setenv(name, value)
    answer = " ".join(["every", *innocent.values(), "is here"]).encode()
    request = Request("POST", GOOGLE, JSON, json.dumps({"text": answer.decode()}).encode())
    own = Redactor().for_request(request)
    assert own.request() == request
    assert without_secrets(own, [answer]) == [answer]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-tenant", "acme"),
        ("x-request-id", RANDOM["a UUID"]),
        ("traceparent", f"00-{'4b' * 16}-{'7a' * 8}-01"),
        ("x-goog-user-project", "my-project-1"),
        ("authorization", "Bearer test"),
        ("cookie", "theme=dark; lang=en"),
        ("x-session-name", "evening"),
        ("x-api-version", "2025-01-01"),
    ],
)
def test_innocent_header_values_stay_in_the_answer(name: str, value: str) -> None:
    """Words, trace ids and placeholders that a request sends in a header are not secret in the answer."""
    own = Redactor(environ={}).for_request(Request("POST", GOOGLE, ((name, value),), b"{}"))
    answer = f"you sent {value}; {value.partition('=')[2]} dark en test evening".encode()
    assert without_secrets(own, [answer]) == [answer]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-quota-left", "41"),
        ("cf-ray", "8f1a2b3c4d5e6f70-ZRH"),
        ("x-request-id", RANDOM["a UUID"]),
        ("etag", f'"{RANDOM["a digest"]}"'),
        ("x-goog-hash", "crc32c=AAAAAA=="),
        ("date", "Thu, 26 Nov 2026 01:00:00 GMT"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("alt-svc", 'h3=":443"; ma=2592000'),
        ("server-timing", "gfet4t7; dur=9"),
        ("link", '<https://h.example/x?pageToken=abc>; rel="next"'),
        ("location", "https://h.example/v1/x?alt=sse&moved=1"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-next-page-token-count", "3"),
    ],
)
def test_heads_stay(name: str, value: str) -> None:
    """The heads of responses stay: a client gets on replay what it got live."""
    head = Response(200, ((name, value),))
    assert Redactor(environ={}).for_request(Request("POST", GOOGLE)).response(head) == head


def test_a_long_value_of_words_is_a_secret_where_its_name_is_certain() -> None:
    """A pass phrase in the environment is secret. Words, short values and column names stay."""
    phrase = "correct-horse-battery-staple"
    environ = {
        "DB_PASSWORD": phrase,
        "ROOT_PASSWORD": "internationalization",
        "PARTITION_KEY": "number_of_the_customer",
    }
    redactor = Redactor(environ=environ)
    assert redactor.text(f"a {phrase} b") == "a REDACTED b"
    assert (
        redactor.text("a number_of_the_customer, internationalization")
        == "a number_of_the_customer, internationalization"
    )
