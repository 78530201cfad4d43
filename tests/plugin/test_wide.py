"""`gemini_cassettes`: cassettes for fixtures of wider scope than a test, and for `setUpClass`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.plugin_projects import cassettes

from gemini_replay import Cassette

Run = Callable[..., pytest.RunResult]

MODULE = """
import pytest
from asking import ask

@pytest.fixture(scope="module")
def warm(gemini_cassettes):
    with gemini_cassettes("warm-up"):
        return ask("warm-up")

def test_first(warm):
    assert len(warm) == 3

def test_second(warm, gemini_cassette):
    assert len(ask()) == 3
"""


def test_a_module_scoped_fixture_records_and_replays(project: pytest.Pytester, run: Run) -> None:
    """The run's record mode applies. The block opens once for the module and counts in the summary, also in xdist."""
    project.makepyfile(test_tale=MODULE)
    result = run("--gemini-record=once")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["0 replayed, 2 recorded, 0 unused"])
    assert cassettes(project) == ["test_tale/test_second.jsonl", "warm-up.jsonl"]
    for workers in ([], ["-n1"]):
        result = run(*workers)
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(["2 replayed, 0 recorded, 0 unused; *"])


def test_a_wide_cassette_beside_the_tests_is_beside_the_opening_file(project: pytest.Pytester, run: Run) -> None:
    """This is about projects whose cassettes are beside the tests."""
    (project.mkdir("deep") / "test_tale.py").write_text(MODULE, encoding="utf-8")
    for mode in ("once", "none"):
        run(f"--gemini-record={mode}", "-o", "gemini_cassette_dir={folder}/cassettes").assert_outcomes(passed=2)
    assert (project.path / "deep/cassettes/warm-up.jsonl").is_file()


def test_a_session_scoped_fixture_may_stay_open_while_tests_run(project: pytest.Pytester, run: Run) -> None:
    """A test's own cassette answers the test. The wide one answers tests without a cassette."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.fixture(scope="session", autouse=True)
        def wide(gemini_cassettes):
            with gemini_cassettes("wide"):
                ask("wide")
                yield

        def test_without():
            assert len(ask("without")) == 3

        def test_with(gemini_cassette):
            assert len(ask("with")) == 3
        """
    )
    for mode in ("once", "none"):
        run(f"--gemini-record={mode}").assert_outcomes(passed=2)
    stored = (project.path / "cassettes/wide.jsonl").read_text(encoding="utf-8")
    assert '"without"' in stored
    assert '"with"' not in stored


@pytest.mark.parametrize(
    ("fixture", "use"),
    [
        ("gemini_cassette", "(gemini_cassette)"),
        ("gemini_cassette", "(request):\n    request.getfixturevalue('gemini_cassette'"),
        ("gemini_server", "(gemini_server)"),
        ("check_gemini_client", "(check_gemini_client)"),
    ],
    ids=["cassette", "asked-for-later", "server", "client"],
)
@pytest.mark.parametrize("scope", ["class", "module", "session"])
def test_a_tests_fixture_in_a_wider_scope_is_an_error_with_advice(
    project: pytest.Pytester, fixture: str, use: str, scope: str
) -> None:
    """Pytest's own message stays, followed by what to do."""
    body = ")" if ":" in use else ": ..."
    project.makepyfile(
        test_tale=f"import pytest\n\n@pytest.fixture(scope={scope!r})\ndef warm{use}{body}\n\ndef test_it(warm): ..."
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"ScopeMismatch: *scoped fixture {fixture} *", "*with the fixture gemini_cassettes: with gemini_cassettes(*"]
    )


def test_another_scope_mismatch_is_left_as_it_is(project: pytest.Pytester) -> None:
    """The hint is only for our fixtures."""
    project.makepyfile(
        test_tale="""
        import pytest

        @pytest.fixture(scope="module")
        def warm(monkeypatch): ...

        def test_it(warm): ...
        """
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["ScopeMismatch: *"])
    result.stdout.no_fnmatch_line("*gemini_cassettes*")


def test_a_miss_that_is_swallowed_fails_at_the_end_of_the_block(project: pytest.Pytester, run: Run) -> None:
    """The error says how to record the missing answer."""
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.fixture(scope="module")
        def warm(gemini_cassettes):
            with gemini_cassettes("warm-up"):
                try:
                    ask("warm-up")
                except Exception:
                    pass

        def test_it(warm):
            pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*No recording answers*", "*warm-up.jsonl*", "*Record it with: pytest --gemini-record once*"]
    )


SWALLOWS = """
import pytest
from asking import ask

@pytest.fixture(scope="module")
def warm(gemini_cassettes):
    with gemini_cassettes("warm-up"):
        try:
            ask("warm-up")
        except Exception:
            pass
        {end}

def test_it(warm):
    pass
"""


def test_a_block_with_another_error_gets_a_note_about_the_miss(project: pytest.Pytester, run: Run) -> None:
    """The block's own error is shown, with the session's message as a note."""
    project.makepyfile(test_tale=SWALLOWS.format(end='raise ValueError("its own")'))
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ValueError: its own*", "*gemini-replay, at the end of*No recording answers*"])


@pytest.mark.parametrize("end", ['pytest.skip("no answer")', 'pytest.xfail("no answer")'])
def test_a_block_that_skips_after_a_miss_fails(project: pytest.Pytester, run: Run, end: str) -> None:
    """A refused request must not make the test skip."""
    project.makepyfile(test_tale=SWALLOWS.format(end=end))
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*No recording answers*"])


def test_a_failing_block_leaves_its_cassette_unchanged(project: pytest.Pytester, run: Run) -> None:
    """Its recording is kept as a journal, and the summary says so."""
    project.makepyfile(test_tale=MODULE.replace('return ask("warm-up")', 'ask("warm-up"); raise ValueError'))
    result = run("--gemini-record=rewrite")
    result.assert_outcomes(errors=2)
    assert [name for name in cassettes(project) if name.endswith(".jsonl")] == []
    result.stdout.fnmatch_lines(["not recorded: gemini_cassettes('warm-up') *warm-up.jsonl*"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("gemini_cassettes('x', sped=4)", "Unknown setting 'sped' from gemini_cassettes."),
        ("gemini_cassettes('../x')", "leads out of the cassette folder"),
        ("gemini_cassettes(5)", "5 cannot be the name of a cassette."),
        ("gemini_cassettes('x', cassette_dir=5)", "cassette_dir is 5."),
    ],
)
def test_a_wrong_use_is_a_short_error(project: pytest.Pytester, run: Run, call: str, words: str) -> None:
    """The error ends in the user's own code."""
    project.makepyfile(
        test_tale=f"""
        import pytest

        @pytest.fixture(scope="module")
        def warm(gemini_cassettes):
            with {call}:
                pass

        def test_it(warm):
            pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{words.replace('[', '[[]')}*"])
    assert len(result.stdout.lines) < 25


def test_every_miss_of_a_block_is_reported_once(project: pytest.Pytester, run: Run) -> None:
    """Retries of an SDK count as one miss."""
    test = """
import pytest
from asking import ask

@pytest.fixture(scope="module")
def warm(gemini_cassettes):
    with gemini_cassettes("warm-up"):
        for text in {texts}:
            try:
                ask(text)
            except Exception:
                pass

def test_it(warm):
    pass
"""
    project.makepyfile(test_tale=test.format(texts=["story"]))
    run("--gemini-record=once").assert_outcomes(passed=1)
    project.makepyfile(test_tale=test.format(texts=["first"] * 3 + ["second"] * 4))
    result = run()
    result.assert_outcomes(errors=1)
    shown = result.stdout.str()
    assert [shown.count(f'asked "{text}"') for text in ("first", "second")] == [1, 1], shown


def test_the_config_fixture_holds_as_the_calling_file_sees_it(project: pytest.Pytester, run: Run) -> None:
    """Its secrets are redacted. What a module says for itself does not hold for a block of the conftest."""
    conftest = project.path / "conftest.py"
    conftest.write_text(
        f"""{conftest.read_text(encoding="utf-8") if conftest.exists() else ""}
import pytest
from asking import ask

@pytest.fixture
def gemini_cassette_config():
    return {{"redact": ["customer-4711"]}}

@pytest.fixture(scope="session")
def warm(gemini_cassettes):
    with gemini_cassettes("of-all"):
        ask("customer-4711 and user-4712")
""",
        encoding="utf-8",
    )
    project.makepyfile(
        test_tale="""
        import pytest
        from asking import ask

        @pytest.fixture
        def gemini_cassette_config():
            return {"redact": ["user-4712"]}

        @pytest.fixture(scope="module")
        def own(gemini_cassettes):
            with gemini_cassettes("of-module"):
                ask("customer-4711 and user-4712")

        def test_it(warm, own): ...
        """
    )
    for mode in ("once", "none"):
        run(f"--gemini-record={mode}", "--gemini-show-config").assert_outcomes(passed=1)
    stored = {path.stem: path.read_text(encoding="utf-8") for path in project.path.glob("cassettes/*.jsonl")}
    assert ("customer-4711" in stored["of-all"], "user-4712" in stored["of-all"]) == (False, True)
    assert ("customer-4711" in stored["of-module"], "user-4712" in stored["of-module"]) == (False, False)


SHARED = """
import pytest
from asking import ask

@pytest.fixture(scope="module", autouse=True)
def shared(gemini_cassettes):
    with gemini_cassettes("shared"):
        yield

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    ask(f"NAME {number}")
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "two workers"])
def test_blocks_of_one_name_rewrite_together_what_was_there_before(
    workers: tuple[str, ...], project: pytest.Pytester, run: Run
) -> None:
    """No block replaces what another block of the run has recorded, and nothing of earlier runs stays."""
    for name in ("first", "second"):
        (project.path / f"test_{name}.py").write_text(SHARED.replace("NAME", name), encoding="utf-8")
    run("--gemini-record=once").assert_outcomes(passed=6)
    path = project.path / "cassettes/shared.jsonl"
    for name in ("first", "second"):
        text = (project.path / f"test_{name}.py").read_text(encoding="utf-8")
        (project.path / f"test_{name}.py").write_text(text.replace(name, f"new {name}"), encoding="utf-8")
    run("--gemini-record=rewrite", *workers).assert_outcomes(passed=6)
    asked = [one.request.json["contents"] for one in Cassette.load(path).interactions]
    found = sorted(str(contents) for contents in asked)
    assert len(found) == 6
    assert all("new" in one for one in found)
    run().assert_outcomes(passed=6)


@pytest.mark.parametrize("scope", ["session", "module", "function"])
def test_a_block_in_a_teardown_has_the_settings_of_its_test(project: pytest.Pytester, run: Run, scope: str) -> None:
    """Also if the fixture that returns them has been torn down by then."""
    project.makepyfile(
        test_tale=f"""
        import pytest
        from asking import ask

        @pytest.fixture(scope={scope!r})
        def gemini_cassette_config():
            return {{"redact": ["customer-4711"]}}

        @pytest.fixture(scope="module")
        def cleaned(gemini_cassettes):
            yield
            with gemini_cassettes("cleanup"):
                ask("customer-4711")

        def test_it(cleaned): ...
        """
    )
    for mode in ("once", "none"):
        run(f"--gemini-record={mode}", "-W", "error").assert_outcomes(passed=1)
    assert "4711" not in (project.path / "cassettes/cleanup.jsonl").read_text(encoding="utf-8")
