"""Builds an answer in the rhythm of its model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....gemini.reply import Reply
from ....rhythm.rhythms import Rhythm, Waits, find_rhythm, rhythm_for
from .instructions import Instruction, Message, Prompt, Wait


class TimedReply(Reply):
    """The growing answer to one prompt.

    Args:
        prompt: the prompt that it answers.
        rhythm: a rhythm or its name; by default the model's own.
    """

    def __init__(self, prompt: Prompt, *, rhythm: str | Rhythm | None = None) -> None:
        super().__init__(
            prompt.model,
            prompt_tokens=prompt.tokens,
            cached_tokens=prompt.cached_tokens,
            rng=prompt.rng,
            vertex=prompt.vertex,
        )
        self.waits = Waits(rhythm_for(prompt.model) if rhythm is None else find_rhythm(rhythm), prompt.rng)

    def head(self) -> Wait:
        """The time to the first byte."""
        return Wait(self.waits.first_byte())

    def text(self, text: str, *, finish: str | None = "STOP", **last: Any) -> Iterator[Instruction]:
        """``text`` in the model's rhythm. The last event has ``finish`` and the fields ``last``."""
        for tokens, event in self.text_events(text, self.waits.rhythm.event_tokens, finish=finish, **last):
            yield Wait(self.waits.text(tokens))
            yield Message(event)

    def thought(self, text: str) -> Iterator[Instruction]:
        """One thought summary."""
        yield Wait(self.waits.thought())
        yield Message(self.thought_event(text))
