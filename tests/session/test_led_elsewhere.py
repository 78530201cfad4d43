"""Requests to an address that the upstream's header named are recorded, and replayed without the upstream."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import requests

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.server import upstream

BASE = "https://generativelanguage.googleapis.com"
KEY = {"x-goog-api-key": "AIzaSyD-0123456789abcdefghijklmnopqrstuv"}
START = {**KEY, "x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}


def with_httpx() -> str:
    url = httpx.post(f"{BASE}/upload/v1beta/files", headers=START, json={}).headers["x-goog-upload-url"]
    httpx.post(url, headers={"x-goog-upload-command": "upload"}, content=b"moon")
    done = httpx.post(url, headers={"x-goog-upload-command": "finalize"})
    return str(done.json()["file"]["name"])


def with_requests() -> str:
    url = requests.post(f"{BASE}/upload/v1beta/files", headers=START, json={}, timeout=9).headers["x-goog-upload-url"]
    requests.post(url, headers={"x-goog-upload-command": "upload"}, data=b"moon", timeout=9)
    done = requests.post(url, headers={"x-goog-upload-command": "finalize"}, timeout=9)
    return str(done.json()["file"]["name"])


@pytest.mark.parametrize("upload", [with_httpx, with_requests])
@pytest.mark.parametrize("base", ["", "/"], ids=["bare", "with a slash"])
def test_an_upload_is_recorded_and_replayed(upload: object, base: str, tmp_path: Path) -> None:
    """All three requests are: the one to Google, and those to the address that its answer named."""
    path = tmp_path / "upload.jsonl"
    assert callable(upload)
    with upstream.start(pace=0) as server:
        with gemini_replay.record(path, upstream=server.url + base):
            live = upload()
    urls = [one.request.url for one in Cassette.load(path).interactions]
    assert urls[0] == f"{BASE}/upload/v1beta/files"
    assert [url.partition("?")[0] for url in urls[1:]] == [f"{server.url}/upload/v1beta/files"] * 2
    with gemini_replay.replay(path, speed="instant") as session:
        assert upload() == live
    assert (len(session.played), session.passed_through) == (3, [])


def test_another_path_at_the_recorded_address_is_not_owned(tmp_path: Path) -> None:
    """Without the upstream, the address is that of any other server."""
    path = tmp_path / "upload.jsonl"
    with upstream.start(pace=0) as server:
        with gemini_replay.record(path, upstream=server.url):
            with_httpx()
    with gemini_replay.replay(path), pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/v1beta/models")


def test_an_ignored_address_is_not_owned(tmp_path: Path) -> None:
    """This holds even if the upstream named it."""
    path = tmp_path / "upload.jsonl"
    with upstream.start(pace=0) as server:
        with gemini_replay.record(path, upstream=server.url, ignore_hosts=["127.0.0.1"]):
            with_httpx()
        assert len(server.requests) == 3
    assert len(Cassette.load(path).interactions) == 1
