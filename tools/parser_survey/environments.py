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

HERE = Path(__file__).parent
NODE = f"node-{sys.platform}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"
"""The npm package with a current release of node, which the surveyed packages need."""


@dataclass(frozen=True)
class Parser:
    """One surveyed parser.

    Attributes:
        name: its name, also that of its adapter in python_parsers.py or node_parsers.mjs.
        packages: the packages to install; the first is the surveyed one.
        framing: "sse" or "json-array".
        node: whether it runs in Node.
        about: how it is called; for Python, the adapter's docstring says it.
    """

    name: str
    packages: tuple[str, ...]
    framing: str = "sse"
    node: bool = False
    about: str = ""


PARSERS = (
    Parser("google-genai-httpx2", ("google-genai", "httpx", "aiohttp")),
    Parser("google-genai-httpx", ("google-genai", "httpx", "aiohttp")),
    Parser("google-genai-aiohttp", ("google-genai", "httpx", "aiohttp")),
    Parser(
        "@google/genai",
        ("@google/genai",),
        node=True,
        about="@google/genai: the request by which its models stream, before it picks the fields of the answer.",
    ),
    Parser(
        "@google/generative-ai",
        ("@google/generative-ai",),
        node=True,
        about="@google/generative-ai: generateContentStream(…).stream.",
    ),
    Parser("litellm", ("litellm",)),
    Parser("openai", ("openai",)),
    Parser("groq", ("groq",)),
    Parser("cohere", ("cohere",)),
    Parser("anthropic", ("anthropic",)),
    Parser("mistralai", ("mistralai",)),
    Parser("langgraph-sdk", ("langgraph-sdk",)),
    Parser("httpx-sse", ("httpx-sse", "httpx")),
    Parser("httpx2-eventsource", ("httpx2",)),
    Parser("sseclient-py", ("sseclient-py", "requests")),
    Parser("sseclient", ("sseclient",)),
    Parser("aiohttp-sse-client", ("aiohttp-sse-client",)),
    Parser("assel", ("assel",)),
    Parser(
        "eventsource-parser",
        ("eventsource-parser",),
        node=True,
        about="eventsource-parser: EventSourceParserStream behind a TextDecoderStream; JSON with exact integers.",
    ),
    Parser("httpx-iter-lines", ("httpx",)),
    Parser("httpx2-iter-lines", ("httpx2",)),
    Parser("requests-iter-lines", ("requests",)),
    Parser("requests-iter-lines-unicode", ("requests",)),
    Parser("google-api-core", ("google-api-core", "requests"), "json-array"),
    Parser("ijson", ("ijson",), "json-array"),
    Parser("story-client", ("requests",)),
    Parser("story-client-fixed", ("requests",)),
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

    def command(self, parser: Parser) -> list[str]:
        """The command that runs a parser's adapter. Makes its environment first."""
        home = self._home(parser.packages, node=parser.node)
        if parser.node:
            return ["env", f"PARSER_MODULES={home}", str(_node(home)), str(HERE / "node_parsers.mjs"), parser.name]
        return [str(_python(home)), str(HERE / "python_parsers.py"), parser.name]

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
            return {**found, "node": _output([str(_node(home)), "--version"]).lstrip("v")}
        ask = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
        names = [*parser.packages, *(extra for extra in ("urllib3", "httpx2") if _has(home, extra))]
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


def _node(home: Path) -> Path:
    return home / "node_modules" / NODE / "bin" / "node"


def _has(home: Path, package: str) -> bool:
    return any((home / "lib").glob(f"python*/site-packages/{package}-*.dist-info"))


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(command: Sequence[str]) -> None:
    print("+", *command, file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr)


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
