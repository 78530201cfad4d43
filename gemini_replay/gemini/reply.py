"""Builds the events of one answer, with cumulative token counts, ids, and text cut as a model cuts it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .tokens import count_tokens, cut_text

if TYPE_CHECKING:
    import random

Json = dict[str, Any]


class Reply:
    """The growing answer to a request of `prompt_tokens` tokens, of which `cached_tokens` are cached.

    Ids and signatures come from `rng`.
    """

    def __init__(
        self, model: str, *, prompt_tokens: int, rng: random.Random, vertex: bool = False, cached_tokens: int = 0
    ) -> None:
        self.rng = rng
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._cached_tokens = cached_tokens
        self._vertex = vertex
        self._tokens = 0
        self._thoughts = 0
        self._id = base64.urlsafe_b64encode(rng.randbytes(17)).decode().rstrip("=")

    def event(
        self,
        parts: Sequence[Json] | None,
        *,
        tokens: int = 0,
        thoughts: int = 0,
        finish: str | None = None,
        **candidate: Any,
    ) -> Json:
        """One ``GenerateContentResponse`` that adds these numbers of tokens and of thoughts' tokens.

        Without parts, the candidate has no content; `candidate` has further fields of it.
        """
        self._tokens += tokens
        self._thoughts += thoughts
        found: Json = {}
        if parts is not None:
            found["content"] = {"parts": list(parts), "role": "model"}
        if finish:
            found["finishReason"] = finish
        if not self._vertex:
            found["index"] = 0
        return {"candidates": [{**found, **candidate}], **self.tail()}

    def tail(self) -> Json:
        """The members at the end of every event: usage, model version, response id."""
        usage: Json = {"promptTokenCount": self._prompt_tokens}
        if self._tokens:
            usage["candidatesTokenCount"] = self._tokens
        usage["totalTokenCount"] = self._prompt_tokens + self._tokens + self._thoughts
        usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": self._prompt_tokens}]
        if self._cached_tokens:
            usage["cachedContentTokenCount"] = self._cached_tokens
            usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": self._cached_tokens}]
        if self._thoughts:
            usage["thoughtsTokenCount"] = self._thoughts
        if self._vertex:
            usage["trafficType"] = "ON_DEMAND"
        return {"usageMetadata": usage, "modelVersion": self._model, "responseId": self._id}

    def text_events(
        self, text: str, event_tokens: int, *, finish: str | None = "STOP", **last: Any
    ) -> Iterator[tuple[int, Json]]:
        """``text`` in events of this many tokens, each with its tokens; the last one has ``finish`` and ``last``."""
        pieces = cut_text(text, event_tokens) or [""]
        for nth, piece in enumerate(pieces, start=1):
            tokens = count_tokens(piece)
            ending = {"finish": finish, **last} if nth == len(pieces) else {}
            yield tokens, self.event([{"text": piece}], tokens=tokens, **ending)

    def thought_event(self, text: str) -> Json:
        """One thought summary; it costs more tokens than it shows."""
        return self.event([{"text": text, "thought": True}], thoughts=count_tokens(text) * 3)

    def signature(self, size: int = 180) -> str:
        """An opaque ``thoughtSignature``."""
        return base64.b64encode(b"\x0a\xa4\x04" + self.rng.randbytes(size)).decode()
