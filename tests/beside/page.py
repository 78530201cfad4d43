"""Makes the page about other tools from what `tools` declares: ``python tests/beside/page.py``.

It tries every tool first, and writes the page only if all results are as declared.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

if __package__ is None and __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from beside.tools import TOOLS, Tool

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "other-tools.md"

HEAD = """# Other tools

What else a test may use together with gemini-replay. For each row, a project of tests was recorded beside the tool \
and then replayed with the server gone. In each, a request that was not recorded failed its test, with the usual \
message. Where another tool stops a request, or would change or lose what is recorded, the failing test says in one \
line what to do.

A tool that mocks the client library is asked before the cassette. What it lets pass comes to the cassette, not to \
the network.

| tool | tried with | together with a cassette | result |
|---|---|---|---|
"""

TAIL = "\n`python tests/beside/page.py` tries all of it again and makes this page anew.\n"


def python_of(environment: str) -> Path:
    """The interpreter of an environment that tests/sdk/environments.py makes."""
    return ROOT / ".sdk" / environment / "bin" / "python"


def page(versions: dict[str, dict[str, str]]) -> str:
    """The page; `versions` are those of the distributions in each environment."""
    return HEAD + "".join(f"{_row(tool, versions[tool.environment])}\n" for tool in TOOLS) + TAIL


def _row(tool: Tool, versions: dict[str, str]) -> str:
    tried_with = ", ".join(
        versions[name] if number == 0 else f"{name} {versions[name]}" for number, name in enumerate(tool.packages)
    )
    return f"| {tool.name} | {tried_with} | {tool.tried} | {tool.result} |"


def installed(environment: str) -> dict[str, str]:
    """The versions of the distributions in an environment."""
    command = [python_of(environment), "-m", "pip", "list", "--format=json", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {found["name"].lower(): found["version"] for found in json.loads(done.stdout)}


def main() -> None:
    """Try everything, and write the page."""
    tried = [sys.executable, "-m", "pytest", "-q", "-n", "2", Path(__file__).with_name("test_tools.py")]
    subprocess.run([*tried, "-k", "not page"], check=True, cwd=ROOT)
    PAGE.write_text(page({name: installed(name) for name in {tool.environment for tool in TOOLS}}), encoding="utf-8")


if __name__ == "__main__":
    main()
