"""The token endpoint gives access tokens that the upstream accepts."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from gemini_replay.server import upstream

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
VERTEX = "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:generateContent"
ASK = {"contents": [{"parts": [{"text": "hi"}]}]}


def assertion(**claims: Any) -> str:
    head, body = (base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in ({}, claims))
    return f"{head}.{body}.c2lnbmVk"


def test_an_assertion_gets_a_token_that_opens_vertex() -> None:
    """The token is accepted even by a server with a single right key."""
    with upstream.start(pace=0, key="right") as server:
        given = httpx.post(
            f"{server.url}/token", data={"grant_type": GRANT, "assertion": assertion(iss="a@p")}
        ).json()
        assert (given["token_type"], given["expires_in"]) == ("Bearer", 3599)
        headers = {"authorization": f"Bearer {given['access_token']}"}
        assert httpx.post(f"{server.url}{VERTEX}", json=ASK, headers=headers).status_code == 200
        headers = {"authorization": f"Bearer {given['access_token']}x"}
        assert httpx.post(f"{server.url}{VERTEX}", json=ASK, headers=headers).status_code == 401


def test_a_refresh_token_gets_one_too(server: upstream.RunningUpstream) -> None:
    """User credentials send one. The kept request does not hold the secrets."""
    form = {"grant_type": "refresh_token", "refresh_token": "1//secret", "client_id": "x", "client_secret": "hush"}
    for path in ("/token", "/oauth2/v4/token"):
        assert httpx.post(f"{server.url}{path}", data=form).json()["access_token"].startswith("ya29.")
    assert b"client_id=x" in server.requests[0].body
    assert not [word for word in ("1//secret", "secret%", "hush") if word in repr(server.requests)]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": GRANT}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": "a.W10.c"}, "invalid_grant"),
        ({"grant_type": GRANT, "assertion": assertion(aud="x")}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_other_forms_are_refused(server: upstream.RunningUpstream, form: dict[str, str], error: str) -> None:
    """The errors have OAuth's form."""
    answer = httpx.post(f"{server.url}/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
