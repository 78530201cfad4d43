"""The kit finds planted bugs, and shows each in a case that is small enough to read."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from gemini_replay import fuzz
from quality.planted import PLANTED, Planted

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("unmeasured")]

RUNS = 60_000
"""Runs of a parser until its bug is found and shrunk. The most that any took was 42 000."""


OWN_CLASS = {
    "splits_lines_as_python_does": "separators",
    "wants_crlf": "line-ends-lf",
    "a_comment_ends_it": "comments",
    "drops_an_event_that_equals_the_last": "equal-and-empty-events",
    "sees_done_in_the_text": "syntax-in-text",
    "counts_braces_in_text": "brackets-in-text",
    "passes_over_raw_errors": "raw-error",
    "keeps_the_byte_order_mark": "byte-order-mark",
    "keeps_the_last_data_line": "data-over-several-lines",
    "reads_lines_of_64_kb": "event-of-70-kb",
    "searches_all_of_the_buffer_each_time": "growth",
    "gives_all_at_the_end": "promptness",
    "array_cut_between_braces": "brackets-in-text-in-array",
    "async_array_without_errors": "error-in-array",
}
"""Bugs that more than one class shows, and the class that describes each best."""


@pytest.mark.parametrize("planted", PLANTED, ids=lambda one: one.name)
def test_a_planted_bug_is_found_and_small(planted: Planted) -> None:
    """At the default settings, in no more chunks (mostly three) and bytes than the bug's own bounds.

    The work is bounded as well, in runs, which are the same on every machine.
    """
    runs = 0

    @functools.wraps(planted.parse)
    def counted(chunks: Any) -> Any:
        nonlocal runs
        runs += 1
        return planted.parse(chunks)

    with pytest.raises(fuzz.ParserBug) as caught:
        fuzz.check_parser(counted, profile=planted.profile)
    assert runs < RUNS
    bug = caught.value
    assert bug.case == OWN_CLASS.get(planted.name, bug.case)
    assert len(bug.chunks) <= planted.chunks
    assert sum(map(len, bug.chunks)) <= planted.most


def test_there_are_enough_of_them() -> None:
    """More than 140, sync and async, SSE and JSON arrays."""
    assert len(PLANTED) > 140
    assert {one.profile for one in PLANTED} == set(fuzz.PROFILES)
    assert len({one.name for one in PLANTED}) == len(PLANTED)
