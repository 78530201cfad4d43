"""What a run for ``--gemini-unused=delete`` knows of tests that exist and were not collected, or did not run."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from support.plugin_projects import cassettes

Run = Callable[..., pytest.RunResult]
TALE = """
import pytest
from asking import ask

class TestTale:
    @pytest.mark.gemini_cassette("one")
    def test_one(self):
        ask("a")

@pytest.mark.gemini_cassette("two")
def test_two():
    ask("c")
"""
LEFT_OUT = {
    "collect_ignore": ("", "collect_ignore = ['sub/test_tale.py']", "files"),
    "collect_ignore_glob": ("", "collect_ignore_glob = ['s*']", "files"),
    "testpaths": ("testpaths = other", "", "files"),
    "python_files": ("python_files = check_*.py", "", "files"),
    "norecursedirs": ("norecursedirs = sub", "", "files"),
    "ignored in addopts": ("addopts = --ignore=sub", "", "files"),
    "python_functions": ("python_functions = check_*", "", "functions"),
    "python_classes": ("python_classes = Check*", "", "functions"),
    "a hook": ("", "def pytest_collection_modifyitems(items): items[:] = items[-1:]", "not run"),
}
FOUND = {
    "files": "test files were not collected (*sub/test_tale.py)",
    "functions": "test functions were not collected (*sub/test_tale.py::*)",
    "not run": "tests were collected and did not run (*sub/test_tale.py::*)",
}


@pytest.mark.parametrize(
    ("left_out", "workers"),
    [
        *(pytest.param(name, (), id=name) for name in LEFT_OUT),
        *(pytest.param(name, ("-n1",), id=f"{name}, xdist") for name in ("testpaths", "python_classes", "a hook")),
    ],
)
def test_tests_that_settings_leave_out_are_seen(
    project: pytest.Pytester, run: Run, left_out: str, workers: tuple[str, ...]
) -> None:
    """By their files and their functions, so nothing is removed."""
    ini, conftest, why = LEFT_OUT[left_out]
    sub = project.mkdir("sub")
    (sub / "test_tale.py").write_text(TALE, encoding="utf-8")
    for folder, name in (("other", "test_plain.py"), ("other", "check_plain.py")):
        (project.path / folder).mkdir(exist_ok=True)
        (project.path / folder / name).write_text("def test_it(): ...\ndef check_it(): ...", encoding="utf-8")
    (project.path / "cassettes").mkdir()
    run("--gemini-record=once").assert_outcomes(passed=3)
    before = cassettes(project)
    project.makeini(f"[pytest]\n{ini}\n")
    project.makeconftest(conftest)
    result = run("--gemini-unused=delete", *workers)
    assert cassettes(project) == before == ["one.jsonl", "two.jsonl"]
    result.stdout.fnmatch_lines([f"*{FOUND[why]}*", "nothing was removed: *"])


def test_what_looks_like_a_test_and_is_none(project: pytest.Pytester, run: Run) -> None:
    """Fixtures, inner functions, inherited tests, wrapped tests, and files of virtual environments are no doubt."""
    project.makepyfile(
        test_more="""
        import functools, unittest, pytest

        @pytest.fixture
        def test_client():
            def test_inner(): ...

        class Base:
            def test_shared(self): ...

        class TestReal(Base): ...

        class Old(unittest.TestCase):
            def test_old(self): ...

        def wrapped(function):
            @functools.wraps(function)
            def call(): function()
            return call

        @wrapped
        def test_wrapped(): ...

        @pytest.mark.parametrize("n", [1, 2])
        def test_numbers(n, test_client): ...

        async def helper(): ...
        """
    )
    for name in ("env/pyvenv.cfg", "env/lib/test_it.py", "node_modules/test_it.py"):
        path = project.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    project.makepyfile(test_tale=TALE)
    run("--gemini-record=once").assert_outcomes(passed=7)
    shutil.copy(project.path / "cassettes/one.jsonl", project.path / "cassettes/gone.jsonl")
    result = run("--gemini-unused=delete")
    result.stdout.fnmatch_lines(["unused: *gone.jsonl*", "removed: *gone.jsonl"])
    assert cassettes(project) == ["one.jsonl", "two.jsonl"]
