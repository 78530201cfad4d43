"""Which values are random enough to be secrets, and which are placeholders."""

from __future__ import annotations

import pytest
from support.planted_secrets import drawn
from support.random_values import RANDOM

from gemini_replay.cassette.redaction.randomness import could_be_secret, is_placeholder

WORDS = [
    "ethereum",
    "bitcoin",
    "customer_id",
    "elephant",
    "SK_Bratislava_2025-01-01",
    "number_of_items_in_the_whole_batch_x",
    "YOUR_ACCESS_TOKEN_HERE",
    "my-cool-post-about-2025",
    "gemini-2.5-flash-preview-05-20",
    "projects/730123456789",
    "user-1234",
    "maxOutputTokensPerRequest",
    "v1.2.3-beta4",
    "us-central1",
    "req-7",
    "src/main/java/com/acme/Foo2.java",
    "2025-01-01T00:00:00Z",
    "1600x1200",
    "arn:aws:iam::123456789012:role/Admin",
    "978-3-16-148410-0",
    "minioadmin",
    "postgres123",
    "postgres",
    "development",
    "learn-compatible-estimators-everywhere",
    "candidatesTokenCount",
    "aBigOneInTheSkyOfMyOwn",
    "iPhone15ProMax",
    "text-embedding-004",
    "llama-3.1-8b-instruct",
    "gpt-4o-mini-2024-07-18",
    "claude-3-5-sonnet-20241022",
    "utf8mb4_unicode_ci",
    "sha256-digest",
    "UTF-8",
    "ISO-8859-1",
    "en_US.UTF-8",
    "the-quick-brown-fox-jumps-over-the-lazy-dog",
    "http://localhost:8080/path/to/page",
    "192.168.100.200",
    "+41-44-668-1800",
    "jane.doe@example.com",
    "order_by_created_at_desc",
    "__init_subclass__",
    "PARTITION_KEY",
    "dragonfly",
    "acme-corporation",
    "tenant-42",
    "DE89370400440532013000",
    "4111111111111111",
    "Q3-2025-report",
    "A4-landscape",
    "mp4-1080p60",
    "#a1b2c3",
    "step1-step2-step3",
    "h264_nvenc",
    "ZRH-JFK-2025-11-26",
    "room101",
    "3.11.9",
    "py311-linux",
    "strengths",
    "rhythm-and-blues",
    "JavaScriptXMLHttpRequest",
    "getHTTPResponseCode",
    "supercalifragilisticexpialidocious",
    "Zusammenfassung_der_Ergebnisse_2024",
    "internationalization-i18n-l10n",
    "k8s-prod-eu-west-1",
    "ec2-54-12-34-56",
    "n1-standard-4",
    "anthropic-ratelimit-input-tokens-limit",
    "correct-horse-battery-staple",
]


@pytest.mark.parametrize("value", WORDS)
def test_words_could_not_be_secrets(value: str) -> None:
    """Names, slugs, dates, paths, versions and identifiers are not random."""
    assert not could_be_secret(value)


@pytest.mark.parametrize("kind", RANDOM)
def test_what_is_random_could_be_a_secret(kind: str) -> None:
    """Keys, UUIDs, digests and base64 are random: where a name says so, they are secrets."""
    assert could_be_secret(RANDOM[kind])


@pytest.mark.parametrize(
    "value",
    [
        "test",
        "YOUR_API_KEY",
        "your-api-key-here",
        "<token>",
        "${TOKEN}",
        "{{ token }}",
        "$API_KEY",
        "%TOKEN%",
        "xxxxxxxx",
        "********",
        "changeme",
        "gemini-replay-placeholder-key",
        "fake-api-key",
        "Bearer test",
        "Bearer YOUR_ACCESS_TOKEN_HERE",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE",
        "REDACTED",
        "",
        "dummy-key-1",
        "...",
    ],
)
def test_placeholders(value: str) -> None:
    """What people write in place of a secret, and the samples that providers publish, are placeholders."""
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "k7x-q2",
        "ethereum",
        "customer_id",
        drawn("p", 20),
        "12345678",
        "2025-01-01",
        drawn("p", 10) + "EXAMPLE" + drawn("q", 10),
        "hunter2" + drawn("p", 10),
    ],
)
def test_values_that_are_not_placeholders(value: str) -> None:
    """Words and values that mean something are not placeholders, nor is what only contains a sample."""
    assert not is_placeholder(value)
