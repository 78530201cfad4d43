"""Which recording answers a request after secrets were redacted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.requests_asked import asks, prompt

from gemini_replay.cassette.matching import Matcher, lines
from gemini_replay.cassette.matching.keys import same_json
from gemini_replay.cassette.model import Request, Response
from gemini_replay.cassette.redaction import Redactor

ONE = "Zq8-" + "v4Kx7TgRn2WbYc9Lp5Dh"  # in pieces, so that no scanner takes it for a key
OTHER = "Mf3_" + "j6Hs1QzBt8XdVw4Ny7Ka"


def stored(request: Request, *secrets: str) -> Request:
    return Redactor(secrets, environ={}).for_request(request).request()


def told_apart(one: Request, other: Request, matcher: Matcher | None = None) -> bool:
    """Whether two requests differ after redaction, and each still matches its own recording."""
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
def test_bodies_that_differ_in_a_secret_still_differ_without_it(one: Any, other: Any) -> None:
    """Each body gets its own recording; a body that was not recorded gets none."""
    assert told_apart(asks(one), asks(other))
    assert ONE not in stored(asks(one)).body.decode()


def test_headers_and_queries_that_differ_in_a_secret_still_differ_without_it() -> None:
    """The same holds for headers and queries that a test names in `match`."""
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
        assert told_apart(asks(url=f"http://h/x?{name}={ONE}"), asks(url=f"http://h/x?{name}={OTHER}"))
        assert told_apart(
            asks(url=f"http://h/x?{name}={ONE}"), asks(url=f"http://h/x?{name}={OTHER}"), Matcher(["query"])
        )
    assert not told_apart(asks(url=f"http://h/x?key={ONE}"), asks(url=f"http://h/x?key={OTHER}"), Matcher(["query"]))


@pytest.mark.parametrize(
    "sent", ["test", "dummy", "gemini-replay-placeholder-key", "YOUR_API_KEY", "Bearer test", "${KEY}"]
)
def test_a_placeholder_is_answered_where_a_secret_was_recorded(sent: str) -> None:
    """A machine without the secret can replay; everything besides the secret must still be equal."""
    recorded = stored(asks({"tools": [{"headers": {"X-Api-Key": ONE}}], "text": "hi"}))
    assert Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": sent}}], "text": "hi"})))
    assert not Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": sent}}], "text": "ho"})))
    assert not Matcher().matches(recorded, stored(asks({"tools": [{"headers": {"X-Api-Key": ""}}], "text": "hi"})))


def test_two_placeholders_make_two_requests() -> None:
    """A request recorded with one placeholder does not answer a request with another one."""
    assert told_apart(asks({"token": "test"}), asks({"token": "dummy"}))


def test_a_secret_that_only_the_recording_machine_knew_matches_itself() -> None:
    """A value in the setting `redact` is found by its digest, also if the setting lacks it on replay."""
    recorded = stored(asks(prompt("hello user-1234, are you user-1234?")), "user-1234")
    assert b"user-1234" not in recorded.body
    assert Matcher().matches(recorded, stored(asks(prompt("hello user-1234, are you user-1234?"))))
    assert not Matcher().matches(recorded, stored(asks(prompt("hello user-1235, are you user-1234?"))))
    form = asks(b"hello user-1234")
    assert Matcher().matches(stored(form, "user-1234"), stored(form))


def test_a_mark_without_digits_matches_any_secret() -> None:
    """Cassettes of older versions, and those written by hand, have such marks."""
    recorded = asks({"headers": {"Authorization": "REDACTED"}})
    for sent, same in ((f"Bearer {ONE}", True), ("test", True), ("words that are no secret", False)):
        assert Matcher().matches(recorded, stored(asks({"headers": {"Authorization": sent}}))) is same


def test_a_miss_says_that_secrets_differ() -> None:
    """The line names the place and what to do, but no secret."""
    recorded, asked = stored(asks({"apiKey": ONE})), stored(asks({"apiKey": OTHER}))
    (line,) = lines(Matcher().differences(recorded, asked))
    assert "body.apiKey" in line
    assert 'a placeholder such as "test"' in line
    assert ONE not in line
    assert OTHER not in line


MARKED = st.recursive(
    st.sampled_from(["a", "key test", "REDACTED", "REDACTED-1a2b", "x REDACTED-1a2b y", "REDACTEDREDACTED", 1, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "REDACTED"]), inner),
    max_leaves=5,
)


@given(MARKED, MARKED)
def test_bodies_match_if_their_values_match(one: Any, other: Any) -> None:
    """The quick comparison of the text around the marks always agrees with the comparison of values."""
    same = Matcher(["body"]).matches(asks(one), asks(other))
    assert same is same_json(one, other)


@pytest.mark.parametrize("more", ["", f"&session_token={OTHER}"])
def test_the_redacted_url_of_an_upload_matches_the_upload(more: str) -> None:
    """The id of an upload is redacted both in the header that announces it and in the request that uses it."""
    start = asks(url="https://h/upload/v1beta/files?uploadType=resumable")
    address = f"https://h/upload/v1beta/files?upload_id={ONE}&upload_protocol=resumable{more}"
    redactor = Redactor((), environ={}).for_request(start)
    redactor.request()
    ((_, told),) = redactor.response(Response(200, (("x-goog-upload-url", address),))).headers
    recorded = stored(asks(b"data", url=address))
    assert Matcher().matches(recorded, stored(asks(b"data", url=told)))
    assert not Matcher().matches(recorded, stored(asks(b"data", url=told.replace("resumable", "raw"))))


NO_PLACEHOLDERS = ["1x7q", "2", "42", "417", "9000", "en", "de", "b", "dev", "eu", "t2", "user2", "test", "YOUR_KEY"]


@pytest.mark.parametrize("sent", NO_PLACEHOLDERS)
@pytest.mark.parametrize("name", ["x-tenant", "authorization"])
def test_a_matched_header_needs_the_same_value(name: str, sent: str) -> None:
    """A tenant never gets another tenant's recording, whether the request is redacted or not."""
    matcher = Matcher([f"headers:{name}"])
    recorded = stored(asks(headers=((name, "acme7q"),)))
    assert matcher.matches(recorded, asks(headers=((name, "acme7q"),)))
    assert not matcher.matches(recorded, asks(headers=((name, sent),)))
    assert not matcher.matches(recorded, stored(asks(headers=((name, sent),))))


@pytest.mark.parametrize("sent", NO_PLACEHOLDERS)
def test_a_placeholder_does_not_match_a_value_that_only_settings_know(sent: str) -> None:
    """This holds in a body and in a query."""
    for recorded, asked in (
        (asks({"user_id": "acme7q"}), asks({"user_id": sent})),
        (asks(url="http://h/x?user_id=acme7q"), asks(url=f"http://h/x?user_id={sent}")),
        (asks({"headers": {"X-Unknown": "acme7q"}}), asks({"headers": {"X-Unknown": sent}})),
    ):
        assert not Matcher(["query", "body"]).matches(stored(recorded, "acme7q"), asked)


@pytest.mark.parametrize("sent", NO_PLACEHOLDERS[:-2])
def test_a_short_value_does_not_count_as_a_placeholder(sent: str) -> None:
    """This holds even in the place of a token."""
    for recorded, asked in (
        (asks({"access_token": ONE}), asks({"access_token": sent})),
        (asks(url=f"http://h/x?session={ONE}"), asks(url=f"http://h/x?session={sent}")),
    ):
        assert not Matcher(["query", "body"]).matches(stored(recorded), asked)


def test_a_placeholder_is_answered_in_the_query_and_in_a_named_value() -> None:
    """A placeholder matches where the name says that the value is a credential."""
    for recorded, asked in (
        (asks(url=f"http://h/x?session={ONE}"), asks(url="http://h/x?session=test")),
        (
            asks({"headers": [{"name": "Authorization", "value": ONE}]}),
            asks({"headers": [{"name": "Authorization", "value": "test"}]}),
        ),
    ):
        assert Matcher(["query", "body"]).matches(stored(recorded), asked)
