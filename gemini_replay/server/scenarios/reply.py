"""Builds the events of one answer: cumulative token counts, ids, text cut as a model cuts it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from ...gemini.tokens import count_tokens, cut_text
from ...rhythm.profiles import Profile, Rhythm, find_profile, profile_for
from .script import Message, Prompt, Step, Wait

Part = dict[str, Any]


class Reply:
    """The growing answer to one prompt.

    Args:
        prompt: what is answered.
        profile: the rhythm, or its name, where it is not the model's own.
    """

    def __init__(self, prompt: Prompt, *, profile: str | Profile | None = None) -> None:
        self.prompt = prompt
        self.profile = profile_for(prompt.model) if profile is None else find_profile(profile)
        self.rhythm = Rhythm(self.profile, prompt.rng)
        self.tokens = 0
        self.thoughts = 0
        self._id = base64.urlsafe_b64encode(prompt.rng.randbytes(17)).decode().rstrip("=")

    def head(self) -> Wait:
        """The time to the first byte."""
        return Wait(self.rhythm.first_byte())

    def event(
        self,
        parts: Sequence[Part] | None,
        *,
        tokens: int = 0,
        thoughts: int = 0,
        finish: str | None = None,
        **candidate: Any,
    ) -> dict[str, Any]:
        """One ``GenerateContentResponse``; ``tokens`` and ``thoughts`` are what this event adds.

        ``parts`` None gives a candidate without content; ``candidate`` holds its further fields.
        """
        self.tokens += tokens
        self.thoughts += thoughts
        found: dict[str, Any] = {}
        if parts is not None:
            found["content"] = {"parts": list(parts), "role": "model"}
        if finish:
            found["finishReason"] = finish
        if not self.prompt.vertex:
            found["index"] = 0
        return {"candidates": [{**found, **candidate}], **self.tail()}

    def tail(self) -> dict[str, Any]:
        """What every event ends with: usage, model version, response id."""
        asked = self.prompt.tokens
        usage: dict[str, Any] = {"promptTokenCount": asked}
        if self.tokens:
            usage["candidatesTokenCount"] = self.tokens
        usage["totalTokenCount"] = asked + self.tokens + self.thoughts
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": asked}]
        if self.thoughts:
            usage["thoughtsTokenCount"] = self.thoughts
        if self.prompt.vertex:
            usage["trafficType"] = "ON_DEMAND"
        return {"usageMetadata": usage, "modelVersion": self.prompt.model, "responseId": self._id}

    def text(self, text: str, *, finish: str | None = "STOP", **last: Any) -> Iterator[Step]:
        """``text`` in the model's cadence; ``finish`` and the fields ``last`` go on the end."""
        pieces = cut_text(text, self.profile.event_tokens) or [""]
        for nth, piece in enumerate(pieces, start=1):
            tokens = count_tokens(piece)
            yield Wait(self.rhythm.text(tokens))
            ending = {"finish": finish, **last} if nth == len(pieces) else {}
            yield Message(self.event([{"text": piece}], tokens=tokens, **ending))

    def thought(self, text: str) -> Iterator[Step]:
        """One thought summary; it costs more tokens than it shows."""
        yield Wait(self.rhythm.thought())
        yield Message(self.event([{"text": text, "thought": True}], thoughts=count_tokens(text) * 3))

    def signature(self, size: int = 180) -> str:
        """An opaque ``thoughtSignature``."""
        return base64.b64encode(b"\x0a\xa4\x04" + self.prompt.rng.randbytes(size)).decode()
