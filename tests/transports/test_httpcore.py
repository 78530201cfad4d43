"""httpcore, where httpx is intercepted, and tools between the two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpcore2
import httpx
import httpx2
import pytest
from support.clients import ASK, KEY
from support.raw_server import RawServer, raw_server
from support.streams import GOOGLE, PATH
from support.urllib3_cases import BODY, CHUNKS, STREAM, cassette, stored, whole

import gemini_replay

WHOLE = b"".join(CHUNKS)
TYPED = {"content-type": "application/json", "x-goog-api-key": KEY}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return cassette(tmp_path / "story.jsonl", whole(), whole())


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that streams the same answer to every client."""
    with raw_server(STREAM) as running:
        yield running


@pytest.mark.parametrize(
    ("post", "named"),
    [
        (lambda url: httpx.post(url, json=ASK), f"httpx {httpx.__version__}"),
        (lambda url: httpx2.post(url, json=ASK), f"httpx2 {httpx2.__version__}"),
        (lambda url: httpx.post(url, content=iter([BODY])), f"httpx {httpx.__version__}"),
        (lambda url: httpcore.request("POST", url, content=BODY), f"httpcore {httpcore.__version__}"),
        (lambda url: httpcore2.request("POST", url, content=BODY), f"httpcore2 {httpcore2.__version__}"),
    ],
    ids=["httpx", "httpx2", "httpx, a stream", "httpcore", "httpcore2"],
)
def test_the_cassette_names_the_client(
    post: Callable[[str], Any], named: str, tmp_path: Path, server: RawServer
) -> None:
    """The name is that of the library that the program uses, not of the one below it."""
    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        assert post(server.url + PATH).content == WHOLE
    assert stored(path).request.client == named
    assert stored(path).request.json == ASK


@pytest.mark.parametrize("proxy", [httpcore.HTTPProxy, httpcore.SOCKSProxy])
def test_a_proxy_gets_no_replayed_request(proxy: Any, path: Path, server: RawServer) -> None:
    """This holds for proxies that forward and for those that tunnel."""
    if proxy is httpcore.SOCKSProxy:
        pytest.importorskip("socksio", reason="socksio is not installed")
    scheme = "socks5" if proxy is httpcore.SOCKSProxy else "http"
    with gemini_replay.replay(path, speed="instant"), proxy(f"{scheme}://{urlsplit(server.url).netloc}") as pool:
        for url in (GOOGLE, GOOGLE.replace("https:", "http:")):
            assert pool.request("POST", url, headers=TYPED, content=BODY).content == WHOLE
    assert server.connections == 0


def test_a_request_to_a_proxy_is_recorded_with_the_clients_url(tmp_path: Path, server: RawServer) -> None:
    """The proxy gets the whole URL."""
    url = GOOGLE.replace("https:", "http:")
    with gemini_replay.record(path := tmp_path / "new.jsonl"), httpcore.HTTPProxy(server.url) as pool:
        assert pool.request("POST", url, headers=TYPED, content=BODY).content == WHOLE
    assert server.requests[0].startswith(b"POST http://generativelanguage.googleapis.com/v1beta/models/")
    assert stored(path).request.url == url


def test_a_target_set_in_the_request_is_part_of_its_url(tmp_path: Path, server: RawServer) -> None:
    """The target is what httpcore sends, also to an upstream."""
    options: dict[str, Any] = {"headers": TYPED, "content": BODY, "extensions": {"target": PATH.encode()}}
    with gemini_replay.record(path := tmp_path / "new.jsonl", upstream=server.url + "/gw"):
        assert httpcore.request("POST", "http://api.example/", **options).content == WHOLE
    assert stored(path).request.url == "http://api.example" + PATH
    assert server.requests[0].startswith(b"POST /gw" + PATH.encode())
    assert f"Host: {urlsplit(server.url).netloc}".encode() in server.requests[0]


def test_a_body_that_can_be_read_once_is_sent_whole(tmp_path: Path, server: RawServer) -> None:
    """The transport reads it first, for matching."""

    async def once() -> Any:
        for piece in (BODY[:9], BODY[9:]):
            yield piece

    async def post() -> Any:
        async with httpcore.AsyncConnectionPool() as pool:
            headers = {**TYPED, "content-length": str(len(BODY))}
            return await pool.request("POST", server.url + PATH, headers=headers, content=once())

    with gemini_replay.record(path := tmp_path / "new.jsonl"):
        assert asyncio.run(post()).content == WHOLE
    assert server.requests[0].endswith(BODY)
    assert stored(path).request.json == ASK


def test_a_users_wrapper_around_a_transport_sees_every_request(path: Path) -> None:
    """The wrapper is a subclass that was set before the session or in it."""
    seen = []

    class Noting(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            seen.append((request.url, response.status_code))
            return response

    with httpx.Client(transport=Noting()) as before, gemini_replay.replay(path, speed="instant"):
        assert before.post(GOOGLE, json=ASK).content == WHOLE
        with httpx.Client(mounts={"https://": Noting()}) as within:
            assert within.post(GOOGLE, json=ASK).content == WHOLE
    assert seen == [(GOOGLE, 200)] * 2


def test_a_users_mock_above_httpcore_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest-httpx mocks like this, before the session or in it."""
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda *_: httpx.Response(204))
    with gemini_replay.replay(path) as session:
        assert httpx.post(GOOGLE, json=ASK).status_code == 204
        assert session.played == []


class TestOpenTelemetry:
    """OpenTelemetry's instrumentation of httpx, before or within the session."""

    @pytest.fixture
    def instrumentor(self) -> Iterator[Any]:
        module = pytest.importorskip("opentelemetry.instrumentation.httpx", reason="OpenTelemetry is not installed")
        yield module.HTTPXClientInstrumentor
        module.HTTPXClientInstrumentor().uninstrument()

    @pytest.fixture
    def tracing(self) -> tuple[Any, Any]:
        """A new tracer provider, and the spans that it gets."""
        pytest.importorskip("opentelemetry.sdk.trace", reason="OpenTelemetry's SDK is not installed")
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        provider, told = TracerProvider(), InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(told))
        return provider, told

    @pytest.mark.parametrize("within", [False, True], ids=["before", "within"])
    def test_the_library_is_instrumented(
        self, within: bool, path: Path, instrumentor: Any, tracing: tuple[Any, Any]
    ) -> None:
        """A span for each request, and the answer from the cassette."""
        provider, told = tracing
        if not within:
            instrumentor().instrument(tracer_provider=provider)
        with gemini_replay.replay(path, speed="instant") as session:
            if within:
                instrumentor().instrument(tracer_provider=provider)
            assert httpx.post(GOOGLE, json=ASK).content == WHOLE
            assert len(session.played) == len(told.get_finished_spans()) == 1

    @pytest.mark.parametrize("within", [False, True], ids=["before", "within"])
    def test_a_client_is_instrumented(
        self, within: bool, path: Path, server: RawServer, instrumentor: Any, tracing: tuple[Any, Any]
    ) -> None:
        """An instrumented client is recorded and replayed like any other."""
        provider, told = tracing
        with httpx.Client() as client:
            if not within:
                instrumentor.instrument_client(client, tracer_provider=provider)
            with gemini_replay.replay(path, speed="instant") as session:
                if within:
                    instrumentor.instrument_client(client, tracer_provider=provider)
                assert client.post(GOOGLE, json=ASK).content == WHOLE
                assert len(session.played) == len(told.get_finished_spans()) == 1
            with gemini_replay.record(new := path.with_name("new.jsonl")):
                assert client.post(server.url + PATH, json=ASK).content == WHOLE
            assert len(told.get_finished_spans()) == 2
        assert stored(new).body == WHOLE
