"""Gemini as a provider."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..frames import Framing
from ..provider import Answer, Exchange, Layout, Target, Writer
from . import addresses, error_objects, tokens, writing
from .answer import collect
from .error_objects import Json
from .layout import lay_out


class Gemini(Writer):
    """The Gemini API and Vertex AI, see `provider.Writer`."""

    name = "Gemini"
    hosts = addresses.HOSTS
    token_hosts = addresses.TOKEN_HOSTS
    grpc_services = addresses.GRPC_SERVICES
    grpc_advice = (
        'Use the REST transport: transport="rest" (google-generativeai), api_transport="rest" '
        "(google-cloud-aiplatform, langchain-google-vertexai)."
    )
    key_variable = "GEMINI_API_KEY"
    key_headers = frozenset({"x-goog-api-key"})
    key_parameters = frozenset({"key", "x-goog-api-key"})

    def target(self, url: str) -> Target:
        """See `addresses.target`."""
        return addresses.target(url)

    def base_url(self, path: str = "/") -> str:
        """See `addresses.base_url`."""
        return addresses.base_url(path)

    def layout(self, body: bytes) -> Layout:
        """See `layout.lay_out`."""
        return lay_out(body)

    def collect(self, events: Iterable[Any]) -> Answer:
        """See `answer.collect`."""
        return collect(events)

    def error_body(
        self, code: int, message: str | None = None, *, url: str = "", retry_after: float | None = None
    ) -> bytes:
        """One object; in a list, where it comes instead of one of Vertex AI's JSON arrays."""
        found = _error(code, message, retry_after)
        listed = addresses.is_vertex(urlsplit(url).path) and self.target(url).alt != "sse"
        return error_objects.error_in_list(found) if listed else error_objects.encode_error(found)

    def error_event(
        self, code: int, *, framing: Framing | None, first: bool, retry_after: float | None = None
    ) -> bytes:
        """A raw object, also in SSE; an element, in an array."""
        return error_objects.error_event(_error(code, None, retry_after), framing, first=first)

    def tokens(self, text: str) -> int:
        """See `tokens.count_tokens`."""
        return tokens.count_tokens(text)

    def compose(
        self,
        text: str,
        *,
        model: str,
        asked: int,
        thoughts: Sequence[str],
        finish_reason: str | None,
        event_tokens: int,
        rng: random.Random,
    ) -> Sequence[Json]:
        """See `writing.compose`."""
        return writing.compose(
            text,
            model=model,
            asked=asked,
            thoughts=thoughts,
            finish_reason=finish_reason,
            event_tokens=event_tokens,
            rng=rng,
        )

    def exchange(
        self,
        events: Sequence[Mapping[str, Any]],
        *,
        model: str,
        prompt: str | Mapping[str, Any] | None,
        framing: str,
        status: int | None,
    ) -> Exchange:
        """See `writing.exchange`."""
        return writing.exchange(events, model=model, prompt=prompt, framing=framing, status=status)


def _error(code: int, message: str | None, retry_after: float | None) -> Json:
    info = [] if retry_after is None else [error_objects.detail("RetryInfo", retryDelay=f"{retry_after:g}s")]
    return error_objects.error(code, message, *info)


GEMINI = Gemini()
"""The provider that ships, see `shipped`."""
