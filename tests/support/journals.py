"""Helpers that write a journal and read it."""

from __future__ import annotations

from pathlib import Path

from gemini_replay.cassette.files import salvage
from gemini_replay.cassette.journal import Journal
from gemini_replay.cassette.model import Interaction, Request


def request(name: str) -> Request:
    return Request("POST", f"https://h/models/{name}:go")


def part_of(journal: Journal) -> Path:
    assert journal.part is not None
    return journal.part


def salvaged(path: Path) -> list[Interaction]:
    return salvage(path).cassette.interactions


def write(journal: Journal, interaction: Interaction) -> None:
    entry = journal.begin(interaction.request)
    if interaction.response is not None:
        entry.response(interaction.response)
    for chunk in interaction.chunks:
        entry.chunks(chunk)
    entry.end(interaction.end)
