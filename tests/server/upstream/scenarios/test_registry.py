"""Scenarios by name, and scenarios made from chunks."""

from __future__ import annotations

from typing import Any

import pytest

from gemini_replay.errors import UsageError
from gemini_replay.server.upstream import scenarios
from gemini_replay.server.upstream.scenarios import SCENARIOS, Scenario


def test_an_unknown_scenario_names_the_nearest() -> None:
    """``get`` reads dashes as underscores, and explains an unknown name."""
    assert scenarios.get("max-tokens") is SCENARIOS["max_tokens"]
    with pytest.raises(UsageError, match="Did you mean 'thinking'"):
        scenarios.get("thinkin")


@pytest.mark.parametrize(
    "wrong",
    [{"gaps": [0.0, 0.0]}, {"chunks": [b"a", b""]}, {"end": "boom"}],
    ids=["gaps", "empty chunk", "end"],
)
def test_chunks_that_cannot_be_sent_are_usage_errors(wrong: dict[str, Any]) -> None:
    """A number of gaps that does not fit, an empty chunk, or an unknown end is refused at once."""
    with pytest.raises(UsageError):
        Scenario.from_chunks(wrong.pop("chunks", [b"a"]), **wrong)
