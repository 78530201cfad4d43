"""Cassettes for a person to read."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from support.cassettes import streaming
from support.streams import event

from gemini_replay import Cassette
from gemini_replay.cassette.describing import describe
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.errors import MissingExtraError
from gemini_replay.plain_text import plain_lines
from gemini_replay.report import outline, pages, programs, terminal
from gemini_replay.report.moments import timed_events

FOLDER = Path(__file__).parents[2] / "cassettes"
CASSETTES = sorted(FOLDER.glob("*.jsonl"))


def missing(interaction: Interaction, page: str) -> list[str]:
    """The texts of the answer that a page does not have, white space aside."""
    parts = [part.get("text") or "" for one in interaction.events for part in getattr(one, "parts", ())]
    shown = "".join(page.split())
    return [text for text in parts if "".join(plain_lines(text).split()) not in shown]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, with colours."""
    monkeypatch.setattr(terminal, "width", lambda: 80)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_page_fits_a_terminal(path: Path, narrow: None) -> None:
    """No line is wider than 80 columns, and every word of the answer is there."""
    cassette = Cassette.load(path)
    for number, interaction in enumerate(cassette.interactions, 1):
        page = re.sub("\x1b\\[[0-9;]+m", "", pages.page(number, interaction))
        shown = "\n".join([page, pages.event_table(interaction), pages.chunk_table(interaction)])
        assert max(map(cell_len, shown.splitlines())) <= 80
        assert not missing(interaction, page)
    assert max(map(cell_len, pages.cassette_table(cassette).splitlines()[1:])) <= 80


@pytest.mark.parametrize("columns", [40, 60])
@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_a_narrow_terminal_cuts_no_time_and_no_name(
    path: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns of less worth are left out, and what is left is wrapped."""
    monkeypatch.setattr(terminal, "width", lambda: columns)
    cassette = Cassette.load(path)
    for interaction in cassette.interactions:
        shown = pages.event_table(interaction)
        assert max(map(cell_len, shown.splitlines()), default=0) <= columns
        for at, *_ in timed_events(interaction):
            assert f"{at:.3f} s" in shown
    brief = pages.cassette_table(cassette).splitlines()[1:]
    assert max(map(cell_len, brief)) <= columns
    where = brief[0].index("request"), brief[0].index("end")
    requests = "".join(line[where[0] : where[1]].strip() for line in brief[2:])
    for interaction in cassette.interactions:
        assert "".join(describe(interaction.request).split()) in "".join(requests.split())


def test_colours_are_for_those_who_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR wins over FORCE_COLOR; without either, a pipe has none."""
    interaction = Cassette.load(FOLDER / "429.jsonl").interactions[0]
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = pages.page(1, interaction)
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = pages.page(1, interaction)
    assert re.sub("\x1b\\[[0-9;]+m", "", coloured) == plain != coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert pages.page(1, interaction) == plain


def test_an_event_came_when_its_last_byte_came() -> None:
    """Also one that is cut over chunks, and one that shares its chunk."""
    first, second, third = event("a"), event("b"), event("c")
    cut = streaming(first[:9], first[9:] + second, third, gap=0.25, after=0.5)
    assert [(round(at, 2), round(gap, 2), size) for at, gap, size, _ in timed_events(cut)] == [
        (1.0, 0.5, len(first)),
        (1.0, 0.0, len(second)),
        (1.25, 0.25, len(third)),
    ]


STRANGE: dict[str, Interaction] = {
    "no response": Interaction(Request("GET", "https://example.org/"), None),
    "no body": Interaction(Request("POST", "https://example.org/", (), b"\xff\x00"), Response(204)),
    "a page": Interaction(Request("GET", "x"), Response(500), (Chunk(0, b"<html>\x1b"),)),
    "not JSON": streaming(b"data: {nonsense\n\n", b"data: NaN\n\n", b"data: [1e999]\n\n"),
    "compressed": Interaction(Request("GET", "x"), Response(200, body="wire"), (Chunk(0, b"\x1f\x8b\x00"),)),
    "an empty chunk": streaming(b"", event("a"), b""),
    "deep": streaming(b'data: {"candidates": ' + b"[" * 150 + b"]" * 150 + b"}\n\n"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_whatever_was_recorded_is_shown(name: str) -> None:
    """To people, to programs and to git."""
    interaction = STRANGE[name]
    for whole in (False, True):
        shown = pages.page(1, interaction, whole_request=whole) + pages.event_table(interaction, whole=whole)
        assert "\x1b[" not in shown
    assert pages.chunk_table(interaction)
    cassette = Cassette([interaction])
    found: dict[str, Any] = json.loads(programs.cassette_json(cassette))
    assert found["interactions"][0]["end"] == "eof"
    assert outline.outline(cassette)
    assert outline.outline(cassette, all=True)


def test_without_rich_there_are_no_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(MissingExtraError, match="report"):
        terminal.table(("a",), [("b",)])


@pytest.mark.skipif(not os.environ.get("GEMINI_REPLAY_CORPUS"), reason="GEMINI_REPLAY_CORPUS is not set")
def test_the_corpus_is_described() -> None:
    """Streams of many projects, with all of their text."""
    for path in sorted((Path(os.environ["GEMINI_REPLAY_CORPUS"]) / "bodies").glob("*.body")):
        interaction = streaming(path.read_bytes())
        page = pages.page(1, interaction)
        assert not missing(interaction, page), path.name
        assert outline.outline(Cassette([interaction]))
