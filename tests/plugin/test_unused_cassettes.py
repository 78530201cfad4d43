"""``--gemini-unused`` and ``--gemini-unused=delete``: what no test of the run has used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.plugin_projects import asked, cassettes

from gemini_replay import Cassette

pytestmark = pytest.mark.usefixtures("project")

Run = Callable[..., pytest.RunResult]
TWO = """
import pytest
from asking import ask

@pytest.mark.gemini_cassette("one")
def test_one():
    ask("a")
    ask("b")

@pytest.mark.gemini_cassette("two")
def test_two():
    ask("c")
"""


@pytest.fixture
def folder(project: pytest.Pytester, run: Run) -> Path:
    """The cassettes of a project: one.jsonl with an unused recording, two.jsonl, and old/gone.jsonl of no test."""
    project.makepyfile(test_tale=TWO)
    run("--gemini-record=once").assert_outcomes(passed=2)
    project.makepyfile(test_tale=TWO.replace('    ask("b")', ""))
    folder = project.path / "cassettes"
    (folder / "old").mkdir()
    shutil.copy(folder / "two.jsonl", folder / "old/gone.jsonl")
    return folder


def told(result: pytest.RunResult) -> list[str]:
    """The lines about what is unused, without the project's path."""
    words = ("unused:", "not used", "what is not used", "removed:", "not removed:", "nothing was removed")
    return [line for line in result.outlines if line.startswith(words)]


def listed(folder: Path, label: str = "unused") -> list[str]:
    made_by = "(recorded by test_tale.py::test_one)"
    asked = "POST gemini-2.5-flash:streamGenerateContent?alt=sse"
    return [
        f"{label}: {folder}/one.jsonl: interaction 2 of 2: {asked} {made_by}",
        f"{label}: {folder}/old/gone.jsonl: no test has opened it (1 recording)",
    ]


def untouched(folder: Path) -> list[str]:
    return ["old/gone.jsonl", "one.jsonl", "two.jsonl"]


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "xdist"])
def test_a_run_of_all_tests_knows(folder: Path, project: pytest.Pytester, run: Run, workers: tuple[str, ...]) -> None:
    """It lists recordings that no test asked for, and cassettes that no test opened."""
    result = run("--gemini-unused", *workers)
    result.assert_outcomes(passed=2)
    assert told(result) == listed(folder)
    assert told(run("--gemini-unused", str(project.path), *workers)) == listed(folder)
    assert told(run(*workers)) == []
    assert cassettes(project) == untouched(folder)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["one process", "xdist"])
def test_unused_recordings_and_cassettes_are_removed(
    folder: Path, project: pytest.Pytester, run: Run, workers: tuple[str, ...]
) -> None:
    """After they were listed; all else stays byte for byte, and the tests pass as before."""
    others = {"old/gone.jsonl.part": b"{}", "notes.jsonl": b"{}\n", "old/data.json": b"1", "empty.jsonl": b""}
    for name, content in others.items():
        (folder / name).write_bytes(content)
    outside = project.path / "elsewhere.jsonl"
    shutil.copy(folder / "two.jsonl", outside)
    (folder / "link.jsonl").symlink_to(outside)
    first = Cassette.load(folder / "one.jsonl").interactions[0]
    two = (folder / "two.jsonl").read_bytes()
    result = run("--gemini-unused=delete", *workers)
    result.assert_outcomes(passed=2)
    listing = listed(folder)
    assert told(result) == [
        *listing,
        listing[0].replace("unused", "removed", 1),
        f"removed: {folder}/old/gone.jsonl",
    ]
    assert asked(project, "one.jsonl") == ["a"]
    assert Cassette.load(folder / "one.jsonl").interactions == [first]
    assert (folder / "two.jsonl").read_bytes() == two
    assert {name: (folder / name).read_bytes() for name in others} == others
    assert outside.exists()
    assert cassettes(project) == sorted([*others, "link.jsonl", "one.jsonl", "two.jsonl"])
    assert told(run("--gemini-unused=delete", *workers)) == []


AA = "test_more.py::test_aa"
CUT = """
import pytest
from asking import ask

@pytest.mark.gemini_cassette("one")
def test_one():
    ask("a")
    pytest.xfail("not yet")
    ask("b")
"""
DOUBTS = {
    "-k": (("-k", "one"), "", "tests were deselected (1)"),
    "--deselect": (("--deselect", "test_tale.py::test_two"), "", "tests were deselected (1)"),
    "a path": (("test_tale.py",), "", "the command line chooses among the tests"),
    "a test": (("test_tale.py::test_one",), "", "the command line chooses among the tests"),
    "--ignore": (("--ignore=other",), "", "the command line chooses among the tests"),
    "--lf": (("--lf",), "", "the command line chooses among the tests"),
    "-x": (
        ("-x",),
        "def test_aa(): assert False",
        "tests did not pass (AA); tests were collected and did not run (*)",
    ),
    "a failure": ((), "def test_aa(): assert False", "tests did not pass (AA)"),
    "a late failure": ((), "def test_aa(gemini_cassette): assert False", "tests did not pass (AA)"),
    "a skip": ((), "import pytest\ndef test_aa(): pytest.skip()", "tests did not pass (AA)"),
    "xfail": ((), "import pytest\n@pytest.mark.xfail(run=False)\ndef test_aa(): ...", "tests did not pass (AA)"),
    "xfail in a fixture": (
        (),
        "import pytest\n@pytest.fixture(autouse=True)\ndef no(): pytest.xfail()\ndef test_aa(gemini_cassette): ...",
        "tests did not pass (AA)",
    ),
    "xfail on the way": ((), CUT, "tests did not pass (test_more.py::test_one)"),
    "a file": ((), "import pytest\npytest.importorskip('missing_xyz')", "files were skipped or failed while *(1)"),
    "another platform": (
        (),
        "import sys\nif sys.platform == 'none':\n    class TestIt:\n        def test_aa(self): ...",
        "test functions were not collected (test_more.py::TestIt::test_aa)",
    ),
    "live": (("--gemini-record=live",), "", "tests ran live"),
    "recording": ((), "def test_aa(gemini_cassette): __import__('asking').ask()", "recordings were made"),
    "an end": ((), "import pytest\ndef test_zz(): pytest.exit('enough')", "the run did not come to its end"),
}


ALONE = [pytest.param(doubt, (), id=doubt) for doubt in DOUBTS]
WITH_WORKERS = [
    pytest.param(doubt, ("-n1",), id=f"{doubt}, xdist") for doubt in ("-k", "a failure", "a skip", "xfail", "a file")
]


@pytest.mark.parametrize(("doubt", "workers"), [*ALONE, *WITH_WORKERS])
def test_a_run_that_cannot_know_says_why(
    folder: Path, project: pytest.Pytester, run: Run, doubt: str, workers: tuple[str, ...]
) -> None:
    """It removes nothing then."""
    arguments, more, why = DOUBTS[doubt]
    if more:
        project.makepyfile(test_more=more)
    if doubt == "recording":
        arguments = ("--gemini-record=new",)
    before = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    result = run("--gemini-unused=delete", *arguments, *workers)
    lines = told(result)
    why = why.replace("AA", AA)
    expected = f"what is not used in this run may be needed all the same, since *{why}*"
    result.stdout.fnmatch_lines([expected.replace("[", "[[]")])
    assert lines[0].startswith("what is not used")
    assert f"not used in this run: {folder}/old/gone.jsonl: no test has opened it (1 recording)" in lines
    assert lines[-1].startswith("nothing was removed: every test of the project must be collected, run, replay and ")
    assert not any(line.startswith(("unused:", "removed:")) for line in lines)
    assert {path: path.read_bytes() for path in before} == before


def test_a_cassette_of_a_file_that_was_not_collected_is_not_removed(
    folder: Path, project: pytest.Pytester, run: Run
) -> None:
    """Such as one that a doctest has recorded, in a run without doctests."""
    gone = folder / "old/gone.jsonl"
    lines = gone.read_text(encoding="utf-8").splitlines(keepends=True)
    header = {**json.loads(lines[0]), "test": "GUIDE.md::GUIDE.md"}
    gone.write_text("".join([json.dumps(header) + "\n", *lines[1:]]), encoding="utf-8")
    (project.path / "GUIDE.md").write_text("A guide.")
    lines = told(run("--gemini-unused=delete"))
    assert "files with their tests were not collected (GUIDE.md)" in lines[0]
    assert lines[-1].startswith("nothing was removed: ")
    assert gone.exists()
    (project.path / "GUIDE.md").unlink()
    assert f"removed: {gone}" in told(run("--gemini-unused=delete"))


def test_a_damaged_cassette_is_not_removed(folder: Path, run: Run) -> None:
    """Its recordings may still be saved."""
    gone = folder / "old/gone.jsonl"
    gone.write_bytes(gone.read_bytes()[:-40])
    before = gone.read_bytes()
    result = run("--gemini-unused=delete")
    assert told(result)[-1] == (
        f"not removed: {gone}: it is damaged; gemini-replay check --salvage may save its recordings"
    )
    assert gone.read_bytes() == before


def test_whatever_opens_a_cassette_uses_it(folder: Path, project: pytest.Pytester, run: Run) -> None:
    """A block, a wider fixture, a list of cassettes, a call under faults, and code that loads it.

    Which of its recordings other code has used, nobody knows.
    """
    for name in "abcde":
        shutil.copy(folder / "two.jsonl", folder / f"{name}.jsonl")
    project.makepyfile(
        test_more=f"""
        import pytest, gemini_replay
        from asking import ask

        @pytest.fixture(scope="module")
        def wide(gemini_cassettes):
            with gemini_cassettes("a"):
                yield ask("c")

        def test_wide(wide): ...

        @pytest.mark.gemini_cassette("two", "b")
        def test_several(): ask("c")

        def test_block(monkeypatch):
            monkeypatch.chdir({str(folder)!r})
            with gemini_replay.replay("c.jsonl"): ask("c")

        @pytest.mark.gemini_cassette("d")
        def test_faults(check_gemini_client):
            check_gemini_client(lambda: b"".join(ask("c")))

        def test_load():
            gemini_replay.Cassette.load({str(folder / "e.jsonl")!r})
            gemini_replay.Cassette.load({str(folder / "one.jsonl")!r})
        """
    )
    result = run("--gemini-unused", "-o", "gemini_speed=instant")
    assert [line for line in told(result) if "b.jsonl" not in line] == listed(folder)[1:]
    assert len(told(result)) == 2


def test_folders_beside_the_tests(project: pytest.Pytester, run: Run) -> None:
    """Each test's own, by the ini file or by the fixture."""
    beside = ("-o", "gemini_cassette_dir={folder}/tapes")
    for name in ("x", "y"):
        test = project.mkdir(name) / f"test_{name}.py"
        test.write_text(TWO.replace('ask("b")', "pass"), encoding="utf-8")
    (project.path / "y/conftest.py").write_text(
        "import pytest\n@pytest.fixture\ndef gemini_cassette_config(): return {'cassette_dir': 'y/own'}\n",
        encoding="utf-8",
    )
    run("--gemini-record=once", *beside).assert_outcomes(passed=4)
    assert sorted(str(path.relative_to(project.path)) for path in project.path.rglob("*.jsonl")) == [
        *("x/tapes/one.jsonl", "x/tapes/two.jsonl", "y/own/one.jsonl", "y/own/two.jsonl")
    ]
    for folder in ("x/tapes", "y/own", "y/tapes"):
        (project.path / folder).mkdir(exist_ok=True)
        shutil.copy(project.path / "x/tapes/two.jsonl", project.path / folder / "gone.jsonl")
    result = run("--gemini-unused", *beside)
    assert told(result) == [
        f"unused: {project.path}/{folder}/gone.jsonl: no test has opened it (1 recording)"
        for folder in ("x/tapes", "y/own", "y/tapes")
    ]


def test_without_any_session_it_is_said_all_the_same(project: pytest.Pytester, run: Run) -> None:
    """The tests that used the cassettes are gone."""
    project.makepyfile(test_tale=TWO)
    run("--gemini-record=once")
    project.makepyfile(test_tale="def test_nothing(): ...")
    result = run("--gemini-unused")
    assert len(told(result)) == 2
    result.stdout.fnmatch_lines(["*gemini-replay*", "unused: *one.jsonl: no test has opened it (2 recordings)"])


def test_no_other_value_is_taken(project: pytest.Pytester, run: Run) -> None:
    """A path after the option is a path."""
    project.makepyfile(test_tale="def test_nothing(): ...")
    run("--gemini-unused", "test_tale.py").assert_outcomes(passed=1)
    result = run("--gemini-unused=remove")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--gemini-unused/--gemini-unused=delete: *'remove'*"])


def test_a_cassette_that_the_conftest_loads_when_it_is_imported_is_used(
    folder: Path, project: pytest.Pytester, run: Run
) -> None:
    """It is imported before the run begins."""
    project.makeconftest(
        f"import gemini_replay\nBASE = gemini_replay.Cassette.load({str(folder / 'old/gone.jsonl')!r})"
    )
    result = run("--gemini-unused=delete")
    assert not [line for line in told(result) if "gone.jsonl" in line]
    assert (folder / "old/gone.jsonl").exists()


def test_what_a_block_of_a_doctest_has_recorded_stays_in_a_run_without_doctests(
    folder: Path, project: pytest.Pytester, run: Run
) -> None:
    """The id of the recording names the doctest's file."""
    project.makeconftest(
        """
        import pytest
        from asking import ask

        @pytest.fixture(scope="session")
        def warm(gemini_cassettes):
            with gemini_cassettes("warm"):
                return ask("warm")
        """
    )
    (project.path / "guide.txt").write_text('>>> len(getfixture("warm"))\n3\n', encoding="utf-8")
    run("-p", "doctest", "--doctest-glob=*.txt", "--gemini-record=once", "guide.txt").assert_outcomes(passed=1)
    assert Cassette.load(folder / "warm.jsonl").test == "guide.txt::gemini_cassettes('warm')"
    result = run("--gemini-unused=delete")
    assert "files with their tests were not collected (guide.txt)" in told(result)[0]
    assert (folder / "warm.jsonl").exists()
