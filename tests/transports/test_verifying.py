"""Mode "verify" in every client: it streams live, and drift is told where the session ends."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.clients import CLIENTS, KEY, Client
from support.schemas import BILLING, changed, with_billing
from support.streams import PATH

import gemini_replay
from gemini_replay.errors import DriftError
from gemini_replay.server import upstream


def test_the_client_gets_the_live_answer_and_drift_is_told(client: Client, path: Path) -> None:
    """Chunk for chunk what the server sends now; the same API shows no drift."""
    with upstream.start("story", pace=0) as server, gemini_replay.record(path):
        client.fetch(server.url + PATH)
    cassette = path.read_bytes()
    with upstream.start("story", pace=0, seed=3) as server:
        with gemini_replay.record(path, mode="verify"):
            seen = client.fetch(server.url + PATH)
        assert seen.chunks == [sent.data for sent in server.sent[0]]
    with upstream.start(changed("story", with_billing), pace=0) as server:
        with pytest.raises(DriftError) as caught, gemini_replay.record(path, mode="verify"):
            seen = client.fetch(server.url + PATH)
        assert (seen.error, seen.status) == (None, 200)
        assert seen.chunks == [sent.data for sent in server.sent[0]]
    assert caught.value.differences == BILLING
    assert path.read_bytes() == cassette
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_an_explicit_transport_verifies_too(client: Client, path: Path) -> None:
    """Drift is raised when its client is closed."""
    transports = importlib.import_module(f"gemini_replay.transports.{client.library.__name__}")
    kind = client.library.AsyncClient if client.is_async else client.library.Client

    def fetch(server: upstream.RunningUpstream, **settings: Any) -> Any:
        transport = transports.RecordTransport(path, **settings)
        made = partial(kind, transport=transport, headers={"x-goog-api-key": KEY})
        return client.fetch(server.url + PATH, made=made)

    with upstream.start("story", pace=0) as server:
        fetch(server)
        assert fetch(server, mode="verify").error is None
    with upstream.start(changed("story", with_billing), pace=0) as server, pytest.raises(DriftError) as caught:
        fetch(server, mode="verify")
    assert caught.value.differences == BILLING
