"""`check_parser` and `survey`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis.database import InMemoryExampleDatabase

from gemini_replay import fuzz, parse_stream
from gemini_replay.errors import GeminiReplayError, UsageError
from gemini_replay.fuzz import watchdog

ONE = ["plain-text"]


def right(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks):
        yield event.json


def naive(chunks: Iterable[bytes]) -> Iterator[Any]:
    for chunk in chunks:
        for line in chunk.split(b"\r\n"):
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


def strict(chunks: Iterable[bytes]) -> Iterator[Any]:
    for event in parse_stream(chunks, strict=True):
        yield event.json


def clumsy(chunks: Iterable[bytes]) -> Iterator[Any]:
    try:
        yield from strict(chunks)
    except ValueError as error:
        raise KeyError("candidates") from error


def bug_of(parse: Any, **options: Any) -> fuzz.ParserBug:
    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(parse, **options)
    return caught.value


def test_a_bug_is_an_assertion_with_all_that_is_known() -> None:
    """Its fields say what, where and how; it is an AssertionError, and one of this package's errors."""
    bug = bug_of(naive, seed=1, name="naive")
    assert isinstance(bug, AssertionError)
    assert isinstance(bug, GeminiReplayError)
    assert (bug.parser, bug.case, bug.profile, bug.kind) == ("naive", "plain-text", "gemini", "loses")
    assert bug.needs_cut
    assert bug.chunks == (b"d", b'ata: {"responseId": "a"}\r\n\r\n')
    assert (bug.expected, bug.got, bug.error) == (({"responseId": "a"},), (), None)


def test_a_bug_is_explained() -> None:
    """The chunks as a literal, a picture of the cut and where it falls, expected and got, and a test to keep."""
    text = str(bug_of(naive, seed=1))
    for part in (
        "loses what is in the stream",
        "plain-text: events with ASCII text (profile gemini)",
        "only at a cut",
        """[b'd', b'ata: {"responseId": "a"}\\r\\n\\r\\n']""",
        """d┃ata: {"responseId": "a"}\\r\\n\\r\\n""",
        "▲ within the field name (byte 1)",
        "expected: [{'responseId': 'a'}]",
        "got:      []",
        "def test_plain_text():",
        "[gemini-replay explain parser-bug]",
    ):
        assert part in text
    assert "reproduce_failure" not in text


def test_the_seed_decides_what_is_drawn() -> None:
    """Two searches with one seed see the same documents; with another, others."""

    def seen(seed: int) -> list[bytes]:
        bodies = []

        def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
            body = b"".join(chunks)
            bodies.append(body)
            yield from right([body])

        fuzz.check_parser(parse, seed=seed, max_examples=5, classes=["whole-answers"])
        return bodies

    assert seen(1) == seen(1) != seen(2)


@pytest.mark.parametrize("check", [fuzz.check_parser, fuzz.survey])
def test_no_classes_are_refused(check: Callable[..., object]) -> None:
    """A check that tries nothing would pass."""
    with pytest.raises(UsageError, match=r"classes is \[\]"):
        check(lambda chunks: [], classes=[])


def test_only_the_classes_that_are_named_are_tried() -> None:
    """Promptness and growth can be named too."""
    fuzz.check_parser(right, classes=["growth", "raw-error"], max_examples=2)
    assert bug_of(naive, classes=["raw-error"]).case == "raw-error"
    fuzz.check_parser(naive, classes=["promptness"])


def test_a_late_parser_stalls() -> None:
    """The smallest case is the chunk that completes an event, and the one that is asked for too early."""

    def late(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from right([b"".join(chunks)])

    bug = bug_of(late, classes=["promptness"])
    assert (bug.kind, len(bug.chunks), bug.expected, bug.got) == ("stalls", 2, ({"responseId": "a"},), ())
    fuzz.check_parser(lambda chunks: list(right(chunks)), classes=["promptness"])


def test_several_events_of_one_chunk_come_out_at_once() -> None:
    """A parser that takes one event from each chunk is late with the others."""

    def one_for_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
        waiting: list[Any] = []
        body = b""
        for chunk in chunks:
            before = len(list(right([body])))
            body += chunk
            waiting += list(right([body]))[before:]
            if waiting:
                yield waiting.pop(0)
        yield from waiting

    bug = bug_of(one_for_each_chunk, classes=["promptness"])
    assert (bug.kind, len(bug.expected), len(bug.got)) == ("stalls", 2, 1)
    assert bug.chunks[0].count(b"data: ") == 2


def test_a_quadratic_parser_grows() -> None:
    """The message has the sizes, the times and the exponent."""

    def quadratic(chunks: Iterable[bytes]) -> Iterator[Any]:
        body = b""
        for chunk in chunks:
            body += chunk
            body.decode().splitlines()
        yield from right([body])

    bug = bug_of(quadratic, classes=["growth"])
    assert (bug.kind, bug.chunks) == ("grows", ())
    assert "time grows with the size to the power of" in str(bug)


@pytest.mark.parametrize("documented", [KeyError, (KeyError,), [LookupError]], ids=["type", "tuple", "list"])
def test_documented_errors_are_accepted_for_malformed_input(documented: Any) -> None:
    """A KeyError is an accident, unless it is documented."""
    options: dict[str, Any] = {"profile": "hostile", "classes": ["data-not-json"], "max_examples": 5}
    assert bug_of(clumsy, **options).kind == "raises"
    fuzz.check_parser(clumsy, documented=documented, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"profile": "gemni"}, "Did you mean 'gemini'"),
        ({"classes": ["raw eror"]}, "Did you mean 'raw-error'"),
        ({"classes": ["done"]}, "not one of the profile gemini"),
        ({"max_examples": 0}, "above 0"),
        ({"documented": ("ValueError",)}, "exception types"),
    ],
    ids=["profile", "class", "class of another profile", "examples", "documented"],
)
def test_bad_arguments_are_refused(options: dict[str, Any], said: str) -> None:
    """With what was meant, or what may stand there."""
    with pytest.raises(UsageError, match=said):
        fuzz.check_parser(right, **options)


def test_events_in_place_of_json_are_refused() -> None:
    """With a hint of how to get at the JSON."""
    with pytest.raises(UsageError, match=r"value\.json"):
        fuzz.check_parser(parse_stream)


def test_nothing_is_kept_unless_asked_for() -> None:
    """A database gets what was found, under a key for each parser."""
    database = InMemoryExampleDatabase()

    def dashes(chunks: Iterable[bytes]) -> Iterator[Any]:
        for value in right(chunks):
            if "thought" not in json.dumps(value):
                yield value

    def dots(chunks: Iterable[bytes]) -> Iterator[Any]:
        for value in right(chunks):
            if "usageMetadata" not in json.dumps(value):
                yield value

    options: dict[str, Any] = {"classes": ["anything-in-text"], "max_examples": 60}
    bug_of(dashes, **options)
    assert not database.data
    bug_of(dashes, **options, database=database)
    first = set(database.data)
    assert first
    bug_of(dots, **options, database=database)
    assert set(database.data) - first


def test_a_search_within_a_running_loop_works() -> None:
    """Of a sync and of an async parser, from an async test."""

    async def parse(chunks: Any) -> Any:
        return list(right([b"".join([chunk async for chunk in chunks])]))

    async def test() -> None:
        fuzz.check_parser(parse, classes=ONE, max_examples=2)
        fuzz.check_parser(right, classes=ONE, max_examples=2)

    asyncio.run(test())


def test_the_message_says_that_a_bug_is_not_steady() -> None:
    """In the first line."""
    calls = iter(range(10**9))

    def moody(chunks: Iterable[bytes]) -> Iterator[Any]:
        yield from right(chunks) if next(calls) != 3000 else []

    bug = bug_of(moody, seed=1)
    assert "by chance: once, and not again in 100 runs" in str(bug).partition("\n")[0]


def test_a_survey_reports_every_class() -> None:
    """One result for each class and check, in order, with progress; nothing is raised."""
    calls: list[tuple[int, int, str]] = []
    survey = fuzz.survey(naive, profiles=["gemini"], max_examples=2, seed=1, progress=lambda *one: calls.append(one))
    assert {one.name for one in survey.results} >= {"promptness", "growth", "plain-text", "raw-error", "many-events"}
    assert {one.verdict for one in survey.results} == {"ok", "bug", "behaviour"}
    assert [one.name for one in survey.bugs][:1] == ["plain-text"]
    raw = next(one for one in survey.results if one.name == "raw-error")
    assert (raw.verdict, raw.kind, raw.needs_cut) == ("bug", "loses", False)
    assert calls[0][0] == 0
    assert calls[-1] == (len(survey.results), len(survey.results), "done")
    assert "plain-text" in str(survey)


def test_a_survey_ends_if_the_parser_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is tried once no stream ends; what was not tried is told."""
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.3)
    free = threading.Semaphore(200)
    stalls: list[int] = []

    def uses_up(chunks: Iterable[bytes]) -> Iterator[Any]:
        if not free.acquire(blocking=False):
            stalls.append(1)
            threading.Event().wait()
        yield from right(chunks)

    survey = fuzz.survey(uses_up, profiles=["gemini"], classes=["plain-text", "escapes", "numbers"], seed=1)
    assert [one.verdict for one in survey.results] == ["bug", "not tried", "not tried"]
    assert survey.results[-1].left_out == "the parser does not end any more"
    assert len(stalls) < 12


def test_only_the_first_stall_of_a_survey_is_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes seconds; the others say so."""
    monkeypatch.setattr(watchdog, "IDLE_SECONDS", 0.3)
    stalls: list[int] = []

    def waits(chunks: Iterable[bytes]) -> Iterator[Any]:
        chunks = list(chunks)
        if len(chunks) > 3:
            stalls.append(1)
            threading.Event().wait()
        yield from right(chunks)

    survey = fuzz.survey(waits, profiles=["gemini"], classes=["plain-text", "escapes", "numbers"], seed=1)
    assert [one.kind for one in survey.bugs] == ["stalls"] * 3
    assert ["was not made smaller" in (one.error or "") for one in survey.bugs] == [False, True, True]
    assert len(stalls) < 16


def test_a_survey_serves_as_a_baseline() -> None:
    """As it is, as JSON, or as a list of keys: its bugs are known then, and others are new."""
    options: dict[str, Any] = {"profiles": ["gemini"], "classes": ["plain-text", "raw-error"], "max_examples": 2}
    first = fuzz.survey(naive, **options)
    assert len(first.new_bugs) == 2
    stored = json.loads(json.dumps(first.to_json()))
    for baseline in (first, stored, [one.key for one in first.bugs]):
        assert fuzz.survey(naive, baseline=baseline, **options).new_bugs == ()
    (new,) = fuzz.survey(naive, baseline=[first.bugs[0].key], **options).new_bugs
    assert new.name == "raw-error"


def test_behaviour_is_reported_where_there_is_a_choice() -> None:
    """What a parser does at the end of a stream is not a bug."""
    survey = fuzz.survey(strict, profiles=["gateway"], classes=["done", "end-without-blank-line"], max_examples=5)
    assert {one.name: set(one.behaviour.split(", ")) for one in survey.results} == {
        "done": {"skips"},
        "end-without-blank-line": {"raises FrameError", "yields"},  # CR alone is a line end, too
    }


def test_a_limit_is_reported_with_its_size() -> None:
    """If an error for something large is not a bug."""

    def limited(chunks: Iterable[bytes]) -> Iterator[Any]:
        for event in parse_stream(chunks, max_frame_bytes=100_000):
            yield event.json

    (result,) = fuzz.survey(limited, profiles=["hostile"], classes=["comment-of-300-kb"]).results
    assert result.verdict == "behaviour"
    assert result.behaviour == "raises FrameTooLargeError from 99,999 bytes on"


def counted(parse: Any) -> tuple[Any, list[int]]:
    """A parser, and the numbers of chunks of the streams that it has read."""
    sizes: list[int] = []

    def reading(chunks: Iterable[bytes]) -> Iterator[Any]:
        given = list(chunks)
        sizes.append(len(given))
        yield from parse(given)

    return lambda chunks: list(reading(chunks)), sizes


def test_the_profile_smoke_takes_few_runs_and_draws_nothing() -> None:
    """The same fixed documents each time, whole and byte by byte."""
    parse, sizes = counted(right)
    fuzz.check_parser(parse, profile="smoke")
    runs = len(sizes)
    assert 500 < runs < 1500
    fuzz.check_parser(parse, profile="smoke")
    assert sizes[:runs] == sizes[runs:]


def test_the_profile_smoke_draws_if_asked_to() -> None:
    """Documents that it would not try otherwise."""
    parse, sizes = counted(right)
    without, drawn = (
        fuzz.check_parser(parse, profile="smoke", classes=["plain-text"], max_examples=examples) or len(sizes)
        for examples in (None, 5)
    )
    assert drawn - without > without


@pytest.mark.parametrize(
    ("parse", "found"),
    [(naive, ("plain-text", "loses")), (lambda chunks: [*right(chunks)][:1], ("plain-text", "loses"))],
    ids=["at a cut", "without"],
)
def test_the_profile_smoke_finds_what_is_common(parse: Any, found: tuple[str, str]) -> None:
    """Bugs at cuts, and bugs without any."""
    bug = bug_of(parse, profile="smoke")
    assert (bug.case, bug.kind) == found


def test_the_profile_smoke_measures_growth_only_by_name() -> None:
    """It takes longer than all the rest."""
    parse, sizes = counted(right)
    fuzz.check_parser(parse, profile="smoke", classes=["growth"])
    assert max(sizes) > 100


def test_a_survey_of_the_profile_smoke_has_each_class_once() -> None:
    """And no growth."""
    survey = fuzz.survey(naive, profiles=["smoke"])
    names = [one.name for one in survey.results]
    assert len(set(names)) == len(names)
    assert {"promptness", "isolation", "plain-text", "raw-error"} <= set(names)
    assert not {"growth", "many-events", "event-of-70-kb"} & set(names)
    assert "plain-text (smoke): loses" in str(survey)


def test_framings_that_a_parser_does_not_read_are_not_measured() -> None:
    """A parser of SSE has no growth in arrays."""
    survey = fuzz.survey(naive, classes=["growth", "promptness"], profiles=["gemini", "json-array"])
    assert [(one.name, one.verdict) for one in survey.results] == [
        ("promptness", "ok"),
        ("growth", "ok"),
        ("promptness-in-array", "behaviour"),
        ("growth-in-array", "behaviour"),
    ]
    assert {one.shape for one in survey.growth} == {"one large event", "many small events"}
    assert [name for name, _ in survey.promptness] == ["sse"]
