"""The embedded upstream with another schema: a scenario whose events are changed on their way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from gemini_replay.server.upstream import scenarios
from gemini_replay.server.upstream.scenarios import Instruction, Message, Prompt, Scenario

Change = Callable[[dict[str, Any]], object]
"""Changes an event in place."""


def changed(name: str, change: Change = lambda event: None) -> Scenario:
    """A scenario of the embedded upstream, each event of which is changed."""
    scenario = scenarios.get(name)

    def instructions(prompt: Prompt) -> Iterator[Instruction]:
        for one in scenario.instructions(prompt):
            if isinstance(one, Message):
                one = replace(one, json=deepcopy(one.json))
                change(one.json)
            yield one

    return replace(scenario, instructions=instructions)


def with_billing(event: dict[str, Any]) -> None:
    """Add a field to the token counts."""
    event["usageMetadata"]["billedUnits"] = 1


BILLING = ("body.usageMetadata.billedUnits: new (number)",)
"""The drift that this is."""


def with_text_arguments(event: dict[str, Any]) -> None:
    """Make the arguments of calls a text of JSON."""
    for part in event["candidates"][0].get("content", {}).get("parts", ()):
        if "functionCall" in part:
            part["functionCall"]["args"] = "{}"
