"""Which recording answers a request: what each matching key compares."""

from __future__ import annotations

from typing import Any

import pytest
from support.requests_asked import asks

from gemini_replay.cassette.matching import DEFAULT_KEYS, Matcher, lines
from gemini_replay.cassette.model import Request
from gemini_replay.errors import UsageError

GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param(
            asks(url=f"{GOOGLE}/v1/models/m:go"),
            asks(url="http://h:1/v1beta/models/m:go"),
            True,
            id="host-and-version",
        ),
        pytest.param(
            asks(url=f"{GOOGLE}/v1beta/models/m:go"),
            asks(url="https://a/v1/projects/p/locations/l/publishers/google/models/m:go"),
            True,
            id="vertex",
        ),
        pytest.param(
            asks(url=f"{GOOGLE}/v1/models/m:go?key=a"), asks(url=f"{GOOGLE}/v1/models/m:go?key=b"), True, id="key"
        ),
        pytest.param(asks(url=f"{GOOGLE}/v1/models/m:go"), asks(url=f"{GOOGLE}/v1/models/n:go"), False, id="model"),
        pytest.param(
            asks(url=f"{GOOGLE}/v1/models/m:go"), asks(url=f"{GOOGLE}/v1/models/m:stop"), False, id="action"
        ),
        pytest.param(asks(url=f"{GOOGLE}/v1/models/m:go"), asks(url=f"{GOOGLE}/v1/models/m"), False, id="no-action"),
        pytest.param(
            asks(url=f"{GOOGLE}/v1/models/m:go?alt=sse"), asks(url=f"{GOOGLE}/v1/models/m:go"), False, id="alt"
        ),
        pytest.param(asks(method="GET"), asks(method="POST"), False, id="method"),
        pytest.param(asks(method="post"), asks(method="POST"), True, id="method-case"),
        pytest.param(asks(headers=(("a", "1"),)), asks(headers=(("a", "2"),)), True, id="headers"),
        pytest.param(asks(b'{"a": 1, "b": [true]}'), asks(b'{"b":[true],"a":1}'), True, id="key-order-and-space"),
        pytest.param(asks(b'"\\u4f60"'), asks('"你"'.encode()), True, id="escapes"),
        pytest.param(asks(b"[1]"), asks(b"[1.0]"), True, id="same-number"),
        pytest.param(asks(b"[1]"), asks(b"[true]"), False, id="one-is-not-true"),
        pytest.param(asks(b"[0]"), asks(b'["0"]'), False, id="number-and-text"),
        pytest.param(asks(b"[1, 2]"), asks(b"[2, 1]"), False, id="array-order"),
        pytest.param(asks({"generationConfig": {}}), asks({"generation_config": {}}), False, id="snake-and-camel"),
        pytest.param(asks(b"\xff\x00"), asks(b"\xff\x00"), True, id="equal-bytes"),
        pytest.param(asks(b"\xff\x00"), asks(b"\xff\x01"), False, id="other-bytes"),
        pytest.param(asks(b""), asks(b"null"), False, id="nothing-and-null"),
        pytest.param(asks(b"[" * 5000), asks(b"[" * 5000), True, id="bottomless"),
        pytest.param(asks(url="http://h/v1/a/b"), asks(url="http://i/v1beta1/a/b"), True, id="no-model-version-off"),
        pytest.param(asks(url="http://h/v1/a/b"), asks(url="http://h/v1/a/c"), False, id="no-model-other-path"),
        pytest.param(
            asks(url="http://h/v1beta/openai/chat/completions"),
            asks(url="http://h/v1/models/m:go"),
            False,
            id="no-model-and-model",
        ),
        pytest.param(
            asks(url="http://h/v1/models/m:go"), asks(url="http://h/v1/tunedModels/m:go"), False, id="tuned"
        ),
        pytest.param(
            asks(url="http://h/v1/models/m:go"),
            asks(url="https://a/v1/projects/p/locations/l/publishers/meta/models/m:go"),
            False,
            id="publisher",
        ),
        pytest.param(
            asks(url="http://h/gateway/v1/publishers/google/models/m:go"),
            asks(url="http://h/v1beta/models/m:go"),
            True,
            id="google-publishes-its-own",
        ),
        pytest.param(
            asks(url="http://h/v1/models?pageToken=a"), asks(url="http://h/v1/models?pageToken=b"), False, id="page"
        ),
        pytest.param(
            asks(url="http://h/v1/models?pageSize=2"), asks(url="http://h/v1/models"), False, id="page-size"
        ),
        pytest.param(
            asks(url="http://h/v1/models?key=a&alt=json&pageSize=2"),
            asks(url="http://h/v1beta/models?pageSize=2&alt=json&key=b"),
            True,
            id="page-key",
        ),
        pytest.param(
            asks(url="http://h/v1/models/m?view=a"), asks(url="http://h/v1/models/m?view=b"), False, id="description"
        ),
        pytest.param(
            asks(url="http://h/v1/models/m:go?x=a"),
            asks(url="http://h/v1/models/m:go?x=b"),
            True,
            id="query-of-action",
        ),
    ],
)
def test_default_matching(one: Request, other: Request, same: bool) -> None:
    """Which requests the default keys treat as equal. Differences are named only if requests do not match."""
    matcher = Matcher()
    assert matcher.keys == DEFAULT_KEYS
    assert matcher.matches(one, other) is same
    assert matcher.matches(other, one) is same
    assert (matcher.differences(one, other) == []) is same


@pytest.mark.parametrize(
    ("key", "one", "other", "same"),
    [
        ("host", "http://H:80/a", "http://h:80/b", True),
        ("host", "http://u:p@h/a", "http://h/a", True),
        ("host", "http://h:1/a", "http://h:2/a", False),
        ("path", "http://h/v1/a", "http://h/v1beta/a", False),
        ("path", "http://h/a?b=1", "http://i/a?c=2", True),
        ("query", "http://h/a?b=1&c=2&key=x", "http://h/z?c=2&b=1&key=y", True),
        ("query", "http://h/a?b=1", "http://h/a?b=2", False),
        ("query", "http://h/a?b", "http://h/a", False),
    ],
)
def test_other_keys(key: str, one: str, other: str, same: bool) -> None:
    """The keys host, path and query compare those parts of the URL; secrets in a query are left out."""
    matcher = Matcher([key])
    assert matcher.matches(asks(url=one), asks(url=other)) is same
    assert (matcher.differences(asks(url=one), asks(url=other)) == []) is same


def test_the_key_action_for_urls_without_an_action() -> None:
    """For URLs without an action, the key compares path and query instead."""
    one, other = asks(url="http://h/v1/models?pageToken=a&key=x"), asks(url="http://h/v1/files?pageToken=b")
    assert not Matcher(["action"]).matches(one, other)
    assert lines(Matcher(["action"]).differences(one, other)) == [
        'action: recorded "/models?pageToken=a", asked "/files?pageToken=b"'
    ]


def test_headers_by_name() -> None:
    """The values of a header are compared; the case of its name does not matter."""
    matcher = Matcher(["headers:X-Tenant"])
    assert matcher.matches(asks(headers=(("x-tenant", "a"),)), asks(headers=(("X-TENANT", "a"), ("b", "c"))))
    assert lines(matcher.differences(asks(headers=(("x-tenant", "a"),)), asks())) == [
        'headers:X-Tenant: recorded "a", asked none'
    ]


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("modell", "model"),
        ("header:x", "headers:NAME"),
        ("bdy", "body"),
        ("headers:", "headers:NAME"),
        ("", ""),
        (3, ""),
    ],
)
def test_an_unknown_key_names_the_closest(key: Any, suggestion: str) -> None:
    """An unknown key is refused; the error names the closest key and lists all keys."""
    with pytest.raises(UsageError) as caught:
        Matcher([key])
    assert suggestion in caught.value.suggestion
    assert "headers:NAME" in caught.value.hint


def test_no_keys() -> None:
    """An empty `match` is refused, since any recording would then answer any request."""
    with pytest.raises(UsageError):
        Matcher([])


def multipart(boundary: str, text: str = "{}", quoted: str = "") -> Request:
    body = (
        f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{text}\r\n--{boundary}\r\n\r\n\xff\r\n--{boundary}--"
    )
    kind = f"multipart/related; boundary={quoted}{boundary}{quoted}"
    return asks(body.encode("latin-1"), headers=(("Content-Type", kind),))


def test_multipart_bodies_are_compared_without_their_boundaries() -> None:
    """Boundaries of multipart bodies are not compared, since clients choose a new one for each request."""
    assert Matcher().matches(multipart("aaa"), multipart("b" * 60, quoted='"'))
    assert not Matcher().matches(multipart("aaa"), multipart("bbb", "[]"))
    assert not Matcher().matches(multipart("aaa", "--aaa"), multipart("bbb", "--aaa"))
    differences = lines(Matcher().differences(multipart("aaa"), multipart("bbb", "[]")))
    assert differences[1].endswith(
        "recorded b'{}\\r\\n--\\r\\n\\r\\n\\xff\\r\\n----', asked b'[]\\r\\n--\\r\\n\\r\\n\\xff\\r\\n----'"
    )
