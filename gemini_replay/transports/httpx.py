"""Explicit transports for httpx: ``httpx.Client(transport=ReplayTransport("story.jsonl"))``, sync and async."""

from __future__ import annotations

import httpx

from .explicit import RecordTransportBase, ReplayTransportBase


class ReplayTransport(ReplayTransportBase, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request of a client from a cassette; arguments as for `explicit.ReplayTransportBase`."""

    library = "httpx"


class RecordTransport(RecordTransportBase, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Records every request of a client into a cassette; arguments as for `explicit.RecordTransportBase`."""

    library = "httpx"
