"""The programs in ``examples/`` against ``gemini-replay record`` and ``serve``: text appears as it streams."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate, count
from pathlib import Path

import pytest
from support.clients import KEY
from support.measuring import least
from support.processes import listening
from support.rhythms import OFF, off

from gemini_replay import Cassette, Interaction

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROMPT = "给我讲一个关于月亮的小故事。"


@dataclass
class Output:
    """A program's output, piece by piece, with the moment of each piece."""

    pieces: list[tuple[float, bytes]]
    status: int

    @property
    def text(self) -> bytes:
        return b"".join(data for _, data in self.pieces)

    def when(self, count: int) -> float:
        """The moment at which this many bytes had been written."""
        totals = accumulate(len(data) for _, data in self.pieces)
        return next(at for (at, _), total in zip(self.pieces, totals, strict=True) if total >= count)


def run(base: str, *command: str | Path) -> Output:
    """Run a program and watch its output."""
    environment = {**os.environ, "GOOGLE_GEMINI_BASE_URL": base, "GEMINI_API_KEY": KEY, "PYTHONIOENCODING": "utf-8"}
    pieces = []
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        while data := os.read(process.stdout.fileno(), 65536):
            pieces.append((time.perf_counter(), data))
    return Output(pieces, process.returncode)


def with_curl(base: str) -> Output:
    """The curl command as people type it."""
    body = {
        "contents": [{"parts": [{"text": PROMPT}]}],
        "generationConfig": {"maxOutputTokens": 3000, "temperature": 0.7},
    }
    return run(
        base,
        *("curl", "-X", "POST", f"{base}/v1beta/models/gemini-2.5-flash:streamGenerateContent"),
        *("-H", f"Authorization: Bearer {KEY}"),
        *("-d", json.dumps(body, ensure_ascii=False)),
        *("--no-buffer", "--silent", "--show-error"),
    )


def with_the_script(base: str) -> Output:
    return run(base, "sh", EXAMPLES / "story.sh", PROMPT)


def with_requests(base: str) -> Output:
    return run(base, sys.executable, EXAMPLES / "story_client.py", PROMPT)


def as_sent(interaction: Interaction) -> list[tuple[float, int]]:
    """The number of bytes of the body after each chunk, with the seconds since the first one."""
    times = accumulate(chunk.after for chunk in interaction.chunks)
    return list(zip(times, accumulate(len(chunk.data) for chunk in interaction.chunks), strict=True))


def as_told(interaction: Interaction) -> list[tuple[float, int]]:
    """The same for the text in the body."""
    times = accumulate(chunk.after for chunk in interaction.chunks)
    texts = [json.loads(chunk.data[6:]) if chunk.data.startswith(b"data: {") else {} for chunk in interaction.chunks]
    told = [
        "".join(p.get("text", "") for c in text.get("candidates", []) for p in c["content"]["parts"])
        for text in texts
    ]
    totals = accumulate(len(text.encode()) for text in told)
    return [pair for pair, text in zip(zip(times, totals, strict=True), told, strict=True) if text]


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    """The embedded upstream in its gateway form, as a process of its own."""
    with listening("upstream", "--gateway", "--pace", "0.6") as (_, url):
        yield url


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_requests = pytest.mark.skipif(find_spec("requests") is None, reason="requests is not installed")
needs_sh = pytest.mark.skipif(shutil.which("sh") is None, reason="there is no POSIX shell")


@pytest.mark.skipif(os.name == "nt", reason="no POSIX signals")
@pytest.mark.parametrize(
    ("program", "moments"),
    [
        pytest.param(with_curl, as_sent, id="curl", marks=needs_curl),
        pytest.param(with_the_script, as_sent, id="script", marks=[needs_curl, needs_sh]),
        pytest.param(with_requests, as_told, id="requests", marks=needs_requests),
    ],
)
def test_text_appears_as_it_streams_in_recording_and_replay(
    tmp_path: Path,
    gateway: str,
    program: Callable[[str], Output],
    moments: Callable[[Interaction], list[tuple[float, int]]],
) -> None:
    """With and without the upstream, the program writes the same text in the same rhythm. No file has its key."""
    paths = (tmp_path / f"story-{number}.jsonl" for number in count())

    def missed() -> float:
        path = next(paths)
        with listening("record", path, "--upstream", gateway) as (process, url):
            live = program(url)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        with listening("serve", path) as (_, url):
            again = program(url)
        recorded = Cassette.load(path).interactions[0]
        assert recorded.end.kind == "eof"
        assert (live.status, again.status) == (0, 0)
        assert live.text == again.text
        assert recorded.request.json["contents"] == [{"parts": [{"text": PROMPT}]}]
        assert KEY.encode() not in path.read_bytes()
        due = moments(recorded)
        assert len(due) > 8
        pieces = min(len({round(at, 2) for at, _ in output.pieces}) for output in (live, again))
        if pieces <= 5:
            return 1.0
        return max(off([output.when(size) for _, size in due], [at for at, _ in due]) for output in (live, again))

    assert least(missed, OFF) < OFF


@needs_requests
def test_the_python_example_fails_with_the_servers_words(tmp_path: Path, gateway: str) -> None:
    """It does not take a miss for an empty story."""
    path = tmp_path / "empty.jsonl"
    Cassette().save(path)
    with listening("serve", path) as (_, url):
        assert with_requests(url).status == 1
