"""Checks that a client library has the undocumented names that a transport uses, before anything is replaced."""

from __future__ import annotations

import dis
import inspect
import platform
import re
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

from ..errors import GeminiReplayError

_NAME = re.compile(r"(?P<path>[\w.]+)(?:\((?P<parameters>[\w, ]*)\)(?:\.(?P<attribute>\w+))?)?")


def check(library: str, names: tuple[str, ...], *, supported: str) -> None:
    """Check that a client library has every name that a transport uses, of the expected kind.

    Args:
        library: the name of a module that has been imported.
        names: each relative to the module. ``pool.Pool`` must exist. ``pool.Pool.take(key, timeout)`` must exist and
            take these parameters. ``pool.Pool()._size`` must be an attribute of the class, or one that its methods
            set.
        supported: the versions that are known to have them, in words.

    Raises:
        GeminiReplayError: something is missing. The message says what, in which version, and what to do.
    """
    missing = [f"{library}.{name}" for name in _missing(sys.modules[library], names)]
    if missing:
        raise incompatible(library, f"it has no {', '.join(missing)}", supported=supported)


def incompatible(library: str, why: str, *, supported: str) -> GeminiReplayError:
    """The error for a client library that a transport cannot work with."""
    module = sys.modules[library]
    version = getattr(module, "__version__", f"of Python {platform.python_version()}")
    return GeminiReplayError(
        f"{library} {version} is not built as this release of gemini-replay expects: {why}.",
        hint=f"Use {supported}, or a newer gemini-replay.",
    )


@cache
def _missing(module: ModuleType, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not _has(module, name)]


def _has(module: ModuleType, name: str) -> bool:
    match = _NAME.fullmatch(name)
    assert match is not None, name
    found: Any = module
    for part in match["path"].split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            return False
    if match["attribute"]:
        return hasattr(found, match["attribute"]) or match["attribute"] in _set_by_methods(found)
    wanted = {parameter.strip() for parameter in (match["parameters"] or "").split(",")} - {""}
    return not wanted or _takes(found, wanted)


def _set_by_methods(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        for method in vars(base).values():
            if inspect.isfunction(method):
                yield from (step.argval for step in dis.get_instructions(method) if step.opname == "STORE_ATTR")


def _takes(function: Any, wanted: set[str]) -> bool:
    parameters = inspect.signature(function).parameters
    passes_on = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())  # another tool's
    return passes_on or wanted <= parameters.keys()
