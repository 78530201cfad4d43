"""The long searches run only where the marker `slow` is asked for."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """The marker of the long searches."""
    config.addinivalue_line(
        "markers", "slow: a search of a minute; runs with -m slow, and for hours with GEMINI_REPLAY_SLOW=full"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave them out elsewhere."""
    if "slow" not in config.getoption("markexpr"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
