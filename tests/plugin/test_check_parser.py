"""The fixture `check_gemini_parser` and its marker, in whole pytest runs."""

from __future__ import annotations

import pytest

PARSERS = """
    import json

    import pytest
    from gemini_replay import parse_stream

    def right(chunks):
        for event in parse_stream(chunks):
            yield event.json

    def no_comments(chunks):
        body = b"".join(chunks)
        if b"\\n:" in b"\\n" + body:
            raise ValueError("a comment")
        return [event.json for event in parse_stream([body])]
"""


def test_the_fixture_finds_a_bug_and_shows_the_case(pytester: pytest.Pytester) -> None:
    """A wrong parser fails its test with the chunks in the message. A correct one passes."""
    pytester.makepyfile(
        PARSERS
        + """
    CLASSES = ["comments", "line-ends-lf"]

    def test_right(check_gemini_parser):
        check_gemini_parser(right, profile="gateway", classes=CLASSES, max_examples=5)

    def test_wrong(check_gemini_parser):
        check_gemini_parser(no_comments, profile="gateway", classes=CLASSES, max_examples=5, seed=0)
"""
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*ParserBug: *:no_comments raises*", "*class: *comments:*", "*chunks:", "*ValueError: a comment*"]
    )


def test_with_each_every_class_has_a_test_id(pytester: pytest.Pytester) -> None:
    """A known bug can be marked as an expected failure by its class, and only that one fails."""
    pytester.makepyfile(
        PARSERS
        + """
    @pytest.mark.gemini_parser("gateway", each=True, xfail=["comments", "anything-of-gateways", "promptness"])
    def test_mine(check_gemini_parser):
        check_gemini_parser(no_comments, max_examples=5, seed=0)
"""
    )
    names = ("comments", "promptness", "line-ends-lf", "no-space-after-colon")
    only = [f"test_with_each_every_class_has_a_test_id.py::test_mine[{name}]" for name in names]
    result = pytester.runpytest_inprocess("-rxX", *only)
    outcomes = result.parseoutcomes()
    assert outcomes == {"xfailed": 1, "failed": 1, "passed": 2}
    result.stdout.fnmatch_lines(["*XFAIL*test_mine[[]comments[]]*"])


def test_the_marker_alone_sets_the_profile(pytester: pytest.Pytester) -> None:
    """Then there is one test for the whole profile."""
    pytester.makepyfile(
        PARSERS
        + """
    @pytest.mark.gemini_parser("gateway")
    def test_mine(check_gemini_parser):
        check_gemini_parser(no_comments, max_examples=1, seed=0, classes=["comments"])
"""
    )
    pytester.runpytest_inprocess().assert_outcomes(failed=1)


def test_classes_are_split_over_workers_that_share_a_database(pytester: pytest.Pytester) -> None:
    """With pytest-xdist, each class runs once; what one of them has found, any run tries first the next time.

    The parser is wrong for all streams with some words; once that is found, only for the smallest of them.
    """
    pytest.importorskip("xdist")
    path = pytester.makepyfile(
        PARSERS
        + """
    import os
    from pathlib import Path

    from gemini_replay import fuzz
    from hypothesis.database import DirectoryBasedExampleDatabase

    FOUND = Path("found")

    def without_quotas(chunks):
        body = b"".join(chunks)
        wrong = body == FOUND.read_bytes() if FOUND.exists() else b"Quota exceeded" in body
        return [] if wrong else right([body])

    @pytest.mark.gemini_parser("gemini", each=True)
    def test_mine(check_gemini_parser, request):
        with open("ran", "a") as ran:
            print(request.node.callspec.id, os.environ.get("PYTEST_XDIST_WORKER"), sep=",", file=ran)
        database = DirectoryBasedExampleDatabase("kept")
        try:
            check_gemini_parser(without_quotas, max_examples=1 if FOUND.exists() else 40, database=database)
        except fuzz.ParserBug as bug:
            FOUND.write_bytes(b"".join(bug.chunks))
            raise
"""
    )
    names = ("error-as-data", "numbers")
    ids = [f"{path.name}::test_mine[{name}]" for name in names]
    assert pytester.runpytest_subprocess("-n", "2", *ids).parseoutcomes() == {"failed": 1, "passed": 1}
    ran = [line.split(",") for line in (pytester.path / "ran").read_text().splitlines()]
    assert sorted(name for name, _ in ran) == sorted(names)
    assert {worker for _, worker in ran} == {"gw0", "gw1"}
    pytester.runpytest_inprocess(ids[0]).assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ('"gatewy", each=True', "*Did you mean 'gateway'*"),
        ('each=True, xfail=["separator"]', "*Did you mean 'separators'*"),
        ('xfail=["separators"]', "*xfail= without each=True*"),
        ("eahc=True", "*Did you mean each=?*"),
        ('"gemini", "sse"', "*has wrong arguments*"),
        ("5", "*Unknown profile 5*"),
        ("each=1", "*each is 1.*"),
        ("each=True, xfail=5", "*xfail is 5.*"),
    ],
    ids=["profile", "class", "without-each", "name", "several", "no-text", "no-flag", "no-classes"],
)
def test_an_invalid_marker_is_refused(pytester: pytest.Pytester, marker: str, message: str) -> None:
    """The error has the closest name."""
    pytester.makepyfile(
        f"""
    import pytest

    @pytest.mark.gemini_parser({marker})
    def test_mine(check_gemini_parser):
        pass
"""
    )
    result = pytester.runpytest_inprocess()
    assert result.ret != 0
    result.stdout.fnmatch_lines([message])
