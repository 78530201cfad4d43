"""Interception waits until a library is imported, in any thread and at any time."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpcore
import httpcore2
import httpx
import pytest
import urllib3
from support.clients import ASK
from support.questions import four_answers, post
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay import session
from gemini_replay.errors import GeminiReplayError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette with four recordings of the same question."""
    return four_answers(tmp_path / "story.jsonl")


SEAMS = [
    (library, owner, method)
    for library in (httpcore, httpcore2)
    for owner, method in (("ConnectionPool", "handle_request"), ("AsyncConnectionPool", "handle_async_request"))
]


def test_everything_is_restored_when_the_last_session_closes(path: Path) -> None:
    """No replacement is left on either library, on sockets, on TLS, or on threads."""
    before = seams()
    with gemini_replay.replay(path):
        with gemini_replay.replay(path):
            assert all(a is not b for a, b in zip(seams(), before, strict=True))
        assert all(a is not b for a, b in zip(seams(), before, strict=True))
    assert seams() == before


def test_a_library_that_is_imported_later_is_intercepted(path: Path) -> None:
    """The import may come in mid-session. The session itself does not import the library."""
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


def in_python(code: str, *, path: Path | None = None) -> list[str]:
    """The words that a program prints. It must print nothing on standard error."""
    environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert out.stderr == ""
    return out.stdout.split()


def seams() -> list[object]:
    import ssl

    found = [vars(getattr(library, owner))[method] for library, owner, method in SEAMS]
    others = [vars(ssl.SSLContext).get("load_verify_locations"), threading.Thread.start, ThreadPoolExecutor.submit]
    return [*found, socket.getaddrinfo, *others]


def test_for_an_unknown_version_of_a_library_nothing_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names library and version. With the right version, the next session opens."""
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


def test_an_unknown_version_does_not_disturb_an_open_session(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inner session fails to open, and the outer one goes on."""
    with gemini_replay.replay(path) as outer:
        with monkeypatch.context() as broken:
            broken.delattr(urllib3.connectionpool.HTTPConnectionPool, "_make_request")
            with pytest.raises(GeminiReplayError), gemini_replay.replay(path):
                pass
        assert post(httpx)
    assert len(outer.played) == 1


def test_an_unknown_version_imported_in_mid_session_is_reported_at_its_end(path: Path, tmp_path: Path) -> None:
    """The import itself succeeds, since the program may not use the library for Gemini."""
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
    """The last session ends while the import waits for our code that would intercept the library."""
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
    """Its classes are new, and responses are instances of them."""
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


def test_a_folder_with_the_name_of_a_library_is_ignored(path: Path, tmp_path: Path) -> None:
    """It may be imported before or within the session. A test's stand-in module is ignored too."""
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
    """Sessions open in many threads. Every request is answered, and in the end nothing is left."""
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
