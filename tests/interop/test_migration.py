"""Migration of a whole folder of another tool's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemini_replay import Cassette
from gemini_replay.interop.migration import cassette_of, migrate

FILE = """\
interactions:
- request: {{method: POST, uri: "{uri}", headers: {{}}, body: '{{}}'}}
  response: {{status: {{code: 200, message: OK}}, headers: {{}}, body: {{string: "data: {{}}\\n\\n"}}}}
version: 1
"""
GEMINI = FILE.format(uri="https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse")
OTHER = FILE.format(uri="https://example.org/")


def project(folder: Path) -> Path:
    """A project that uses pytest-recording."""
    files = {
        "tests/conftest.py": "@pytest.fixture\ndef vcr_config():\n    return {'match_on': ['uri']}\n",
        "tests/test_story.py": "@pytest.mark.vcr\ndef test_story(): ...\n",
        "tests/cassettes/test_story/test_story.yaml": GEMINI,
        "tests/cassettes/test_story/TestEnd.test_end[A].yaml": OTHER,
        "tests/config.yaml": "some: thing\n",
        "tests/broken.yaml": "interactions: 3\n",
        "node_modules/x.yaml": GEMINI,
        ".git/x.yaml": GEMINI,
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_each_recording_becomes_a_cassette_beside_it(tmp_path: Path) -> None:
    """Configuration files and installed packages are skipped, and a broken file does not stop the migration."""
    found = migrate(project(tmp_path))
    cassettes = tmp_path / "tests" / "cassettes" / "test_story"
    assert sorted(tmp_path.rglob("*.jsonl")) == sorted(target for _, target, _ in found.converted)
    assert {target.parent for _, target, _ in found.converted} == {cassettes}
    assert len(found.converted) == 2
    assert Cassette.load(cassettes / "test_story.jsonl").interactions[0].request.model == "m"
    assert [error.args[0] for error in found.failed] == [
        f"{tmp_path / 'tests' / 'broken.yaml'}: interactions must be a list, not 3"
    ]
    assert found.passed_over == 1
    assert found.without_gemini == [cassettes / "TestEnd.test_end[A].yaml"]
    assert found.beside_tests


def test_migration_lists_the_code_to_change(tmp_path: Path) -> None:
    """Each place is listed with its line and its replacement."""
    found = migrate(project(tmp_path))
    places = [(change.path.name, change.line, change.found) for change in found.changes]
    assert places == [
        ("conftest.py", 2, "def vcr_config"),
        ("conftest.py", 3, "match_on"),
        ("test_story.py", 1, "mark.vcr"),
    ]
    assert "gemini_cassette_config" in found.changes[0].instead


def test_an_existing_cassette_is_never_replaced(tmp_path: Path) -> None:
    """It may have been recorded since. So a second migration changes nothing."""
    migrate(project(tmp_path))
    assert len(migrate(tmp_path).converted) == 2
    target = tmp_path / "tests" / "cassettes" / "test_story" / "test_story.jsonl"
    target.write_text("mine")
    assert migrate(tmp_path).kept == [target]
    assert target.read_text() == "mine"


@pytest.fixture
def _few_plugins(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside a test load only our plugin. Loading all plugins takes seconds in each process."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p gemini_replay")


@pytest.mark.usefixtures("_few_plugins")
def test_the_same_test_finds_its_cassette(pytester: pytest.Pytester) -> None:
    """The file has the name that the fixture looks for, also if the test's name has capitals."""
    pytester.makepyfile(
        test_x="""
        import pytest

        def test_story(gemini_cassette): print("AT", gemini_cassette.path)

        @pytest.mark.parametrize("p", ["a-1", "A"])
        def test_end(gemini_cassette, p): print("AT", gemini_cassette.path)

        def test_With_Capitals(gemini_cassette): print("AT", gemini_cassette.path)

        class TestEnd:
            def test_end(self, gemini_cassette): print("AT", gemini_cassette.path)

            @pytest.mark.parametrize("p", ["A"])
            def test_other(self, gemini_cassette, p): print("AT", gemini_cassette.path)
        """
    )
    pytester.makeini("[pytest]\ngemini_cassette_dir = {folder}/cassettes\n")
    names = ["test_story", "test_end[a-1]", "test_end[A]", "test_With_Capitals", "TestEnd.test_end"]
    folder = pytester.path / "cassettes" / "test_x"
    expected = [cassette_of(folder / f"{name}.yaml") for name in [*names, "TestEnd.test_other[A]"]]
    folder.mkdir(parents=True)
    for path in expected:
        path.write_text('{"cassette": 1}\n')
    ran = pytester.runpytest_subprocess("-s")
    ran.assert_outcomes(passed=len(expected))
    assert not [path.name for path in expected if path.name not in ran.stdout.str()]


@pytest.mark.usefixtures("_few_plugins")
def test_a_migrated_test_replays(pytester: pytest.Pytester) -> None:
    """A test of pytest-recording, with the changes that are printed, passes without a network."""
    folder = pytester.path / "cassettes" / "test_x"
    folder.mkdir(parents=True)
    (folder / "test_story.yaml").write_text(GEMINI)
    pytester.makepyfile(
        test_x="""
        import httpx
        import pytest

        @pytest.mark.vcr
        def test_story():
            url = "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse"
            assert httpx.post(url, json={}).text == "data: {}\\n\\n"
        """
    )
    (change,) = migrate(pytester.path).changes
    code = pytester.path / "test_x.py"
    code.write_text(code.read_text().replace(f"@pytest.{change.found}", change.instead.partition(",")[0]))
    pytester.makeini("[pytest]\ngemini_cassette_dir = {folder}/cassettes\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_other_names_stay(tmp_path: Path) -> None:
    """Names that were given to `use_cassette` stay."""
    assert cassette_of(Path("fixtures/story.yaml")) == Path("fixtures/story.jsonl")
    assert cassette_of(Path("fixtures/v1.2.har")) == Path("fixtures/v1.2.jsonl")
