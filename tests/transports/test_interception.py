"""Interception: found from everywhere, beside other tools, and gone without a trace."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpcore
import httpcore2
import httpx
import httpx2
import pytest
import respx
import urllib3
from support.clients import ASK, KEY
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay import Cassette, session
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.errors import GeminiReplayError, MissError, NetworkBlockedError, RecordingEndedError

LIBRARIES = [httpx, httpx2]
SEAMS = [
    (library, owner, method)
    for library in (httpcore, httpcore2)
    for owner, method in (("ConnectionPool", "handle_request"), ("AsyncConnectionPool", "handle_async_request"))
]


def asked(body: object = ASK) -> Request:
    return httpx_request(body)


def httpx_request(body: object) -> Request:
    made = httpx.Request("POST", GOOGLE, json=body)
    return Request("POST", GOOGLE, (("content-type", "application/json"),), made.content)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with four recordings of the same question."""
    chunks = tuple(Chunk(0.001, data) for data in events(3))
    recordings = [Interaction(asked(), Response(200, (("content-type", "text/event-stream"),)), chunks)] * 4
    path = tmp_path / "story.jsonl"
    Cassette(interactions=recordings).save(path)
    return path


@pytest.fixture(params=LIBRARIES, ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Iterator[object]:
    return request.param


def post(library: object, body: object = ASK) -> bytes:
    return library.post(GOOGLE, json=body, headers={"x-goog-api-key": KEY}).content  # type: ignore[attr-defined]


def test_everything_is_as_before_when_the_last_session_closes(path: Path) -> None:
    """No replacement is left on either library, on sockets, on TLS, or on threads."""
    before = seams()
    with gemini_replay.replay(path):
        with gemini_replay.replay(path):
            assert all(a is not b for a, b in zip(seams(), before, strict=True))
        assert all(a is not b for a, b in zip(seams(), before, strict=True))
    assert seams() == before


def test_sessions_nest_and_the_innermost_answers(path: Path, tmp_path: Path) -> None:
    """And the outer one is back afterwards."""
    other = tmp_path / "other.jsonl"
    Cassette(interactions=[]).save(other)
    with gemini_replay.replay(path) as outer:
        with pytest.raises(MissError, match="holds no interaction"), gemini_replay.replay(other):
            post(httpx)
        assert post(httpx)
    assert len(outer.played) == 1


def test_a_session_is_found_from_any_thread(path: Path, library: object) -> None:
    """Threads of the code under test have no context of the test's; pools neither; executors neither."""
    with gemini_replay.replay(path, speed="instant") as opened:
        results: list[bytes] = []
        thread = threading.Thread(target=lambda: results.append(post(library)))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            results.append(pool.submit(post, library).result())

        async def main() -> bytes:
            return await asyncio.get_running_loop().run_in_executor(None, post, library)

        results.append(asyncio.run(main()))
    assert results == [b"".join(events(3))] * 3
    assert len(opened.played) == 3


def test_two_tasks_may_have_sessions_of_their_own(path: Path, tmp_path: Path) -> None:
    """Each task's requests go to the session that it opened, whatever was opened later."""
    other = tmp_path / "other.jsonl"
    Cassette(interactions=[Interaction(asked(), Response(200), (Chunk(0, b"other"),))]).save(other)

    async def ask(cassette: Path, mine: asyncio.Event, theirs: asyncio.Event) -> bytes:
        with gemini_replay.replay(cassette, speed="instant"):
            mine.set()
            await theirs.wait()
            async with httpx.AsyncClient() as client:
                return (await client.post(GOOGLE, json=ASK)).content

    async def main() -> list[bytes]:
        one, two = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(ask(path, one, two), ask(other, two, one))

    assert asyncio.run(main()) == [b"".join(events(3)), b"other"]


def test_a_library_that_is_imported_later_is_intercepted(path: Path) -> None:
    """Also in the middle of a session; and the session does not import it."""
    code = f"""
import sys
import gemini_replay
with gemini_replay.replay({str(path)!r}, speed="instant"):
    assert "httpx2" not in sys.modules and "httpx" not in sys.modules
    import httpx2, httpx
    assert type(httpx2.__loader__).__name__ == "SourceFileLoader", httpx2.__loader__
    print(len(httpx2.post({GOOGLE!r}, json={ASK!r}).content), len(httpx.post({GOOGLE!r}, json={ASK!r}).content))
assert not any("gemini_replay" in type(finder).__module__ for finder in sys.meta_path)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stderr == ""
    assert out.stdout.split() == [str(len(b"".join(events(3))))] * 2


def test_an_active_respx_router_and_a_session_live_side_by_side(path: Path, respx_mock: respx.MockRouter) -> None:
    """Respx answers what it has routes for, the cassette answers Gemini; neither sees the other's."""
    route = respx_mock.get("https://example.com/").mock(return_value=httpx.Response(204))
    with gemini_replay.replay(path) as opened:
        assert post(httpx)
        assert httpx.get("https://example.com/").status_code == 204
    assert len(opened.played) == 1
    assert route.call_count == 1


def test_a_request_that_respx_would_let_through_is_an_error(path: Path, respx_mock: respx.MockRouter) -> None:
    """A pass-through route is no way to the network for a Gemini request that no recording answers."""
    respx_mock.route().pass_through()
    with pytest.raises(MissError), gemini_replay.replay(path):
        post(httpx, {"contents": "another"})


def test_respx_started_inside_a_session_may_be_stopped_after_it(path: Path) -> None:
    """It puts back what it found, ours, which does nothing any more: also where another session is open."""
    opened = gemini_replay.replay(path)
    opened.__enter__()
    router = respx.mock(assert_all_called=False)
    router.start()
    opened.__exit__(None, None, None)
    router.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    with gemini_replay.replay(path) as another:
        assert post(httpx)
    assert len(another.played) == 1


def test_routes_of_respx_that_are_made_in_a_session_are_asked_first(path: Path) -> None:
    """They were put over the cassette; what no route is for is the cassette's."""
    with gemini_replay.replay(path) as opened, respx.mock(assert_all_called=False) as router:
        router.post(GOOGLE, headers={"x-mocked": "yes"}).mock(return_value=httpx.Response(204))
        router.route().pass_through()
        assert httpx.post(GOOGLE, json=ASK, headers={"x-mocked": "yes"}).status_code == 204
        assert post(httpx)
    assert len(opened.played) == 1


def test_another_tools_patch_over_ours_stays_and_stays_harmless(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put on during the session and taken off after it: ours underneath does nothing any more."""
    calls = []
    with gemini_replay.replay(path):
        inner = httpcore.ConnectionPool.handle_request

        def outer(pool: httpcore.ConnectionPool, request: httpcore.Request) -> httpcore.Response:
            calls.append(request)
            return inner(pool, request)

        monkeypatch.setattr(httpcore.ConnectionPool, "handle_request", outer)
        assert post(httpx)
    assert httpcore.ConnectionPool.handle_request is outer
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    assert len(calls) == 2


class Unseen(httpx.BaseTransport):
    """A transport of a user's own, which no interception knows: it goes straight to the socket."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.create_connection((request.url.host, 443), timeout=1):
            raise AssertionError("the network was reached")


@pytest.mark.parametrize("host", ["generativelanguage.googleapis.com", "us-central1-aiplatform.googleapis.com"])
def test_a_client_that_nobody_intercepts_is_stopped_at_the_look_up(path: Path, host: str) -> None:
    """With an error of our own that names the host; it counts as a miss also where it is swallowed."""
    with pytest.raises(NetworkBlockedError, match=host), gemini_replay.replay(path) as opened:
        with pytest.raises(NetworkBlockedError), httpx.Client(transport=Unseen()) as client:
            client.get(f"https://{host}/v1beta/models")
        assert len(opened.misses) == 1


def test_other_hosts_can_be_looked_up(path: Path) -> None:
    """The guard knows Gemini's hosts and those that it was told of, no others."""
    with gemini_replay.replay(path, hosts=["*.example.org"]):
        assert socket.getaddrinfo("localhost", 80)
    with pytest.raises(NetworkBlockedError), gemini_replay.replay(path, hosts=["*.example.org"]):
        socket.getaddrinfo(b"api.example.org", 443)


def test_reading_past_a_recording_that_its_client_let_go_of_is_explained(tmp_path: Path, library: object) -> None:
    """Nothing is invented: the error says that the recording stops here."""
    from gemini_replay.cassette.model import End

    path = tmp_path / "cut.jsonl"
    cut = Interaction(asked(), Response(200), (Chunk(0, b"data: {}\n\n"),), End("cancelled"))
    Cassette(interactions=[cut]).save(path)
    with gemini_replay.replay(path), pytest.raises(RecordingEndedError, match="no more bytes"):
        post(library)


def test_a_request_after_the_session_is_no_business_of_ours(path: Path) -> None:
    """It goes to the network as if nothing had been."""
    with gemini_replay.replay(path):
        pass
    assert session.candidates() == ()
    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)


def test_recording_under_a_session_of_mode_live_passes_everything(tmp_path: Path) -> None:
    """No cassette, no guard, no miss."""
    with gemini_replay.record(tmp_path / "x.jsonl", mode="live") as opened, pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1beta/models/m:streamGenerateContent", json=ASK)
    assert opened.recorded_count == 0
    assert list(tmp_path.iterdir()) == []


# -- interception is whole, or there is none -------------------------------------------------------------------------


def in_python(code: str, *, path: Path | None = None) -> list[str]:
    """The words that a program prints, which must say nothing on standard error."""
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert out.stderr == ""
    return out.stdout.split()


def seams() -> list[object]:
    import ssl

    found = [vars(getattr(library, owner))[method] for library, owner, method in SEAMS]
    others = [vars(ssl.SSLContext).get("load_verify_locations"), threading.Thread.start, ThreadPoolExecutor.submit]
    return [*found, socket.getaddrinfo, *others]


def test_a_library_that_is_built_otherwise_leaves_nothing_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names it with its version; the next session, with the right one, opens as ever."""
    before = seams()
    with monkeypatch.context() as broken:
        broken.delattr(urllib3.connectionpool.HTTPConnectionPool, "_make_request")
        with pytest.raises(GeminiReplayError, match=rf"urllib3 {urllib3.__version__}"), gemini_replay.replay(path):
            pass
    assert seams() == before
    assert session.candidates() == ()
    with gemini_replay.replay(path):
        assert post(httpx)
    assert seams() == before


def test_such_a_library_does_not_disturb_a_session_that_is_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one within it fails to open, and the outer one goes on."""
    with gemini_replay.replay(path) as outer:
        with monkeypatch.context() as broken:
            broken.delattr(urllib3.connectionpool.HTTPConnectionPool, "_make_request")
            with pytest.raises(GeminiReplayError), gemini_replay.replay(path):
                pass
        assert post(httpx)
    assert len(outer.played) == 1


def test_such_a_library_that_is_imported_in_mid_session_is_told_at_its_end(path: Path, tmp_path: Path) -> None:
    """Its import succeeds: the program may not need it for Gemini."""
    (tmp_path / "httpcore2").mkdir()
    (tmp_path / "httpcore2" / "__init__.py").write_text("__version__ = '99.0'\n")
    code = f"""
import gemini_replay
from gemini_replay.errors import GeminiReplayError
try:
    with gemini_replay.replay({str(path)!r}):
        import httpcore2
        print(httpcore2.__version__)
except GeminiReplayError as error:
    print(str(error).replace(" ", "_"))
"""
    version, error, *rest = in_python(code, path=tmp_path)
    assert version == "99.0"
    assert error.startswith("httpcore2_99.0")
    assert "newer_gemini-replay" in " ".join(rest)


def test_a_library_that_another_thread_is_importing_is_intercepted(path: Path) -> None:
    """The session opens in the middle of the import."""
    code = f"""
import sys, threading
import gemini_replay

class Slow:
    met, go = threading.Event(), threading.Event()
    def find_spec(self, name, path, target=None):
        if name == "httpcore._api":
            self.met.set()
            self.go.wait(10)

gemini_replay.replay({str(path)!r})
sys.meta_path.insert(0, Slow())
thread = threading.Thread(target=__import__, args=("httpcore",))
thread.start()
Slow.met.wait(10)
with gemini_replay.replay({str(path)!r}, speed="instant"):
    Slow.go.set()
    thread.join()
    import httpx
    print(len(httpx.post({GOOGLE!r}, json={ASK!r}).content))
import httpcore
print("gemini_replay" in httpcore.ConnectionPool.handle_request.__code__.co_filename)
"""
    assert in_python(code) == [str(len(b"".join(events(3)))), "False"]


def test_a_library_whose_import_outlasts_the_session_is_not_intercepted(path: Path) -> None:
    """The last session ends while the import waits for the code of ours that would intercept it."""
    code = f"""
import sys, threading
import gemini_replay

class Slow:
    met, go = threading.Event(), threading.Event()
    def find_spec(self, name, path, target=None):
        if name == "gemini_replay.transports.httpcore":
            self.met.set()
            self.go.wait(10)

sys.meta_path.insert(0, Slow())
ready, go = threading.Event(), threading.Event()
def run():
    ready.wait(10)
    import httpcore
thread = threading.Thread(target=run)
thread.start()
with gemini_replay.replay({str(path)!r}):
    ready.set()
    print(Slow.met.wait(10))
Slow.go.set()
thread.join()
import httpcore
print("gemini_replay" in httpcore.ConnectionPool.handle_request.__code__.co_filename)
"""
    assert in_python(code) == ["True", "False"]


def test_a_library_that_is_removed_and_imported_again_is_intercepted(path: Path) -> None:
    """Its classes are new, and the answers are of them."""
    code = f"""
import sys
import httpcore as core_before, httpx as before
import gemini_replay
with gemini_replay.replay({str(path)!r}, speed="instant"):
    print(len(before.post({GOOGLE!r}, json={ASK!r}).content))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("httpx", "httpcore")]:
        del sys.modules[name]
    import httpx
    assert httpx.Client is not before.Client
    print(len(httpx.post({GOOGLE!r}, json={ASK!r}).content))
import httpcore
assert httpcore is not core_before
for library in (core_before, httpcore):
    print("gemini_replay" in library.ConnectionPool.handle_request.__code__.co_filename)
"""
    length = str(len(b"".join(events(3))))
    assert in_python(code) == [length, length, "False", "False"]


def test_a_folder_with_the_name_of_a_library_is_none(path: Path, tmp_path: Path) -> None:
    """Neither one that is imported before nor within the session; a stand-in of a test neither."""
    (tmp_path / "here" / "aiohttp").mkdir(parents=True)
    code = f"""
import sys, types
sys.path.insert(0, {str(tmp_path / "here")!r})
sys.path[:] = [entry for entry in sys.path if not entry.endswith("site-packages")]
sys.modules["httpx2"] = types.ModuleType("httpx2")
import aiohttp
print(aiohttp.__path__ is not None)
with gemini_replay.replay({str(path)!r}):
    print("open")
"""
    assert in_python(f"import gemini_replay, gemini_replay.interception\n{code}") == ["True", "open"]


def test_sessions_may_open_at_once_while_a_library_is_imported(path: Path) -> None:
    """In many threads; whoever asks is answered, and in the end nothing is left."""
    code = f"""
import socket, threading
import gemini_replay
before = socket.getaddrinfo
start, wrong = threading.Barrier(8), []
def run():
    start.wait(10)
    for _ in range(4):
        with gemini_replay.replay({str(path)!r}, speed="instant"):
            import httpx, httpx2
            for library in (httpx, httpx2):
                if not library.post({GOOGLE!r}, json={ASK!r}).content:
                    wrong.append(library)
threads = [threading.Thread(target=run) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
import httpx
print(len(wrong), socket.getaddrinfo is before)
import httpcore
print("gemini_replay" in httpcore.ConnectionPool.handle_request.__code__.co_filename)
"""
    assert in_python(code) == ["0", "True", "False"]
