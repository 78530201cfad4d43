"""Shared by all tests: settings of the cassettes, and a story that many tests read."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gemini_replay import CassetteConfig, Interaction, Request
from storyteller import feed


@pytest.fixture(scope="session")
def gemini_cassette_config() -> CassetteConfig:
    """Settings of all cassettes that pyproject.toml cannot hold."""
    return {"redact_headers": ["x-tenant"], "normalize": without_ids, "before_record": without_failures}


def without_ids(request: Request) -> Request:
    """The request to compare: without the id in its prompt, which differs in every run."""
    return replace(request, body=_ID.sub(b"ID", request.body))


def without_failures(interaction: Interaction) -> Interaction | None:
    """The interaction to store. Answers of a busy server are left out."""
    return interaction if interaction.response is not None and interaction.response.status < 500 else None


_ID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="session")
def lighthouse(gemini_cassettes) -> str:
    """One story for all tests, requested once in a run."""
    with gemini_cassettes("lighthouse"):
        return "".join(feed.tell("a lighthouse"))
