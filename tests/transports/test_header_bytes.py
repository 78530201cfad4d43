"""Response headers that are not ASCII arrive as recorded, or as written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from support.cassettes import recorded, streaming
from support.clients import ASK, Client
from support.raw_server import Answer, raw_server
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay.cassette.model import Interaction
from gemini_replay.transports.httpx import ReplayTransport
from gemini_replay.transports.respx import from_cassette

BODY = b"".join(events(2))
ODD = {"latin-1": b"caf\xe9", "utf-8": "caf\u00e9 你".encode()}


@pytest.mark.parametrize("value", ODD.values(), ids=list(ODD))
def test_a_header_that_is_not_ascii_is_the_same_on_replay(client: Client, value: bytes, path: Path) -> None:
    """This holds however the client decodes its bytes."""
    head = b"HTTP/1.1 200 OK\r\nServer: " + value + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with raw_server(Answer([(0.0, head + BODY)])) as server, gemini_replay.record(path, upstream=server.url):
        live = client.fetch(GOOGLE)
    with gemini_replay.replay(path, speed="instant"):
        again = client.fetch(GOOGLE)
    assert (live.error, again.error) == (None, None)
    assert again.body == live.body == BODY
    assert again.headers["server"] == live.headers["server"]


def answering(name: str, value: str) -> Interaction:
    made = streaming(*events(2))
    assert made.response is not None
    return replace(made, response=replace(made.response, headers=(*made.response.headers, (name, value))))


@pytest.mark.parametrize("value", ["你好", "caf\u00e9", "caf\u00e9 你"])
def test_a_value_written_by_hand_is_played(client: Client, value: str, path: Path) -> None:
    """It is sent in Latin-1, or in UTF-8 if Latin-1 lacks one of its characters."""
    with gemini_replay.replay(recorded(path, answering("x-note", value)), speed="instant"):
        seen = client.fetch(GOOGLE)
    assert (seen.error, seen.body) == (None, BODY)
    assert "x-note" in seen.headers


def test_respx_and_the_explicit_transports_give_the_same_bytes(path: Path) -> None:
    """The bytes are the same as for intercepted clients."""
    recorded(path, answering("Server", "caf\u00e9"))

    def server(**options: Any) -> bytes:
        with httpx.Client(**options) as client:
            return dict(client.post(GOOGLE, json=ASK).headers.raw)[b"Server"]

    with respx.mock() as router:
        router.post(GOOGLE).mock(side_effect=from_cassette(path, speed="instant"))
        assert server() == b"caf\xe9"
    assert server(transport=ReplayTransport(path, speed="instant")) == b"caf\xe9"
