"""From ``MODULE:CALLABLE`` to the callable."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..errors import UsageError, did_you_mean


def load(target: str) -> Callable[[Any], Any]:
    """The callable of a target such as "my_package.streams:parse" or "my_package.streams:Parser.parse".

    Modules are looked for in the working folder first.
    """
    module_name, colon, path = target.partition(":")
    if not (module_name and colon and path):
        raise UsageError(
            f"{target!r} does not name a parser.", hint="Write MODULE:CALLABLE, such as my_package.streams:parse."
        )
    found: Any = _module(module_name)
    at = module_name
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise UsageError(
                f"{at} has no {name!r}.", suggestion=_closest(name, _callables(found)), hint="Name a callable in it."
            ) from None
        at = f"{at}:{name}" if at == module_name else f"{at}.{name}"
    if not callable(found):
        raise UsageError(
            f"{target} is {found!r:.60}, which cannot be called.",
            suggestion=_closest(path, _callables(sys.modules[module_name])),
            hint="Name a callable that takes byte chunks and returns JSON objects.",
        )
    return found  # type: ignore[no-any-return]


def _module(name: str) -> Any:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing != name and not name.startswith(f"{missing}."):
            raise UsageError(
                f"{name} cannot be imported: it needs {missing}, which is not installed.",
                hint="Run the command in the environment of that module, or use --command.",
            ) from None
        parent = missing.rpartition(".")[0]
        raise UsageError(
            f"Unknown module {missing!r}.",
            suggestion=_closest(missing.rpartition(".")[2], _modules(parent), parent),
            hint="Modules are looked for in the working folder and in this environment.",
        ) from None
    except Exception as error:
        raise UsageError(
            f"{name} cannot be imported: {type(error).__name__}: {error}", hint=f"See: python -c 'import {name}'"
        ) from error


def _modules(parent: str) -> Iterable[str]:
    if not parent:
        return [one.name for one in pkgutil.iter_modules()]
    spec = importlib.util.find_spec(parent)
    return [one.name for one in pkgutil.iter_modules(spec.submodule_search_locations if spec else [])]


def _callables(holder: Any) -> Iterable[str]:
    return [name for name in dir(holder) if not name.startswith("_") and callable(getattr(holder, name, None))]


def _closest(name: str, names: Iterable[str], parent: str = "") -> str:
    return did_you_mean(name, names, lambda near: f"{parent}.{near}" if parent else near)
