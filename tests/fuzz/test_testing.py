"""The fixed cases."""

from __future__ import annotations

import subprocess
import sys

import pytest
from quality.correct.our_own import async_that_raises_errors, our_own
from quality.planted.lines import decodes_each_chunk

from gemini_replay import fuzz, parse_stream
from gemini_replay.errors import UsageError
from gemini_replay.fuzz.testing import all_cases

LOWEST = {"_version", "clocks", "counting", "arguments", "errors", "loops", "plain_text", "threads"}


@fuzz.cases("gemini")
def test_each_case_can_be_compared(case: fuzz.Case) -> None:
    """The decorator provides chunks and what must come out of them."""
    assert [event.json for event in parse_stream(case.chunks)] == case.expected


@pytest.mark.parametrize("profile", ["gemini", "gateway", "sse", "json-array"])
def test_cases_are_the_same_each_time(profile: str) -> None:
    """With names of their own, from every class that has one right result, cut and whole."""
    cases = list(all_cases(profile))
    assert cases == list(all_cases(profile))
    assert len({case.name for case in cases}) == len(cases) > 100
    assert {len(case.chunks) == 1 for case in cases} == {True, False}
    for case in cases:
        case.check(our_own)


def test_a_case_accuses_a_parser() -> None:
    """With the same error as the search, and without reducing anything."""
    cases = [
        case for case in all_cases("gemini") if case.case.name == "wide-characters" and "byte-by-byte" in case.name
    ]
    assert cases
    for case in cases:
        with pytest.raises(fuzz.ParserBug) as caught:
            case.check(decodes_each_chunk)
        assert caught.value.chunks == tuple(case.chunks)
        assert (caught.value.kind, caught.value.needs_cut) == ("raises", True)


def test_an_async_parser_that_raises_error_objects_passes() -> None:
    """Its exceptions quote the error's message."""
    for case in all_cases("gateway"):
        case.check(async_that_raises_errors)


def test_an_unknown_profile_is_refused() -> None:
    """With the nearest."""
    with pytest.raises(UsageError, match="'json-array'"):
        fuzz.cases("json_array")


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_the_cases_need_no_hypothesis() -> None:
    """It is not even imported."""
    assert "hypothesis" not in loaded_after("from gemini_replay import fuzz; fuzz.cases('sse')")


CHECK = r"""
import json
from gemini_replay import fuzz

def parse(chunks):
    return [json.loads(block[6:]) for block in b"".join(chunks).split(b"\r\n\r\n") if block]

fuzz.check_parser(parse, classes=["plain-text"])
"""


def test_checking_a_parser_needs_only_the_lowest_layers() -> None:
    """The kit could check any parser without the rest of the package."""
    loaded = loaded_after(CHECK)
    ours = {name.removeprefix("gemini_replay.") for name in loaded if name.startswith("gemini_replay.")}
    assert {name for name in ours if not name.startswith("fuzz")} <= LOWEST
