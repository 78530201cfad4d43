"""The hooks `before_record` and `before_replay`, which change recordings and replays."""

from __future__ import annotations

import os
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.forks import run
from support.sessions import ask, held, recorded, request

import gemini_replay
from gemini_replay import Cassette, Interaction, Session
from gemini_replay.cassette.model import Chunk, End
from gemini_replay.engine.player import Playback
from gemini_replay.errors import HookError, RecordingError
from gemini_replay.session import Forward

KEY = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "story.jsonl"


def said(interaction: Interaction, text: str) -> Interaction:
    """A copy of the interaction with this answer."""
    return replace(interaction, chunks=(Chunk(0.25, text.encode()),))


def shout(interaction: Interaction) -> Interaction:
    return said(interaction, interaction.body.decode().upper())


def made(path: Path, hook: Any, *texts: str, **settings: Any) -> Session:
    """A session that has recorded an answer to each text."""
    session = Session(path, before_record=hook, **{"mode": "rewrite", **settings})
    for text in texts:
        ask(session, text)
    session.close()
    return session


def played(session: Session, text: str = "hello") -> Interaction:
    plan = session.decide(request(text))
    assert isinstance(plan, Playback)
    return plan.interaction


def left(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


class TestBeforeRecord:
    """The interaction that the hook returns is stored."""

    def test_the_hook_may_change_everything(self, path: Path) -> None:
        """It may change texts, times, status and comments."""

        def change(interaction: Interaction) -> Interaction:
            assert interaction.response is not None
            response = replace(interaction.response, status=201, after=3.0)
            return replace(shout(interaction), response=response, comments=("# loud",), end=End("reset", 2.0))

        session = made(path, change, "one", "two")
        assert session.problem is None
        assert held(path) == ["ONE", "TWO"]
        assert [one.text for one in session.recorded] == [one.text for one in Cassette.load(path).interactions]
        one = Cassette.load(path).interactions[0]
        assert (one.response and one.response.status, one.duration, one.end.kind) == (201, 5.25, "reset")
        assert one.comments == ("# loud",)
        assert left(path) == ["story.jsonl"]

    def test_none_leaves_an_interaction_out(self, path: Path) -> None:
        """The hook may decide by the answer or by the URL."""
        session = made(path, lambda one: None if one.body == b"two" else one, "one", "two", "three")
        assert held(path) == ["one", "three"]
        assert session.recorded_count == 2

    def test_if_nothing_is_left_the_cassette_stays(self, path: Path) -> None:
        """The same happens after a session that records nothing."""
        recorded(path, "old")
        session = made(path, lambda one: None, "new")
        assert (session.problem, session.recorded_count, list(session.recorded)) == (None, 0, [])
        assert held(path) == ["old"]
        assert left(path) == ["story.jsonl"]

    def test_unchanged_interactions_are_stored_to_the_byte(self, path: Path) -> None:
        """The lines are the same as without a hook, except for the time in the header."""
        files = []
        for name, hook in (("a", None), ("b", lambda one: one)):
            other = path.with_name(f"{name}.jsonl")
            session = Session(other, mode="rewrite", test="t.py::test", before_record=hook)
            for number in range(3):
                asked = replace(request(f"the key is {KEY}"), headers=(("x-goog-api-key", KEY), ("cookie", "a=b")))
                plan = session.decide(asked)
                assert isinstance(plan, Forward)
                plan.recorder.sent(0.0)
                head = (("set-cookie", "secret=1"), ("location", f"https://h/?key={KEY}"))
                plan.recorder.head(200, head, 0.1234)
                for at, data in enumerate((b"\xe4\xbd", b"\xa0 " + KEY[:20].encode(), KEY[20:].encode() + b" ok")):
                    plan.recorder.chunk(data, 0.2345 + at * 0.0004 * number)
                plan.recorder.end("eof", 0.5)
            session.close()
            assert session.problem is None
            assert KEY not in other.read_text(encoding="utf-8")
            files.append(other.read_bytes().split(b"\n", 1)[1])
        assert files[0] == files[1]

    def test_a_secret_added_by_the_hook_is_redacted(self, path: Path) -> None:
        """It is redacted wherever the hook puts it."""

        def leak(interaction: Interaction) -> Interaction:
            body = f'{{"key": "{KEY}"}}'.encode()
            asked = replace(interaction.request, body=body, headers=(("authorization", f"Bearer {KEY}"),), client=KEY)
            assert interaction.response is not None
            response = replace(interaction.response, headers=(("x-told", KEY),), extra={"note": [KEY]})
            half = len(KEY) // 2
            chunks = (Chunk(0.0, KEY[:half].encode()), Chunk(0.0, KEY[half:].encode()))
            return replace(interaction, request=asked, response=response, chunks=chunks, comments=(f"# {KEY}",))

        session = made(path, leak, "one")
        assert session.problem is None
        assert KEY not in path.read_text(encoding="utf-8")
        assert len(Cassette.load(path).interactions[0].body) == len(KEY)
        assert {removal.kind for removal in session.removals} >= {"value of the header authorization"}

    def test_the_hook_sees_no_secret(self, path: Path) -> None:
        """The hook gets the interaction as it would be stored."""
        seen: list[Interaction] = []
        session = Session(path, mode="rewrite", before_record=lambda one: seen.append(one) or one)  # type: ignore[func-returns-value]
        plan = session.decide(replace(request(), headers=(("x-goog-api-key", KEY),)))
        assert isinstance(plan, Forward)
        plan.recorder.head(200, (), 0.0)
        plan.recorder.chunk(KEY.encode(), 0.0)
        plan.recorder.end("eof", 0.0)
        session.close()
        assert len(seen) == 1
        assert KEY not in repr(seen)

    def test_the_recording_tests_id_stays(self, path: Path) -> None:
        """It stays even if the hook returns a new request."""
        hook = lambda one: replace(one, request=request("other"))  # noqa: E731
        assert made(path, hook, "one", test="t.py::test_a").problem is None
        assert made(path, hook, "two", test="t.py::test_a").problem is None
        assert [one.request.test for one in Cassette.load(path).interactions] == ["t.py::test_a"]

    def test_the_hook_sees_only_its_own_sessions_recordings(self, path: Path) -> None:
        """Recordings of other sessions in the cassette stay unchanged."""
        recorded(path, "old", test="t.py::test_a")
        outer = Session(path, mode="new", test="t.py::test_b", before_record=shout)
        ask(outer, "outer")
        recorded(path, "inner", mode="new", test="t.py::test_c")
        outer.close()
        assert held(path) == ["old", "inner", "OUTER"]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
    def test_the_hook_gets_recordings_of_forked_children(self, path: Path) -> None:
        """It runs in the process that opened the session."""
        done = run(
            """
from dataclasses import replace
from gemini_replay import Session
pids = set()
def hook(one):
    pids.add(os.getpid())
    return replace(one, comments=("# seen",))
session = Session(path, mode="rewrite", before_record=hook)
ask(session, "parent")
if os.fork() == 0:
    ask(session, "child")
    os._exit(0)
os.wait()
session.close()
print(session.problem, session.recorded_count, pids == {os.getpid()})
""",
            path,
        )
        assert done.stdout.splitlines() == ["None 2 True"], done.stderr
        assert [one.comments for one in Cassette.load(path).interactions] == [("# seen",)] * 2

    def test_one_interaction_is_in_memory_at_a_time(self, path: Path) -> None:
        """However many interactions were recorded, the hook needs memory for one."""
        session = Session(path, mode="rewrite", before_record=lambda one: one)
        for number in range(24):
            ask(session, str(number), "x" * 500_000)
        tracemalloc.start()
        session.close()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert session.recorded_count == 24
        assert peak < 12 * 500_000

    @pytest.mark.parametrize(
        ("hook", "words"),
        [
            (lambda one: one.nothing, r"raised AttributeError(?s:.*)test_hooks\.py:\d+"),
            (lambda one: one.request, "returned .*It returns an interaction"),
            (lambda one: replace(one, chunks=(Chunk(0.0, "text"),)), "no cassette can hold"),  # type: ignore[arg-type]
            (lambda one: replace(one, response=None), "chunks, but no response"),
            (lambda one: replace(one, response=replace(one.response, status="ok")), "no cassette can hold"),
            (lambda one: replace(one, end=End("later")), "no cassette can hold"),  # type: ignore[arg-type]
            (lambda one: replace(one, comments=("#| 1",)), "begins with '#|'"),
            (lambda one: replace(one, chunks=(Chunk(float("nan"), b"x"),)), "nan is no time"),
            (lambda one: replace(one, end=End("eof", -1.0)), "-1.0 is no time"),
        ],
    )
    def test_a_failing_hook_fails_the_session_and_loses_nothing(self, path: Path, hook: Any, words: str) -> None:
        """The client has its answer, the cassette is unchanged, and the journal stays."""
        recorded(path, "old")
        session = made(path, hook, "one", "two")
        assert isinstance(session.problem, RecordingError)
        said = re.sub(r"\s+", " ", str(session.problem))
        assert re.search(words, said), said
        assert "before_record" in said
        assert isinstance(session.problem.__cause__, HookError)
        assert held(path) == ["old"]
        assert left(path) == ["story.jsonl", "story.jsonl.part"]
        assert session.problem.part == path.with_name("story.jsonl.part")
        assert [one.body for one in session.recorded] == [b"one", b"two"]

    def test_the_hook_is_not_called_for_a_recording_that_is_not_kept(self, path: Path) -> None:
        """If the block raises, its journal stays as recorded."""
        asked: list[Interaction] = []
        session = Session(path, mode="rewrite", before_record=lambda one: asked.append(one))
        ask(session, "one")
        session.close(keep=False)
        assert asked == []
        assert left(path) == ["story.jsonl.part"]


class TestBeforeReplay:
    """The interaction that the hook returns is played."""

    def test_the_hook_may_change_the_replay(self, path: Path) -> None:
        """The client and the session see the changed interaction; the cassette stays."""
        recorded(path, "hello")
        before = path.read_bytes()
        session = Session.replaying(path, before_replay=shout)
        assert played(session).body == b"HELLO"
        assert [one.body for one in session.played] == [b"HELLO"]
        session.close()
        assert session.problem is None
        assert path.read_bytes() == before

    def test_the_hook_is_called_each_time(self, path: Path) -> None:
        """It is also called for a recording that plays again."""
        recorded(path, "hello")
        count = iter(range(9))
        session = Session.replaying(path, repeat=True, before_replay=lambda one: said(one, str(next(count))))
        assert [played(session).body for _ in range(3)] == [b"0", b"1", b"2"]

    def test_faults_apply_after_the_hook(self, path: Path) -> None:
        """After a fault, the recording can be played again, and the hook is called again."""
        recorded(path, "hello")
        session = Session.replaying(path, before_replay=shout, fault="reset@byte:2;times=1")
        assert [played(session).body for _ in range(2)] == [b"HELLO"] * 2
        assert [one.body for _, one in session.applied] == [b"HELLO"]

    @pytest.mark.parametrize(
        ("hook", "words"),
        [
            (lambda one: one.nothing, "raised AttributeError"),
            (lambda one: None, "returned None"),
            (lambda one: replace(one, chunks=(Chunk(0.0, "text"),)), "no cassette can hold"),  # type: ignore[arg-type]
        ],
    )
    def test_a_failing_hook_refuses_the_request(self, path: Path, hook: Any, words: str) -> None:
        """The session fails too, even if the code under test swallows the error."""
        recorded(path, "hello")
        with pytest.raises(HookError, match=words), gemini_replay.replay(path, before_replay=hook) as session:
            with pytest.raises(HookError, match=words):
                session.decide(request())
            assert session.played == []
