"""`record` and `replay` as programs use them: modes, settings and errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.clients import ASK, KEY
from support.streams import GOOGLE, events

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.errors import (
    CassetteFormatError,
    CassetteNotFoundError,
    CassetteTruncatedError,
    CassetteVersionError,
    MissError,
    UsageError,
)
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario


@pytest.fixture
def server() -> Iterator[upstream.RunningUpstream]:
    with upstream.start(Scenario.from_chunks(events(2), gaps=[0.002] * 2)) as running:
        yield running


def ask(text: str = "hello") -> bytes:
    body = {"contents": [{"parts": [{"text": text}]}]}
    return httpx.post(GOOGLE, json=body, headers={"x-goog-api-key": KEY}).content


def test_the_recording_equals_the_live_response(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """Session and file give the same text, usage and more. Missing folders are made."""
    path = tmp_path / "deep" / "er" / "story.jsonl"
    with gemini_replay.record(path, upstream=server.url) as session:
        body = ask()
    assert [i.body for i in session.recorded] == [body]
    saved = Cassette.load(path)
    assert saved.interactions[0].text == "第1句。🌙第2句。🌙"
    assert saved.interactions[0].complete
    assert saved.recorder == f"gemini-replay {gemini_replay.__version__}"
    assert not list(path.parent.glob("*.part"))


def test_a_block_that_raises_keeps_the_old_cassette(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """The journal is left beside it and can be salvaged."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=server.url):
        ask("one")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), gemini_replay.record(path, upstream=server.url):
        ask("two")
        raise ZeroDivisionError
    assert path.read_bytes() == before
    part = Cassette.load(tmp_path / "story.jsonl.part")
    assert part.interactions[0].request.json["contents"][0]["parts"][0]["text"] == "two"


def test_recording_nothing_changes_nothing(tmp_path: Path) -> None:
    """Without requests, the mode rewrite leaves the old cassette."""
    path = tmp_path / "story.jsonl"
    path.write_text('{"cassette": 1}\n', encoding="utf-8")
    with gemini_replay.record(path):
        pass
    assert path.read_text(encoding="utf-8") == '{"cassette": 1}\n'


@pytest.mark.parametrize(
    ("mode", "there", "asked", "stored"),
    [
        ("once", False, 2, ["one", "two"]),
        ("once", True, 0, ["one"]),
        ("new", False, 2, ["one", "two"]),
        ("new", True, 1, ["one", "two"]),
        ("rewrite", False, 2, ["one", "two"]),
        ("rewrite", True, 2, ["one", "two"]),
        ("live", True, 2, ["one"]),
    ],
)
def test_each_mode_records_as_documented(
    server: upstream.RunningUpstream, tmp_path: Path, mode: str, there: bool, asked: int, stored: list[str]
) -> None:
    """There is no cassette, or one that holds the first of two requests."""
    path = tmp_path / "story.jsonl"
    url = f"{server.url}/v1beta/models/m:streamGenerateContent?alt=sse"

    def post(text: str) -> None:
        httpx.post(url, json={"contents": [{"parts": [{"text": text}]}]}, headers={"x-goog-api-key": KEY})

    if there:
        with gemini_replay.record(path):
            post("one")
    before = len(server.app.requests)
    try:
        with gemini_replay.record(path, mode=mode):  # type: ignore[arg-type]
            post("one")
            post("two")
    except MissError:
        assert (mode, there) == ("once", True)
    assert len(server.app.requests) - before == asked
    texts = [i.request.json["contents"][0]["parts"][0]["text"] for i in Cassette.load(path).interactions]
    assert texts == stored


def test_new_keeps_comments_and_unknown_keys(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """Changes by hand in a cassette survive an append."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, upstream=server.url):
        ask("one")
    header, rest = path.read_text(encoding="utf-8").split("\n", 1)
    header = json.dumps({**json.loads(header), "reviewed": "yes"})
    path.write_text(f"{header}\n# the first one\n{rest}", encoding="utf-8")
    with gemini_replay.record(path, mode="new", upstream=server.url):
        ask("two")
    saved = Cassette.load(path)
    assert saved.extra == {"reviewed": "yes"}
    assert saved.interactions[0].comments == ("# the first one",)
    assert len(saved.interactions) == 2


def test_two_sessions_that_overlap_keep_what_both_recorded(server: upstream.RunningUpstream, tmp_path: Path) -> None:
    """Nothing that either of them recorded is lost."""
    path = tmp_path / "story.jsonl"
    with gemini_replay.record(path, mode="new", upstream=server.url):
        ask("one")
        with gemini_replay.record(path, mode="new", upstream=server.url):
            ask("two")
        ask("three")
    texts = {i.request.json["contents"][0]["parts"][0]["text"] for i in Cassette.load(path).interactions}
    assert texts == {"one", "two", "three"}


def test_concurrent_interactions_do_not_interleave(tmp_path: Path) -> None:
    """Of many concurrent streams, each is whole in the file, in the order of the requests."""
    import asyncio

    path = tmp_path / "many.jsonl"

    async def one(client: httpx.AsyncClient, url: str, number: int) -> None:
        body = {"contents": [{"parts": [{"text": str(number)}]}]}
        await client.post(url, json=body, headers={"x-goog-api-key": KEY})

    async def main(url: str) -> None:
        async with httpx.AsyncClient() as client:
            await asyncio.gather(*(one(client, url, number) for number in range(20)))

    with upstream.start(Scenario.from_chunks(events(10), gaps=[0.005] * 10)) as server, gemini_replay.record(path):
        asyncio.run(main(f"{server.url}/v1/models/m:streamGenerateContent?alt=sse"))
    recordings = Cassette.load(path).interactions
    assert len(recordings) == 20
    assert all([chunk.data for chunk in recording.chunks] == events(10) for recording in recordings)


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (None, CassetteNotFoundError, "--gemini-record once"),
        (b"", CassetteFormatError, "empty"),
        (b"\xff\xfe", CassetteFormatError, "story.jsonl"),
        (b"interactions:\n- request: {}\n", CassetteFormatError, "YAML"),
        (b'{"cassette": 2}\n', CassetteVersionError, "2"),
        (b'{"cassette": 1}\n{"requst": {}}\n', CassetteFormatError, "story.jsonl:2"),
        (
            b'{"cassette": 1}\n{"request": {"method": "GET", "url": "http://x/", "headers": []}}\n',
            CassetteTruncatedError,
            "salvage",
        ),
    ],
    ids=["missing", "empty", "binary", "yaml", "newer", "unknown-line", "truncated"],
)
def test_a_file_that_is_not_a_valid_cassette_is_refused(
    tmp_path: Path, content: bytes | None, error: type[Exception], words: str
) -> None:
    """The error says what to do, and the file stays as it is."""
    path = tmp_path / "story.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error) as refused, gemini_replay.replay(path):
        pass
    assert words in str(refused.value)
    assert (path.read_bytes() if path.exists() else None) == content


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "twice"}, "Unknown record mode 'twice'"),
        ({"speed": "fast"}, "Unknown speed 'fast'"),
        ({"upstream": "127.0.0.1:80"}, "is not a base URL"),
        ({"match": ["modl"]}, "model"),
    ],
    ids=["mode", "speed", "upstream", "match"],
)
def test_errors_for_wrong_arguments_name_the_valid_values(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    """The error also names the closest valid value."""
    with pytest.raises(UsageError) as refused, gemini_replay.record(tmp_path / "x.jsonl", **options):  # type: ignore[arg-type]
        pass
    assert words in str(refused.value)


def test_a_request_through_a_closed_session_is_refused(tmp_path: Path) -> None:
    """A transport that outlives its session raises this error."""
    from gemini_replay.transports.httpx import ReplayTransport

    path = tmp_path / "empty.jsonl"
    Cassette(interactions=[]).save(path)
    transport = ReplayTransport(path)
    transport.close()
    with pytest.raises(UsageError, match="is closed"), httpx.Client(transport=transport) as client:
        client.post(GOOGLE, json=ASK)
