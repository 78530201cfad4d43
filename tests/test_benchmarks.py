"""The benchmark of docs/fidelity.md: it runs, it writes its page, and no wrong stream gets into its figures."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

for library in ("aiohttp", "httpx2", "requests", "rich", "uvicorn"):
    pytest.importorskip(library, reason=f"{library} is not installed")

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "fidelity.md"
SMALL = ("--streams", "1", "2", "--events", "5", "--gap", "0.01", "--ramp", "0.05")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "benchmarks" / "concurrency.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, cwd=ROOT)


def outside(text: str) -> list[str]:
    """A page without what the benchmark writes."""
    return re.split(r"(?s)(?<=<!-- measured: begin -->\n).*(?=<!-- measured: end -->)", text)


def rows(text: str) -> list[tuple[str, str]]:
    """What was played, and how often at once, in order; the header is no row."""
    table = text.partition("<!-- measured: begin -->")[2].partition("<!-- measured: end -->")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [(name, streams) for name, streams, *_ in cells[2:]]


def test_it_plays_everything_and_writes_the_table_into_its_page(tmp_path: Path) -> None:
    """Each way to play has a row for each number of streams, and the page's own words stay as they are."""
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    done = run(*SMALL, "--markdown", page)
    assert done.returncode == 0, done.stderr
    written = page.read_text(encoding="utf-8")
    assert outside(written) == outside(PAGE.read_text(encoding="utf-8"))
    assert len(outside(written)) == 2
    many = ["sockets: bare asyncio server", "sockets: `gemini-replay serve`", "one loop: bare timers"]
    many += ["one loop: httpx2", "one loop: aiohttp"]
    few = ["threads: httpx2", "threads: requests"]
    assert rows(written) == [
        *((name, count) for name in many for count in ("1", "2", "2")),
        *((name, count) for name in few for count in ("1", "2")),
    ]


def test_the_published_table_has_every_row_that_is_asked_for() -> None:
    """1, 100 and 1000 streams over sockets and in process, bare and real."""
    published = rows(PAGE.read_text(encoding="utf-8"))
    for name in ("sockets: bare asyncio server", "sockets: `gemini-replay serve`", "one loop: httpx2"):
        assert [streams for found, streams in published if found == name] == ["1", "100", "1000", "1000"]


def test_a_page_without_marks_stays_as_it_is(tmp_path: Path) -> None:
    """And the program says what it looked for."""
    page = tmp_path / "page.md"
    page.write_text("# Another page\n", encoding="utf-8")
    done = run("--streams", "1", "--events", "1", "--gap", "0.01", "--markdown", page)
    assert done.returncode != 0
    assert "<!-- measured: begin -->" in done.stderr
    assert page.read_text(encoding="utf-8") == "# Another page\n"


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that tells right streams from wrong ones."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("story")


def test_lateness_is_counted_from_the_request(story: ModuleType) -> None:
    """In milliseconds, chunk by chunk."""
    told = story.Story(2, 0.5, 1.0)
    seen = [(101.5, told.chunks[0]), (102.25, told.chunks[1])]
    assert told.lateness(story.Stream(100.0, seen)) == pytest.approx([0.0, 250.0])


def test_figures_are_those_of_all_chunks(story: ModuleType) -> None:
    """Drift is the last tenth's lateness less the first tenth's, and the median of all streams."""
    concurrency = importlib.import_module("concurrency")
    told = story.Story(10, 0.1, 0.0)

    def late(*ms: float) -> object:
        moments = (due + by / 1000 for due, by in zip(told.due, ms, strict=True))
        return story.Stream(0.0, list(zip(moments, told.chunks, strict=True)))

    steady, drifting = late(*[3.0] * 10), late(*map(float, range(10)))
    row = concurrency.Row.of("any", 0.0, told, [steady, drifting, drifting], 0.003)
    assert (row.p50, row.most, row.drift, row.cpu) == pytest.approx((3.0, 9.0, 9.0, 100.0))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda seen: seen[:-1], id="a chunk missing at the end"),
        pytest.param(lambda seen: [(seen[-1][0], b"".join(data for _, data in seen))], id="chunks in one piece"),
        pytest.param(lambda seen: [*seen[:-1], (seen[-1][0], seen[-1][1][:-1])], id="a byte missing"),
        pytest.param(lambda seen: [*seen, seen[-1]], id="a chunk too many"),
        pytest.param(lambda seen: [(seen[0][0] - 0.01, seen[0][1]), *seen[1:]], id="a chunk before its time"),
    ],
)
def test_a_wrong_stream_gives_no_figures(story: ModuleType, spoil: object) -> None:
    """Nothing is computed of it."""
    told = story.Story(3, 0.1, 0.1)
    right = list(zip(told.due, told.chunks, strict=True))
    assert told.lateness(story.Stream(0.0, right)) == pytest.approx([0.0] * 3)
    with pytest.raises(AssertionError):
        told.lateness(story.Stream(0.0, spoil(right)))  # type: ignore[operator]
