"""Names whose values are not secret."""

from __future__ import annotations

import pytest

from gemini_replay.cassette.redaction.secret_names import secrecy


@pytest.mark.parametrize(
    "name",
    [
        "nextPageToken",
        "pageToken",
        "next_page_token",
        "continuationToken",
        "turnToken",
        "syncToken",
        "eos_token",
        "pad_token",
        "thoughtSignature",
        "maxOutputTokens",
        "promptTokenCount",
        "tokens",
        "key",
        "primary_key",
        "partitionKey",
        "code",
        "session",
        "state",
        "id",
        "name",
        "text",
        "authors",
        "passenger",
        "keyboard",
        "monkey",
        "secretary",
        "compass",
    ],
)
def test_innocent_names(name: str) -> None:
    """Page tokens, tokens of language models, and words that only resemble the names of secrets."""
    assert secrecy(name) == ""
