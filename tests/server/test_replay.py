"""The replay server: any HTTP client gets what was recorded, as it was recorded."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import signal
import socket
import statistics
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import CLIENTS, KEY, Client
from support.processes import listening
from support.streams import PATH, events

from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, End, Headers, Request, Response
from gemini_replay.cli import main
from gemini_replay.server.serving import serving

ASK = {"contents": [{"role": "user", "parts": [{"text": "Tell me a story."}]}]}
SSE: Headers = (("content-type", "text/event-stream"), ("transfer-encoding", "chunked"))
Fetch = Callable[..., Any]


def interaction(
    chunks: list[bytes],
    *,
    gap: float = 0.001,
    after: float = 0.0,
    status: int = 200,
    headers: Headers = SSE,
    ask: Any = ASK,
    method: str = "POST",
    path: str = PATH,
    **options: Any,
) -> Interaction:
    """A recording of one answer to `ask`."""
    url = f"https://generativelanguage.googleapis.com{path}"
    request = Request(method, url, body=json.dumps(ask).encode() if ask is not None else b"")
    response = Response(status, headers, after, options.get("body"))
    return Interaction(request, response, tuple(Chunk(gap, data) for data in chunks), options.get("end", End()))


@pytest.fixture
def served(tmp_path: Path) -> Callable[..., Any]:
    """Serve these recordings for a with-block; gives the base URL."""

    @contextmanager
    def served(*interactions: Interaction, speed: str | float = 1.0, repeat: bool = True) -> Iterator[str]:
        path = tmp_path / "cassette.jsonl"
        Cassette(list(interactions)).save(path)
        session = Session.replaying(path, speed=speed, hosts=None, repeat=repeat)
        with serving(session) as url:
            yield url
        session.close()

    return served


class TestAnswers:
    """Bytes, boundaries, times and heads."""

    def test_one_recorded_chunk_is_one_http_chunk(self, fetch: Fetch, served: Any) -> None:
        """Whatever the bytes are; head and body are the recorded ones."""
        chunks = [b"data: {\r", b"\n\xff\x00", "你".encode()[:2], "你".encode()[2:]]
        with served(interaction(chunks, status=207, headers=(*SSE, ("x-twice", "1"), ("x-twice", "2")))) as url:
            answer = fetch(url, PATH)
        assert (answer.status, answer.chunks, answer.complete) == (207, chunks, True)
        assert answer.headers == [
            ("content-type", "text/event-stream"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("transfer-encoding", "chunked"),
        ]

    @pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
    def test_every_client_sees_the_recorded_boundaries(self, client: Client, served: Any) -> None:
        """As from Google itself, and no chunk is late for another one's sake."""
        from support.clients import ASK

        chunks = events(20)
        with served(interaction(chunks, gap=0.02, after=0.05, ask=ASK)) as url:
            seen = client.fetch(url + PATH)
        assert seen.error is None
        assert seen.chunks == chunks
        late = [at - seen.began - 0.05 - 0.02 * n for n, at in enumerate(seen.times, 1)]
        assert min(late) > -0.005
        assert statistics.median(late) < 0.25

    def test_speed_divides_the_times(self, fetch: Fetch, served: Any) -> None:
        """A recording of a minute at a speed of 1000, and one of an hour in an instant."""
        with served(interaction(events(60), gap=1.0), speed=1000) as url:
            started = time.perf_counter()
            assert fetch(url, PATH).chunks == events(60)
            assert 0.06 < time.perf_counter() - started < 10
        with served(interaction(events(60), gap=60.0), speed="instant") as url:
            assert fetch(url, PATH).body == b"".join(events(60))

    def test_a_json_array_comes_in_its_pieces(self, fetch: Fetch, served: Any) -> None:
        """Without alt=sse another recording answers."""
        array, path = [b"[{\n}\n", b",\r\n{\n}\n", b"]"], PATH.removesuffix("?alt=sse")
        head: Headers = (("content-type", "application/json; charset=UTF-8"),)
        with served(interaction(events(2)), interaction(array, path=path, headers=head)) as url:
            assert fetch(url, path).chunks == array
            assert fetch(url, PATH).chunks == events(2)

    def test_gzip_goes_to_those_who_ask_chunk_by_chunk(self, fetch: Fetch, served: Any) -> None:
        """Each chunk can be unpacked as soon as it is there; other clients get it plain."""
        head: Headers = (("content-type", "application/json"), ("content-encoding", "gzip"), ("content-length", "9"))
        with served(interaction(events(5), headers=head, body="decoded")) as url:
            packed = fetch(url, PATH, headers={"accept-encoding": "gzip, br"})
            plain = fetch(url, PATH)
        unpacker = zlib.decompressobj(wbits=31)
        assert [unpacker.decompress(chunk) for chunk in packed.chunks] == events(5)
        assert packed.header("content-encoding") == "gzip"
        assert (plain.chunks, plain.header("content-encoding")) == (events(5), None)

    def test_a_body_kept_as_it_came_goes_out_as_it_is(self, served: Any) -> None:
        """With its own length, where that is true."""
        packed = gzip.compress(b"{}")
        head: Headers = (("content-encoding", "gzip"), ("content-length", str(len(packed))))
        with served(interaction([packed], headers=head, body="wire")) as url:
            answer = httpx.post(f"{url}{PATH}", json=ASK)
        assert answer.json() == {}
        assert answer.headers["content-length"] == str(len(packed))
        assert "transfer-encoding" not in answer.headers

    def test_errors_are_answers_like_any_other(self, fetch: Fetch, served: Any) -> None:
        """Status, headers and body of a 429, without the mark of our own answers."""
        head: Headers = (("content-type", "text/event-stream"), ("retry-after", "7"))
        with served(interaction([b'{"error": {}}'], status=429, headers=head)) as url:
            answer = fetch(url, PATH)
        assert (answer.status, answer.header("retry-after"), answer.body) == (429, "7", b'{"error": {}}')
        assert answer.header("x-gemini-replay") is None

    def test_headers_of_another_connection_stay_with_it(self, served: Any) -> None:
        """What the recorded connection said of itself is not said of this one."""
        own = (("connection", "close, x-own"), ("x-own", "1"), ("keep-alive", "timeout=1"), ("te", "gzip"))
        with served(interaction(events(1), headers=(*SSE, *own))) as url, httpx.Client() as client:
            for _ in range(2):
                answer = client.post(url + PATH, json=ASK)
                assert set(answer.headers) == {"content-type", "transfer-encoding"}

    def test_a_header_beyond_latin_1_is_sent_as_utf_8(self, served: Any) -> None:
        """A cassette written by hand may have one."""
        with served(interaction(events(1), headers=(("x-title", "月亮"),))) as url:
            assert dict(httpx.post(url + PATH, json=ASK).headers.raw)[b"x-title"].decode() == "月亮"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
    def test_other_methods_and_paths_are_recordings_too(self, served: Any, method: str) -> None:
        """A model's description, or anything else that was recorded."""
        path, head = "/v1beta/models/gemini-x", (("content-type", "application/json"),)
        body = [] if method == "HEAD" else [b"{}"]
        with served(interaction(body, method=method, path=path, ask=None, headers=head)) as url:
            answer = httpx.request(method, url + path)
        assert (answer.status_code, answer.content) == (200, b"".join(body))

    @pytest.mark.parametrize("prefix", ["", "/team/gemini", "//odd"], ids=["none", "gateway", "odd"])
    def test_any_prefix_name_and_key_will_do(self, fetch: Fetch, served: Any, prefix: str) -> None:
        """Matching looks at none of them; nor at the API version."""
        path = f"{prefix}/v1alpha/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=abc"
        with served(interaction(events(2))) as url:
            answer = fetch(url, path, headers={"host": "localhost:1", "authorization": "Bearer abc"})
        assert answer.chunks == events(2)

    def test_a_client_of_http_1_0_gets_the_body_up_to_the_close(self, served: Any) -> None:
        """It knows no chunks."""
        body = json.dumps(ASK).encode()
        with served(interaction(events(2))) as url:
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=30) as sock:
                sock.sendall(f"POST {PATH} HTTP/1.0\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
                got = b"".join(iter(lambda: sock.recv(65536), b""))
        assert got.partition(b"\r\n\r\n")[2] == b"".join(events(2))


class TestEndings:
    """What a recording's end becomes on a real connection."""

    def test_a_reset_is_a_tcp_reset_behind_all_that_came(self, fetch: Fetch, served: Any) -> None:
        """At its moment."""
        with served(interaction(events(3), end=End("reset", 0.02))) as url:
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)

    def test_a_body_that_stopped_too_early_does_so_in_good_order(self, fetch: Fetch, served: Any) -> None:
        """A FIN without the last chunk."""
        with served(interaction(events(3), end=End("reset", how="closed"))) as url:
            answer = fetch(url, PATH)
        assert (answer.chunks, answer.complete, answer.error) == (events(3), False, None)

    @pytest.mark.parametrize(
        ("end", "error"),
        [
            (End("reset"), httpx.ReadError),
            (End("reset", how="closed"), httpx.RemoteProtocolError),
            (End("cancelled"), httpx.ReadError),
            (End("timeout"), httpx.ReadTimeout),
        ],
        ids=["reset", "closed", "cancelled", "timeout"],
    )
    def test_a_connection_that_ended_before_a_head_does_so_again(
        self, served: Any, end: End, error: type[Exception]
    ) -> None:
        """In the client's own exception."""
        recorded = interaction([], end=end)
        with served(Interaction(recorded.request, None, (), end)) as url, pytest.raises(error):
            httpx.post(url + PATH, json=ASK, timeout=0.3 if end.kind == "timeout" else 30)

    def test_a_recorded_timeout_is_silence_until_the_client_gives_up(self, served: Any) -> None:
        """With its own read timeout; and the next request is answered again."""
        with served(interaction(events(2), gap=0.01, end=End("timeout")), speed="instant") as url:
            for _ in range(2):
                got = b""
                with httpx.stream("POST", url + PATH, json=ASK, timeout=0.5) as answer:
                    with pytest.raises(httpx.ReadTimeout):
                        for data in answer.iter_raw():
                            got += data
                assert got == b"".join(events(2))

    def test_a_recording_that_its_client_cancelled_is_reset_there(
        self, fetch: Fetch, served: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """So that no client takes it for the whole answer; the log says why."""
        with served(interaction(events(3), end=End("cancelled"))) as url, caplog.at_level(logging.WARNING):
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)
        assert "stops where the client that made it closed it" in caplog.text

    def test_a_client_that_leaves_disturbs_nobody(self, connect: Any, wire: Any, fetch: Fetch, served: Any) -> None:
        """The next one is served from the beginning."""
        with served(interaction(events(50), gap=0.02)) as url:
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                assert wire.chunk(reader) == events(50)[0]
            assert fetch(url, PATH).chunks == events(50)


class TestMisses:
    """A request that no recording answers."""

    def test_a_miss_is_a_404_in_googles_words(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """It shows the nearest recording and how it differs; clients do not retry it; the log has it too."""
        with served(interaction(events(1))) as url, caplog.at_level(logging.WARNING):
            answer = httpx.post(url + PATH, json={"contents": [{"parts": [{"text": "Sing."}]}]})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (404, 404, "NOT_FOUND")
        assert answer.headers["x-gemini-replay"] == "miss"
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
        assert "Sing." in error["message"]
        assert "interaction 1 of 1; it differs in" in error["message"]
        assert "gemini-replay record" in error["message"]
        assert error["message"] in caplog.text

    def test_no_secret_of_a_missed_request_is_said(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """Not in the answer, not in the log: a key in header, query, bearer token or body."""
        ask = {"contents": [{"parts": [{"text": f"my key is {KEY}"}]}]}
        with served(interaction(events(1))) as url, caplog.at_level(0):
            answers = [
                httpx.post(url + PATH, json=ask, headers={"x-goog-api-key": KEY}),
                httpx.post(f"{url}{PATH}&key={KEY}", json=ask),
                httpx.post(url + PATH, json=ask, headers={"authorization": f"Bearer {KEY}"}),
            ]
            answers.append(httpx.post(f"{url}/{KEY}?key={KEY}"))
        said = "".join(answer.text for answer in answers)
        said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("gemini_replay"))
        assert said.count("my key is REDACTED") == 6
        assert KEY not in said

    def test_without_repetition_each_recording_answers_once(self, served: Any) -> None:
        """As a test's own session wants it; the server of the command line starts again."""
        with served(interaction(events(1)), interaction(events(2)), repeat=False) as url:
            answers = [httpx.post(url + PATH, json=ASK) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 404]
        with served(interaction(events(1)), interaction(events(2))) as url:
            bodies = [httpx.post(url + PATH, json=ASK).content for _ in range(3)]
        assert bodies == [b"".join(events(n)) for n in (1, 2, 1)]


def test_fifty_clients_at_once_get_each_chunk_in_its_own_time(served: Any) -> None:
    """Concurrent streams are complete and equal, and none waits for another."""
    chunks = events(20)

    async def one(client: httpx.AsyncClient, url: str) -> tuple[bytes, list[float]]:
        started, times, body = time.perf_counter(), [], b""
        async with client.stream("POST", url + PATH, json=ASK) as answer:
            async for data in answer.aiter_raw():
                times.append(time.perf_counter() - started)
                body += data
        return body, times

    async def all_of_them(url: str) -> list[tuple[bytes, list[float]]]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=50), timeout=60) as client:
            return await asyncio.gather(*(one(client, url) for _ in range(50)))

    with served(interaction(chunks, gap=0.05, after=0.3)) as url:
        answers = asyncio.run(all_of_them(url))
    assert {body for body, _ in answers} == {b"".join(chunks)}
    spans = [times[-1] - times[0] for _, times in answers]
    assert (
        19 * 0.05 / 2 < statistics.median(spans) < 19 * 0.05 * 5
    )  # one after another they would take 50 times as long


class TestCommand:
    """``gemini-replay serve``, as a process of its own."""

    @pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
    def test_it_serves_until_a_signal_whatever_is_open(
        self, tmp_path: Path, connect: Any, wire: Any, number: signal.Signals
    ) -> None:
        """One line on stdout, misses on stderr, exit status 0; several cassettes, one of them in a folder."""
        (tmp_path / "more").mkdir()
        Cassette([interaction(events(2), end=End("timeout"))]).save(tmp_path / "one.jsonl")
        Cassette([interaction([b"{}"], method="GET", path="/v1/models/m", ask=None)]).save(
            tmp_path / "more/two.jsonl"
        )
        arguments = ("serve", "one.jsonl", "more", "--speed", "instant")
        with listening(*arguments, cwd=tmp_path) as (process, url):
            assert httpx.get(f"{url}/v1/models/m").text == "{}"
            assert httpx.get(f"{url}/v1/models/another").status_code == 404
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                assert wire.chunk(reader)
                process.send_signal(number)
                out, err = process.communicate(timeout=30)
        assert (out, process.returncode) == ("", 0)
        assert err.startswith("gemini-replay: No recording answers GET")
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        ("arguments", "status", "words"),
        [
            (["nothing.jsonl"], 1, "the cassette does not exist"),
            (["empty.jsonl"], 1, "the file is empty"),
            (["good.jsonl", "--speed", "0"], 2, "Unknown speed"),
            (["good.jsonl", "--listen", "8080"], 2, "is not an address"),
            (["good.jsonl", "--listen", "192.0.2.1:0"], 2, "Cannot listen on"),
            (["."], 2, "There is no cassette"),
        ],
        ids=["missing", "broken", "speed", "listen", "elsewhere", "folder"],
    )
    def test_what_cannot_be_served_is_said_at_once(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        arguments: list[str],
        status: int,
        words: str,
    ) -> None:
        """Before anything listens."""
        monkeypatch.chdir(tmp_path)
        if arguments[0] == "good.jsonl":
            Cassette([interaction(events(1))]).save(tmp_path / "good.jsonl")
        elif arguments[0] == "empty.jsonl":
            (tmp_path / "empty.jsonl").touch()
        assert main(["serve", *arguments]) == status
        captured = capsys.readouterr()
        assert words in captured.err
        assert captured.out == ""
