"""Which recording answers a request, and how the nearest one differs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.cassette.matching import DEFAULT_KEYS, Matcher
from gemini_replay.cassette.matching.matcher import nearest
from gemini_replay.cassette.model import Headers, Request
from gemini_replay.cassette.redaction import Redactor
from gemini_replay.errors import UsageError

GOOGLE = "https://generativelanguage.googleapis.com"
MODEL = "gemini-2.5-flash"


def asks(
    body: Any = None,
    *,
    url: str = f"{GOOGLE}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
    method: str = "POST",
    headers: Headers = (),
) -> Request:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Request(method, url, headers, content)


def prompt(text: str) -> Any:
    return {"contents": [{"parts": [{"text": text}], "role": "user"}]}


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
    ],
)
def test_default_matching(one: Request, other: Request, same: bool) -> None:
    """What the default keys hold for the same; differences are named only where it fails."""
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
    """Host, path and query compare what they say; secrets in a query are left out."""
    matcher = Matcher([key])
    assert matcher.matches(asks(url=one), asks(url=other)) is same
    assert (matcher.differences(asks(url=one), asks(url=other)) == []) is same


def test_headers_by_name() -> None:
    """A header is compared by its values, whatever the case of its name."""
    matcher = Matcher(["headers:X-Tenant"])
    assert matcher.matches(asks(headers=(("x-tenant", "a"),)), asks(headers=(("X-TENANT", "a"), ("b", "c"))))
    assert matcher.differences(asks(headers=(("x-tenant", "a"),)), asks()) == [
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
    """A key that there is not is refused with the one that was meant, and with all there are."""
    with pytest.raises(UsageError) as caught:
        Matcher([key])
    assert suggestion in caught.value.suggestion
    assert "headers:NAME" in caught.value.hint


def test_no_keys() -> None:
    """Matching on nothing would let any recording answer."""
    with pytest.raises(UsageError):
        Matcher([])


@pytest.mark.parametrize(
    ("recorded", "asked", "lines"),
    [
        pytest.param(
            prompt("Tell me"),
            prompt("Tell mee"),
            ['body.contents[0].parts[0].text: recorded "Tell me", asked "Tell mee"'],
            id="text",
        ),
        pytest.param({"a": 1}, {"a": True}, ["body.a: recorded 1, asked true"], id="type"),
        pytest.param({"a": ""}, {"a": "x"}, ['body.a: recorded "", asked "x"'], id="empty-text"),
        pytest.param({}, {"a": {"b": 1}}, ['body.a: recorded nothing, asked {"b": 1}'], id="more"),
        pytest.param({"x y": 1}, {}, ['body["x y"]: recorded 1, asked nothing'], id="less"),
        pytest.param([1], [1, 2], ["body: recorded 1 item, asked 2 items"], id="length"),
        pytest.param(
            {"generationConfig": {}},
            {"generation_config": {}},
            ["body.generationConfig: asked has it as 'generation_config'"],
            id="spelling",
        ),
        pytest.param(None, {"a": 1}, ["body: recorded none, asked JSON of 8 bytes"], id="nothing-recorded"),
        pytest.param(
            b"ab\xff",
            b"ac\xff",
            ["body: recorded 3 bytes, asked 3 bytes", "body, from byte 1: recorded b'b\\xff', asked b'c\\xff'"],
            id="bytes",
        ),
    ],
)
def test_differences_in_words(recorded: Any, asked: Any, lines: list[str]) -> None:
    """Each difference is one line: where, what was recorded, what was asked."""
    assert Matcher().differences(asks(recorded), asks(asked)) == lines


def test_differences_of_the_target() -> None:
    """A different model and alt are said by their names."""
    one, other = asks(url="http://h/v1/models/m:go?alt=sse"), asks(url="http://h/v1/models/n:go")
    assert Matcher().differences(one, other) == ['model: recorded "m", asked "n"', 'alt: recorded "sse", asked none']


def test_long_texts_are_clipped_around_the_difference() -> None:
    """Of two long texts, the place where they part is shown."""
    start = "a" * 5000
    (line,) = Matcher().differences(asks(prompt(f"{start}X{start}")), asks(prompt(f"{start}Y{start}")))
    assert "aaaX" in line
    assert "aaaY" in line
    assert len(line) < 300


def test_many_differences_are_cut_short() -> None:
    """A hundred differences do not make a hundred lines."""
    lines = Matcher().differences(asks({f"k{n}": n for n in range(100)}), asks({f"k{n}": -n - 1 for n in range(100)}))
    assert len(lines) == 12
    assert lines[-1] == "… and 89 more differences"


def test_the_nearest_is_the_one_that_differs_least() -> None:
    """First by model and method, then by the body; the differences are of that one."""
    recordings = [
        asks(prompt("Describe the sea in winter.")),
        asks(prompt("Tell me a story about a dragon."), url=f"{GOOGLE}/v1/models/other:go"),
        asks(prompt("Tell me a story about a wagon.")),
        asks(None),
    ]
    index, lines = nearest(Matcher(), asks(prompt("Tell me a story about a dragon.")), recordings) or (None, [])
    assert index == 2
    assert lines == [
        'body.contents[0].parts[0].text: recorded "Tell me a story about a wagon.", '
        'asked "Tell me a story about a dragon."'
    ]


def test_no_recordings_no_nearest() -> None:
    """Where nothing was recorded, nothing is near."""
    assert nearest(Matcher(), asks(), []) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, JSON)
def test_a_match_has_no_differences(one: Any, other: Any) -> None:
    """For any two bodies: a match and no differences are one and the same."""
    matcher, ours, theirs = Matcher(), asks(one), asks(other)
    assert matcher.matches(ours, ours)
    assert (not matcher.differences(ours, theirs)) is matcher.matches(ours, theirs)
    assert all("\n" not in line for line in matcher.differences(ours, theirs))


# --- after redaction ----------------------------------------------------------------------------------------------

ONE = "Zq8-" + "v4Kx7TgRn2WbYc9Lp5Dh"  # put together, so that no scanner takes it for a key
OTHER = "Mf3_" + "j6Hs1QzBt8XdVw4Ny7Ka"


def stored(request: Request, *secrets: str) -> Request:
    return Redactor(secrets, environ={}).for_request(request).request()


def told_apart(one: Request, other: Request, matcher: Matcher | None = None) -> bool:
    """Whether two requests differ after redaction, and each still answers itself."""
    matcher = matcher or Matcher()
    ours, theirs = stored(one), stored(other)
    assert matcher.matches(ours, stored(one))
    assert matcher.matches(theirs, stored(other))
    assert matcher.matches(ours, theirs) is (not matcher.differences(ours, theirs))
    return not matcher.matches(ours, theirs) and not matcher.matches(theirs, ours)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"token": "bitcoin"}, {"token": "ethereum"}),
        ({"secret": "the butler"}, {"secret": "the cook"}),
        ({"token": ONE}, {"token": OTHER}),
        ({"apiKey": ONE}, {"apiKey": OTHER}),
        ({"password": "monday"}, {"password": "sunday"}),
        ({"passcode": "482913"}, {"passcode": "482914"}),
        ({"headers": {"Authorization": f"Bearer {ONE}"}}, {"headers": {"Authorization": f"Bearer {OTHER}"}}),
        ({"headers": {"X-Unknown": ONE}}, {"headers": {"X-Unknown": OTHER}}),
        ({"text": f"the key is AIza{'x1Y' * 11}ab!"}, {"text": f"the key is AIza{'x2Y' * 11}ab!"}),
        ({"text": json.dumps({"client_secret": ONE})}, {"text": json.dumps({"client_secret": OTHER})}),
    ],
    ids=lambda body: str(body)[:30],
)
def test_bodies_that_differ_in_a_secret_differ_when_it_is_taken_out(one: Any, other: Any) -> None:
    """Each gets its own recording, and one that was not recorded gets none."""
    assert told_apart(asks(one), asks(other))
    assert ONE not in stored(asks(one)).body.decode()


def test_headers_and_query_that_differ_in_a_secret_differ_when_it_is_taken_out() -> None:
    """So it is with what a test wants to match on besides."""
    for name in ("x-tenant", "authorization", "x-goog-api-key"):
        one, other = asks(headers=((name, ONE),)), asks(headers=((name, OTHER),))
        assert told_apart(one, other, Matcher([f"headers:{name}"]))
        assert ONE not in repr(stored(one))
    for name, value in (("x-tenant", "production"), ("x-tenant", "12345678")):
        assert told_apart(
            asks(headers=((name, value),)), asks(headers=((name, "test"),)), Matcher([f"headers:{name}"])
        )
    for name in ("token", "session", "signature"):
        assert told_apart(
            asks(url=f"http://h/x?{name}=bitcoin"), asks(url=f"http://h/x?{name}=ethereum"), Matcher(["query"])
        )
        assert told_apart(
            asks(url=f"http://h/x?{name}={ONE}"), asks(url=f"http://h/x?{name}={OTHER}"), Matcher(["query"])
        )
    assert not told_apart(asks(url=f"http://h/x?key={ONE}"), asks(url=f"http://h/x?key={OTHER}"), Matcher(["query"]))


@pytest.mark.parametrize(
    "sent", ["test", "dummy", "gemini-replay-placeholder-key", "YOUR_API_KEY", "Bearer test", "${KEY}"]
)
def test_a_placeholder_is_answered_where_a_secret_was_recorded(sent: str) -> None:
    """A machine without the secret replays; what has nothing to do with the secret must still be equal."""
    recorded = stored(asks({"tools": [{"headers": {"X-Api-Key": ONE}}], "text": "hi"}))
    assert Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": sent}}], "text": "hi"})))
    assert not Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": sent}}], "text": "ho"})))
    assert not Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": ""}}], "text": "hi"})))


def test_two_placeholders_are_two_requests() -> None:
    """What was recorded with a placeholder is answered by it alone."""
    assert told_apart(asks({"token": "test"}), asks({"token": "dummy"}))


def test_a_secret_that_only_the_recording_machine_knew_is_answered_by_itself() -> None:
    """A value that was given to redact is found again by its digest, though it is not given where it is replayed."""
    recorded = stored(asks(prompt("hello user-1234, are you user-1234?")), "user-1234")
    assert b"user-1234" not in recorded.body
    assert Matcher().matches(recorded, stored(asks(prompt("hello user-1234, are you user-1234?"))))
    assert not Matcher().matches(recorded, stored(asks(prompt("hello user-1235, are you user-1234?"))))
    form = asks(b"hello user-1234")
    assert Matcher().matches(stored(form, "user-1234"), stored(form))


def test_a_recording_without_digits_is_answered_by_any_secret() -> None:
    """As cassettes of older versions and of hand have it."""
    recorded = asks({"headers": {"Authorization": "REDACTED"}})
    for sent, same in ((f"Bearer {ONE}", True), ("test", True), ("words that are no secret", False)):
        assert Matcher().matches(recorded, stored(asks({"headers": {"Authorization": sent}}))) is same


def test_a_miss_says_that_secrets_differ() -> None:
    """The line names the place and what to do, and no secret."""
    recorded, asked = stored(asks({"apiKey": ONE})), stored(asks({"apiKey": OTHER}))
    (line,) = Matcher().differences(recorded, asked)
    assert "body.apiKey" in line
    assert 'a placeholder such as "test"' in line
    assert ONE not in line
    assert OTHER not in line
