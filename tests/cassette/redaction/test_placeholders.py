"""Placeholders: what a machine may send in place of a secret that it does not have."""

from __future__ import annotations

import pytest

from gemini_replay.cassette.redaction.placeholders import stands_for_secret
from gemini_replay.cassette.redaction.randomness import is_placeholder

PLACEHOLDERS = [
    "test", "TEST", "fake", "dummy", "placeholder", "none", "None", "null", "any", "changeme", "xxxxxxxx", "XXX",
    "****", "...", "YOUR_KEY", "YOUR_API_KEY", "your-api-key-here", "YOUR-TOKEN-HERE", "<token>", "<your key>",
    "${TOKEN}", "{{ token }}", "$API_KEY", "%TOKEN%", "REDACTED", "Bearer test", "Bearer YOUR_ACCESS_TOKEN_HERE",
    "test-key", "fake-api-key", "dummy_token", "sk-xxxxxxxxxxxx", "gemini-replay-placeholder-key",
    "gemini-replay-placeholder-token",
]  # fmt: skip


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_placeholders_are_recognized(value: str) -> None:
    """A word or its form makes a value a placeholder, and no placeholder is redacted because of how it looks."""
    assert stands_for_secret(value)
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    ["", "1x7q", "2", "42", "417", "9000", "en", "de", "b", "dev", "eu", "t2", "user2", "aaaa", "xx", "x",
     "production", "default", "from", "key", "api key", "the token", "my secret", "testing-7", "contest", "test42",
     "test alice", "anyone", "tests of a prompt", "1111", "hunter2"],
)  # fmt: skip
def test_possible_real_values_are_not_placeholders(value: str) -> None:
    """Short values, words and numbers are not placeholders, nor is a telling word inside a longer word."""
    assert not stands_for_secret(value)
