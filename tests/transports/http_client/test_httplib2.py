"""The library httplib2, which opens a connection before it makes a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.raw_server import RawServer
from support.streams import GOOGLE, PATH
from support.urllib3_cases import BODY, CHUNKS, HEADERS

import gemini_replay
from gemini_replay.errors import MissError

WHOLE = b"".join(CHUNKS)
TYPED = {"content-type": "application/json", **HEADERS}


class TestHttplib2:
    """The library httplib2, which opens a connection before it makes a request."""

    @pytest.fixture
    def client(self) -> Iterator[Any]:
        client = pytest.importorskip("httplib2", reason="httplib2 is not installed").Http()
        yield client
        client.close()

    def test_it_is_recorded_and_replayed(self, client: Any, tmp_path: Path, server: RawServer) -> None:
        """The URL is a gateway's, whose server is gone on replay."""
        path = tmp_path / "new.jsonl"
        with gemini_replay.record(path):
            for _ in range(2):
                response, body = client.request(server.url + PATH, "POST", BODY, TYPED)
                assert (response.status, body) == (200, WHOLE)
        assert server.connections == 1
        with gemini_replay.replay(path, speed="instant"):
            assert client.request("http://127.0.0.1:9" + PATH, "POST", BODY, TYPED)[1] == WHOLE
            assert client.request(GOOGLE, "POST", BODY, TYPED)[1] == WHOLE

    def test_requests_of_no_session_reach_their_server(self, client: Any, tmp_path: Path, server: RawServer) -> None:
        """This holds even on a connection that has played an answer."""
        with gemini_replay.record(path := tmp_path / "new.jsonl"):
            client.request(server.url + PATH, "POST", BODY, TYPED)
        with gemini_replay.replay(path, speed="instant"):
            assert client.request(server.url + PATH, "POST", BODY, TYPED)[1] == WHOLE
            assert client.request(server.url + "/health")[1] == WHOLE
        assert len(server.requests) == 2
        with gemini_replay.replay(path), pytest.raises(ConnectionRefusedError):
            client.request("http://127.0.0.1:9/health")

    def test_a_miss_is_a_miss(self, client: Any, path: Path) -> None:
        """The library does not retry it."""
        with pytest.raises(MissError), gemini_replay.replay(path) as session:
            with pytest.raises(MissError):
                client.request(GOOGLE, "POST", b"{}", TYPED)
            assert len(session.misses) == 1
