"""`gemini-replay explain` prints the documentation that an error names."""

from __future__ import annotations

import pytest

from gemini_replay import errors
from gemini_replay.cli import main


def slugs() -> list[str]:
    found, waiting = set(), [errors.GeminiReplayError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.add(kind.slug)
    return sorted(found - {errors.GeminiReplayError.slug})


@pytest.mark.parametrize("slug", slugs())
def test_every_topic_that_an_error_names_exists(slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its section comes first, even if a page has the same name."""
    assert main(["explain", slug]) == 0
    assert capsys.readouterr().out.startswith(f"{slug}\n")


def test_a_page_is_printed_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole page is printed."""
    assert main(["explain", "faults"]) == 0
    assert capsys.readouterr().out.startswith("# Faults")


def test_without_a_topic_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has pages with their titles, and errors."""
    assert main(["explain"]) == 0
    shown = capsys.readouterr().out
    assert "  faults               Faults, chunk boundaries and limits\n" in shown
    assert "  miss\n" in shown


def test_an_unknown_topic_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    """The error also says how to get the list."""
    assert main(["explain", "mis"]) == 2
    shown = capsys.readouterr().err
    assert "Did you mean 'miss'?" in shown
    assert "gemini-replay explain" in shown
