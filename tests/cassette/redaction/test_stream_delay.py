"""How long a body is held back while it is searched for secrets, and how much work the search is."""

from __future__ import annotations

import base64
import json
import random
import re
from typing import Any

import pytest
from support.planted_secrets import without_secrets
from support.secret_bodies import KEY

from gemini_replay.cassette.model import Request
from gemini_replay.cassette.redaction import Redactor, keys
from gemini_replay.cassette.redaction.finder import LOOK_BEHIND
from gemini_replay.cassette.redaction.stream_redactor import StreamRedactor

REDACTOR = Redactor(environ={"GEMINI_API_KEY": KEY})


def event(text: str, **more: object) -> bytes:
    data = {"candidates": [{"content": {"parts": [{"text": text, **more}], "role": "model"}}], "responseId": "x" * 23}
    return f"data: {json.dumps(data, ensure_ascii=False)}\r\n\r\n".encode()


def feed_all(chunks: list[bytes], redactor: Redactor = REDACTOR) -> list[int]:
    """The number of chunks held back after each chunk."""
    stream, held, waiting = redactor.for_request(Request("GET", "https://h.example/")).stream(), 0, []
    for chunk in chunks:
        held += 1 - len(stream.feed(chunk))
        waiting.append(held)
    stream.close()
    return waiting


def test_ordinary_events_are_not_held_back() -> None:
    """Each ordinary event is released at once, even if its text ends with letters that could begin a secret."""
    assert feed_all([event(word) for word in ("Hello", " A", " AI", "s", " yes", " 你好", " e", "")]) == [0] * 8


def test_an_image_is_not_held_back() -> None:
    """While a base64 image arrives in network chunks, at most one chunk waits."""
    data = base64.b64encode(random.Random(3).randbytes(300_000))
    body = b'data: {"candidates": [{"content": {"parts": [{"inlineData": {"data": "' + data + b'"}}]}}]}\r\n\r\n'
    for size in (100, 4096, 16_384):
        assert max(feed_all([body[at : at + size] for at in range(0, len(body), size)])) <= 1


def test_only_the_event_with_a_begun_secret_waits() -> None:
    """An event that may end with the beginning of a secret waits until the next text decides."""
    assert feed_all([event(f"It is {KEY[:12]}"), event(KEY[12:] + " x"), event("y")]) == [1, 0, 0]
    assert feed_all([event(f"It is {KEY[:12]}"), event("something else"), event("y")]) == [1, 0, 0]


def test_waiting_is_bounded() -> None:
    """A possible beginning of a secret holds back at most a quarter megabyte; then the stream goes on."""
    filler = b'data: {"usageMetadata": {"x": "' + b"y " * 2000 + b'"}}\r\n\r\n'
    waiting = feed_all([event(f"It is {KEY[:12]}"), *[filler] * 200])
    assert max(waiting) * len(filler) < 300_000
    assert waiting[-1] == 0


@pytest.mark.parametrize("token", ["sk-" + "a" * 200_000, "ya29." + "b" * 200_000, "Bearer " + "c" * 200_000])
def test_a_very_long_token_is_data(token: str) -> None:
    """A word that is longer than any token is held back for a few kilobytes at most."""
    body = event(token)
    chunks = [body[at : at + 500] for at in range(0, len(body), 500)]
    assert max(feed_all(chunks)) <= 10
    assert without_secrets(REDACTOR, chunks) == chunks


def test_empty_chunks_are_kept() -> None:
    """A chunk without bytes comes out in its place."""
    assert without_secrets(REDACTOR, [b"", b"a", b"", b""]) == [b"", b"a", b"", b""]


def test_an_event_is_searched_twice() -> None:
    """Its bytes are searched, and its text for secrets that span several texts; of a long text, only the ends."""
    finder = REDACTOR._finder
    windows: list[int] = []

    class Counting:
        def search(self, window: bytes, *, before: int | None = None, **more: bool) -> Any:
            if before is None or before > LOOK_BEHIND:
                windows.append(len(window))
            return finder.search(window, before=before, **more)

    counting: Any = Counting()
    for chunks, searches, times in (
        ([event("words and words " * 80)] * 100, 200, 2.2),
        ([b'data: {"text": "', *[b"words and words " * 64] * 100], 105, 1.2),
    ):
        stream = StreamRedactor(counting)
        windows.clear()
        for chunk in chunks:
            stream.feed(chunk)
        assert len(windows) <= searches
        assert sum(windows) < times * sum(map(len, chunks))


def test_base64_data_is_searched_for_keys_where_one_can_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search looks near the start and the end of the data, not at each of its bytes."""
    searched = 0

    class Counting:
        def __init__(self, pattern: re.Pattern[bytes]) -> None:
            self._pattern = pattern
            self.match = pattern.match

        def search(self, view: bytes, start: int, end: int | None = None) -> re.Match[bytes] | None:
            nonlocal searched
            end = len(view) if end is None else end
            searched += max(0, end - start)
            return self._pattern.search(view, start, end)

    monkeypatch.setattr(keys, "CANDIDATE", Counting(keys.CANDIDATE))
    unfinished = Counting(keys.unfinished())
    monkeypatch.setattr(keys, "unfinished", lambda: unfinished)
    body = b'data: {"data": "' + base64.b64encode(random.Random(3).randbytes(75_000))
    stream = REDACTOR.for_request(Request("GET", "https://h.example/")).stream()
    for at in range(0, len(body), 1000):
        stream.feed(body[at : at + 1000])
    assert searched < len(body) / 10


def test_work_grows_with_the_body_only() -> None:
    """Twice the chunks make twice the searched bytes: even a chunk that is held back is not searched repeatedly."""

    def searched(chunks: list[bytes]) -> int:
        finder = REDACTOR._finder
        total = 0

        class Counting:
            def search(self, window: bytes, **more: bool) -> Any:
                nonlocal total
                total += len(window)
                return finder.search(window, **more)

        counting: Any = Counting()
        stream = StreamRedactor(counting)
        for chunk in chunks:
            stream.feed(chunk)
        stream.close()
        return total

    for chunk in (event("words and words " * 50), b'data: {"text": "' + b"x" * 1000, event(KEY[:20])):
        assert searched([chunk] * 400) < 2.5 * searched([chunk] * 200)
