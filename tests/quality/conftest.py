"""The long searches run only where they are asked for."""

from __future__ import annotations

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The marker of tests that take minutes."""
    config.addinivalue_line("markers", "slow: takes minutes; runs only with GEMINI_REPLAY_SLOW=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them."""
    if os.environ.get("GEMINI_REPLAY_SLOW"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; set GEMINI_REPLAY_SLOW=1"))
