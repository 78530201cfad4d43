"""Interactions in notebooks."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.cassettes import streaming
from support.hostile import HOSTILE, hostile
from support.streams import event

from gemini_replay import Cassette
from gemini_replay.plain_text import plain_lines

CASSETTES = sorted((Path(__file__).parents[3] / "cassettes").glob("*.jsonl"))


class Reader(HTMLParser):
    """The names of the elements and of their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("path", CASSETTES, ids=lambda path: path.stem)
def test_every_interaction_shows_itself(path: Path) -> None:
    """What was asked and answered, and a timeline that is well-formed."""
    for interaction in Cassette.load(path).interactions:
        html = interaction._repr_html_()
        read = Reader(html)
        assert plain_lines(interaction.text[:2000]) in read.text
        assert str(interaction.request.model) in read.text
        svg = html[html.index("<svg") : html.index("</svg>") + len("</svg>")]
        assert ElementTree.fromstring(svg).tag == "svg"


def test_it_is_text_and_a_picture_alone() -> None:
    """Whatever an interaction says: no script, no style of the whole notebook, nothing that is loaded."""
    html = hostile()._repr_html_()
    read = Reader(html)
    assert read.tags == {"div", "strong", "svg", "path", "text", "hr", "span"}
    assert not {name for name in read.attributes if name.startswith("on") or name in ("href", "src", "id", "class")}
    assert [text for text in HOSTILE if text.isprintable() and text not in read.text] == []
    assert not set("\u202e\u2028\ufeff\ud800") & set(html)


def test_much_is_cut() -> None:
    """A long text is clipped, and of very many chunks some are drawn."""
    html = streaming(*[event("word " * 20)] * 5000)._repr_html_()
    assert len(html) < 200_000
    assert "more characters" in html


def test_an_answer_without_chunks_has_no_timeline() -> None:
    """It says how it ended all the same."""
    html = streaming()._repr_html_()
    assert "<svg" not in html
    assert "eof" in html
