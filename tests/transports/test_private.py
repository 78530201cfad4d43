"""The names that a transport needs in a client library are checked when the library is intercepted."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.processes import python

from gemini_replay.errors import GeminiReplayError
from gemini_replay.transports import private

MOVED = {
    "httpcore": ("httpcore.RemoteProtocolError", "httpcore.RemoteProtocolError"),
    "httpcore2": (
        "httpcore2.PoolTimeout",
        "httpcore2.PoolTimeout",
    ),
    "urllib3": (
        "urllib3.connectionpool.HTTPConnectionPool._make_request",
        "urllib3.connectionpool.HTTPConnectionPool._make_request(conn, method, url, body, headers, timeout)",
    ),
    "aiohttp": (
        "aiohttp.client_proto.ResponseHandler.set_response_params",
        "aiohttp.client_proto.ResponseHandler.set_response_params(timer)",
    ),
    "http.client": ("http.client.HTTPConnection.response_class", "http.client.HTTPConnection.response_class"),
}
"""For each library: a name that the test removes, and how the message calls it."""


@pytest.mark.parametrize("library", MOVED)
def test_a_missing_name_in_a_library_is_reported_when_a_session_opens(library: str, tmp_path: Path) -> None:
    """The message names the library, its version and the missing name, and says what to do."""
    gone, named = MOVED[library]
    owner, _, name = gone.rpartition(".")
    ran = python(
        f"""
        import {library}, gemini_replay
        import urllib3
        from gemini_replay.errors import GeminiReplayError
        del {owner}.{name}
        try:
            with gemini_replay.record("story.jsonl"):
                print("opened")
        except GeminiReplayError as error:
            print(error)
        """,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    version = sys.version.split()[0] if library == "http.client" else importlib.metadata.version(library)
    assert f"{library} {'of Python ' if library == 'http.client' else ''}{version} is not built as" in ran.stdout
    assert f"it has no {named}." in ran.stdout
    assert "or a newer gemini-replay" in ran.stdout
    assert "opened" not in ran.stdout


def test_respx_is_checked_when_a_route_is_made(tmp_path: Path) -> None:
    """The code for respx needs httpcore's errors."""
    ran = python(
        """
        import httpcore, httpx
        from gemini_replay.transports.respx import from_cassette
        del httpcore.ReadTimeout
        from_cassette("story.jsonl")
        """,
        cwd=tmp_path,
    )
    assert "GeminiReplayError: httpcore 1." in ran.stderr
    assert "it has no httpcore.ReadTimeout." in ran.stderr


def test_urllib3_future_is_refused_only_for_the_sessions_requests(tmp_path: Path) -> None:
    """It replaces urllib3 with connections of another kind. Other clients work as before."""
    ran = python(
        """
        import asyncio, httpx, requests, urllib3
        from support.cassettes import recorded, streaming
        from support.clients import ASK
        from support.streams import GOOGLE, events
        import gemini_replay
        from pathlib import Path

        class AsyncHTTPConnectionPool:
            scheme, host, port = "https", "generativelanguage.googleapis.com", 443
            async def _make_request(self, conn, method, url):
                return "the network"

        urllib3.AsyncPoolManager, urllib3.AsyncHTTPConnectionPool = object, AsyncHTTPConnectionPool
        with gemini_replay.replay(recorded(Path("story.jsonl"), streaming(*events(2))), speed="instant"):
            print(httpx.post(GOOGLE, json=ASK).content == b"".join(events(2)))
            try:
                requests.post(GOOGLE, json=ASK)
            except gemini_replay.errors.GeminiReplayError as error:
                print(error)
            try:
                asyncio.run(AsyncHTTPConnectionPool()._make_request(None, "POST", GOOGLE.partition(".com")[2]))
            except gemini_replay.errors.GeminiReplayError as error:
                print(error)
            print(asyncio.run(AsyncHTTPConnectionPool()._make_request(None, "POST", "https://example.org/")))
        """,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("True")
    assert ran.stdout.count("it is urllib3-future") == 2
    assert ran.stdout.count("URLLIB3_NO_OVERRIDE=1 pip install") == 2
    assert ran.stdout.endswith("the network\n")


class Pool:
    """A class of some library."""

    limit = 5

    def __init__(self) -> None:
        self._size = 3

    def grow(self) -> None:
        self._grown = True

    def take(self, key: str, *, timeout: float) -> None:
        """Take one."""

    def passes(self, *args: object, **others: object) -> None:
        """A replacement of a method by another tool."""


@pytest.fixture
def library() -> Iterator[str]:
    module = ModuleType("a_library")
    module.__dict__.update(Pool=Pool, __version__="7.1")
    sys.modules["a_library"] = module
    yield "a_library"
    del sys.modules["a_library"]


def test_existing_names_of_the_right_kind_are_accepted(library: str) -> None:
    """They are a class, a method with its parameters, and attributes of a class or set by its methods."""
    names = (
        "Pool",
        "Pool.take(key, timeout)",
        "Pool.passes(anything)",
        "Pool()._size",
        "Pool()._grown",
        "Pool().limit",
    )
    private.check(library, names, supported="a_library 7")


@pytest.mark.parametrize("name", ["Pond", "Pool.give", "Pool.take(key, patience)", "Pool()._sise", "Pool.take.more"])
def test_missing_names_are_reported(library: str, name: str) -> None:
    """The message has the version and says what to do."""
    with pytest.raises(GeminiReplayError) as told:
        private.check(library, ("Pool", name), supported="a_library 7")
    assert f"a_library 7.1 is not built as this release of gemini-replay expects: it has no a_library.{name}." in str(
        told.value
    )
    assert "Use a_library 7, or a newer gemini-replay." in str(told.value)
