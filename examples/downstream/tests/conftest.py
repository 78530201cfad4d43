"""What all tests share: settings of the cassettes, and a story that many tests read."""

from __future__ import annotations

import pytest

from storyteller import feed


@pytest.fixture(scope="session")
def gemini_cassette_config() -> dict[str, object]:
    """Settings of all cassettes; those that pyproject.toml can hold are there."""
    return {"redact_headers": ["x-tenant"]}


@pytest.fixture(scope="session")
def lighthouse(gemini_cassettes) -> str:
    """One story for all tests, asked for once in a run."""
    with gemini_cassettes("lighthouse"):
        return "".join(feed.tell("a lighthouse"))
