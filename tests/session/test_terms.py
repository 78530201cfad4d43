"""Sessions with the same settings share what the settings come to."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay import UsageError
from gemini_replay.cassette.model import Request
from gemini_replay.session.terms import terms_of


@pytest.mark.parametrize(
    "settings",
    [{}, {"speed": "instant"}, {"match": ["method", "model"], "max_gap": None}, {"redact": ("first", "second")}],
    ids=["none", "text", "list", "tuple"],
)
def test_the_same_plain_settings_come_to_the_same_terms(settings: dict[str, Any]) -> None:
    """They are checked once, however many sessions have them."""
    copy = {name: list(value) if isinstance(value, list) else value for name, value in settings.items()}
    assert terms_of(settings) is terms_of(copy)


def test_values_that_are_equal_but_of_other_types_are_other_settings() -> None:
    """True is no speed, although it equals 1."""
    assert terms_of({"speed": 1}).speed == terms_of({"speed": 1.0}).speed == 1.0
    with pytest.raises(UsageError, match="speed"):
        terms_of({"speed": True})


def test_settings_with_a_function_are_checked_each_time() -> None:
    """The function may be one of a test that has ended, which nothing is to keep."""

    def same(request: Request) -> Request:
        return request

    assert terms_of({"normalize": same}) is not terms_of({"normalize": same})


def test_a_changed_list_is_read_anew() -> None:
    """The settings are compared by what they hold."""
    keys = ["method"]
    first = terms_of({"match": keys})
    keys.append("model")
    assert terms_of({"match": keys}).matcher.keys == ("method", "model")
    assert first.matcher.keys == ("method",)


def test_a_wrong_value_is_refused_each_time() -> None:
    """An error is not remembered."""
    for _ in range(2):
        with pytest.raises(UsageError, match="sped"):
            terms_of({"sped": 4})


def test_the_redactor_knows_the_environment_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is set between two tests is secret in the second, also in a text that the first one searched."""
    secret = "correct-horse-battery-9431"
    texts = [f"test[{secret}]"]
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    before = terms_of({}).redactor()
    assert not before.finds_in(texts)
    assert terms_of({}).redactor() is before
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    assert terms_of({}).redactor().finds_in(texts)
    assert secret not in terms_of({}).redactor().text(texts[0])
    monkeypatch.delenv("OPENAI_API_KEY")
    assert terms_of({}).redactor().text(texts[0]) == texts[0]


def test_hosts_that_one_session_ignores_are_not_ignored_by_another() -> None:
    """A server's session ignores the server's own address; what was decided before does not count there."""
    hosts = terms_of({"hosts": ["*.example.org"]}).hosts
    assert hosts.owns_host("api.example.org")
    assert not hosts.ignoring("api.example.org").owns_host("api.example.org")
    assert hosts.owns_host("api.example.org")
