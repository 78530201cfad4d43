"""Explicit transports for httpx: ``httpx.Client(transport=ReplayTransport("story.jsonl"))``, sync and async."""

from __future__ import annotations

import httpx

from .explicit import Recording, Replaying


class ReplayTransport(Replaying, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request of a client from a cassette; arguments as for `explicit.Replaying`."""

    library = "httpx"


class RecordTransport(Recording, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Records every request of a client into a cassette; arguments as for `explicit.Recording`."""

    library = "httpx"
