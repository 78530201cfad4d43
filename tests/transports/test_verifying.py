"""Mode "verify" in every client: it streams live, and drift is told where the session ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.clients import Client
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
