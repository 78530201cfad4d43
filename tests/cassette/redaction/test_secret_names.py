"""Names that do not say that their value is a secret."""

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
def test_names_that_do_not_tell(name: str) -> None:
    """Tokens that lead through pages, tokens of language models, and words that only resemble telling ones."""
    assert secrecy(name) == ""
