"""The surveyed packages at their current versions, each parser in an environment of its own."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NODE = f"node-{sys.platform}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"
"""The npm package with a current release of node, which the surveyed packages need."""


_BELOW = ("google-genai", "llm", "ijson", "urllib3", "httpx", "httpx2", "aiohttp")
"""Packages whose versions count if a surveyed one stands on them."""

CLIENTS = "Whole clients of Gemini"
SDKS = "Other SDKs, and the parsers inside SDKs"
LIBRARIES = "Libraries for server-sent events"
ARRAYS = "Readers of JSON arrays"
LOOPS = "Loops over lines"
EXAMPLES = "Examples of this project"


@dataclass(frozen=True)
class Parser:
    """One surveyed parser.

    Attributes:
        name: its name, also that of its adapter in python_parsers.py, clients.py or node_parsers.mjs.
        group: what it is, a heading of the page's tables.
        packages: the packages to install; the first is the surveyed one.
        framing: "sse" or "json-array".
        node: whether it runs in Node.
        client: whether it is a whole client with types of its own, see `plainly`.
        leak: what of one stream gets into another, if its adapter has to prevent that, since it would show in every
            class; isolation is not tried then.
        about: how it is called; for Python, the adapter's docstring says it.
    """

    name: str
    group: str
    packages: tuple[str, ...]
    framing: str = "sse"
    node: bool = False
    client: bool = False
    leak: str = ""
    about: str = ""


def _node(name: str, group: str, about: str, *others: str, **more: Any) -> Parser:
    """A parser of Node, whose package has its name."""
    return Parser(name, group, (name, *others), node=True, about=f"{name}: {about}", **more)


_GENAI = ("google-genai", "httpx", "aiohttp")
PARSERS = (
    Parser("google-genai client", CLIENTS, _GENAI, client=True),
    Parser("google-genai async client", CLIENTS, _GENAI, client=True),
    Parser("langchain-google-genai", CLIENTS, ("langchain-google-genai",), client=True),
    Parser("litellm client", CLIENTS, ("litellm",), client=True),
    Parser("llm-gemini", CLIENTS, ("llm-gemini",), "json-array", client=True),
    Parser(
        "@google/genai client",
        CLIENTS,
        ("@google/genai",),
        node=True,
        client=True,
        about="@google/genai, the whole client: models.generateContentStream(…).",
    ),
    _node("@ai-sdk/google", CLIENTS, "the model's doStream(…), below streamText of the AI SDK.", client=True),
    Parser("google-genai-httpx2", SDKS, _GENAI),
    Parser("google-genai-httpx", SDKS, _GENAI),
    Parser("google-genai-aiohttp", SDKS, _GENAI),
    _node("@google/genai", SDKS, "the request by which its models stream, before it picks the fields of the answer."),
    _node("@google/generative-ai", SDKS, "generateContentStream(…).stream."),
    Parser("litellm", SDKS, ("litellm",)),
    _node(
        "@ai-sdk/provider-utils",
        SDKS,
        "parseJsonEventStream(…), with which the providers of the AI SDK read streams.",
        "zod",
    ),
    Parser("openai", SDKS, ("openai",)),
    Parser("openai client", SDKS, ("openai",), client=True),
    Parser("openai (Node)", SDKS, ("openai",), node=True, about="openai: client.chat.completions.create(…) in Node."),
    Parser("groq", SDKS, ("groq",)),
    Parser("groq client", SDKS, ("groq",), client=True),
    Parser("huggingface-hub", SDKS, ("huggingface-hub",), client=True),
    Parser("cohere", SDKS, ("cohere",)),
    Parser("anthropic", SDKS, ("anthropic",)),
    _node(
        "@anthropic-ai/sdk",
        SDKS,
        "its decoder of server-sent events; its streams pass over events without a name of theirs.",
    ),
    Parser("mistralai", SDKS, ("mistralai",)),
    Parser("langgraph-sdk", SDKS, ("langgraph-sdk",)),
    Parser("langgraph-sdk client", SDKS, ("langgraph-sdk",), client=True),
    Parser("httpx-sse", LIBRARIES, ("httpx-sse", "httpx")),
    Parser("httpx2-eventsource", LIBRARIES, ("httpx2",)),
    Parser("sseclient-py", LIBRARIES, ("sseclient-py", "requests")),
    Parser("sseclient", LIBRARIES, ("sseclient",)),
    Parser("requests-sse", LIBRARIES, ("requests-sse", "requests")),
    Parser("launchdarkly-eventsource", LIBRARIES, ("launchdarkly-eventsource", "requests")),
    Parser("aiohttp-sse-client", LIBRARIES, ("aiohttp-sse-client",)),
    Parser("aiosseclient", LIBRARIES, ("aiosseclient",)),
    Parser("assel", LIBRARIES, ("assel",), leak="a stream that ends within a character spoils all later ones"),
    _node(
        "eventsource-parser",
        LIBRARIES,
        "EventSourceParserStream after a TextDecoderStream; exact integers.",
    ),
    _node("eventsource", LIBRARIES, "events of every type, as its EventSource dispatches them."),
    _node("eventsource-client", LIBRARIES, "createEventSource(…)."),
    _node("@microsoft/fetch-event-source", LIBRARIES, "fetchEventSource(…)."),
    _node("fetch-event-stream", LIBRARIES, "events(response)."),
    _node("parse-sse", LIBRARIES, "parseServerSentEvents(response)."),
    _node("event-stream-parser", LIBRARIES, "parse(body)."),
    _node("@server-sent-stream/web", LIBRARIES, "the body piped through EventSourceStream."),
    _node("@azure/core-sse", LIBRARIES, "createSseStream(body)."),
    Parser("google-api-core", ARRAYS, ("google-api-core", "requests"), "json-array"),
    Parser("ijson", ARRAYS, ("ijson",), "json-array"),
    Parser("json-stream", ARRAYS, ("json-stream",), "json-array"),
    _node(
        "@streamparser/json-whatwg",
        ARRAYS,
        'the body piped through JSONParser({ paths: ["$.*"] }).',
        framing="json-array",
    ),
    _node("stream-json", ARRAYS, "withParserAsStream() of its streamArray.", framing="json-array"),
    Parser("httpx-iter-lines", LOOPS, ("httpx",)),
    Parser("httpx2-iter-lines", LOOPS, ("httpx2",)),
    Parser("requests-iter-lines", LOOPS, ("requests",)),
    Parser("requests-iter-lines-unicode", LOOPS, ("requests",)),
    Parser("story-client", EXAMPLES, ("requests",)),
    Parser("story-client-fixed", EXAMPLES, ("requests",)),
)


class Environments:
    """Virtual environments and node_modules below one folder.

    Args:
        folder: where they are. Existing ones are used again.
        update: install the current versions also in existing environments.
    """

    def __init__(self, folder: Path, *, update: bool = True) -> None:
        self.folder = folder
        self._update = update
        self._ready: set[tuple[str, ...]] = set()

    def command(self, parser: Parser, *, times: bool = False) -> list[str]:
        """The command that runs a parser's adapter. Makes its environment first.

        Args:
            parser: the parser.
            times: whether a client of Python tells the seconds of its values, see `plainly.late`.
        """
        home = self._home(parser.packages, node=parser.node)
        if parser.node:
            program = [str(_program_of_node(home)), str(HERE / "node_parsers.mjs")]
            return ["env", f"PARSER_MODULES={home}", *program, parser.name]
        adapters = HERE / ("clients.py" if parser.client else "python_parsers.py")
        return [str(_python(home)), str(adapters), parser.name, *(["--times"] if times else [])]

    def versions(self, parser: Parser) -> dict[str, str]:
        """The versions of a parser's packages and of its language."""
        home = self._home(parser.packages, node=parser.node)
        if parser.node:
            found = {
                name: json.loads((home / "node_modules" / name / "package.json").read_text(encoding="utf-8"))[
                    "version"
                ]
                for name in parser.packages
            }
            return {**found, "node": _output([str(_program_of_node(home)), "--version"]).lstrip("v")}
        ask = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
        names = [*parser.packages, *(one for one in _BELOW if one not in parser.packages and _has(home, one))]
        found = dict(zip(names, _output([str(_python(home)), "-c", ask, *names]).split(), strict=True))
        return {
            **found,
            "python": _output([str(_python(home)), "-c", "import platform as p; print(p.python_version())"]),
        }

    def _home(self, packages: tuple[str, ...], *, node: bool) -> Path:
        home = self.folder / f"{'node-' if node else ''}{packages[0].strip('@').replace('/', '-')}"
        if packages not in self._ready:
            if self._update or not home.exists():
                (_install_node if node else _install_python)(home, packages)
            self._ready.add(packages)
        return home


def default_folder() -> Path:
    """The default folder, in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "gemini-replay" / "parser-survey"


def _install_python(home: Path, packages: Sequence[str]) -> None:
    if not home.exists():
        _run([sys.executable, "-m", "venv", str(home)])
    _run([str(_python(home)), "-m", "pip", "install", "--quiet", "--upgrade", *packages])


def _install_node(home: Path, packages: Sequence[str]) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed for the parsers of Node; leave them out with --only.")
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    _run([npm, "install", "--silent", "--prefix", str(home), f"{NODE}@24", *(f"{name}@latest" for name in packages)])


def _program_of_node(home: Path) -> Path:
    return home / "node_modules" / NODE / "bin" / "node"


def _has(home: Path, package: str) -> bool:
    return any((home / "lib").glob(f"python*/site-packages/{package.replace('-', '_')}-*.dist-info"))


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: Sequence[str]) -> None:
    print("+", *command, file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr)


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
