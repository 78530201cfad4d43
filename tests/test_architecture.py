"""The house's rules, held by tests: imports run downwards, and nothing heavy is loaded before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gemini_replay

PACKAGE = Path(gemini_replay.__file__).parent

LAYERS = [
    {"_version", "plain_text"},
    {"errors"},
    {"clocks", "patching"},
    {"loops"},
    {"frames"},
    {"gemini"},
    {"cassette"},
    {"virtual_clock"},
    {"engine"},
    {"rhythm"},
    {"session"},
    {"transports"},
    {"interception"},
    {"faults"},
    {"server", "fuzz", "interop", "report"},
    {"demo", "naming", "writing"},
    {"pytest_plugin", "cli"},
    {"__main__"},
]
"""Lowest first. A module imports from its own folder and from layers below; `__init__` only names things lazily."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

HEAVY = (
    "httpx",
    "httpx2",
    "respx",
    "requests",
    "aiohttp",
    "hypothesis",
    "rich",
    "uvicorn",
    "anyio",
    "trio",
    "asyncio",
)


def imported_parts(path: Path) -> set[str]:
    """The top-level parts of the package that a module imports, anywhere in it."""
    inside = path.relative_to(PACKAGE).with_suffix("").parts
    here = ["gemini_replay", *inside[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            full = [*base, *(node.module.split(".") if node.module else [])]
            found |= {full[1]} if len(full) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gemini_replay":
            found |= set((node.module or "").split(".")[1:2])
    return found - {"__version__"}


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    """Each module imports only from layers below its own, and from its own folder."""
    mine = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert mine in RANK, f"{mine} has no place in the order of layers"
    for other in imported_parts(path):
        downwards = RANK[other] < RANK[mine] or other == mine
        beside = RANK[other] == RANK[mine] and mine in {"demo", "report", "server"}
        assert downwards or beside, f"{mine} imports {other}"


CORE = ["frames", "gemini", "cassette/model.py", "cassette/format_v1.py", "engine"]
OUTSIDE = {"socket", "ssl", "asyncio", "time", "os", "io", "select", "selectors", "subprocess"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_socket_loop_clock_or_file(name: str) -> None:
    """Sans-I/O: only pacing, the one place that sleeps, and virtual time, which replaces it, import the clock."""
    root = PACKAGE / name
    for path in [root] if root.suffix else sorted(root.rglob("*.py")):
        if path.name == "pacing.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name.split(".")[0] for alias in node.names} & OUTSIDE, path
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] not in OUTSIDE, path


def loaded_after(code: str) -> set[str]:
    """The modules in `sys.modules` after running `code` in a fresh interpreter."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(out.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    """Every name of the package is imported when it is first used."""
    assert not loaded_after("import gemini_replay") & set(HEAVY)


def test_loading_the_plugin_loads_nothing_heavy_and_little_of_our_own() -> None:
    """It is in every test run of every user: pytest itself is all it may need."""
    loaded = loaded_after(
        "import pytest\nbefore = set(sys.modules)\nimport gemini_replay.pytest_plugin\n"
        "[sys.modules.pop(name) for name in before if name in sys.modules and name != 'sys']"
    )
    assert not loaded & set(HEAVY)
    plugin = {"fixtures", "marker", "options", "run"}
    assert {name for name in loaded if name.startswith("gemini_replay")} == {
        "gemini_replay",
        "gemini_replay._version",
        "gemini_replay.clocks",
        "gemini_replay.pytest_plugin",
        *(f"gemini_replay.pytest_plugin.{name}" for name in plugin),
    }


def test_importing_the_parts_that_parse_loads_no_client() -> None:
    """Parsers and cassettes can be used without any HTTP library."""
    loaded = loaded_after("from gemini_replay import Cassette, StreamParser, parse_stream")
    assert not loaded & (set(HEAVY) - {"asyncio"})


def test_every_public_name_is_there() -> None:
    """`__all__` promises no more than there is."""
    assert all(getattr(gemini_replay, name) is not None for name in gemini_replay.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gemini_replay.nonsense
