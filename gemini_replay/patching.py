"""Replacing functions of other people's modules, reversibly; and waiting for a module to be imported."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
Interception = tuple[Any, str, Wrap]
"""The owner (a class or a module), the attribute's name, and what makes the replacement from the original."""


class Patches:
    """A set of replacements that other tools may patch over and under.

    A replacement is put back only where it is still in place: what another tool put on top stays, and calls
    through to ours, which then does nothing. `apply` replaces again what another tool has taken away.
    """

    def __init__(self) -> None:
        self._applied: list[tuple[Any, str, bool, Any, Any]] = []

    def apply(self, interceptions: Iterable[Interception]) -> None:
        """Put each replacement in place that is not in place already."""
        for owner, name, wrap in interceptions:
            present = getattr(owner, name)
            if any(o is owner and n == name and new is present for o, n, _, _, new in self._applied):
                continue
            replacement = functools.wraps(present)(wrap(present))
            self._applied.append((owner, name, name in vars(owner), present, replacement))
            setattr(owner, name, replacement)

    def undo(self) -> None:
        """Put the originals back, the last replaced first."""
        while self._applied:
            owner, name, own, original, replacement = self._applied.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)  # it was inherited


class WhenImported(MetaPathFinder):
    """Calls back when a module is imported, at once where it is imported already."""

    def __init__(self) -> None:
        self._waiting: dict[str, Callable[[str], None]] = {}

    def call(self, module: str, callback: Callable[[str], None]) -> None:
        """Call `callback` with the module's name as soon as it is imported completely."""
        loaded = sys.modules.get(module)
        if loaded is not None and not _loading(loaded):
            callback(module)
            return
        self._waiting[module] = callback
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        """Wait no longer."""
        self._waiting.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find as the other finders do, and hear of it when the module has been executed."""
        if fullname not in self._waiting:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Announcing(spec.loader, self._loaded)
                return spec
        return None

    def _loaded(self, module: str) -> None:
        callback = self._waiting.pop(module, None)
        if callback is not None:
            callback(module)


class _Announcing(Loader):
    """A loader that says so when it has executed its module, and is the original in all else."""

    def __init__(self, loader: Loader, announce: Callable[[str], None]) -> None:
        self._loader = loader
        self._announce = announce

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader  # the module itself shall see its true loader
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._announce(module.__name__)


def _loading(module: ModuleType) -> bool:
    """Whether a module in `sys.modules` is still being executed (by another thread, or up the stack)."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
