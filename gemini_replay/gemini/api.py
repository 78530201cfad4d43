"""Gemini as a provider."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..frames import Framing
from ..provider import Writer
from . import addresses, error_objects, writing
from .answer import collect
from .error_objects import Json
from .form import MEMBERS
from .layout import lay_out
from .tokens import count_tokens


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
    members = MEMBERS

    target = staticmethod(addresses.target)
    base_url = staticmethod(addresses.base_url)
    layout = staticmethod(lay_out)
    collect = staticmethod(collect)
    tokens = staticmethod(count_tokens)
    finished = staticmethod(writing.finished)
    compose = staticmethod(writing.compose)
    interaction = staticmethod(writing.interaction)

    def error_body(
        self, code: int, message: str | None = None, *, url: str = "", retry_after: float | None = None
    ) -> bytes:
        """One object; in a list if it comes instead of one of Vertex AI's JSON arrays."""
        found = _error(code, message, retry_after)
        listed = addresses.is_vertex(urlsplit(url).path) and self.target(url).alt != "sse"
        return error_objects.error_in_list(found) if listed else error_objects.encode_error(found)

    def error_event(
        self, code: int, *, framing: Framing | None, first: bool, retry_after: float | None = None
    ) -> bytes:
        """A raw object in SSE, and an element in an array."""
        return error_objects.error_event(_error(code, None, retry_after), framing, first=first)


def _error(code: int, message: str | None, retry_after: float | None) -> Json:
    info = [] if retry_after is None else [error_objects.detail("RetryInfo", retryDelay=f"{retry_after:g}s")]
    return error_objects.error(code, message, *info)


GEMINI = Gemini()
"""The only provider in this package, see `shipped`."""
