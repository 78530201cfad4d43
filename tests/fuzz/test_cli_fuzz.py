"""`gemini-replay fuzz`, run as a user runs it."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gemini_replay import Cassette, replay
from gemini_replay.cli import main
from gemini_replay.errors import ParserBug
from gemini_replay.fuzz import serve as serving
from gemini_replay.fuzz.progress import Progress

PARSERS = """
import json
from gemini_replay import StreamParser, parse_stream

def right(chunks):
    for event in parse_stream(chunks):
        yield event.json

def splitting(chunks):
    "Takes U+2028 for the end of a line."
    for line in b"".join(chunks).decode().splitlines():
        if line.startswith("data: "):
            yield json.loads(line[6:])

def forgetful(chunks):
    "Forgets what a chunk leaves."
    for chunk in chunks:
        for block in chunk.split(b"\\r\\n\\r\\n"):
            if block.startswith(b"data: ") and block.endswith(b"}"):
                yield json.loads(block[6:])

def of_lines(lines):
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line[6:])

def of_response(response):
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line[6:])

async def of_text(texts):
    async for text in texts:
        for line in text.splitlines():
            if line.startswith("data: "):
                yield json.loads(line[6:])

def of_array(response):
    assert response.headers["content-type"].startswith("application/json")
    return response.json()

class Holder:
    parse = staticmethod(right)

NUMBER = 3
"""

QUICK = ("--max-examples", "5", "--seed", "1", "--quiet")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with a module of parsers."""
    name = f"parsers_{os.getpid()}_{abs(hash(tmp_path))}"
    (tmp_path / f"{name}.py").write_text(PARSERS, encoding="utf-8")
    (tmp_path / "broken_one.py").write_text("import no_such_thing_at_all\n", encoding="utf-8")
    (tmp_path / "failing_one.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PARSERS", name)
    yield tmp_path
    sys.modules.pop(name, None)


def fuzz(name: str, *arguments: str) -> int:
    """The command on a parser of the module; its exit status."""
    return main(["fuzz", f"{os.environ['PARSERS']}:{name}", *QUICK, *arguments])


def classes(*names: str) -> list[str]:
    return [part for name in names for part in ("--class", name)]


@pytest.mark.usefixtures("folder")
def test_a_right_parser_has_a_table_and_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Each class with its verdict; where there is a choice, with what the parser does."""
    assert fuzz("right", *classes("plain-text", "end-in-mid-event", "promptness")) == 0
    out = capsys.readouterr().out
    assert "plain-text" in out
    assert "behaviour" in out
    assert "3 classes, 0 new bugs" in out


@pytest.mark.parametrize(
    ("parser", "adapter"),
    [
        pytest.param("forgetful", [], id="chunks"),
        pytest.param("of_response", ["--adapter", "httpx"], id="a response"),
        pytest.param("of_text", ["--adapter", "text"], id="text, async"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_the_test_to_keep_fails_as_it_is_printed(
    parser: str, adapter: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the adapter that the parser needs."""
    assert fuzz(parser, *adapter, *classes("separators")) == 1
    lines = capsys.readouterr().out.partition("a test to keep:\n")[2].partition("\n\n1 class,")[0].splitlines()
    namespace: dict[str, Any] = {}
    exec("\n".join(line[4:] for line in lines), namespace)
    with pytest.raises(ParserBug):
        namespace["test_separators"]()


@pytest.mark.usefixtures("folder")
def test_a_bug_is_shown_with_its_case(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1; literal chunks, a picture of the cut, expected and got."""
    assert fuzz("forgetful", *classes("plain-text")) == 1
    out = capsys.readouterr().out
    for part in ("chunks:", "▲", "┃", "▲", "expected: [{", "got:      [", "1 new bug"):
        assert part in out


@pytest.mark.usefixtures("folder")
def test_the_profile_smoke_is_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Its classes and checks are those of gemini, without what is large."""
    assert main(["fuzz", f"{os.environ['PARSERS']}:right", "--profile", "smoke", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "ok        plain-text (smoke)" in out
    assert "event-of-" not in out
    assert "growth" not in out


def test_the_survey_is_written_as_json(folder: Path) -> None:
    """With the parser, every class, and the cases."""
    (folder / "out").mkdir()
    assert fuzz("splitting", "--json", "out/survey.json", *classes("separators", "plain-text")) == 1
    survey = json.loads((folder / "out" / "survey.json").read_text(encoding="utf-8"))
    verdicts = {one["name"]: one["verdict"] for one in survey["results"]}
    assert verdicts == {"separators": "bug", "plain-text": "ok"}


def test_saved_cases_replay_the_bug(folder: Path) -> None:
    """One cassette for each bug, with the chunks of its case."""
    httpx = pytest.importorskip("httpx")
    assert fuzz("forgetful", "--save", "cases", *classes("plain-text", "escapes")) == 1
    names = sorted(path.name for path in (folder / "cases").iterdir())
    assert names == ["escapes.jsonl", "plain-text.jsonl"]
    cassette = Cassette.load(folder / "cases" / "plain-text.jsonl")
    (interaction,) = cassette.interactions
    assert "forgetful: loses" in interaction.comments[0]
    with replay(folder / "cases" / "plain-text.jsonl"), httpx.Client() as client:
        request = interaction.request
        with client.stream("POST", request.url, json=request.json) as response:
            chunks = list(response.iter_bytes())
    assert chunks == [chunk.data for chunk in interaction.chunks]
    assert len(chunks) > 1


def test_known_bugs_do_not_fail_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The baseline is written once; a new bug fails, a missing one is named, what was not tried stays."""
    known = ("--baseline", "known.json")
    assert fuzz("splitting", *known, "--update-baseline", *classes("separators", "plain-text")) == 0
    assert json.loads((folder / "known.json").read_text(encoding="utf-8"))["known"] == ["separators: raises"]
    assert fuzz("splitting", *known, *classes("separators")) == 0
    assert "0 new bugs, 1 known" in capsys.readouterr().out
    assert fuzz("forgetful", *known, *classes("separators", "plain-text")) == 1
    assert "no longer found: separators: raises" in capsys.readouterr().out
    assert fuzz("right", *known, "--update-baseline", *classes("plain-text")) == 0
    assert json.loads((folder / "known.json").read_text(encoding="utf-8"))["known"] == ["separators: raises"]
    assert fuzz("splitting", "--json", "survey.json", *classes("separators")) == 1
    assert fuzz("splitting", "--baseline", "survey.json", *classes("separators")) == 0


@pytest.mark.usefixtures("folder")
def test_profiles_and_adapters_are_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Several profiles are tried together; a parser of lines gets lines."""
    profiles = ("--profile", "gateway", "--profile", "json-array")
    assert fuzz("right", *profiles, *classes("comments", "compact-array")) == 0
    assert "gateway, json-array" in capsys.readouterr().out
    assert fuzz("of_lines", "--adapter", "lines", *classes("separators")) == 0
    assert fuzz("Holder.parse", "--profile", "all", *classes("plain-text")) == 0
    assert fuzz("of_array", "--adapter", "requests", "--profile", "json-array", *classes("compact-array")) == 0


def test_a_command_is_fuzzed_by_the_line_protocol(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And its ready test starts the command."""
    script = folder / "adapter.py"
    source = f"import sys\nsys.path.insert(0, {str(Path(serving.__file__).parent)!r})\nfrom serve import serve\n"
    script.write_text(f"{source}{PARSERS}\nserve(forgetful)\n", encoding="utf-8")
    command = f"{sys.executable} {script}"
    assert main(["fuzz", "--command", command, *QUICK, *classes("plain-text", "promptness")]) == 1
    out = capsys.readouterr().out
    assert f"Command({command!r})," in out


@pytest.mark.usefixtures("folder")
def test_a_wait_for_a_command_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """It may be compiled first, or not speak the protocol at all."""
    command = f"{sys.executable} -c pass"
    assert main(["fuzz", "--command", command, "--time-limit", "5"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gemini-replay: waiting up to 60 s for the first answer\n")
    assert "does not answer: the process ended with status 0" in said


def test_found_cases_are_kept_where_asked(folder: Path) -> None:
    """In Hypothesis' own database; by default nothing is written."""
    command = [
        "fuzz",
        f"{os.environ['PARSERS']}:splitting",
        "--quiet",
        "--max-examples",
        "300",
        *classes("anything-in-text"),
    ]
    assert main(command) == 1
    assert not (folder / ".hypothesis").exists()
    assert main([*command, "--database", "kept"]) == 1
    assert any((folder / "kept").rglob("*"))


def test_a_value_that_looks_like_an_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """To argparse, -5s is an option of its own."""
    with pytest.raises(SystemExit) as caught:
        main(["fuzz", "json:loads", "--max-time", "-5s"])
    assert caught.value.code == 2
    assert "argument --max-time: expected one argument; a value that begins with - " in capsys.readouterr().err


WRONG: list[tuple[list[str], str]] = [
    ([], "No parser is given"),
    (["a:b", "--command", "x"], "Both 'a:b' and --command"),
    (["nothing_like_it:parse"], "Unknown module 'nothing_like_it'"),
    (["json.decodr:x"], "Did you mean json.decoder?"),
    (["json"], "'json' does not name a parser"),
    (["json:lods"], "Did you mean load"),
    (["json:JSONDecoder.decod"], "Did you mean decode?"),
    (["json.decoder:NaN"], "cannot be called"),
    (["broken_one:parse"], "needs no_such_thing_at_all, which is not installed"),
    (["failing_one:parse"], "ZeroDivisionError"),
    (["json:loads", "--profile", "gatewy"], "'gateway'"),
    (["json:loads", "--class", "separator"], "'separators'"),
    (["json:loads", "--adapter", "line"], "Did you mean 'lines'?"),
    (["json:loads", "--baseline", "no.json"], "no baseline no.json"),
    (["json:loads", "--update-baseline"], "--update-baseline needs a file"),
    (["json:loads", "--database", "mysql://x"], "Unknown database"),
    (["json:loads", "--max-time", "soon"], "'soon' is not a time"),
    (["json:loads", "--max-time=-5s"], "'-5s' is not a time above 0"),
    (["json:loads", "--max-examples", "0"], "--max-examples 0 is not a number above 0"),
    (["json:loads", "--json", "nowhere/x.json"], "--json nowhere/x.json: there is no folder nowhere"),
    (["json:loads", "--junit", "nowhere/x.xml"], "--junit nowhere/x.xml: there is no folder nowhere"),
    (
        ["json:loads", "--baseline", "nowhere/x", "--update-baseline"],
        "--baseline nowhere/x: there is no folder nowhere",
    ),
    (["--command", "no-such-program-here"], "Unknown program 'no-such-program-here'"),
    (["--command", "x", "--adapter", "lines"], "--adapter does not apply"),
    (["json:loads", "--json", "."], "--json . is a folder"),
    (["json:loads", "--save", "broken_one.py"], "--save broken_one.py is a file"),
    (["json:loads", "--database", "broken_one.py"], "The database broken_one.py is a file"),
    (["json:loads", "--adapter", "httpx.iter_line"], "Did you mean 'iter_lines'?"),
    (["--command", "cat"], "its answer has neither events nor error, only 'id', 'chunks'"),
    (["json:loads", "--time-limit", "5"], "--time-limit applies to --command only"),
    (["json:loads", "--database", "readonly:nowhere"], "There is no database nowhere"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda value: " ".join(value)[:30] if value else "none")
def test_wrong_usage_is_status_2_with_the_nearest(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is searched."""
    assert main(["fuzz", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 1}'], ids=["empty", "list", "other"])
def test_a_file_that_is_not_a_baseline_is_refused(
    folder: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It does not count as an empty one."""
    (folder / "b.json").write_text(content, encoding="utf-8")
    assert fuzz("right", "--baseline", "b.json") == 2
    assert "b.json" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_progress_is_shown_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for ten classes, if standard error is not a terminal."""
    arguments: list[Any] = [one for one in QUICK if one != "--quiet"]
    main(["fuzz", f"{os.environ['PARSERS']}:right", *arguments, *classes("plain-text", "escapes")])
    assert "2 of 2 classes" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A terminal, as far as progress needs one."""

    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_in_a_terminal() -> None:
    """A bar with the class that is searched; at the end it is gone."""
    terminal = Terminal()
    progress = Progress(terminal)
    progress(1, 2, "plain-text")
    assert re.fullmatch(r"\r\x1b\[K█{12}░{12} 1/2 \d+ s  plain-text", terminal.getvalue())
    progress(2, 2, "done")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_junit_has_a_test_case_for_each_class(folder: Path) -> None:
    """A new bug is a failure with its whole report, a known one is skipped."""
    chosen = classes("plain-text", "separators", "end-in-mid-event")
    fuzz("forgetful", *classes("plain-text"), "--baseline", "known.json", "--update-baseline")
    (folder / "out").mkdir()
    assert fuzz("forgetful", *chosen, "--baseline", "known.json", "--junit", "out/junit.xml") == 1
    suite = ElementTree.parse(folder / "out" / "junit.xml").getroot()[0]
    assert [suite.get(name) for name in ("tests", "failures", "skipped")] == ["3", "2", "1"]
    cases = {case.get("name"): case for case in suite}
    assert cases["plain-text"][0].get("message") == "a known bug: loses"
    failure = cases["separators"][0]
    assert failure.get("type") == "loses"
    assert "a test to keep:" in str(failure.text)


def test_a_fixed_bug_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It does not fail the command."""
    (folder / "known.json").write_text('{"known": ["plain-text: loses"]}', encoding="utf-8")
    assert fuzz("right", *classes("plain-text"), "--baseline", "known.json") == 0
    assert "no longer found: plain-text: loses" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_a_response_may_be_read_by_a_method(capsys: pytest.CaptureFixture[str]) -> None:
    """The parser takes what the method returns."""
    assert fuzz("of_lines", "--adapter", "httpx.iter_lines", *classes("plain-text")) == 0
    assert "0 new bugs" in capsys.readouterr().out


def test_a_corpus_is_written_without_a_parser(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file for each small document of each class, the same each time."""
    command = ["fuzz", "--write-corpus", "corpus", *classes("plain-text", "many-events", "raw-error")]
    assert main(command) == 0
    written = {path.name: path.read_bytes() for path in (folder / "corpus").iterdir()}
    assert {name.rpartition("-")[0] for name in written} == {"plain-text", "raw-error"}
    assert written["plain-text-1"] == b'data: {"responseId": "a"}\r\n\r\n'
    assert f"corpus: {len(written)} streams" in capsys.readouterr().out
