"""Shared by tests of requests and urllib3: both clients, and a check that no thread outlives a test."""

from __future__ import annotations

import pytest
from support.clients import Client
from support.urllib3_clients import CLIENTS


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Each of the two in turn."""
    return request.param


@pytest.fixture(autouse=True)
def _each_thread_ends(no_thread_is_left: None) -> None:
    """Check threads after every test in this folder."""
