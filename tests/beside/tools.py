"""The tools that are tried together with a cassette: what was tried, and the result.

Each has a program of tests below `programs/`. The names of its tests say what must happen. Tests are recorded from an
upstream and then replayed without it, except that tests with

- ``miss`` in their name ask for something that was not recorded: in the replay they fail with a miss;
- ``told`` in their name fail in the replay, with a line that says what to do;
- ``refused_to_record`` in their name fail in the recording, with such a line, and are not replayed.
"""

from __future__ import annotations

from dataclasses import dataclass

WORKS = "works"


@dataclass(frozen=True)
class Tool:
    """One tool.

    Attributes:
        name: what the page calls it.
        program: the program's file, without `with_` and `.py`.
        packages: the distributions whose versions the page names.
        tried: what was tried.
        result: `WORKS`, or what to do.
        told: the lines that tests named `told` or `refused_to_record` must print.
        options: pytest's options in the replay, and with `everywhere` in the recording too.
        everywhere: see `options`.
        environment: the folder below `.sdk`.
    """

    name: str
    program: str
    packages: tuple[str, ...]
    tried: str
    result: str = WORKS
    told: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    everywhere: tuple[str, ...] = ()
    environment: str = "beside"


ORDERS = "its fixture before the cassette and after it"
GOOGLE = "generativelanguage.googleapis.com"
HTTPX_MOCK = f'@pytest.mark.httpx_mock(should_mock=lambda request: request.url.host != "{GOOGLE}")'

TOOLS = [
    Tool(
        "VCR.py",
        "vcrpy",
        ("vcrpy",),
        f"{ORDERS}; both for one request, in httpx and requests",
        'keep it off the client library and http.client: `skip_patchers=["httplib", "httpx"]`. A request that it '
        "handles, too, is refused: it would hold the response back until the last chunk",
        ("VCR.py handles this request, too", 'skip_patchers=["httpx"]'),
    ),
    Tool(
        "pytest-recording",
        "pytest_recording",
        ("pytest-recording", "vcrpy"),
        "its marker and ours on one test; `block_network`",
        'the same: `@pytest.mark.vcr(skip_patchers=["httplib", "httpx"])`. To record under `block_network`, allow '
        "the host (`allowed_hosts`)",
        ('Let it pass with VCR.py: skip_patchers=["httpx"]', "Allow it with pytest-recording: --allowed-hosts"),
    ),
    Tool(
        "cassetter",
        "cassetter",
        ("cassetter",),
        "its block and its marker around a request",
        "keep it off the client library: name only others in `intercept=`",
        ("cassetter handles this request, too", "name only others in intercept="),
        environment="beside-pytest8",
    ),
    Tool(
        "pytest-httpx",
        "pytest_httpx",
        ("pytest-httpx",),
        f"a mock of another host; {ORDERS}",
        f"let the request pass: `{HTTPX_MOCK}`",
        (f"Let it pass with pytest-httpx: {HTTPX_MOCK}",),
    ),
    Tool(
        "responses",
        "responses",
        ("responses",),
        f"a mock of another host; {ORDERS}; as a decorator",
        f'let the request pass: `responses.add_passthru("https://{GOOGLE}")`. Other clients need nothing',
        (f'Let it pass with responses: responses.add_passthru("https://{GOOGLE}")',),
    ),
    Tool(
        "respx",
        "respx",
        ("respx",),
        f"a mock of another host; {ORDERS}",
        f'let the request pass: `respx_mock.route(host="{GOOGLE}").pass_through()`; or answer a route '
        "[from a cassette](clients.md#explicit-transports)",
        (f'Let it pass with respx: respx_mock.route(host="{GOOGLE}").pass_through()',),
    ),
    Tool(
        "pytest-socket",
        "pytest_socket",
        ("pytest-socket",),
        "`--disable-socket` with httpx, requests, google-genai and asyncio",
        "works; any event loop of asyncio needs `--allow-unix-socket`, recording `--force-enable-socket`",
        ("Allow it with pytest-socket: --force-enable-socket",),
        options=("--disable-socket", "--allow-unix-socket"),
    ),
    Tool(
        "freezegun",
        "freezegun",
        ("freezegun",),
        f"as a decorator; {ORDERS}; asyncio; the replay keeps its rhythm",
    ),
    Tool(
        "time-machine",
        "time_machine",
        ("time-machine",),
        f"as a decorator; {ORDERS}; asyncio; the replay keeps its rhythm",
    ),
    Tool(
        "pyfakefs",
        "pyfakefs",
        ("pyfakefs",),
        f"{ORDERS}; replaying and recording",
        "ask for `gemini_cassette` before `fs`, or call `fs.add_real_directory()`; record in `with Pause(fs):`",
        (
            "pyfakefs hides the real files. Ask for gemini_cassette before fs",
            "nothing can be recorded while pyfakefs hides the real files",
            "`with Pause(fs):`",
        ),
    ),
    Tool(
        "OpenTelemetry",
        "opentelemetry",
        ("opentelemetry-sdk", "opentelemetry-instrumentation-httpx", "opentelemetry-instrumentation-requests"),
        "httpx and requests, instrumented before the cassette and after it",
    ),
    Tool(
        "pytest-rerunfailures",
        "rerunfailures",
        ("pytest-rerunfailures",),
        "a test that passes in its third run: each run replays the cassette from its start, the last one records it",
    ),
    Tool(
        "subtests of pytest 9",
        "subtests",
        ("pytest",),
        "requests and misses in subtests; a miss that the code swallows fails the test",
    ),
    Tool(
        "pytest-subtests",
        "subtests",
        ("pytest-subtests", "pytest"),
        "the same with pytest 8",
        environment="beside-pytest8",
    ),
    Tool(
        "pytest-asyncio, strict",
        "pytest_asyncio",
        ("pytest-asyncio",),
        "coroutines, async fixtures, tasks",
        everywhere=("-o", "asyncio_mode=strict"),
    ),
    Tool(
        "pytest-asyncio, auto",
        "pytest_asyncio_auto",
        ("pytest-asyncio",),
        "coroutines and async fixtures without a marker",
        everywhere=("-o", "asyncio_mode=auto"),
    ),
    Tool("anyio", "anyio", ("anyio", "trio"), "coroutines and async fixtures, on asyncio and on trio"),
    Tool("pytest-trio", "pytest_trio", ("pytest-trio", "trio"), "coroutines and async fixtures"),
    Tool("gevent", "gevent", ("gevent",), "everything monkey-patched; httpx in greenlets, requests"),
    Tool("uvloop", "uvloop", ("uvloop",), "`uvloop.run()`, and as the loop of anyio's plugin"),
]
