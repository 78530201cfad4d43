"""The commands that look at cassettes: show, diff."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import run

from gemini_replay import Cassette

FOLDER = Path(__file__).parents[2] / "cassettes"


def test_show_prints_requests_and_answers() -> None:
    """It prints who recorded when, the client, calls, usage, and a row for each event."""
    out = run("show", FOLDER / "afc.jsonl").out
    assert re.findall(r"^(\d)  POST gemini-2.5-flash:streamGenerateContent", out, re.MULTILINE) == ["1", "2"]
    for line in (
        "recorded 2026-11-22T12:14:54Z, gemini-replay 0.1.0",
        "client    httpx 0.28.1",
        "user      给我讲一个关于月亮的小故事。",
        "response  200 text/event-stream, after 0.358 s",
        'call      get_weather(city="Zürich", unit="celsius")',
        'user      [result] get_weather: {"result": "18 °C, sunny"}',
        "usage     prompt 10, candidates 14, total 111, thoughts 87",
    ):
        assert line in out.splitlines()
    assert re.search(r"^2 +0.377 s +\+17 ms +371 +finish: STOP$", out, re.MULTILINE)


def test_show_prints_more_on_request() -> None:
    """Options print chunks, the JSON of events, the whole request, or one line for each interaction."""
    assert r"\xbd" in run("show", FOLDER / "split.jsonl", "--chunks").out
    assert '"responseId": "G3Sgpqpdyq13aX8oo9c-YCM"' in run("show", FOLDER / "grounding.jsonl", "--events").out
    assert "User-Agent: python-httpx/0.28.1" in run("show", FOLDER / "story.jsonl", "--request").out
    assert len(run("show", FOLDER / "afc.jsonl", "--brief").out.splitlines()) == 5


def test_show_prints_json_for_programs() -> None:
    """One line for each cassette."""
    lines = run("show", FOLDER / "thinking.jsonl", FOLDER / "afc.jsonl", "--json").out.splitlines()
    thinking, calls = map(json.loads, lines)
    recorded = Cassette.load(FOLDER / "thinking.jsonl").interactions[0]
    answer = thinking["interactions"][0]
    assert answer["thoughts"] == recorded.thoughts
    assert [one["json"] for one in answer["events"]] == [one.json for one in recorded.events]
    assert answer["events"][-1]["at"] == answer["chunks"][-1]["at"] == 3.717
    assert calls["interactions"][0]["calls"][0]["args"] == {"city": "Zürich", "unit": "celsius"}


def test_report_makes_one_page(tmp_path: Path) -> None:
    """Of files and folders; a broken cassette is told on the page, on standard error and by the exit status."""
    page = tmp_path / "pages" / "report.html"
    done = run("report", FOLDER / "afc.jsonl", FOLDER / "404.jsonl", "-o", page)
    assert (done.status, done.out) == (0, f"{page}: 2 cassettes, 3 interactions\n")
    assert "给我讲一个关于月亮的小故事" in shown(page)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{}\n")
    done = run("report", broken, FOLDER / "story.jsonl", "-o", page)
    assert (done.status, done.out) == (1, f"{page}: 1 cassette, 1 interaction\n")
    assert "broken.jsonl" in done.err
    assert "cannot be read" in shown(page)
    assert "story.jsonl" in shown(page)


def test_report_needs_a_place(tmp_path: Path) -> None:
    """Without `-o`, or where no file can be, it says so."""
    done = run("report", FOLDER / "404.jsonl", "-o", tmp_path)
    assert (done.status, done.out) == (2, "")
    assert "cannot be written" in done.err


@pytest.mark.parametrize("name", ["notes.md", "empty", "new.jsonl", "link.html", "broken.html", "-"])
def test_report_overwrites_pages_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Any other file stays as it is: a text, a cassette, what a link leads to, a page that is to be read."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(FOLDER / "404.jsonl", tmp_path / "story.jsonl")
    Path("notes.md").write_text("# Notes")
    Path("empty").touch()
    Path("link.html").symlink_to("story.jsonl")
    assert run("report", "story.jsonl", "-o", "broken.html").status == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run("report", "story.jsonl", "broken.html", "-o", name)
    assert (done.status, done.out) == (2, "")
    assert "cannot be" in done.err or "not printed" in done.err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def shown(page: Path) -> str:
    """The data of a page, its escapes decoded."""
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"))
    return json.dumps(json.loads(found), ensure_ascii=False)


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    """This holds in a folder too. The exit status shows that a file was broken."""
    for name in ("a", "c"):
        shutil.copy(FOLDER / "404.jsonl", tmp_path / f"{name}.jsonl")
    assert run("show", tmp_path).status == 0
    (tmp_path / "b.jsonl").write_text("rubbish\n")
    done = run("show", tmp_path)
    assert done.status == 1
    assert re.findall(r"[abc]\.jsonl(?= *$)", done.out, re.MULTILINE) == ["a.jsonl", "c.jsonl"]
    assert "b.jsonl" in done.err


def test_in_a_pipe_nothing_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the width, the whole model, prompt and answer are in the output."""
    monkeypatch.setenv("COLUMNS", "40")
    said = "word " * 100 + "end."
    Cassette.from_text(said, prompt=said, model="gemini-2.5-flash").save(tmp_path / "c.jsonl")
    lines = run("show", tmp_path / "c.jsonl").out.splitlines()
    assert [f"user      {said}", f"text      {said}"] == [line for line in lines if line.endswith(said)]
    assert all("  POST gemini-2.5-flash:streamGenerateContent" in line for line in lines if "POST" in line)


def test_a_long_answer_is_whole_in_a_pipe_of_brief_lines(tmp_path: Path) -> None:
    """Also if it is longer than any terminal is wide."""
    said = "word " * 30_000 + "end."
    Cassette.from_text(said, prompt="p").save(tmp_path / "c.jsonl")
    assert said in run("show", "--brief", tmp_path / "c.jsonl").out


KEY = "AIza" + "SyB3xQ9mZ7pLw2vN4rT6yU8iO0aS1dF5gHk"


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """A cassette with a key in the prompt and the answer, which no recording has written."""
    Cassette.from_text(f"The key is {KEY}.", prompt=f"Is {KEY} the key?").save(tmp_path / "leaky.jsonl")
    return tmp_path / "leaky.jsonl"


@pytest.mark.parametrize("option", ["--brief", "--json", "--outline", "--events"])
def test_show_warns_of_secrets(leaky: Path, option: str) -> None:
    """It prints a recording as it is, and says once how to see what is secret in it."""
    done = run("show", leaky, option)
    assert (done.status, KEY in done.out, KEY in done.err) == (0, True, False)
    assert done.err.count(f"gemini-replay check {leaky}") == 1
    assert "secret" not in run("show", FOLDER / "story.jsonl", option).err


def test_a_page_has_no_secret_unless_it_is_forced(leaky: Path, tmp_path: Path) -> None:
    """A cassette with one is told on the page and on standard error, as one that cannot be read; others are shown."""
    page = tmp_path / "report.html"
    done = run("report", leaky, FOLDER / "404.jsonl", "-o", page)
    assert (done.status, done.out) == (1, f"{page}: 1 cassette, 1 interaction\n")
    assert f"gemini-replay check {leaky}" in done.err
    assert KEY not in done.err + page.read_text("utf-8")
    assert "leaky.jsonl" in shown(page)
    done = run("report", leaky, "-o", page, "--force")
    assert (done.status, KEY in shown(page)) == (0, True)
    assert f"gemini-replay check {leaky}" in done.err


def test_a_page_has_no_secret_of_a_comment(tmp_path: Path) -> None:
    """The page shows comments, too, so they are searched as `check` searches them."""
    path, page = tmp_path / "c.jsonl", tmp_path / "report.html"
    path.write_text(f"# {KEY}\n{(FOLDER / '404.jsonl').read_text('utf-8')}", "utf-8")
    done = run("report", path, "-o", page)
    assert (done.status, KEY in done.err + page.read_text("utf-8")) == (1, False)


def test_a_page_has_no_secret_of_a_name(tmp_path: Path) -> None:
    """A file whose name holds a secret is not shown, and its name is redacted."""
    path, page = tmp_path / f"{KEY}.jsonl", tmp_path / "report.html"
    shutil.copy(FOLDER / "404.jsonl", path)
    done = run("report", path, "-o", page)
    assert (done.status, KEY in done.out + done.err + page.read_text("utf-8")) == (1, False)


def changed(path: Path, old: str, new: str) -> Path:
    """A copy of the story in which some text differs."""
    text = (FOLDER / "story.jsonl").read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_diff_has_the_exit_status_of_diff(tmp_path: Path) -> None:
    """The status is 0 for equal, 1 for different, 2 for trouble."""
    story = FOLDER / "story.jsonl"
    assert run("diff", story, story)[:3] == (0, "", "")
    assert run("diff", story, FOLDER / "afc.jsonl").status == 1
    missing = run("diff", story, tmp_path / "none.jsonl")
    assert (missing.status, missing.out) == (2, "")
    assert "does not exist" in missing.err
    assert run("diff", story).status == 2


def test_diff_shows_the_words_that_changed(tmp_path: Path) -> None:
    """Of a long line, only the parts around changed words are shown."""
    new = changed(tmp_path / "new.jsonl", "把灯点亮", "把门点亮")
    done = run("diff", FOLDER / "story.jsonl", new)
    assert done.out.splitlines()[3:] == [
        "1  POST gemini-2.5-flash:streamGenerateContent?alt=sse",
        "text",
        "  …要爬上一百零八级台阶，把[-灯-]{+门+}点亮。芝麻总是跟在后面，…",
    ]


def test_diff_leaves_out_changes_of_every_recording(tmp_path: Path) -> None:
    """Headers, ids and small changes of times are left out; `--all` shows them."""
    new = changed(tmp_path / "new.jsonl", '"after": 0.39', '"after": 0.40')
    text = new.read_text(encoding="utf-8")
    new.write_text(
        re.sub('responseId\\\\": \\\\"[^"]+', 'responseId\\\\": \\\\"other\\\\', text).replace("12:14", "12:15")
    )
    story = FOLDER / "story.jsonl"
    assert run("diff", story, new).out == ""
    out = run("diff", story, new, "--all").out
    assert {"recorded", "response headers", "events", "rhythm"} <= set(out.splitlines())


def test_diff_compares_folders(tmp_path: Path) -> None:
    """They are compared file by file. If one folder lacks a file, the status is 2."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        shutil.copy(FOLDER / "404.jsonl", tmp_path / name)
    old, new = tmp_path / "old", tmp_path / "new"
    assert run("diff", old, new).status == 0
    changed(new / "story.jsonl", "灯", "门")
    assert run("diff", old, new).status == 2
    shutil.copy(FOLDER / "story.jsonl", old)
    assert run("diff", old, new).status == 1
    assert run("diff", old / "story.jsonl", new).status == 1


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="no git")
def test_git_compares_cassettes_by_their_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One command sets this up, with one line in .gitattributes. JSONL files that are not cassettes work too."""
    monkeypatch.chdir(tmp_path)
    assert run("diff", "--git").status == 2
    git("init", "-q")
    (tmp_path / ".gitattributes").write_text("*.png binary")
    assert run("diff", "--git").status == 0
    assert run("diff", "--git").status == 0
    assert (tmp_path / ".gitattributes").read_text() == "*.png binary\n*.jsonl diff=gemini-replay\n"
    shutil.copy(FOLDER / "story.jsonl", tmp_path)
    (tmp_path / "data.jsonl").write_text('{"a": 1}\n')
    git("add", ".")
    git("commit", "-qm", "cassettes")
    changed(tmp_path / "story.jsonl", "把灯点亮", "把门点亮")
    (tmp_path / "data.jsonl").write_text('{"a": 2}\n')
    lines = [line for line in git("diff", "-U0").splitlines() if re.match(r"[-+](?![-+])", line)]
    assert lines[:2] == ['-{"a": 1}', '+{"a": 2}']
    assert [line[0] for line in lines[2:]] == ["-", "+"]
    assert "把门点亮" in lines[3]
