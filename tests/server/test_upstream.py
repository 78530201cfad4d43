"""The embedded upstream answers as Google does: paths, keys, framings, headers, errors."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from gemini_replay.errors import UsageError
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import SCENARIOS, Scenario

ASK = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}
MODEL = "models/gemini-2.5-flash:streamGenerateContent"
VERTEX = "projects/p-1/locations/europe-west6/publishers/google"
Fetch = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(pace=0) as running:
        yield running


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
        ("POST", "/v1/models/gemini-2.5-flash:embedContent"),
        ("GET", "/"),
    ],
    ids=["get on a stream", "post on a model", "unknown version", "unknown method", "root"],
)
def test_other_paths_are_googles_404_page(fetch: Fetch, server: Any, method: str, path: str) -> None:
    """What is no method of the API is answered with a page, not with an error object."""
    answer = fetch(server.url, path, method=method)
    assert answer.status == 404
    assert answer.header("content-type") == "text/html; charset=UTF-8"


def test_sse_is_one_http_chunk_for_each_event(fetch: Fetch, server: Any) -> None:
    """With alt=sse each chunk is one event: data, JSON on one line, CRLF CRLF; never compressed."""
    answer = fetch(server.url, headers={"accept-encoding": "gzip"})
    assert len(answer.chunks) > 10
    for chunk in answer.chunks:
        assert chunk.startswith(b"data: {")
        assert chunk.endswith(b"}\r\n\r\n")
        assert chunk.count(b"\n") == 2
        json.loads(chunk[6:])
    assert answer.header("content-encoding") is None
    assert "\\u003c" in answer.body.decode()
    assert "🐈" in answer.body.decode()


def test_what_was_sent_is_known(fetch: Fetch, server: Any) -> None:
    """``sent`` holds the very chunks that went over the wire, in order, at rising times."""
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


def test_server_timing_tells_the_time_to_the_first_byte() -> None:
    """``dur`` is the wait before the head, in milliseconds, at the pace that is set."""
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


def test_without_alt_the_answer_is_an_array_piece_by_piece(fetch: Fetch, server: Any) -> None:
    """Without alt=sse each element of a pretty-printed array is one chunk."""
    answer = fetch(server.url, f"/v1beta/{MODEL}")
    assert answer.header("content-type") == "application/json; charset=UTF-8"
    assert answer.header("content-disposition") is None
    first, second, *_, last = answer.chunks
    assert first.startswith(b'[{\n  "candidates": [\n')
    assert first.endswith(b"\n}\n")
    assert second.startswith(b",\r\n{\n")
    assert last == b"]"
    assert len(json.loads(answer.body)) == len(answer.chunks) - 1


def test_gzip_is_flushed_with_each_element(fetch: Fetch, server: Any) -> None:
    """A client that takes gzip gets each element in a chunk that ends with a sync flush."""
    plain = fetch(server.url, f"/v1beta/{MODEL}")
    packed = fetch(server.url, f"/v1beta/{MODEL}", headers={"accept-encoding": "br, gzip;q=0.5"})
    assert packed.header("content-encoding") == "gzip"
    assert len(packed.chunks) == len(plain.chunks)
    unpacker = zlib.decompressobj(wbits=31)
    for nth, chunk in enumerate(packed.chunks[:-1]):
        assert chunk.endswith(b"\0\0\xff\xff")
        assert unpacker.decompress(chunk) == plain.chunks[nth]
    assert unpacker.decompress(packed.chunks[-1]) == b"]"
    assert unpacker.eof


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "gzip; q=0.0", "deflate, br"])
def test_gzip_is_not_forced_on_anyone(fetch: Fetch, server: Any, accepted: str) -> None:
    """A client that does not take gzip gets plain JSON."""
    answer = fetch(server.url, f"/v1beta/{MODEL}", headers={"accept-encoding": accepted})
    assert answer.header("content-encoding") is None
    json.loads(answer.body)


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


def test_counts_tokens_and_describes_models(server: Any) -> None:
    """CountTokens and models.get, which some SDKs call first, have answers."""
    counted = httpx.post(f"{server.url}/v1/models/gemini-2.5-pro:countTokens?key=k", json=ASK)
    assert counted.json()["totalTokens"] == 4
    model = httpx.get(f"{server.url}/v1beta/models/gemini-2.5-pro?key=k").json()
    assert model["name"] == "models/gemini-2.5-pro"
    assert "generateContent" in model["supportedGenerationMethods"]
    assert httpx.get(f"{server.url}/v1beta/models/nonesuch?key=k").status_code == 404


class TestKeys:
    """A key is needed, as with the real one."""

    @pytest.mark.parametrize(
        ("headers", "query", "place"),
        [
            ({"x-goog-api-key": "right"}, "", "header"),
            ({}, "&key=right", "query"),
            ({"authorization": "Bearer right"}, "", "bearer"),
        ],
        ids=["header", "query", "bearer"],
    )
    def test_every_place_of_a_key_will_do(
        self, fetch: Fetch, headers: dict[str, str], query: str, place: str
    ) -> None:
        """The right key is taken from each place, and shown in none of the kept requests."""
        with upstream.start(key="right", pace=0) as server:
            answer = fetch(server.url, f"/v1/{MODEL}?alt=sse{query}", key=None, headers=headers)
            assert answer.status == 200
            assert server.requests[0].key_place == place
            assert "right" not in repr(server.requests)

    @pytest.mark.parametrize(
        ("headers", "query", "status", "reason"),
        [
            ({"x-goog-api-key": "wrong"}, "", 400, "API_KEY_INVALID"),
            ({}, "&key=wrong", 400, "API_KEY_INVALID"),
            ({"authorization": "Bearer wrong"}, "", 401, "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
        ],
        ids=["header", "query", "bearer"],
    )
    def test_a_wrong_key_is_refused(
        self, fetch: Fetch, headers: dict[str, str], query: str, status: int, reason: str
    ) -> None:
        """A wrong API key is 400 with ErrorInfo, a wrong Bearer 401; neither is echoed."""
        with upstream.start(key="right", pace=0) as server:
            answer = fetch(server.url, f"/v1/{MODEL}?alt=sse{query}", key=None, headers=headers)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["code"]) == (status, status)
        assert error["details"][0]["reason"] == reason
        assert b"wrong" not in answer.body

    def test_no_key_is_403(self, fetch: Fetch, server: Any) -> None:
        """Without a key the Gemini API knows no caller."""
        answer = fetch(server.url, key=None)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (403, "PERMISSION_DENIED")
        assert "unregistered callers" in error["message"]

    def test_no_credentials_are_401_on_vertex(self, fetch: Fetch, server: Any) -> None:
        """Vertex AI misses credentials, and puts its error into a list without alt=sse."""
        answer = fetch(server.url, f"/v1/{VERTEX}/{MODEL}", key=None)
        (wrapped,) = json.loads(answer.body)
        assert (answer.status, wrapped["error"]["status"]) == (401, "UNAUTHENTICATED")

    def test_none_needs_no_key(self, fetch: Fetch) -> None:
        """``key=None`` answers everybody."""
        with upstream.start(key=None, pace=0) as server:
            assert fetch(server.url, key=None).status == 200


class TestBadRequests:
    """What cannot be answered is refused as Google refuses it."""

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b'{"contents": [', "Invalid JSON payload"),
            (b"\xed\xa0\x80", "Invalid JSON payload"),
            (b"\xff\xfe\xfd", "Invalid JSON payload"),
            (b"[" * 100_000, "Invalid JSON payload"),
            (b"[]", "Root element must be a message"),
            (b"", "contents is not specified"),
            (b"{}", "contents is not specified"),
            (b'{"contents": []}', "contents is not specified"),
            (b'{"contents": [{"role": "user"}]}', "contents.parts must not be empty"),
            (b'{"contents": ["text"]}', "contents.parts must not be empty"),
            (b'{"contents": [{"parts": 7}]}', "contents.parts must not be empty"),
        ],
        ids=[
            "cut JSON",
            "surrogate",
            "no UTF-8",
            "deep",
            "list",
            "empty",
            "no contents",
            "empty contents",
            "no parts",
            "text for content",
            "number for parts",
        ],
    )
    def test_a_bad_body_is_invalid_argument(self, fetch: Fetch, server: Any, body: bytes, message: str) -> None:
        """400 INVALID_ARGUMENT, pretty-printed, with the stream's own content type."""
        answer = fetch(server.url, body=body)
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
        assert message in error["message"]
        assert answer.header("content-type") == "text/event-stream"
        assert answer.body.startswith(b'{\n  "error": {\n    "code": 400,\n')

    def test_an_unknown_model_is_404(self, fetch: Fetch, server: Any) -> None:
        """A model that is neither Gemini's nor a scenario is not found, for this API version."""
        answer = fetch(server.url, "/v1/models/nonesuch:streamGenerateContent?alt=sse")
        error = json.loads(answer.body)["error"]
        assert (answer.status, error["status"]) == (404, "NOT_FOUND")
        assert "models/nonesuch is not found for API version v1," in error["message"]

    def test_an_unknown_scenario_is_explained(self, fetch: Fetch, server: Any) -> None:
        """A scenario that does not exist is answered with the nearest name and all others."""
        answer = fetch(server.url, headers={"x-scenario": "storry"})
        message = json.loads(answer.body)["error"]["message"]
        assert answer.status == 400
        assert "'story'" in message
        assert "many_chunks" in message

    @pytest.mark.parametrize("wrong", [{"scenario": "storry"}, {"pace": -1}, {"pace": float("nan")}])
    def test_wrong_arguments_are_usage_errors(self, wrong: dict[str, Any]) -> None:
        """An unknown scenario or an impossible pace is refused before anything listens."""
        with pytest.raises(UsageError):
            upstream.Upstream(**wrong)


class TestChoice:
    """Which scenario answers."""

    def finish(self, answer: Any) -> str:
        return str(json.loads(answer.chunks[-1][6:])["candidates"][0]["finishReason"])

    def test_the_model_may_name_it(self, fetch: Fetch, server: Any) -> None:
        """A scenario's name as model, with dashes too, comes before header and text."""
        path = "/v1/models/max-tokens:streamGenerateContent?alt=sse"
        answer = fetch(server.url, path, headers={"x-scenario": "safety"})
        assert self.finish(answer) == "MAX_TOKENS"

    def test_the_header_may_name_it(self, fetch: Fetch, server: Any) -> None:
        """``x-scenario`` comes before the text."""
        body = {"contents": [{"parts": [{"text": "scenario:safety"}]}]}
        answer = fetch(server.url, body=body, headers={"x-scenario": "max_tokens"})
        assert self.finish(answer) == "MAX_TOKENS"

    def test_the_text_may_name_it(self, fetch: Fetch, server: Any) -> None:
        """The first user text may be ``scenario:NAME``."""
        body = {"contents": {"parts": {"text": "scenario:max_tokens"}}}
        assert self.finish(fetch(server.url, body=body)) == "MAX_TOKENS"

    def test_the_constructor_decides(self, fetch: Fetch) -> None:
        """A scenario given to the server comes before everything, whatever the model."""
        with upstream.start("max_tokens", pace=0) as server:
            path = "/v1/models/any-model:streamGenerateContent?alt=sse"
            assert self.finish(fetch(server.url, path)) == "MAX_TOKENS"

    def test_equal_requests_get_equal_answers(self) -> None:
        """The plan, times and ids included, depends on seed and request only."""
        plans = [upstream.Upstream(seed=seed).answer(_request(), "k") for seed in (1, 1, 2)]
        assert plans[0].chunks == plans[1].chunks
        assert plans[0].chunks != plans[2].chunks


def test_the_model_that_was_asked_answers(fetch: Fetch, server: Any) -> None:
    """ModelVersion is the request's model where it names a Gemini model."""
    answer = fetch(server.url, "/v1/models/gemini-9-ultra:streamGenerateContent?alt=sse")
    assert json.loads(answer.chunks[0][6:])["modelVersion"] == "gemini-9-ultra"


class TestGateway:
    """The form in which API gateways send Gemini's streams."""

    @pytest.mark.parametrize("query", ["?alt=sse", ""], ids=["sse asked", "nothing asked"])
    def test_any_scenario_can_be_wrapped(self, fetch: Fetch, query: str) -> None:
        """SSE either way: LF, headers inside each event, a comment, a final [DONE]; Bearer."""
        with upstream.start("max_tokens", gateway=True, key="tok", pace=0) as server:
            answer = fetch(
                server.url,
                f"/team/gemini/v1beta/{MODEL}{query}",
                key=None,
                headers={"authorization": "Bearer tok", "accept-encoding": "gzip"},
            )
        first, comment, *_, last = answer.chunks
        assert "content-type" in json.loads(first[6:])["sdkHttpResponse"]["headers"]
        assert comment == b": keep-alive\n\n"
        assert last == b"data: [DONE]\n\n"
        assert b"\r" not in answer.body
        assert answer.header("content-encoding") is None

    def test_the_plain_form_only_wraps(self, fetch: Fetch) -> None:
        """``plain`` has neither comment nor [DONE]: every block is an event."""
        with upstream.start("max_tokens", gateway="plain", pace=0) as server:
            answer = fetch(server.url)
        assert all("sdkHttpResponse" in json.loads(chunk[6:]) for chunk in answer.chunks)

    def test_errors_come_as_data(self, fetch: Fetch) -> None:
        """An error in mid-stream is an event of its own."""
        with upstream.start("inband_error", gateway="plain", pace=0) as server:
            answer = fetch(server.url)
        assert json.loads(answer.body.split(b"\n\n")[-2][6:])["error"]["code"] == 503


def test_raw_chunks_go_out_as_given(fetch: Fetch) -> None:
    """``from_chunks`` sends these chunks, this status and these headers, whatever is asked for."""
    chunks = [b"\xff\x00", b"data: {\r", b"\n"]
    scenario = Scenario.from_chunks(
        chunks,
        gaps=[0.001, 0.002, 0],
        status=207,
        headers={"Content-Type": "x/y", "Content-Length": "3", "X-Twice": "1"},
    )
    with upstream.start(scenario) as server:
        answer = fetch(server.url, "/anything", body=b"no JSON")
    assert (answer.status, answer.chunks, answer.complete) == (207, chunks, True)
    assert answer.headers == [
        ("content-type", "x/y"),
        ("x-twice", "1"),
        ("transfer-encoding", "chunked"),
    ]


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


def test_a_client_that_leaves_disturbs_nobody(
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
