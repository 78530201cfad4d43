"""Databases of found cases: a folder, a Redis server, and several as one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay import fuzz
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.database import open_databases


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server on a free port of this machine."""
    redis = pytest.importorskip("redis", reason="the package redis is not installed")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
        try:
            client = redis.Redis(port=port)
            for _ in range(400):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.025)  # until the server listens
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            client.close()
            server.terminate()


def test_what_one_machine_finds_another_gets_from_redis(redis_url: str) -> None:
    """Two databases of the same URL hold the same cases."""
    here, there = open_databases([redis_url]), open_databases([redis_url])
    assert here is not None
    assert there is not None
    here.save(b"parser", b"case")
    assert set(there.fetch(b"parser")) == {b"case"}
    there.delete(b"parser", b"case")
    assert set(here.fetch(b"parser")) == set()


def test_a_search_keeps_its_cases_in_redis(redis_url: str) -> None:
    """Under a prefix of their own: the server may serve others, too."""
    redis = pytest.importorskip("redis", reason="the package redis is not installed")

    def splitting(chunks: Iterable[bytes]) -> Iterator[Any]:
        for line in b"".join(chunks).decode().splitlines():
            if line.startswith("data: "):
                yield json.loads(line[len("data: ") :])

    with pytest.raises(fuzz.ParserBug):
        fuzz.check_parser(splitting, classes=["anything-in-text"], database=open_databases([redis_url]))
    keys = redis.Redis.from_url(redis_url).keys("*")
    assert keys
    assert all(key.startswith(b"gemini-replay-fuzz:") for key in keys)


def test_a_shared_database_may_be_read_only_beside_an_own_one(redis_url: str, tmp_path: Path) -> None:
    """Cases come from both, and go to the own one only."""
    shared = open_databases([redis_url])
    both = open_databases([str(tmp_path / "own"), f"readonly:{redis_url}"])
    assert shared is not None
    assert both is not None
    shared.save(b"parser", b"theirs")
    both.save(b"parser", b"mine")
    assert set(both.fetch(b"parser")) == {b"theirs", b"mine"}
    assert set(shared.fetch(b"parser")) == {b"theirs"}


def test_a_folder_is_a_database(tmp_path: Path) -> None:
    """It is made as needed; without a name there is none."""
    database = open_databases([str(tmp_path / "cases")])
    assert database is not None
    database.save(b"parser", b"case")
    assert set(database.fetch(b"parser")) == {b"case"}
    assert (tmp_path / "cases").is_dir()
    assert open_databases([]) is None


def test_a_folder_that_is_only_read_must_exist(tmp_path: Path) -> None:
    """Nothing would ever be found in it."""
    with pytest.raises(UsageError, match="There is no database"):
        open_databases([f"readonly:{tmp_path / 'cases'}"])


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    """Before any search."""
    pytest.importorskip("redis", reason="the package redis is not installed")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://me:hidden-word@127.0.0.1:{closed.getsockname()[1]}/0"
        with pytest.raises(UsageError, match="does not answer") as raised:
            open_databases([url])
    assert "hidden-word" not in str(raised.value)


@pytest.mark.parametrize("name", ["http://127.0.0.1", "", "readonly:"], ids=["scheme", "empty", "nothing-after"])
def test_other_names_are_refused(name: str) -> None:
    """With what may be given."""
    with pytest.raises(UsageError, match="Unknown database"):
        open_databases([name])
