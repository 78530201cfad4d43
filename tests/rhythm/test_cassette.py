"""Cassettes without a key."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gemini_replay
from gemini_replay import Cassette, Event, Interaction
from gemini_replay.cassette.model import header
from gemini_replay.cli import main
from gemini_replay.errors import GeminiReplayError, MissError, UsageError
from gemini_replay.rhythm.profiles import PROFILES

# google-genai derives from aiohttp's session, which aiohttp advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY = "从前，海边有一座老灯塔🐈。1 < 2 > 0, and “so on”: " + "every evening the keeper climbs 108 steps. " * 12
PROMPT = "给我讲一个小故事 <b>"
BUSY = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


def said(text: str, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **candidate}]}


def only(cassette: Cassette) -> Interaction:
    (interaction,) = cassette.interactions
    return interaction


def reloaded(cassette: Cassette) -> Cassette:
    return Cassette.loads(cassette.dumps())


# --- from_text --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", ["sse", "json-array", "gateway"])
@pytest.mark.parametrize("profile", PROFILES)
def test_a_text_becomes_a_complete_answer(profile: str, framing: Any) -> None:
    """Exactly this text and these thoughts, in several events with growing counts, one id and the model's name."""
    thoughts = ["**One**\n\nFirst.", "**Two**\n\nThen."]
    answer = only(Cassette.from_text(STORY, profile=profile, prompt=PROMPT, thoughts=thoughts, framing=framing))
    assert answer.complete
    assert (answer.text, answer.thoughts, answer.finish_reason) == (STORY, "".join(thoughts), "STOP")
    assert len(answer.events) > 5
    assert answer.request.model == profile.removesuffix("-thinking")
    assert {event.model_version for event in answer.events} == {answer.request.model}
    assert len({event.response_id for event in answer.events}) == 1
    totals = [event.usage["totalTokenCount"] for event in answer.events if event.usage]
    assert totals == sorted(totals)
    assert len(totals) == len(answer.events)


def test_it_looks_like_googles() -> None:
    """Headers but those that name a time, CRLF, one event a chunk, JSON with Google's two escapes, all else raw."""
    answer = only(Cassette.from_text(STORY, prompt=PROMPT))
    assert answer.response is not None
    assert header(answer.response.headers, "content-type") == "text/event-stream"
    assert header(answer.response.headers, "server") == "scaffolding on HTTPServer2"
    assert not {"date", "server-timing"} & {name for name, _ in answer.response.headers}
    assert len(answer.chunks) == len(answer.events)
    for chunk in answer.chunks:
        assert chunk.data.startswith(b'data: {"candidates": [')
        assert chunk.data.endswith(b"}\r\n\r\n")
        assert chunk.data.count(b"\r\n") == 2
    assert b"1 \\u003c 2 \\u003e 0" in answer.body
    assert "🐈".encode() in answer.body


def test_gemini_3_ends_with_a_signature() -> None:
    """On an empty text, with the finish reason; others end with their last text."""
    last = only(Cassette.from_text("Hi.", model="gemini-3-flash-preview")).events[-1]
    assert (last.text, last.finish_reason) == ("", "STOP")
    assert last.parts[0]["thoughtSignature"]
    assert only(Cassette.from_text("Hi.", model="gemini-2.5-pro")).events[-1].text == "Hi."


@pytest.mark.parametrize("reason", ["MAX_TOKENS", "SOMETHING_NEW", None])
def test_it_ends_as_told(reason: str | None) -> None:
    """With any reason on the last event alone, or with none."""
    for model in ("gemini-2.5-flash", "gemini-3-pro-preview"):
        events = only(Cassette.from_text(STORY, model=model, finish_reason=reason)).events
        assert [event.finish_reason for event in events] == [None] * (len(events) - 1) + [reason]


def test_profile_and_model_complete_each_other() -> None:
    """A model brings its rhythm, a profile its model, and thoughts the thinking profile."""

    def rhythm(cassette: Cassette) -> tuple[str | None, str]:
        answer = only(cassette)
        return answer.request.model, answer.comments[-1].split(": ")[1]

    assert rhythm(Cassette.from_text("x")) == ("gemini-2.5-flash", "gemini-2.5-flash, seed 0")
    assert rhythm(Cassette.from_text("x", thoughts="y")) == ("gemini-2.5-flash", "gemini-2.5-flash-thinking, seed 0")
    assert rhythm(Cassette.from_text("x", model="models/gemini-3.1-pro-preview")) == (
        "gemini-3.1-pro-preview",
        "gemini-3.1-pro, seed 0",
    )
    assert rhythm(Cassette.from_text("x", profile="gemini-2.5-flash-thinking", seed=5)) == (
        "gemini-2.5-flash",
        "gemini-2.5-flash-thinking, seed 5",
    )
    assert rhythm(Cassette.from_text("x", model="ours", profile="gemini-2.5-pro")) == (
        "ours",
        "gemini-2.5-pro, seed 0",
    )


def test_the_same_arguments_give_the_same_file() -> None:
    """Byte for byte; another seed gives other times and ids, another text as well."""
    first = Cassette.from_text(STORY, prompt=PROMPT, thoughts="Hm.").dumps()
    assert Cassette.from_text(STORY, prompt=PROMPT, thoughts="Hm.").dumps() == first
    ones, others = only(Cassette.from_text(STORY)), only(Cassette.from_text(STORY, seed=1))
    assert ones.events[0].response_id != others.events[0].response_id
    assert [chunk.after for chunk in ones.chunks] != [chunk.after for chunk in others.chunks]
    assert only(Cassette.from_text("Another.")).events[0].response_id != ones.events[0].response_id


def test_it_says_that_nothing_was_recorded() -> None:
    """In comments, where a reader of the file sees it."""
    text = Cassette.from_text("Hi.").dumps().decode()
    assert text.startswith("# Written by gemini-replay, not recorded.\n")
    assert '# Without a prompt; play it with match=("model", "action").\n' in text
    assert "# Without a prompt" not in Cassette.from_text("Hi.", prompt="?").dumps().decode()


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["sse", "json-array", "gateway"]),
    st.sampled_from(["gemini-2.5-flash", "gemini-3-pro"]),
)
def test_any_text_can_be_said_and_saved(text: str, prompt: str | None, framing: Any, model: str) -> None:
    """It comes out as it was given, and the file holds all of it."""
    cassette = Cassette.from_text(text, prompt=prompt, framing=framing, model=model)
    assert only(cassette).text == text
    assert only(cassette).complete
    assert reloaded(cassette).interactions == cassette.interactions


# --- from_events ------------------------------------------------------------------------------------------------


def test_events_go_out_exactly_as_given() -> None:
    """Nothing added, nothing lost, in order; Event objects too."""
    odd = {
        "candidates": [{"content": {"parts": [{}]}, "new": None}],
        "serviceTier": 1.5,
        "x": ["<", "\u2028", "\ud800"],
    }
    events = [said("a", index=0), odd, {}, said("b", finishReason="STOP")]
    answer = only(Cassette.from_events([*events[:2], *map(Event, events[2:])], prompt=PROMPT))
    assert [event.json for event in answer.events] == events
    assert len(answer.chunks) == len(events)


def test_an_error_in_mid_stream_is_googles_raw_object() -> None:
    """After good events, with status 200, pretty-printed and without ``data:``."""
    answer = only(Cassette.from_events([said("a"), BUSY]))
    assert answer.response is not None
    assert answer.response.status == 200
    assert answer.chunks[-1].data.startswith(b'{\n  "error": {\n    "code": 503,\n')
    assert answer.error is not None
    assert answer.error.code == 503


@pytest.mark.parametrize(
    ("status", "expected"), [(None, 503), (200, 200), (500, 500)], ids=["its-own", "in-band", "another"]
)
def test_an_error_alone_comes_instead_of_a_stream(status: int | None, expected: int) -> None:
    """With its code as the status, unless told otherwise; and soon."""
    answer = only(Cassette.from_events([BUSY], status=status))
    assert answer.response is not None
    assert answer.response.status == expected
    assert answer.body == (json.dumps(BUSY, indent=2) + "\n").encode()
    assert (answer.response.after < 0.1) == (expected != 200)


def test_events_of_a_generator_in_a_json_array() -> None:
    """Any iterable will do."""
    answer = only(Cassette.from_events((said(str(nth)) for nth in range(3)), framing="json-array"))
    assert answer.text == "012"
    assert answer.request.alt is None
    assert isinstance(json.loads(answer.body), list)


def test_thoughts_among_the_events_choose_the_thinking_profile() -> None:
    """As in from_text."""
    thought = {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}}]}
    assert "flash-thinking" in only(Cassette.from_events([thought, said("a")])).comments[-1]


class Model:
    """Stands for an SDK's typed response."""


ENDLESS: dict[str, Any] = {}
ENDLESS["self"] = ENDLESS


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Cassette.from_text("x", profile="gemini-2.5-flsh"), "Did you mean 'gemini-2.5-flash'"),
        (lambda: Cassette.from_text("x", model=""), "model is ''"),
        (lambda: Cassette.from_text("x", model="a/b"), "model is 'a/b'"),
        (lambda: Cassette.from_text("x", model="gemini\ud800"), "model is"),
        (lambda: Cassette.from_text("x", model=3), "model is 3"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a\ud83d"), "lone surrogate, U+D83D, at character 1"),
        (lambda: Cassette.from_text("a", prompt="\udc00"), "prompt has a lone surrogate"),
        (lambda: Cassette.from_text("a", thoughts=["b", "\udc00"]), "a thought has a lone surrogate"),
        (lambda: Cassette.from_text(b"a"), "text is b'a'"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a", prompt=["x"]), "prompt is ['x']"),  # type: ignore[arg-type]
        (lambda: Cassette.from_text("a", prompt={"x": object()}), "given as prompt is not JSON"),
        (lambda: Cassette.from_text("a", finish_reason=""), "finish_reason is ''"),
        (lambda: Cassette.from_text("a", framing="ndjson"), "framing is 'ndjson'"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events([]), "no events"),
        (lambda: Cassette.from_events(said("a")), "events is {"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events(5), "events is 5"),  # type: ignore[arg-type]
        (lambda: Cassette.from_events([said("a"), '{"candidates": []}']), "Event 2 is '{"),  # type: ignore[list-item]
        (lambda: Cassette.from_events([Model()]), "model_dump"),  # type: ignore[list-item]
        (lambda: Cassette.from_events([said("a"), {"x": float("nan")}]), "given as event 2 is not JSON"),
        (lambda: Cassette.from_events([{"x": {1, 2}}]), "given as event 1 is not JSON"),
        (lambda: Cassette.from_events([ENDLESS]), "given as event 1 is not JSON"),
        (lambda: Cassette.from_events([BUSY], status=99), "status is 99"),
    ],
)
def test_what_cannot_be_used_says_so(call: Any, words: str) -> None:
    """With its value and what would do."""
    with pytest.raises(UsageError) as caught:
        call()
    assert words in str(caught.value)


# --- through a real SDK -----------------------------------------------------------------------------------------


def tell_sync(genai: Any, **asked: Any) -> list[Any]:
    with genai.Client() as client:
        return [chunk.text for chunk in client.models.generate_content_stream(**asked)]


def tell_async(genai: Any, **asked: Any) -> list[Any]:
    async def tell() -> list[Any]:
        async with genai.Client().aio as client:
            return [chunk.text async for chunk in await client.models.generate_content_stream(**asked)]

    return asyncio.run(tell())


@pytest.fixture(params=[tell_sync, tell_async], ids=["sync", "async"])
def tell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """google-genai over the HTTP library that it chooses itself."""
    genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
    monkeypatch.setenv("GEMINI_API_KEY", "not-a-key")
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL", raising=False)

    def tell(contents: Any = PROMPT, model: str = "gemini-2.5-flash", **more: Any) -> list[Any]:
        return list(request.param(genai, model=model, contents=contents, **more))

    return tell


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-flash-preview"])
def test_google_genai_reads_what_was_written(tell: Any, tmp_path: Path, model: str) -> None:
    """The text as given, in the events that the cassette shows; thoughts apart."""
    path = tmp_path / "story.jsonl"
    cassette = Cassette.from_text(STORY, prompt=PROMPT, model=model)
    cassette.save(path)
    with gemini_replay.replay(path, speed="instant"):
        heard = tell(model=model)
    assert heard == [event.text for event in only(cassette).events]
    assert "".join(heard) == STORY


def test_google_genai_reads_events_as_given(tell: Any, tmp_path: Path) -> None:
    """`chunk.text` of each is the event's; the body of a request that holds more is given whole."""
    path = tmp_path / "events.jsonl"
    body = {
        "contents": [{"parts": [{"text": "a"}, {"text": "b"}], "role": "user"}],
        "generationConfig": {"temperature": 1.0},
    }
    Cassette.from_events([said("x"), said("yz", finishReason="STOP")], prompt=body).save(path)
    with gemini_replay.replay(path, speed="instant"):
        assert tell(["a", "b"], config={"temperature": 1}) == ["x", "yz"]


def test_google_genai_raises_written_errors(tell: Any, tmp_path: Path) -> None:
    """An error instead of a stream is the SDK's own."""
    from google.genai import errors

    path = tmp_path / "busy.jsonl"
    Cassette.from_events([BUSY], prompt=PROMPT).save(path)
    with gemini_replay.replay(path, speed="instant"), pytest.raises(errors.ServerError, match="overloaded"):
        tell()


def test_without_a_prompt_the_match_must_be_wider(tell: Any, tmp_path: Path) -> None:
    """By default it is a miss; with the match that the file's comment names, any prompt is answered."""
    path = tmp_path / "yes.jsonl"
    Cassette.from_text("Yes.").save(path)
    with gemini_replay.replay(path, speed="instant", match=("model", "action")):
        assert tell("Anything?") == ["Yes."]
    with pytest.raises(MissError, match="body: recorded none"), gemini_replay.replay(path, speed="instant"):
        tell("Anything?")


# --- gemini-replay retime ---------------------------------------------------------------------------------------


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """Two interactions, comments, and keys of the future at every place."""
    path = tmp_path / "afc.jsonl"
    lines = (FOLDER / "afc.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    for line in found:
        if isinstance(line, dict):
            line["future"] = [1, "二"]
    spelled = [json.dumps(line, ensure_ascii=False) for line in found]
    path.write_text("\n".join(["# mine", *spelled, "# the end", ""]), encoding="utf-8")
    Cassette.load(path).save()
    return path


def without_times(path: Path) -> list[Any]:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# Times drawn"):
            continue
        value = line if line.startswith("#") else json.loads(line)
        if isinstance(value, list):
            value[0] = 0
        elif isinstance(value, dict):
            value.pop("after", None)
        found.append(value)
    return found


def test_retime_changes_times_alone_and_keeps_the_original(
    cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In place; comments and unknown keys stay, and so does the file that was replaced."""
    before, original = without_times(cassette), cassette.read_bytes()
    assert main(["retime", str(cassette), "--profile", "gemini-3-pro"]) == 0
    backup = cassette.with_name("afc.jsonl.bak")
    assert capsys.readouterr().out == f"{cassette}: the original is kept as {backup}\n"
    assert backup.read_bytes() == original
    assert without_times(cassette) == before
    heads = [one.response.after for one in Cassette.load(cassette).interactions if one.response]
    assert len(set(heads)) == 2
    assert all(2.829 <= head <= 4.931 for head in heads)


def test_retime_never_writes_over_a_backup(cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first holds the times that were recorded; the same rhythm again replaces nothing."""
    original = cassette.read_bytes()
    for seed in ("1", "2", "2"):
        assert main(["retime", str(cassette), "--seed", seed]) == 0
    assert cassette.with_name("afc.jsonl.bak").read_bytes() == original
    assert sorted(path.name for path in cassette.parent.iterdir()) == [
        "afc.jsonl",
        "afc.jsonl.bak",
        "afc.jsonl.bak.1",
    ]
    assert capsys.readouterr().out.count("kept as") == 2


def test_retime_into_another_file(cassette: Path, tmp_path: Path) -> None:
    """The cassette stays; of one interaction alone only its times are drawn."""
    original, out = cassette.read_bytes(), tmp_path / "out" / "slow.jsonl"
    assert main(["retime", str(cassette), "--only", "2", "-o", str(out)]) == 0
    assert cassette.read_bytes() == original
    old, new = (Cassette.load(path).interactions for path in (cassette, out))
    assert new[0] == old[0]
    assert new[1].comments[-1].startswith("# Times drawn")
    assert main(["retime", str(cassette), "-o", str(tmp_path / "all.jsonl")]) == 0
    assert Cassette.load(tmp_path / "all.jsonl").interactions[1] == new[1]


def test_retime_lists_the_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    """With their figures, and what of them is borrowed."""
    assert main(["retime", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in PROFILES)
    assert "2115 / 2938 / 8007" in out
    assert "* from another model" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{}", "--profile", "gemini-2.5-prx"], "Did you mean 'gemini-2.5-pro'"),
        (["{}", "--only", "3"], "no interaction 3"),
        (["{}", "--only", "0"], "It has 2, counted from 1."),
        (["missing.jsonl"], "missing.jsonl"),
        ([], "cassette to retime is missing"),
    ],
    ids=["profile", "beyond", "zero", "missing", "none"],
)
def test_retime_leaves_the_file_alone_when_it_cannot(
    cassette: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that says what would do; no backup, no change."""
    original = cassette.read_bytes()
    assert main(["retime", *(one.format(cassette) for one in arguments)]) in (1, 2)
    assert words in capsys.readouterr().err
    assert cassette.read_bytes() == original
    assert [path.name for path in cassette.parent.iterdir()] == ["afc.jsonl"]


def test_a_backup_is_as_closed_as_the_original(cassette: Path) -> None:
    """Permissions come along."""
    if sys.platform == "win32":
        pytest.skip("Windows has no such permissions")
    cassette.chmod(0o600)
    assert main(["retime", str(cassette)]) == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in cassette.parent.iterdir()}
    assert modes == {"afc.jsonl": 0o600, "afc.jsonl.bak": 0o600}


def test_retime_as_a_user_runs_it(tmp_path: Path) -> None:
    """In a process of its own, and its result plays."""
    shutil.copy(FOLDER / "story.jsonl", tmp_path / "story.jsonl")
    command = [sys.executable, "-m", "gemini_replay", "retime", "story.jsonl", "--seed", "4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    old, new = (Cassette.load(path).interactions[0] for path in (FOLDER / "story.jsonl", tmp_path / "story.jsonl"))
    assert new.text == old.text
    assert new.duration != old.duration


def test_errors_of_writing_are_this_packages_own() -> None:
    """One tree, one base."""
    with pytest.raises(GeminiReplayError):
        Cassette.from_text("x", profile="")
