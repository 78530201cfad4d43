"""Explicit transports for httpx2: ``httpx2.Client(transport=ReplayTransport("story.jsonl"))``, sync and async."""

from __future__ import annotations

from ..errors import MissingExtraError
from .explicit import RecordTransportBase, ReplayTransportBase

try:
    import httpx2
except ImportError:
    raise MissingExtraError("httpx2", extra="httpx2", purpose="A transport for httpx2") from None


class ReplayTransport(ReplayTransportBase, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers every request of a client from a cassette; arguments as for `explicit.ReplayTransportBase`."""

    library = "httpx2"


class RecordTransport(RecordTransportBase, httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Records every request of a client into a cassette; arguments as for `explicit.RecordTransportBase`."""

    library = "httpx2"
