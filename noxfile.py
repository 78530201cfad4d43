"""The checks of this project, one session each: ``nox -l`` lists them.

`.ci/run` runs those of the gate with ``--no-venv``, in the environment that it has just made. Otherwise each session
makes an environment of its own, with uv where that is installed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
WITHOUT_EXTRAS = """
import gemini_replay
from gemini_replay.cli import main

assert "site-packages" in gemini_replay.__file__, gemini_replay.__file__
assert main(["explain", "miss"]) == 0, "the documentation ships with the package"
gemini_replay.Cassette.from_text("hello").save("hello.jsonl")
assert main(["report", "hello.jsonl", "-o", "page.html"]) == 0, "so do the parts of the page"
assert main(["demo"]) == 1, "without httpx2, rich and uvicorn, the demo says what to install"
"""

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "format", "types", "cassettes", "tests"]


def install(session: nox.Session, *options: str) -> None:
    """Install the package with all that its checks need, unless the session runs in an environment that has it."""
    if session.virtualenv.venv_backend != "none":
        session.install(*options, "-e", ".[dev]")


@nox.session
def lint(session: nox.Session) -> None:
    """Find mistakes and bad style."""
    install(session)
    session.run("ruff", "check", ".", *session.posargs)


@nox.session
def format(session: nox.Session) -> None:
    """Find files that are not formatted."""
    install(session)
    session.run("ruff", "format", "--check", ".", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, tools and benchmarks, and how two checkers see the public names."""
    install(session)
    session.run("mypy", "--strict", "gemini_replay", *session.posargs)
    session.run("mypy", "--strict", "tests/typing")
    session.run("pyright")
    tools = sorted(str(path) for path in Path("tools").rglob("*.py"))
    # What they compare and survey is in environments of its own.
    session.run(
        *("mypy", "--strict", "--ignore-missing-imports", "benchmarks", *tools),
        env={"MYPYPATH": os.pathsep.join(("tests", "tools/parser_survey"))},
    )


@nox.session
def cassettes(session: nox.Session) -> None:
    """Check the cassettes that ship with the project."""
    install(session)
    session.run("gemini-replay", "check", "cassettes")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, or those that are named: ``nox -s tests-3.13 -- tests/engine -k virtual``."""
    install(session)
    session.run("pytest", "-n", "6", *session.posargs)


@nox.session(python=PYTHONS[0], venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the tests with every direct dependency at the lowest version that pyproject.toml allows."""
    install(session, "--resolution", "lowest-direct")
    session.run("pytest", "-n", "6", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests, and report which lines and branches they reach, in every process."""
    install(session)
    here = Path(__file__).parent
    measured = {"COVERAGE_PROCESS_START": str(here / "pyproject.toml"), "COVERAGE_FILE": str(here / ".coverage")}
    session.run("coverage", "erase")
    session.run("pytest", "-q", "-n", "6", *session.posargs, env=measured)
    report(session)


@nox.session
def report(session: nox.Session) -> None:
    """Report what tests have reached that were run with COVERAGE_PROCESS_START, as those of the gate."""
    install(session)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure, or check quickly that measuring works: ``nox -s benchmarks -- --quick lateness``."""
    install(session)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Run the long searches and the tests with many kills, for a minute or two."""
    install(session)
    session.run("pytest", "-q", "-n", "2", "-m", "slow", *session.posargs)


@nox.session
def sdks(session: nox.Session) -> None:
    """Test other SDKs and tools, in environments of their own below `.sdk`."""
    install(session)
    session.run("python", "tests/sdk/environments.py")
    tests = ("tests/sdk/test_sdks.py", "tests/sdk/test_pre_commit.py", "tests/beside")
    session.run("pytest", "-q", "-n", "2", *tests, *session.posargs)


@nox.session(reuse_venv=False)
def downstream(session: nox.Session) -> None:
    """Test the project in `examples/downstream` with the built package, away from the sources; record it anew."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "storyteller"
        shutil.copytree("examples/downstream", project, ignore=shutil.ignore_patterns(".*cache", "__pycache__"))
        session.run("pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, ".", external=True)
        package = next(Path(folder).glob("gemini_replay-*.whl"))
        session.install(f"{package}[server]", f"{project}[test]")
        with session.chdir(project):
            session.run("pytest", "-n", "2", env={"CI": "true"})
            session.run("./record.sh", "-q", "-k", "not parser", env={"CI": ""}, external=True)
            session.run("pytest", "-q", "-n", "2", "-k", "not parser", env={"CI": "true"})


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Build the package, install it without its extras, and use it from a folder without the sources."""
    session.install(".")
    with session.chdir(session.create_tmp()):
        session.run("python", "-c", WITHOUT_EXTRAS)
