"""The embedded upstream answers as Google does: paths, headers, methods, connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import SCENARIOS

ASK = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}
MODEL = "models/gemini-2.5-flash:streamGenerateContent"
VERTEX = "projects/p-1/locations/europe-west6/publishers/google"
Fetch = Callable[..., Any]


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{MODEL}",
        f"/v1beta/{MODEL}",
        f"/v1beta1/{MODEL}",
        f"/{MODEL}",
        f"/v1/{VERTEX}/{MODEL}",
        f"/{VERTEX}/{MODEL}",
    ],
    ids=["v1", "v1beta", "v1beta1", "no version", "Vertex AI", "Vertex AI without version"],
)
def test_every_public_path_streams(fetch: Fetch, server: Any, path: str) -> None:
    """Gemini API and Vertex AI paths, with and without a version, answer with a stream."""
    answer = fetch(server.url, f"{path}?alt=sse")
    assert (answer.status, answer.complete) == (200, True)
    assert answer.body.startswith(b'data: {"candidates": ')


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/{MODEL}"),
        ("POST", "/v1/models/gemini-2.5-flash"),
        ("POST", f"/v3/{MODEL}"),
        ("POST", "/v1/models/gemini-2.5-flash:paint"),
        ("GET", "/v1beta/models/gemini-2.5-flash/operations"),
        ("DELETE", "/v1beta/models/gemini-2.5-flash"),
        ("GET", "/upload/v1beta/files"),
        ("GET", "/token"),
        ("GET", "/"),
    ],
)
def test_other_paths_and_methods_are_googles_404(fetch: Fetch, server: Any, method: str, path: str) -> None:
    """Unknown methods are answered with an error object, with and without a key."""
    for key in ("a-key", None):
        answer = fetch(server.url, path, method=method, key=key)
        assert (answer.status, answer.header("content-type")) == (404, "application/json; charset=UTF-8")
        error = {"code": 404, "message": "Method not found.", "status": "NOT_FOUND"}
        assert json.loads(answer.body) == {"error": error}


def test_the_server_keeps_what_it_sent(fetch: Fetch, server: Any) -> None:
    """``sent`` has exactly the chunks that went over the wire, in order, with their times."""
    answer = fetch(server.url)
    assert [chunk.data for chunk in server.sent[0]] == answer.chunks
    times = [chunk.at for chunk in server.sent[0]]
    assert times == sorted(times)


def test_the_headers_are_googles(fetch: Fetch, server: Any) -> None:
    """SSE answers carry the headers of Google's front end, and HTTP's own framing once."""
    answer = fetch(server.url)
    assert {name: answer.header(name) for name in dict(answer.headers) if name != "date"} == {
        "content-type": "text/event-stream",
        "content-disposition": "attachment",
        "vary": "Origin, X-Origin, Referer",
        "server": "scaffolding on HTTPServer2",
        "x-xss-protection": "0",
        "x-frame-options": "SAMEORIGIN",
        "x-content-type-options": "nosniff",
        "server-timing": "gfet4t7; dur=0",
        "alt-svc": 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000',
        "transfer-encoding": "chunked",
    }
    assert (answer.header("date") or "").endswith(" GMT")


def test_server_timing_has_the_time_to_first_byte() -> None:
    """``dur`` is the wait before the head in milliseconds, at the server's pace."""
    app = upstream.Upstream("story", pace=0.5)
    plan = app.answer(_request(), "k")
    assert 0.312 <= plan.head_at <= 0.920
    assert dict(plan.headers)["server-timing"] == f"gfet4t7; dur={round(plan.head_at * 500)}"


def _request(path: str = f"/v1beta/{MODEL}", query: str = "alt=sse") -> upstream.Received:
    return upstream.Received("POST", path, query, (), json.dumps(ASK).encode(), "header")


def test_vertex_has_headers_and_usage_of_its_own(fetch: Fetch, server: Any) -> None:
    """Vertex AI sends no server-timing, and says the traffic type."""
    answer = fetch(server.url, f"/v1/{VERTEX}/{MODEL}?alt=sse")
    assert answer.header("server-timing") is None
    assert json.loads(answer.chunks[0][6:])["usageMetadata"]["trafficType"] == "ON_DEMAND"


@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "plain"])
def test_the_unary_method_gives_the_whole_answer(server: Any, gzip: bool) -> None:
    """GenerateContent joins the texts of the stream, and keeps the last usage and finish reason."""
    answer = httpx.post(
        f"{server.url}/v1beta/models/thinking:generateContent",
        json=ASK,
        headers={"x-goog-api-key": "k", "accept-encoding": "gzip" if gzip else "identity"},
    ).json()
    candidate = answer["candidates"][0]
    thoughts, text = candidate["content"]["parts"]
    assert thoughts["thought"] is True
    assert text["text"].endswith("is prime.")
    assert candidate["finishReason"] == "STOP"
    assert answer["usageMetadata"]["thoughtsTokenCount"] > 100


@pytest.mark.parametrize("name", ["429", "inband_error"])
def test_the_unary_method_turns_errors_into_statuses(server: Any, name: str) -> None:
    """A stream that fails, at once or on the way, is an HTTP error for generateContent."""
    answer = httpx.post(f"{server.url}/v1/models/{name}:generateContent?key=k", json=ASK)
    assert answer.status_code == answer.json()["error"]["code"] != 200


def test_fifty_clients_at_once_get_the_same_true_stream() -> None:
    """Fifty concurrent streams are all complete and equal, and all requests are counted."""

    async def all_of_them(url: str) -> list[bytes]:
        limits = httpx.Limits(max_connections=50)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            answers = [client.post(f"{url}/v1beta/{MODEL}?alt=sse&key=k", json=ASK) for _ in range(50)]
            return [answer.content for answer in await asyncio.gather(*answers)]

    with upstream.start(pace=0.05) as server:
        bodies = asyncio.run(all_of_them(server.url))
        assert len(server.requests) == 50
        assert set(bodies) == {b"".join(chunk.data for chunk in server.sent[0])}


def test_a_client_that_leaves_does_not_disturb_others(
    connect: Any, wire: Any, fetch: Fetch, capfd: pytest.CaptureFixture[str]
) -> None:
    """After a client hangs up in mid-stream the next one is served, and nothing is printed."""
    with upstream.start(pace=0.05) as server:
        with connect(server.url) as (_, reader):
            wire.head(reader)
            assert wire.chunk(reader)
        answer = fetch(server.url)
        assert answer.complete
        assert len(server.sent[0]) < len(server.sent[1])
    assert capfd.readouterr() == ("", "")


def test_one_connection_serves_many_requests(server: Any) -> None:
    """Connections are kept alive between streams."""
    with httpx.Client() as client:
        ports = set()
        for _ in range(3):
            with client.stream("POST", f"{server.url}/v1/{MODEL}?key=k", json=ASK) as answer:
                stream = answer.extensions["network_stream"]
                ports.add(stream.get_extra_info("client_addr"))
                answer.read()
    assert len(ports) == 1


def test_every_scenario_is_described() -> None:
    """Each scenario is registered under its own name, with a description that fits on a line."""
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert 5 < len(scenario.description) < 90
