"""Models that are no longer served."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from gemini_replay.cassette.model import Request
from gemini_replay.checks.retired import RetiredModel, RetiredModels, shipped_list
from gemini_replay.errors import UsageError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BASE = "https://generativelanguage.googleapis.com/v1beta"


def told(model: str, *more: str, now: datetime = NOW) -> str:
    asked = Request("POST", f"{BASE}/models/{model}:streamGenerateContent?alt=sse")
    return RetiredModels(map(RetiredModel.parse, more)).told(asked, now)


def test_a_model_is_retired_from_its_day_on() -> None:
    """The day before, it is not; a model that is not listed is not."""
    assert told("gemini-2.0-flash") == "the model gemini-2.0-flash is retired since 2026-06-01"
    assert told("gemini-2.0-flash", now=datetime(2026, 5, 31, 23, 59, tzinfo=UTC)) == ""
    assert told("gemini-9.9-flash") == ""


def test_the_user_names_more() -> None:
    """With a day or without, by a pattern, and with another day than the list that ships."""
    assert told("mine", "mine") == "the model mine is retired"
    assert told("mine-2", "models/mine-* = 2026-05-01") == "the model mine-2 is retired since 2026-05-01"
    assert told("mine", "mine=2026-07-01") == ""
    assert told("gemini-2.0-flash", "gemini-2.0-flash=2030-01-01") == ""


def test_the_model_may_stand_in_the_body() -> None:
    """As in the OpenAI-compatible methods."""
    asked = Request("POST", f"{BASE}/openai/chat/completions", body=b'{"model": "models/gemini-1.5-pro"}')
    assert "gemini-1.5-pro" in RetiredModels().told(asked, NOW)
    for body in (b"", b"[]", b'{"model": 5}', b'{"model": "other"}'):
        assert RetiredModels().told(Request("POST", f"{BASE}/openai/chat/completions", body=body), NOW) == ""


@pytest.mark.parametrize("text", ["", "=2026-01-01", "mine=soon", "mine=2026-13-01"])
def test_another_form_is_refused(text: str) -> None:
    """The error says which there is."""
    with pytest.raises(UsageError, match="is not a retired model"):
        RetiredModel.parse(text)


def test_the_list_that_ships_says_where_it_comes_from() -> None:
    """Its date, and a page of Google's for each model."""
    found = shipped_list()
    date.fromisoformat(found["as_of"])
    google = re.compile(r"https://(ai\.google\.dev|cloud\.google\.com|developers\.googleblog\.com)/")
    assert all(google.match(url) for url in found["sources"].values())
    for one in found["models"].values():
        assert date.fromisoformat(one["since"])
        assert one["source"] in found["sources"]
