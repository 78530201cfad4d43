"""The rules of the architecture: imports run downwards without circles, and nothing heavy loads before it is used."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import gemini_replay

PACKAGE = Path(gemini_replay.__file__).parent

LAYERS = [
    {"_version", "counting", "plain_text", "urls"},
    {"errors"},
    {"arguments"},
    {"hooks"},
    {"clocks", "patching", "threads"},
    {"loops"},
    {"frames", "http1"},
    {"provider"},
    {"gemini"},
    {"shipped"},
    {"cassette"},
    {"virtual_clock"},
    {"engine"},
    {"rhythm"},
    {"session"},
    {"transports"},
    {"decorating"},
    {"interception"},
    {"faults"},
    {"server", "fuzz", "report", "checks"},
    {"demo", "naming"},
    {"interop"},
    {"pytest_plugin", "cli"},
    {"__main__"},
]
"""The layers, lowest first. A module imports from its own folder and layers below it; `__init__` imports lazily."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

HEAVY = (
    "httpx",
    "httpx2",
    "respx",
    "requests",
    "aiohttp",
    "hypothesis",
    "uvicorn",
    "anyio",
    "trio",
    "asyncio",
    "rich",
    "yaml",
)


def module_name(path: Path) -> str:
    """A file's module, without the package: "cassette.journal.writer", or "cassette.journal" for its `__init__`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"}


@functools.cache
def syntax(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """The modules of the package that a module imports, inside its functions too; "" is the package itself."""
    folder = ["gemini_replay", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*folder[: len(folder) - node.level + 1]] if node.level else []
            home = ".".join([*base, *([node.module] if node.module else [])])
            found = [f"{home}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            package, _, module = name.partition(".")
            if package == "gemini_replay":
                yield module if module in MODULES else module.rpartition(".")[0]


@functools.cache
def graph() -> Mapping[str, set[str]]:
    """What each module imports."""
    return {name: set(imports(path)) - {name} for name, path in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module: str) -> None:
    """Each module imports only from layers below its own, and from its own folder."""
    mine = module.partition(".")[0]
    for imported in graph()[module]:
        other = imported.partition(".")[0]
        assert RANK[other] < RANK[mine] or other == mine, f"{module} imports {imported}"


def test_every_layer_exists_and_every_part_has_a_layer() -> None:
    """The list of layers names the parts of the package, each once."""
    assert sorted(name for layer in LAYERS for name in layer) == sorted({name.partition(".")[0] for name in MODULES})


def circle(imported: Mapping[str, set[str]]) -> list[str]:
    """The modules of one circle of imports, or an empty list."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_modules_have_no_circular_imports() -> None:
    """No module imports itself through others, not even inside a function."""
    assert circle(graph()) == []


FOLDERS = sorted({path.parent for path in MODULES.values()} - {PACKAGE})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_folders_have_no_circular_imports(folder: Path) -> None:
    """Within a folder, each inner folder counts as one unit, and units do not import each other in circles."""
    prefix = f"{module_name(folder / '__init__.py')}."

    def part(module: str) -> str:
        return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else ""

    parts: dict[str, set[str]] = {}
    for module, imported in graph().items():
        if mine := part(module):
            parts.setdefault(mine, set()).update({part(other) for other in imported} - {mine, ""})
    assert circle(parts) == []


NEUTRAL = [
    name
    for name in MODULES
    if name.partition(".")[0] in {"provider", "frames", "cassette", "engine", "session", "transports", "server"}
    and name
    not in {
        "transports.google_auth",  # a client library
        "transports",  # lists the client libraries
        "cassette.redaction.key_formats",  # knows the keys of all vendors
        "cassette.redaction.randomness",  # knows the words of placeholders
    }
    and not name.startswith("server.upstream")  # the embedded upstream is a Gemini server
]
OWN_NAMES = re.compile(r"gemini[-_]replay|--gemini-[a-z-]+|\bgemini_[a-z_]+|GeminiReplayError")
PECULIAR = re.compile(r"gemini(?![a-z])|google|vertex|generativelanguage", re.IGNORECASE)


def words(path: Path) -> Iterator[str]:
    """The names and strings in a module's code, without docstrings and comments."""
    tree = syntax(path)
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value
        for field in ("id", "attr", "name", "arg", "module", "asname"):
            if isinstance(found := getattr(node, field, None), str):
                yield found


@pytest.mark.parametrize("name", NEUTRAL)
def test_only_the_provider_knows_gemini(name: str) -> None:
    """Frames, cassettes, engine, sessions, transports and servers work for other APIs too."""
    assert not [other for other in graph()[name] if other.partition(".")[0] == "gemini"]
    assert not [word for word in words(MODULES[name]) if PECULIAR.search(OWN_NAMES.sub("", word))]


CORE = ["frames", "provider.py", "gemini", "cassette/model.py", "cassette/format_v1", "engine"]
OUTSIDE = {"socket", "ssl", "asyncio", "time", "os", "io", "select", "selectors", "subprocess"}


@pytest.mark.parametrize("name", CORE)
def test_the_core_knows_no_socket_loop_clock_or_file(name: str) -> None:
    """The core is sans-I/O: in the engine, only the drivers in `pacing` import a clock."""
    root = PACKAGE / name
    for path in [root] if root.suffix else sorted(root.rglob("*.py")):
        if path.name == "pacing.py":
            continue
        for node in ast.walk(syntax(path)):
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
    """Each name of the package is imported when it is first used."""
    assert not loaded_after("import gemini_replay") & set(HEAVY)


def test_loading_the_plugin_loads_nothing_heavy_and_little_of_our_own() -> None:
    """The plug-in is loaded in every user's test runs, so it may need only pytest itself."""
    loaded = loaded_after(
        "import pytest\nbefore = set(sys.modules)\nimport gemini_replay.pytest_plugin\n"
        "[sys.modules.pop(name) for name in before if name in sys.modules and name != 'sys']"
    )
    assert not loaded & set(HEAVY)
    plugin = {"fixtures", "options", "run", "summary"}
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
    """Each name in `__all__` exists."""
    assert all(getattr(gemini_replay, name) is not None for name in gemini_replay.__all__)
    assert set(gemini_replay.__all__) <= set(dir(gemini_replay))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = gemini_replay.nonsense
