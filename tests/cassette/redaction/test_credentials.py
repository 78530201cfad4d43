"""A request's own credential and the environment's secrets are found everywhere."""

from __future__ import annotations

import base64
import os

import pytest
from support.planted_secrets import without_secrets

from gemini_replay.cassette.model import Headers, Request
from gemini_replay.cassette.redaction import REDACTED, Redactor
from gemini_replay.cassette.redaction.known_values import environment_secrets

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent"
JSON_TYPE: Headers = (("content-type", "application/json"),)


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(environ={})


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", f"{URL}?key=s3cr3t-of-mine"),
        Request("POST", URL, (("x-goog-api-key", "s3cr3t-of-mine"),)),
        Request("POST", URL, (("Authorization", "Bearer s3cr3t-of-mine"),)),
        Request("POST", URL, (("Authorization", "Basic " + base64.b64encode(b"me:s3cr3t-of-mine").decode()),)),
        Request("POST", URL, (("cookie", "a=1; session=s3cr3t-of-mine"),)),
        Request("POST", URL.replace("//", "//me:s3cr3t-of-mine@")),
        Request("POST", URL, JSON_TYPE, b'{"mcp": {"headers": {"Authorization": "Bearer s3cr3t-of-mine"}}}'),
    ],
    ids=["query", "header", "bearer", "basic", "cookie", "userinfo", "body"],
)
def test_a_requests_own_credential_is_found_everywhere(redactor: Redactor, request_: Request) -> None:
    """Neither the stored request nor an answer that echoes the credential contains it, whatever it looks like."""
    own = redactor.for_request(request_)
    echo = [b'data: {"text": "you sent s3cr3t', b"-of-", b'mine"}']
    assert b"s3cr3t-of-mine" not in b"".join(without_secrets(own, echo))
    assert b"s3cr3t-of-mine" in b"".join(without_secrets(redactor, echo))
    assert "s3cr3t-of-mine" not in repr(own.request())
    assert len(own.kinds("not s3cr3t-of-mine!")) == 1


def test_a_placeholder_is_not_treated_as_a_credential(redactor: Redactor) -> None:
    """If a test's key is a plain or short word, that word is not removed from answers."""
    for word in ("test", "dummy", "anything", "Google", "REDACTED", "fake-api-key", "YOUR_API_KEY_HERE"):
        own = redactor.for_request(Request("POST", URL, (("x-goog-api-key", word),)))
        assert own.kinds(f"a {word} b") == ()
        assert own.request().headers == (("x-goog-api-key", REDACTED),)


@pytest.mark.parametrize("key", ["topsecret", "planted-key-7", "kq7xZ2", "sekr-it"])
def test_a_key_that_looks_like_words_is_redacted(redactor: Redactor, key: str) -> None:
    """Whatever is sent as a key is removed from the response, unless it is a placeholder."""
    own = redactor.for_request(Request("POST", URL, (("x-goog-api-key", key),)))
    assert own.kinds(f"a {key} b") == ("value of the header x-goog-api-key",)


def test_the_environments_secrets() -> None:
    """They are known by the variable's name and the value's look: each line of a PEM block, the password of a URL."""
    environ = {
        "GEMINI_API_KEY": "k7-gem1n1-1",
        "MY_SERVICE_TOKEN": "tx9-s3rv1ce-q7",
        "DB_PASSWORD": "p4ss-word",
        "TOKEN": "tq-pl4in-x12z",
        "AWS_SECRET_ACCESS_KEY": "/aB3+x9/zzzzzzzz",
        "PEM_PRIVATE_KEY": "-----BEGIN X-----\nabc123def456ghi789jkl012mno\n-----END X-----",
        "DATABASE_URL": "postgres://me:h7x-q9z-w4@h/db",
        "GOOGLE_CREDENTIALS": '{"private_key_id": "9f8e7d6c5b4a", "client_email": "a@b"}',
        "HOME": "h7x-home-1x2y3z4",
        "A_TOKEN": "sh0rt1",
        "B_TOKEN": "disabled",
        "C_API_KEY": "/home/me/k3y/x7q9.txt",
        "D_KEY": "12345678",
        "MONKEY": "m7x-m0nk3y-1q2w",
        "PARTITION_KEY": "customer_id",
        "SORT_KEY": "2025-01-01T00:00:00Z",
        "S3_SECRET_KEY": "minioadmin",
        "PASSWORD": "postgres",
    }
    found = set(environment_secrets(environ))
    assert found == {
        "k7-gem1n1-1",
        "tx9-s3rv1ce-q7",
        "p4ss-word",
        "tq-pl4in-x12z",
        "/aB3+x9/zzzzzzzz",
        "abc123def456ghi789jkl012mno",
        "h7x-q9z-w4",
        "9f8e7d6c5b4a",
    }


def test_the_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any setting, keys in the process's environment are known."""
    monkeypatch.setenv("SOME_API_KEY", "kk-1x2y3-abc")
    assert Redactor().text("it is kk-1x2y3-abc.") == "it is REDACTED."


def test_a_redactor_is_renewed_with_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows the keys of the present environment; if none has changed, it is the same."""
    redactor = Redactor()
    assert redactor.renewed() is redactor
    monkeypatch.setenv("SOME_API_KEY", "kk-1x2y3-abc")
    changed = redactor.renewed()
    assert changed.text("it is kk-1x2y3-abc.") == "it is REDACTED."
    monkeypatch.setattr(os, "environ", {"OTHER_API_KEY": "qq-9z8y7-xyz"})
    assert changed.renewed().text("it is qq-9z8y7-xyz.") == "it is REDACTED."
    assert redactor.text("it is qq-9z8y7-xyz.") == "it is qq-9z8y7-xyz."
