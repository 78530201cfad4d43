"""What all tests share: settings of the cassettes, and a story that many tests read."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gemini_replay import Request
from storyteller import feed


@pytest.fixture(scope="session")
def gemini_cassette_config() -> dict[str, object]:
    """Settings of all cassettes; those that pyproject.toml can hold are there."""
    return {"redact_headers": ["x-tenant"], "normalize": without_ids}


def without_ids(request: Request) -> Request:
    """The request without the id in its prompt, which differs in every run; only for comparing."""
    return replace(request, body=_ID.sub(b"ID", request.body))


_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="session")
def lighthouse(gemini_cassettes) -> str:
    """One story for all tests, asked for once in a run."""
    with gemini_cassettes("lighthouse"):
        return "".join(feed.tell("a lighthouse"))
