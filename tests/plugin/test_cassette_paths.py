"""A test's cassette has a path that every file system accepts and keeps distinct, and that holds no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.plugin_projects import cassettes

from gemini_replay import Cassette
from gemini_replay.server import upstream

Run = Callable[..., pytest.RunResult]

KEY = "AIzaSy" + "D-0123456789abcdefghijklmnopqrstu"

ASK = """
import pytest
from asking import ask

def test_it(gemini_cassette):
    assert ask({text!r})
"""


def write(project: pytest.Pytester, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = project.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def replays(run: Run, *arguments: str) -> None:
    """All tests pass without recording anything."""
    result = run(*arguments)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["* replayed, 0 recorded, 0 unused*"])


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_the_path_follows_the_modules_path(project: pytest.Pytester, run: Run, mode: str) -> None:
    """The path counts from the root directory, so modules of the same name do not share a cassette."""
    write(project, {f"{name}/tests/test_x.py": ASK.format(text=f"I am {name}") for name in "ab"})
    for name in "ab":
        run("--gemini-record=once", f"--import-mode={mode}", f"{name}/tests/test_x.py").assert_outcomes(passed=1)
    assert cassettes(project) == ["a/tests/test_x/test_it.jsonl", "b/tests/test_x/test_it.jsonl"]
    replays(run, "--import-mode=importlib")


def test_the_path_does_not_depend_on_where_pytest_is_started(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the root directory counts. The options -c and --rootdir set it, and so the folder of the cassettes."""
    write(project, {"a/tests/test_x.py": ASK.format(text="here")})
    run("--gemini-record=once").assert_outcomes(passed=1)
    monkeypatch.chdir(project.path / "a")
    replays(run, "tests")
    run("--gemini-record=once", f"--rootdir={project.path / 'a'}").assert_outcomes(passed=1)
    assert (project.path / "a/cassettes/tests/test_x/test_it.jsonl").exists()


def test_a_module_outside_the_root_directory_has_a_folder_inside(project: pytest.Pytester, run: Run) -> None:
    """Each outside folder gets its own, named after the relative path that leads to it."""
    write(project, {f"{name}/test_x.py": ASK.format(text=f"I am {name}") for name in "ab"})
    write(project, {"root/pytest.ini": "[pytest]\n"})
    arguments = ["-c", str(project.path / "root/pytest.ini"), "--import-mode=importlib"]
    run("--gemini-record=once", *arguments, "a", "b").assert_outcomes(passed=2)
    made = sorted(path.relative_to(project.path) for path in project.path.rglob("*.jsonl"))
    assert [path.parts[:2] for path in made] == [("root", "cassettes")] * 2
    assert [path.parts[3:] for path in made] == [("test_x", "test_it.jsonl")] * 2
    assert all(path.parts[2].startswith("outside-") for path in made)
    replays(run, *arguments, "a", "b")
    (project.path / "link").symlink_to(project.path / "a")
    replays(run, *arguments, "link")


def test_names_that_differ_in_case_get_different_files(project: pytest.Pytester, run: Run) -> None:
    """This holds for functions, parameters, classes, modules and folders. An ordinary class keeps its name."""
    write(
        project,
        {
            "Sub/test_x.py": ASK.format(text="Sub"),
            "sub/test_x.py": ASK.format(text="sub"),
            "sub/test_X.py": ASK.format(text="X"),
            "test_tale.py": """
from asking import ask
import pytest

def test_Story(gemini_cassette): ask("one")
def test_story(gemini_cassette): ask("two")

@pytest.mark.parametrize("p", ["A", "a"])
def test_p(gemini_cassette, p): ask(p)

class TestA:
    def test_x(self, gemini_cassette): ask("three")

class Testa:
    def test_x(self, gemini_cassette): ask("four")

class TestOrdinary:
    class TestInner:
        def test_x(self, gemini_cassette): ask("five")
    class Testinner:
        def test_x(self, gemini_cassette): ask("six")
    def test_x(self, gemini_cassette): ask("seven")
""",
        },
    )
    run("--gemini-record=once", "--import-mode=importlib").assert_outcomes(passed=12)
    made = cassettes(project)
    assert len({name.lower() for name in made}) == 12
    assert "test_tale/TestOrdinary.test_x.jsonl" in made
    replays(run, "--import-mode=importlib")


def test_long_names_are_cut(project: pytest.Pytester, run: Run) -> None:
    """Length counts in bytes: a file system accepts 255, and a recording adds a suffix to the name."""
    name = "写一个关于月亮和海边小渔村的故事要求包含三个人物" * 4
    write(
        project, {f"test_{'模' * 60}.py": f"from asking import ask\ndef test_{name[:90]}(gemini_cassette): ask()\n"}
    )
    run("--gemini-record=once").assert_outcomes(passed=1)
    (made,) = cassettes(project)
    assert all(len(part.encode()) < 170 for part in Path(made).parts)
    replays(run)


def test_secret_parameters_appear_in_no_name_or_message(
    project: pytest.Pytester, server: upstream.RunningUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests that differ only in secrets have their own cassettes, numbered by the order of the parameters."""
    monkeypatch.setenv("CUSTOMER", "user-1234")
    keys = [KEY, KEY.replace("0", "9"), "user-1234", "plain"]
    other = b"ya29." + b"a0AfB9xQzk7" * 4
    write(
        project,
        {
            "tox.ini": "[pytest]\ngemini_redact = CUSTOMER\n",
            "test_tale.py": f"""
import pytest
from asking import ask

@pytest.mark.parametrize("key", {keys!r})
@pytest.mark.parametrize("other", ["x", {other!r}])
def test_it(gemini_cassette, key, other, request):
    ask(str(request.node.callspec.indices))
""",
        },
    )
    recorded = project.runpytest("-q", "--gemini-record=once", f"--gemini-upstream={server.url}")
    recorded.assert_outcomes(passed=8)
    made = cassettes(project)
    assert len({name.lower() for name in made}) == 8
    replayed = project.runpytest("-q", "--tb=no")
    replayed.assert_outcomes(passed=8)
    tests = [Cassette.load(project.path / "cassettes" / name).test for name in made]
    assert len(set(tests)) == 8
    written = b"".join(path.read_bytes() for path in (project.path / "cassettes").rglob("*") if path.is_file())
    for secret in (*keys[:3], other.decode()):
        assert secret not in "".join(made)
        assert secret.encode() not in written
        assert secret not in recorded.stdout.str() + replayed.stdout.str()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ('"nul\\x00x"', "a character that no file name can have"),
        ('"surr\\ud800"', "a character that no file name can have"),
        ('"line\\nbreak"', "a character that no file name can have"),
        ('"a" * 300', "longer than 200 bytes"),
        ('"月" * 70', "longer than 200 bytes"),
        ('"sub/"', "names a folder"),
        ('"."', "names a folder"),
        ('".."', "leads out of the cassette folder"),
        ('"../../escape"', "leads out of the cassette folder"),
        ('"/tmp/escape"', "leads out of the cassette folder"),
        ('pathlib.Path("../escape")', "leads out of the cassette folder"),
        ('"taken"', "there is a folder at"),
        ('"taken.jsonl"', "there is a folder at"),
        (f'"story-{KEY}"', "it holds a secret"),
        ('b"story"', "cannot be the name of a cassette"),
        ('""', "cannot be the name of a cassette"),
        ('"tale.yaml"', "not .yaml (a cassette of VCR.py is converted with: gemini-replay convert)"),
        ('"tale.JSON"', "a name ends in .jsonl or has no suffix, not .JSON"),
        ('"tale", cassette_dir="{foo}/x"', "{foo} is not known there"),
    ],
)
@pytest.mark.parametrize("mode", ["none", "once", "rewrite"])
def test_an_unusable_name_is_an_error_of_ours(
    project: pytest.Pytester, run: Run, name: str, words: str, mode: str
) -> None:
    """The error gives the reason, and nothing is written."""
    (project.path / "cassettes/taken.jsonl").mkdir(parents=True)
    write(
        project,
        {
            "test_tale.py": f"""
import pathlib, pytest
from asking import ask

@pytest.mark.gemini_cassette({name})
def test_it():
    ask()
"""
        },
    )
    result = run(f"--gemini-record={mode}", "--tb=short")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{words}*", "*gemini-replay explain usage*"])
    assert KEY not in result.stdout.str()
    for folder in (project.path.parent, project.path, project.path / "cassettes", Path("/tmp")):
        assert list(folder.glob("escape.jsonl*")) == []
    assert cassettes(project) == []


def test_a_link_out_of_the_folder_is_not_written_through(project: pytest.Pytester, run: Run) -> None:
    """Reading through it is allowed, and the folder itself may be a link."""
    outside = project.mkdir("outside")
    write(project, {"test_tale.py": ASK.format(text="link") + MARKED})
    (project.path / "cassettes").mkdir()
    (project.path / "cassettes/link").symlink_to(outside)
    result = run("--gemini-record=once", "-k", "marked")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*is really */outside/inside.jsonl, which is outside the cassette folder*"])
    assert list(outside.iterdir()) == []

    (project.path / "cassettes/link").unlink()
    (project.path / "cassettes").rmdir()
    (project.path / "cassettes").symlink_to(outside)
    run("--gemini-record=once", "-k", "not marked").assert_outcomes(passed=1)
    assert (outside / "test_tale/test_it.jsonl").exists()

    (outside / "link").symlink_to(outside / "test_tale")
    (outside / "test_tale/test_it.jsonl").rename(outside / "test_tale/inside.jsonl")
    replays(run, "-k", "marked")


def test_a_cassette_behind_a_link_is_replayed(project: pytest.Pytester, run: Run) -> None:
    """This holds in the record mode once too, since the cassette exists."""
    write(project, {"test_tale.py": ASK.format(text="link") + MARKED})
    (project.path / "cassettes/link").mkdir(parents=True)
    run("--gemini-record=once", "-k", "marked").assert_outcomes(passed=1)
    (project.path / "cassettes/link").rename(project.path / "outside")
    (project.path / "cassettes/link").symlink_to(project.path / "outside")
    for mode in ("none", "once"):
        run(f"--gemini-record={mode}", "-k", "marked").assert_outcomes(passed=1)


MARKED = """
@pytest.mark.gemini_cassette("link/inside")
def test_marked():
    ask("link")
"""


def test_a_doctest_has_a_cassette_too(project: pytest.Pytester, run: Run) -> None:
    """It is in a folder named after the file, with the file's suffix."""
    write(
        project,
        {"docs/guide.txt": '>>> _ = getfixture("gemini_cassette")\n>>> import asking\n>>> len(asking.ask())\n3\n'},
    )
    run("--gemini-record=once", "--doctest-glob=*.txt").assert_outcomes(passed=1)
    (made,) = cassettes(project)
    assert made.startswith("docs/guide.txt/guide.txt")
    replays(run, "--doctest-glob=*.txt")
