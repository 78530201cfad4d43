"""A suite of tests with a cassette each: a run of pytest from start to end.

Each test asks once and reads 20 events, which differ from test to test. The floor is a `MockTransport` that reads the
test's file and answers with its chunks. The same mock by a marker shows what pytest itself takes for a plugin's
fixtures. The seam alone has such fixtures, too, and real clients: it stands where gemini-replay does, in the
connection pool, reads the same file and decides nothing. Its clients load no certificates in a test. The next steps
add what no replay can leave out: the lines of a cassette are read and its request is compared; then, once in a run,
the modules that replay are imported.
pytest-recording answers with all events in one chunk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.contest import ROOT
from benchmarks.harness import Benchmark, Contestant, Run, Setting, Target, at_most
from benchmarks.story import ASK, GOOGLE, HEADERS

EVENTS = 20
FLOOR = "bare MockTransport"

READ = f"""
import httpx, json, pytest

GOOGLE, ASK, HEADERS = {GOOGLE!r}, {ASK!r}, {HEADERS!r}

def read(client, number):
    with client.stream("POST", GOOGLE, content=ASK, headers=HEADERS) as response:
        seen = list(response.iter_raw())
    body = b"".join(seen)
    assert body.count(b"data: ") == {EVENTS}
    assert f"story {{number}}, ".encode() in body
    return seen

def sdk(number):
    from google import genai
    client = genai.Client(api_key="no-key", http_options={{"api_version": "v1beta"}})
    stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Tell me a long story.")
    seen = [chunk.text for chunk in stream]
    assert len(seen) == {EVENTS}
    assert f"story {{number}}, " in seen[0]
"""
SHARED = """
client = httpx.Client()

def test(number):
    assert len(read(client, number)) == EVENTS
"""
EACH = """
def test(number):
    with httpx.Client() as client:
        assert len(read(client, number)) == EVENTS
"""
SDK = """
def test(number):
    sdk(number)
"""
GEMINI_REPLAY = """
EVENTS = {events}
def params():
    return [pytest.param(n, marks=pytest.mark.gemini_cassette(f"{{n}}", speed="instant")) for n in range({count})]
{test}
test = pytest.mark.parametrize("number", params())(test)
"""
VCR = """
EVENTS = 1
def params():
    return [pytest.param(n, marks=[pytest.mark.vcr, pytest.mark.default_cassette(f"{{n}}.yaml")])
            for n in range({count})]

@pytest.fixture(scope="module")
def vcr_cassette_dir():
    return {folder!r}
{test}
test = pytest.mark.parametrize("number", params())(test)
"""
PYTEST_HTTPX = """
from pytest_httpx import IteratorStream
EVENTS = {events}

@pytest.fixture(autouse=True)
def answer(httpx_mock, number):
    with open(f"{folder}/{{number}}.json", "rb") as file:
        chunks = [chunk.encode() for chunk in json.load(file)]
    httpx_mock.add_response(stream=IteratorStream(chunks), headers={{"content-type": "text/event-stream"}})
{test}
test = pytest.mark.parametrize("number", range({count}))(test)
"""
ANSWERING = """
EVENTS = {events}

class Stream(httpx.SyncByteStream):
    def __init__(self, chunks):
        self.chunks = chunks
    def __iter__(self):
        yield from self.chunks

def answer(request):
    with open(f"{folder}/{{now}}.json", "rb") as file:
        chunks = [chunk.encode() for chunk in json.load(file)]
    return httpx.Response(200, headers={{"content-type": "text/event-stream"}}, stream=Stream(chunks))

client = httpx.Client(transport=httpx.MockTransport(answer))
"""
MOCK = (
    ANSWERING
    + """
@pytest.mark.parametrize("number", range({count}))
def test(number):
    global now
    now = number
    assert len(read(client, number)) == EVENTS
"""
)
FIXTURES = """
@pytest.fixture(scope="session")
def settings():
    return {{}}

@pytest.fixture
def cassette(request, monkeypatch, settings):
    global now
    now = request.node.get_closest_marker("cassette").args[0]
    yield

@pytest.fixture(autouse=True)
def marked(request):
    if request.node.get_closest_marker("cassette") is not None:
        request.getfixturevalue("cassette")

marked_tests = pytest.mark.parametrize(
    "number", [pytest.param(n, marks=pytest.mark.cassette(f"{{n}}")) for n in range({count})]
)
"""
PLUGIN = (
    ANSWERING
    + FIXTURES
    + """
@marked_tests
def test(number):
    assert len(read(client, number)) == EVENTS
"""
)
SEAM_HEAD = """
import httpcore, ssl

EVENTS = {events}
{test}
class Stream:
    def __init__(self, chunks):
        self.chunks = chunks
    def __iter__(self):
        yield from self.chunks
    def close(self):
        pass
"""
READ_STORY = """
def chunks_for(request):
    with open(f"{folder}/{{now}}.json", "rb") as file:
        return [chunk.encode() for chunk in json.load(file)]
"""
READ_CASSETTE = """
def chunks_for(request):
    recorded, chunks = None, []
    with open(f"{folder}/{{now}}.jsonl", "rb") as file:
        for line in file:
            value = json.loads(line)
            if type(value) is list:
                chunks.append(value[1].encode())
            elif "request" in value:
                recorded = value["request"]
    assert recorded["method"].encode() == request.method
    assert recorded["url"].encode().endswith(request.url.host + request.url.target)
    return chunks
"""
IMPORTS = """
import gemini_replay.pytest_plugin.sessions, gemini_replay.transports.httpcore
"""
SEAM_TAIL = (
    """
def handle_request(pool, request):
    chunks = chunks_for(request)
    return httpcore.Response(200, headers=[(b"content-type", b"text/event-stream")], content=Stream(chunks))

httpcore.ConnectionPool.handle_request = handle_request
ssl.SSLContext.load_verify_locations = lambda *_, **__: None
"""
    + FIXTURES
    + """
test = marked_tests(test)
"""
)


SEAM = SEAM_HEAD + READ_STORY + SEAM_TAIL
MATCHED = SEAM_HEAD + READ_CASSETTE + SEAM_TAIL


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One client for all tests, a client for each, then Google's SDK."""
    count = 10 if setting.quick else 1000

    def contestant(
        name: str,
        kind: str,
        test: str,
        plugin: str,
        environment: str = "",
        note: str = "",
        targets: Sequence[Target] = (),
    ) -> Contestant:
        run = _suite(setting, count, kind, test, plugin)
        return Contestant(name, run, environment=environment, note=note, targets=targets)

    floor = contestant(FLOOR, "mock", "shared", "")
    fixtures = contestant("the mock, by a marker", "plugin", "shared", "", note="a marker and fixtures like ours")
    real = "real clients, fixtures like ours; no decision"
    lump = "one lump; cassettes are YAML"
    for test, title, bound in (("shared", "one client for all", 1.3), ("each", "a client for each", 1.4)):
        yield Benchmark(
            f"{count:,} tests, {title}",
            "ms/test",
            [
                floor,
                fixtures,
                contestant("the seam alone", "seam", test, "", note=real),
                contestant(
                    "… and a cassette matched", "matched", test, "",
                    note="each line read as JSON, method and URL compared; nothing checked",
                ),
                contestant(
                    "… and what replays imported", "imported", test, "",
                    note="the modules that gemini-replay loads in a run with cassettes",
                ),
                contestant(
                    "gemini-replay", "gemini_replay", test, "gemini_replay.pytest_plugin",
                    targets=[at_most(bound, times=FLOOR)],
                ),
                contestant("pytest-httpx", "pytest_httpx", test, "pytest_httpx", "pytest-httpx"),
                contestant("pytest-recording", "vcr", test, "pytest_recording.plugin", note=lump),
            ],
            floor=FLOOR,
            amount=count,
            expected=count,
            rounds=5,
            limit=(
                "The seam alone has pytest's fixtures, "
                + ("a real client, which makes a TLS context in C, " if test == "each" else "a real client, ")
                + "and a file; the two rows below it add a cassette that is read without a check, and the modules. "
                "Above them, each test has a session: its settings are put together, its id and its cassette's name "
                "are searched for secrets, each line is checked, the request is decoded and looked up, functions "
                "that other tools may have replaced are looked at, and the results are added to the summary."
            ),
        )  # fmt: skip
    yield Benchmark(
        f"{count:,} tests of google-genai, a client for each",
        "ms/test",
        [
            contestant(
                "gemini-replay", "gemini_replay", "sdk", "gemini_replay.pytest_plugin",
                targets=[at_most(0.2, times="pytest-recording")],
            ),
            contestant("pytest-recording", "vcr", "sdk", "pytest_recording.plugin", note=lump),
        ],
        amount=count,
        expected=count,
        rounds=3,
        limit="The SDK, which builds a client and checks each event against its types.",
    )  # fmt: skip


def _suite(setting: Setting, count: int, kind: str, test: str, plugin: str) -> Callable[[], Run]:
    """A run of pytest; it returns how many tests passed."""

    def prepare() -> Run:
        folder = setting.file("stories", lambda path: _stories(path, count))
        home = setting.file(f"{kind}-{test}", Path.mkdir)
        code = READ + _SUITES[kind].format(count=count, events=EVENTS, folder=str(folder), test=_TESTS[test])
        (home / "test_stories.py").write_text(code, encoding="utf-8")
        (home / "pytest.ini").write_text(f"[pytest]\n{_INI.get(plugin, '').format(folder=folder)}", encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # pytest compiles plugins and tests by itself, once
        plugins = ["-p", plugin] if plugin else []
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins, "test_stories.py"]

        def run() -> int:
            done = subprocess.run(
                command, cwd=home, env=environment, capture_output=True, text=True, encoding="utf-8"
            )
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
            return int(done.stdout.rpartition(" passed")[0].split()[-1])

        run()  # compiles the module with its assertions
        return run

    return prepare


_TESTS = {"shared": SHARED, "each": EACH, "sdk": SDK}
_SUITES = {
    "mock": MOCK,
    "plugin": PLUGIN,
    "seam": SEAM,
    "matched": MATCHED,
    "imported": IMPORTS + MATCHED,
    "gemini_replay": GEMINI_REPLAY,
    "vcr": VCR,
    "pytest_httpx": PYTEST_HTTPX,
}
_INI = {
    "": "markers =\n    cassette\n",
    "gemini_replay.pytest_plugin": "gemini_cassette_dir = {folder}\ngemini_match = method model action alt\n",
    "pytest_recording.plugin": "markers =\n    vcr\n    default_cassette\n",
}


def _stories(folder: Path, count: int) -> None:
    """The same answers as cassettes of each kind."""
    from support.streams import event

    from gemini_replay import Cassette, Interaction
    from gemini_replay.cassette.model import Chunk, Request, Response

    folder.mkdir()
    for number in range(count):
        chunks = [event(f"story {number}, sentence {n}. ".ljust(1200, "x")) for n in range(EVENTS)]
        response = Response(200, (("content-type", "text/event-stream"),), 0.3)
        request = Request("POST", GOOGLE, (("content-type", "application/json"),), body=ASK)
        cassette = Cassette([Interaction(request, response, tuple(Chunk(0.05, data) for data in chunks))])
        cassette.save(folder / f"{number}.jsonl")
        texts = [chunk.decode() for chunk in chunks]
        (folder / f"{number}.json").write_text(json.dumps(texts), encoding="utf-8")
        (folder / f"{number}.yaml").write_text(_yaml("".join(texts)), encoding="utf-8")


def _yaml(body: str) -> str:
    """VCR.py's cassette; JSON is YAML, and what VCR.py itself writes is no faster to read."""
    request = {"method": "POST", "uri": GOOGLE, "body": ASK.decode(), "headers": {}}
    headers = {"content-type": ["text/event-stream"]}
    response = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": body}}
    return json.dumps({"version": 1, "interactions": [{"request": request, "response": response}]})
