"""Whether a run was one of all tests: what it collected and ran, beside the test files below the root directory.

Only a run in which every test of the project passed has used all recordings that are needed.
"""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

_SHOWN = 3
_TEST_FILES = ("test_*.py", "*_test.py")
"""What pytest takes for test files, unless the ini file says otherwise."""
_NO_TESTS_IN = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}", "__pycache__")
"""Folders that pytest leaves out, unless the ini file says otherwise."""
_VIRTUAL = ("pyvenv.cfg", "conda-meta")
"""What a folder has that is a virtual environment."""
Function = tuple[str, str]
"""A test function: its file, real path, and its qualified name."""


class TestsOfRun:
    """The tests that a run collected, and what became of them.

    Attributes:
        files: the real paths of the files that were collected.
        functions: the functions of the tests.
        items: the collected tests.
        deselected: those of them that were deselected.
        not_collected: how many files were skipped or failed while they were collected.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._collected: list[pytest.Item] = []
        self.files: set[str] = set()
        self.functions: set[Function] = set()
        self.items: set[str] = set()
        self.deselected: set[str] = set()
        self.not_collected = 0
        self._called: set[str] = set()
        self._torn_down: set[str] = set()
        self._not_passed: dict[str, None] = {}

    def collected(self, item: pytest.Item) -> None:
        """A test was collected; other plugins may leave it out or rename it later."""
        self._collected.append(item)
        self.functions.update(_functions_of(item))

    def reported_file(self, report: pytest.CollectReport) -> None:
        """A file, a class or a folder was collected, or was not."""
        self.not_collected += report.failed or report.skipped
        self.files.add(os.path.realpath(self._root / report.nodeid.partition("::")[0]))

    def reported(self, report: pytest.TestReport) -> None:
        """A phase of a test is over."""
        if not report.passed:
            self._not_passed[report.nodeid] = None
        elif report.when == "call":
            self._called.add(report.nodeid)
        elif report.when == "teardown":
            self._torn_down.add(report.nodeid)

    def told(self) -> dict[str, Any]:
        """What a worker of pytest-xdist tells its controller, of types that JSON has."""
        return {
            "files": sorted(self.files),
            "functions": sorted(map(list, self.functions)),
            "items": sorted(item.nodeid for item in self._collected),
            "deselected": sorted(self.deselected),
            "not_collected": self.not_collected,
        }

    def add(self, told: dict[str, Any]) -> None:
        """Add what a worker tells. Each collects all tests; the reports of what it ran come by themselves."""
        self.files.update(told["files"])
        self.functions.update((path, name) for path, name in told["functions"])
        self.items.update(told["items"])
        self.deselected.update(told["deselected"])
        self.not_collected = max(self.not_collected, told["not_collected"])

    def doubts(self, patterns: Sequence[str]) -> Iterator[str]:
        """Why this was not a run of all tests; `patterns` are those of the names of test files."""
        if self.deselected:
            yield f"tests were deselected ({len(self.deselected)})"
        if self.not_collected:
            yield f"files were skipped or failed while they were collected ({self.not_collected})"
        if self._not_passed:
            yield f"tests did not pass ({_few(self._not_passed)})"
        items = self.items.union(item.nodeid for item in self._collected)
        passed = (self._called & self._torn_down).union(self._not_passed, self.deselected)
        if left := items - passed:
            yield f"tests were collected and did not run ({_few(sorted(left))})"
        paths = {os.path.realpath(path): path for path in _test_files(self._root, (*_TEST_FILES, *patterns))}
        if missing := [path for real, path in paths.items() if real not in self.files]:
            yield f"test files were not collected ({_few(map(self._name, missing))})"
        functions = [
            f"{self._name(path)}::{name.replace('.', '::')}"
            for real, path in paths.items()
            if real in self.files
            for name in _functions_in(path)
            if (real, name) not in self.functions
        ]
        if functions:
            yield f"test functions were not collected ({_few(functions)})"

    def doubts_about(self, makers: Iterable[str | None]) -> Iterator[str]:
        """Why this run may lack what made unused cassettes: their tests are in files that exist, such as doctests.

        Args:
            makers: the ids of the tests that made them, where these are known.
        """
        paths = {self._root / maker.partition("::")[0] for maker in makers if maker}
        files = (str(path) for path in paths if path.is_relative_to(self._root) and os.path.isfile(path))
        there = sorted(path for path in files if os.path.realpath(path) not in self.files)
        if there:
            yield f"files with their tests were not collected ({_few(map(self._name, there))})"

    def _name(self, path: str) -> str:
        return Path(path).relative_to(self._root).as_posix()


def _test_files(root: Path, patterns: Sequence[str]) -> Iterator[str]:
    """The paths of files below the root directory that look like test files."""
    for place, folders, files in os.walk(root):
        folders[:] = sorted(
            one
            for one in folders
            if not any(fnmatch(one, pattern) for pattern in _NO_TESTS_IN)
            and not any(os.path.exists(os.path.join(place, one, name)) for name in _VIRTUAL)
        )
        for name in sorted(files):
            path = os.path.join(place, name)
            if name.endswith(".py") and any(fnmatch(name, one) or fnmatch(path, one) for one in patterns):
                yield path


def _functions_of(item: pytest.Item) -> Iterator[Function]:
    """The function of a test, where it is collected and where it is defined, which may be a base class."""
    if not isinstance(item, pytest.Function):
        return
    name = item.originalname
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    yield os.path.realpath(item.path), ".".join([*classes, name])
    function = inspect.unwrap(getattr(getattr(item.parent, "obj", None), name, None) or item.function)
    code = getattr(function, "__code__", None)
    if code is not None:
        yield os.path.realpath(code.co_filename), function.__qualname__


def _functions_in(path: str) -> Iterator[str]:
    """The qualified names of the functions of a file that look like tests, whatever they depend on."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return  # pytest could not collect it
    yield from _functions_below(tree, "")


def _functions_below(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = " ".join(map(ast.unparse, child.decorator_list))
            if child.name.startswith("test") and "fixture" not in decorators:
                yield prefix + child.name
        elif isinstance(child, ast.ClassDef):
            yield from _functions_below(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _functions_below(child, prefix)


def _few(tests: Iterable[str]) -> str:
    """Tests or files, the first of them by name."""
    names = list(tests)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
