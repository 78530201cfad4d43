"""Which of many recordings answers a request, and the cost of finding it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from operator import ne
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.calls import calls_of

from gemini_replay import Cassette
from gemini_replay.cassette.matching import Matcher, Pool
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.errors import CassetteFormatError

URL = "https://h/models/m:go"
TEST = "test_a"
PROMPTS = ["one", "two", "REDACTED-1a2b", "REDACTED", "key test"]


def asks(prompt: str, test: str | None = None) -> Request:
    return Request("POST", URL, body=json.dumps({"text": prompt}).encode(), test=test)


def pool(path: Path, requests: Sequence[Request], matcher: Matcher | None = None, **settings: Any) -> Pool:
    """A pool of recordings, each of which has its own number as its answer."""
    recordings = [
        Interaction(request, Response(200), (Chunk(0.0, str(number).encode()),), End())
        for number, request in enumerate(requests)
    ]
    Cassette(recordings).save(path)
    made = Pool(matcher or Matcher(), **settings)
    made.load(path)
    return made


class Plain:
    """A model of a pool, as simple as possible: it compares each recording."""

    def __init__(self, requests: Sequence[Request], repeat: bool) -> None:
        self.requests = requests
        self.repeat = repeat
        self.plays = [0] * len(requests)

    def take(self, asked: Request) -> int | None:
        answering = [n for n, request in enumerate(self.requests) if Matcher().matches(request, asked)]
        if not self.repeat:
            answering = [n for n in answering if not self.plays[n]]
        if not answering:
            return None
        matcher = Matcher()
        others = [matcher.compared(request).values != matcher.compared(asked).values for request in self.requests]
        best = min(answering, key=lambda n: (self.plays[n], others[n], self.requests[n].test != TEST, n))
        self.plays[best] += 1
        return best


@given(
    recorded=st.lists(st.builds(asks, st.sampled_from(PROMPTS), st.sampled_from([TEST, "test_b"])), max_size=8),
    asked=st.lists(st.tuples(st.sampled_from(PROMPTS), st.booleans()), max_size=16),
    repeat=st.booleans(),
)
def test_the_pool_plays_what_a_full_comparison_would_play(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[Request], asked: list[tuple[str, bool]], repeat: bool
) -> None:
    """Identical requests come first, then the test's own recordings, in recorded order; returned ones play again."""
    made = pool(tmp_path_factory.mktemp("pool") / "story.jsonl", recorded, repeat=repeat, test=TEST)
    plain = Plain(recorded, repeat)
    played = set()
    for prompt, broken in asked:
        expected, taken = plain.take(asks(prompt)), made.take(asks(prompt))
        assert (None if taken is None else taken.number) == expected
        if taken is not None:
            assert taken.interaction.body == str(expected).encode()
            played.add(expected)
        if broken and taken is not None and expected is not None:
            made.give_back(taken)
            plain.plays[expected] -= 1
    assert [one.number for one in made.unused] == [n for n in range(len(recorded)) if n not in played]


def test_an_identical_request_comes_before_one_with_a_mark(tmp_path: Path) -> None:
    """The mark of a removed secret may match other values, but a recording with the very same value comes first."""
    made = pool(tmp_path / "story.jsonl", [asks("REDACTED"), asks("test")])
    taken = made.take(asks("test"))
    assert taken is not None
    assert taken.number == 1


@pytest.mark.parametrize("recorded", ["The name is REDACTED.", "The name is REDACTED-1a2b.", "xREDACTEDy"])
def test_words_of_a_prompt_are_not_marks(tmp_path: Path, recorded: str) -> None:
    """A prompt that itself contains REDACTED matches only itself."""
    made = pool(tmp_path / "story.jsonl", [asks(recorded)])
    for name in ("Anna", "Bob", "test"):
        assert made.take(asks(recorded.replace("REDACTED-1a2b", name).replace("REDACTED", name))) is None


@pytest.mark.parametrize("repeat", [False, True])
def test_a_recording_is_found_in_few_calls_however_many_there_are(tmp_path: Path, repeat: bool) -> None:
    """The first is found without reading later ones. When all have been read, any hit or miss takes few calls."""
    requests = [asks(f"prompt {number}") for number in range(2000)]
    made = pool(tmp_path / "story.jsonl", requests, repeat=repeat)
    assert calls_of(lambda: made.take(requests[0]), python=True) < 140
    assert calls_of(lambda: made.take(requests[-1]), python=True) < 2000 * 52
    assert calls_of(lambda: [made.take(request) for request in requests[1000:1010]], python=True) < 650
    assert calls_of(lambda: made.take(asks("nobody recorded this")), python=True) < 30


def test_a_miss_is_explained_without_reading_requests_again(tmp_path: Path) -> None:
    """The explanation takes few calls for each recording, since the search has prepared what is compared."""
    made = pool(tmp_path / "story.jsonl", [asks(f"prompt {number}") for number in range(500)])
    miss = asks("nobody recorded this")
    made.take(miss)
    assert calls_of(lambda: made.nearest(miss), python=True) < 500 * 24


@pytest.mark.parametrize(
    "settings", [{"ignore": ["body.run"]}, {"normalize": lambda request: request}, {"keys": ["body", ne]}]
)
def test_few_calls_also_with_ignored_fields_and_functions(tmp_path: Path, settings: dict[str, Any]) -> None:
    """With `ignore` and functions in `match`, recordings are indexed by their other fields and by the named keys."""
    requests = [asks(f"prompt {number}") for number in range(500)]
    made = pool(tmp_path / "story.jsonl", requests, matcher=Matcher(**settings), repeat=True)
    made.take(requests[-1])
    others = [replace(request, client="x") for request in requests[100:110]]
    assert calls_of(lambda: [made.take(request) for request in others], python=True) < 800
    assert calls_of(lambda: made.take(asks("nobody recorded this")), python=True) < 45


def test_of_many_equal_recordings_the_next_is_found_in_few_calls(tmp_path: Path) -> None:
    """A request that is repeated a thousand times is not compared with recordings that have been played."""
    made = pool(tmp_path / "story.jsonl", [asks("again")] * 1000)
    for number in range(990):
        taken = made.take(asks("again"))
        assert taken is not None
        assert taken.number == number
    assert calls_of(lambda: [made.take(asks("again")) for _ in range(10)], python=True) < 1200
    assert made.take(asks("again")) is None


def test_each_request_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hits and misses, in any order, decode each request line once."""
    requests = [asks(f"prompt {number}") for number in range(50)]
    made = pool(tmp_path / "story.jsonl", requests)
    decoded = []
    real = json.JSONDecoder.raw_decode
    monkeypatch.setattr(
        json.JSONDecoder, "raw_decode", lambda self, s, idx=0: (decoded.append(s), real(self, s, idx))[1]
    )
    for request in [asks("miss"), requests[7], asks("miss"), requests[3]]:
        made.take(request)
    assert sum(text.startswith('{"request"') for text in decoded) == 50


@pytest.mark.parametrize("wrong", [b'"url": 1', b'"urk": "u"'])
def test_a_request_that_cannot_be_read_is_an_error_not_a_miss(tmp_path: Path, wrong: bytes) -> None:
    """Each search that reaches the request raises the error; recordings before it play."""
    path = tmp_path / "story.jsonl"
    requests = [asks("one"), replace(asks("two"), url="u"), asks("three")]
    pool(path, requests)
    path.write_bytes(path.read_bytes().replace(b'"url": "u"', wrong))
    made = Pool(Matcher())
    made.load(path)
    assert made.take(asks("one"))
    for _ in range(2):
        with pytest.raises(CassetteFormatError) as caught:
            made.take(asks("three"))
        assert (caught.value.path, caught.value.line) == (path, 6)
    assert [problem.line for problem in made.problems] == [6]


def test_a_recording_that_cannot_be_read_is_an_error_when_it_is_played(tmp_path: Path) -> None:
    """The error has the path and the line; the other recordings play."""
    path = tmp_path / "story.jsonl"
    pool(path, [asks("one"), asks("two")])
    path.write_bytes(path.read_bytes().replace(b'[0.0, "1"]', b'[0.0, "1" "2"]'))
    made = Pool(Matcher())
    made.load(path)
    with pytest.raises(CassetteFormatError, match="not valid JSON") as caught:
        made.take(asks("two"))
    assert (caught.value.path, caught.value.line) == (path, 8)
    assert made.take(asks("one"))
    assert len(made.problems) == 1
    with pytest.raises(CassetteFormatError, match="not valid JSON"):
        Pool(Matcher()).load(path, check=True)
