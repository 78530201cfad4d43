"""What is redacted in requests, heads and messages, and what stays unchanged."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.planted_secrets import SHAPED, drawn
from support.secret_bodies import KEY

from gemini_replay.cassette.model import Headers, Request, Response
from gemini_replay.cassette.redaction import REDACTED, Redactor
from gemini_replay.errors import UsageError

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent"
JSON_TYPE: Headers = (("content-type", "application/json"),)


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(environ={})


def url_of(url: str) -> str:
    return without_digits(Redactor(environ={}).for_request(Request("POST", url)).request().url)


def head_of(response: Response, redactor: Redactor | None = None) -> Response:
    return (redactor or Redactor(environ={})).for_request(Request("POST", URL)).response(response)


def without_digits(text: str) -> str:
    """The text with the digits of its marks removed. The tests of `replacements` check the digits."""
    return re.sub("REDACTED-[0-9a-f]{4}", REDACTED, text)


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        pytest.param(f"{URL}?alt=sse", f"{URL}?alt=sse", id="nothing-secret"),
        pytest.param(f"{URL}?alt=sse&key=abc", f"{URL}?alt=sse&key=REDACTED", id="key"),
        pytest.param(f"{URL}?KEY=abc&%6bey=x", f"{URL}?KEY=REDACTED&%6bey=REDACTED", id="other-spellings"),
        pytest.param(f"{URL}?key=&a=%7E~&&b", f"{URL}?key=&a=%7E~&&b", id="byte-exact"),
        pytest.param(f"{URL}?access_token=a%3Db#key=x", f"{URL}?access_token=REDACTED#key=x", id="fragment"),
        pytest.param("https://user:pw@h/x@y", "https://REDACTED@h/x@y", id="userinfo"),
        pytest.param(
            "https://h/v1/projects/my-p/locations/l/publishers/google/models/m:go",
            "https://h/v1/projects/REDACTED/locations/l/publishers/google/models/m:go",
            id="project",
        ),
        pytest.param(f"https://h/v1/x?note={KEY}", "https://h/v1/x?note=REDACTED", id="shape-anywhere"),
    ],
)
def test_urls(url: str, stored: str) -> None:
    """Secret query values, passwords and project ids are removed; everything else stays to the byte."""
    assert url_of(url) == stored


def test_request_headers_by_allow_list(redactor: Redactor) -> None:
    """Names stay, in order; values stay only for names on the allow list."""
    headers = (
        ("Content-Type", "application/json"),
        ("X-Goog-Api-Key", "k"),
        ("x-custom", "v"),
        ("cookie", "a=b"),
        ("User-Agent", "google-genai-sdk/3.4.0"),
        ("x-goog-user-project", "p"),
        ("authorization", "Bearer x"),
    )
    stored = redactor.for_request(Request("POST", URL, headers)).request().headers
    assert [name for name, _ in stored] == [name for name, _ in headers]
    assert [name for name, value in stored if not value.startswith(REDACTED)] == ["Content-Type", "User-Agent"]


def test_response_headers_are_kept_unless_their_names_are_secret() -> None:
    """A client gets on replay what it got live, without cookies, tokens and names of accounts."""
    kept = (
        ("content-type", "text/event-stream"),
        ("retry-after", "3"),
        ("X-RateLimit-Left", "1"),
        ("x-ratelimit-remaining-tokens", "149984"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("server-timing", "gfet4t7; dur=9"),
        ("X-Quota-Left", "41"),
        ("cf-ray", "8f1a2b3c4d5e6f70-ZRH"),
        ("x-request-id", "req-7"),
        ("www-authenticate", 'Bearer realm="https://accounts.google.com/"'),
        ("Server", "caf\xe9"),
    )
    secret = (
        ("set-cookie", "a=b"),
        ("x-goog-sherlog-link", "x"),
        ("X-Auth-Token", "x"),
        ("x-amz-security-token", "x"),
        ("x-api-key", "x"),
        ("x-session-secret", "x"),
        ("x-goog-signature", "x"),
    )
    stored = head_of(Response(200, (*kept, *secret), 0.5)).headers
    assert stored == (*kept, *((name, REDACTED) for name, _ in secret))


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("Location", "/v1/x?alt=sse&moved=1", "/v1/x?alt=sse&moved=1"),
        ("Location", "/v1/x?alt=sse&key=secret-1", "/v1/x?alt=sse&key=REDACTED"),
        ("content-location", "https://me:secret-1@h/x", "https://REDACTED@h/x"),
        ("location", "https://h/v1/projects/p-1/x", "https://h/v1/projects/REDACTED/x"),
        (
            "X-Goog-Upload-URL",
            "https://h/upload/v1beta/files?upload_id=secret-1&upload_protocol=resumable",
            "https://h/upload/v1beta/files?upload_id=REDACTED&upload_protocol=resumable",
        ),
        ("x-goog-upload-status", "active", "active"),
        ("link", '<https://h/x?key=secret-1>; rel="next"', '<https://h/x?key=REDACTED>; rel="next"'),
        ("link", "</x?key=secret-1>; rel=next, </y>; rel=up", "</x?key=REDACTED>; rel=next, </y>; rel=up"),
        ("refresh", "5; url=https://h/x?key=secret-1&a=b", "5; url=https://h/x?key=REDACTED&a=b"),
        ("x-debug", "asked https://h/x?key=secret-1 twice", "asked https://h/x?key=REDACTED twice"),
    ],
)
def test_urls_in_response_headers_stay_usable(name: str, value: str, stored: str) -> None:
    """Only the secret is taken out of a URL, so a client follows it to the same place."""
    assert head_of(Response(307, ((name, value),))).headers == ((name, stored),)


def test_settings_add_to_the_defaults() -> None:
    """A user's values, headers, fields and patterns work beside the built-in ones."""
    redactor = Redactor(
        ["四个字符"],
        redact_headers=["User-Agent", "X-Left"],
        keep_headers=["x-tenant", "X-Auth-Token"],
        redact_fields=["who"],
        keep_fields=["token"],
        redact_patterns=[r"tenant-(\d+)"],
        environ={},
    )
    headers = (("user-agent", "a"), ("cookie", "b"), ("X-Tenant", "acme"), ("x-other", "acme"))
    sent = Request("POST", f"{URL}?who=me&key=x&token=q7x2v9z4k8", headers, b"tenant-77")
    stored = redactor.for_request(sent).request()
    assert without_digits(stored.url) == f"{URL}?who=REDACTED&key=REDACTED&token=q7x2v9z4k8"
    assert [without_digits(value) for _, value in stored.headers] == [REDACTED, REDACTED, "acme", REDACTED]
    assert without_digits(stored.body.decode()) == "tenant-REDACTED"
    assert redactor.text("说四个字符吧") == "说REDACTED吧"
    body = b'{"who": "elephants", "token": "q7x2v9z4k8w3"}'
    stored_body = redactor.for_request(Request("POST", URL, JSON_TYPE, body)).request().body
    assert without_digits(stored_body.decode()) == '{"who": "REDACTED", "token": "q7x2v9z4k8w3"}'
    own = redactor.for_request(Request("POST", URL, JSON_TYPE, body))
    assert own.kinds("all elephants") == ("value of who",)
    head = Response(200, (("x-auth-token", "abc"), ("x-left", "1")))
    assert head_of(head, redactor).headers == (("x-auth-token", "abc"), ("x-left", REDACTED))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"secrets": ["abc"]}, "redact"),
        ({"secrets": [""]}, "redact"),
        ({"secrets": [b"abcdefgh"]}, "redact"),
        ({"secrets": 7}, "redact"),
        ({"redact_patterns": ["("]}, "redact_patterns"),
        ({"redact_patterns": [7]}, "redact_patterns"),
        ({"keep_headers": {"a": 1}}, "keep_headers"),
        ({"keep_headers": ["authorization"]}, "keep_headers"),
        ({"redact_headers": [""]}, "redact_headers"),
        ({"redact_fields": [None]}, "redact_fields"),
        ({"keep_fields": 1.5}, "keep_fields"),
        ({"keep_fields": ["a"], "redact_fields": ["A"]}, "redact_fields"),
    ],
    ids=str,
)
def test_invalid_settings(settings: dict[str, Any], named: str) -> None:
    """The error names the invalid setting, and never prints a value to redact."""
    with pytest.raises(UsageError) as caught:
        Redactor(**settings, environ={})
    assert named in str(caught.value)
    assert "abc" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("GET https://h/x?key=abc&alt=sse failed", "GET https://h/x?key=REDACTED&alt=sse failed"),
        ("http://me:pw@h:1/", "http://REDACTED@h:1/"),
        (f"key {KEY}, again {KEY}", "key REDACTED, again REDACTED"),
        ("Authorization: Bearer abcdefghijklmnop.qrstuv", "Authorization: Bearer REDACTED"),
        ("Authorization: Bearer YOUR_ACCESS_TOKEN_HERE", "Authorization: Bearer YOUR_ACCESS_TOKEN_HERE"),
        ("a key is needed, and a token; ok?", "a key is needed, and a token; ok?"),
    ],
)
def test_messages(text: str, stored: str) -> None:
    """A message keeps its words and loses its secrets."""
    assert Redactor(environ={}).text(text) == stored


@given(st.binary(), st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_redacting_twice_changes_nothing_more(body: bytes, url: str, headers: list[tuple[str, str]]) -> None:
    """Any request can be redacted, and redacting the result again does not change it."""
    redactor = Redactor(environ={})
    once = redactor.for_request(Request("POST", url, (*JSON_TYPE, *headers), body)).request()
    assert redactor.for_request(once).request() == once


PIECES = [
    *SHAPED.values(),
    drawn("known", 32),
    drawn("unknown", 24),
    *("token=", "api_key: ", "Bearer ", "https://user:", "a password", "@", "x" * 70),
    *("-", "::", "[", "]", "?", "=", " ", '"', "&", "%41", "\\n", "\\u0041", "\0", "test_one", "7"),
]


@pytest.mark.parametrize("patterns", [(), (r"^x+\d$",)], ids=["no patterns", "a pattern"])
@given(texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), max_size=6))
def test_one_search_shows_that_many_texts_have_no_secret(patterns: tuple[str, ...], texts: list[str]) -> None:
    """If redaction would remove something from one of the texts, one search over all of them finds it."""
    redactor = Redactor(environ={"SOME_API_KEY": drawn("known", 32)}, redact_patterns=patterns)
    assert redactor.finds_in(texts) or [redactor.text(text) for text in texts] == texts


@pytest.mark.parametrize("pattern", [".*", "", "(a)?", "a|"])
def test_a_pattern_of_the_empty_text_is_refused(pattern: str) -> None:
    """Such a pattern matches everywhere, so it could not say what is secret."""
    with pytest.raises(UsageError, match="matches the empty text"):
        Redactor(redact_patterns=[pattern], environ={})
