"""Replacing functions of other libraries reversibly, and calling back when a library is imported."""

from __future__ import annotations

import functools
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple

Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]
Interception = tuple[Any, str, Wrap]
"""The owner (a class or module), the attribute's name, and a function from the original to its replacement."""


class Lock:
    """A re-entrant lock that is free in a forked child, even if a thread of the parent held it."""

    _all: ClassVar[weakref.WeakSet[Lock]] = weakref.WeakSet()
    _registered: ClassVar[bool] = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        Lock._all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @classmethod
    def watch_forks(cls) -> None:
        """From now on, replace every lock in each forked child."""
        if not cls._registered and hasattr(os, "register_at_fork"):
            cls._registered = True
            os.register_at_fork(after_in_child=cls._renew)

    @classmethod
    def _renew(cls) -> None:
        for lock in list(cls._all):
            lock._lock = threading.RLock()


_MOST_MADE = 256


class _Replaced(NamedTuple):
    """One replacement in place; `own`: the original was the owner's, and not inherited."""

    owner: Any
    name: str
    own: bool
    original: Any
    replacement: Any


class Patches:
    """A set of replacements that works beside other tools' patches. Any thread may use it.

    `undo` restores an original only if the replacement is still in place. If another tool has patched over it, that
    patch stays, and calls the replacement, which then must only call the original. `apply` replaces again what
    another tool has removed, and what it has patched over.

    A replacement is made once for each original and `Wrap`, and used again each time: tests open and close thousands
    of sessions.
    """

    def __init__(self) -> None:
        # By the ids of the owners and the names. Of several with the same name, a later one is over an earlier one,
        # with another tool's patch between them.
        self._applied: dict[tuple[int, str], list[_Replaced]] = {}
        self._made: dict[tuple[int, str], tuple[Any, Any, Wrap, Any]] = {}  # owner, original, wrap, replacement
        self._lock = Lock()

    def apply(self, interceptions: Iterable[Interception]) -> None:
        """Make each replacement that is not in place already: all of them, or none.

        Raises:
            AttributeError: an owner has no such attribute.
        """
        with self._lock:
            new = []
            try:
                for owner, name, wrap in interceptions:
                    present = getattr(owner, name)
                    if self._is_applied(owner, name, present):
                        continue
                    made = self._made.get((id(owner), name))
                    if made is None or made[0] is not owner or made[1] is not present or made[2] is not wrap:
                        made = self._make(owner, name, present, wrap)
                    replaced = _Replaced(owner, name, name in vars(owner), present, made[3])
                    setattr(owner, name, replaced.replacement)
                    # If another tool has put the original back, this very replacement is there again.
                    if not self._is_applied(owner, name, replaced.replacement):
                        self._applied.setdefault((id(owner), name), []).append(replaced)
                    new.append((id(owner), name))
            except BaseException:
                for key in reversed(new):
                    self._undo(key)
                raise

    def _is_applied(self, owner: Any, name: str, present: Any) -> bool:
        """Whether what is there is a replacement. Those that were over it are gone: another tool has removed them."""
        applied = self._applied.get((id(owner), name), [])
        for place, replaced in enumerate(applied, 1):
            if replaced.replacement is present:
                del applied[place:]
                return True
        return False

    def _make(self, owner: Any, name: str, original: Any, wrap: Wrap) -> tuple[Any, Any, Wrap, Any]:
        if len(self._made) >= _MOST_MADE:  # a library may be imported anew many times
            self._made.clear()
        made = self._made[id(owner), name] = owner, original, wrap, functools.wraps(original)(wrap(original))
        return made

    def are_in_place(self) -> bool:
        """Whether each replacement is still in place: no other tool has patched over it or removed it."""
        with self._lock:
            for applied in self._applied.values():
                top = applied[-1]
                if getattr(top.owner, top.name, None) is not top.replacement:
                    return False
        return True

    def undo(self) -> None:
        """Restore the originals, in reverse order."""
        with self._lock:
            while self._applied:
                self._undo(next(reversed(self._applied)))

    def _undo(self, key: tuple[int, str]) -> None:
        """Restore the last original of one name."""
        owner, name, own, original, replacement = self._applied[key].pop()
        if not self._applied[key]:
            del self._applied[key]
        if vars(owner).get(name) is not replacement:
            return
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)  # the original was inherited


class WhenImported(MetaPathFinder):
    """Calls back each time a library has been imported, and at once if it is imported already.

    A library has new functions each time it, or a part of it, is reloaded, or removed from `sys.modules` and imported
    again. The call comes before any thread can use the imported library. No lock is held during the call.

    An import may be in progress in another thread, or further up the stack of this one. This class never waits for
    it, since that thread may be waiting for this one. Instead, the module's specification reports when the import is
    complete.

    Args:
        failed: called with the library's name and the exception if a callback raises after an import. The import
            itself succeeds.
    """

    def __init__(self, failed: Callable[[str, Exception], None] | None = None) -> None:
        self._failed = failed or _unraisable
        self._callbacks: dict[str, Callable[[str], None]] = {}
        self._lock = Lock()

    def call(self, callback: Callable[[str], None], *libraries: str) -> None:
        """Call `callback` with each library's name: now, if its import is complete, and after each later import.

        A library may also be a submodule, by its dotted name; then only its imports are reported.

        Raises:
            Exception: `callback` raised it, now.
        """
        with self._lock:
            self._callbacks = {**self._callbacks, **dict.fromkeys(libraries, callback)}
            if self not in sys.meta_path:
                sys.meta_path.insert(_first_place(), self)
        for library in libraries:
            if sys.modules.get(library) is not None:
                self._imported(library)

    @property
    def listens(self) -> bool:
        """Whether imports are noticed."""
        return self in sys.meta_path

    def stop(self) -> None:
        """Do not call back any more."""
        with self._lock:
            self._callbacks = {}
            if self in sys.meta_path:
                sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as the other finders do; its loader reports when it has executed the module."""
        library = next((name for name in self._callbacks if f"{fullname}.".startswith(f"{name}.")), None)
        if library is None:
            return None
        finders = list(sys.meta_path)
        # Finders before this one have been asked. Another `WhenImported` for this library may follow it.
        for finder in finders[finders.index(self) + 1 if self in finders else 0 :]:
            if not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _ReportingLoader(
                        spec.loader, functools.partial(self._safely, self._imported, library)
                    )
                return spec
        return None

    def _imported(self, library: str) -> None:
        """The library, or a part of it, is in `sys.modules`: call back now, or when its import is complete."""
        spec = getattr(sys.modules.get(library), "__spec__", None)
        if getattr(spec, "_initializing", False):
            later = functools.partial(self._safely, self._call, library)
            if _when_complete(spec, self, later):
                return
        self._call(library)

    def _call(self, library: str) -> None:
        callback = self._callbacks.get(library)
        if callback is not None and sys.modules.get(library) is not None:
            callback(library)

    def _safely(self, step: Callable[[str], None], library: str) -> None:
        try:
            step(library)
        except Exception as error:
            self._failed(library, error)


def _first_place() -> int:
    """The first place in `sys.meta_path` after any finder of pyfakefs.

    When pyfakefs ends or pauses between a test's phases, it removes the first finder, which must be its own.
    """
    names = [type(finder).__module__.partition(".")[0] for finder in sys.meta_path]
    return next((place for place, name in enumerate(names) if name != "pyfakefs"), 0)


def _unraisable(library: str, error: Exception) -> None:
    message = f"gemini-replay, after the import of {library}"
    where = SimpleNamespace(
        exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__, err_msg=message, object=None
    )
    sys.unraisablehook(where)


class _ReportingLoader(Loader):
    """A loader that reports when it has executed its module, and otherwise behaves as the original."""

    def __init__(self, loader: Loader, report: Callable[[], None]) -> None:
        self._loader = loader
        self._report = report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._loader, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._loader  # the module sees its real loader
            module.__loader__ = self._loader
        if hasattr(self._loader, "exec_module"):
            self._loader.exec_module(module)
        else:  # a loader of the old kind, which also creates the module
            self._loader.load_module(module.__name__)
        self._report()


# -- imports in progress ---------------------------------------------------------------------------------------------

_completing = Lock()


def _when_complete(spec: Any, who: object, call: Callable[[], None]) -> bool:
    """Call `call` when the import with this specification is complete. Returns False if it is complete already.

    The import system sets `_initializing` of a specification while it executes the module, and clears it at the end,
    before it releases the module's import lock. This function gives the specification a class that notices that.
    """
    with _completing:
        if isinstance(spec, _ReportingSpec):
            spec.gemini_replay_calls[who] = call
            return True
        plain = type(spec)
        vars(spec)["gemini_replay_calls"] = {who: call}
        spec.__class__ = type(plain.__name__, (_ReportingSpec, plain), {"gemini_replay_plain": plain})
        if vars(spec).get("_initializing"):
            return True
        spec.gemini_replay_stop()  # another thread has just completed it
        return False


class _ReportingSpec:
    """The class of a module's specification while its import is in progress."""

    gemini_replay_plain: Any
    gemini_replay_calls: dict[object, Callable[[], None]]

    @property
    def _initializing(self) -> bool:
        return bool(vars(self).get("_initializing"))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        while not value:
            with _completing:
                if not self.gemini_replay_calls:
                    self.gemini_replay_stop()
                    break
                calls = [self.gemini_replay_calls.pop(who) for who in list(self.gemini_replay_calls)]
            for call in calls:
                call()
        vars(self)["_initializing"] = value

    def gemini_replay_stop(self) -> None:
        """Give the specification its own class again."""
        vars(self).pop("gemini_replay_calls", None)
        self.__class__ = self.gemini_replay_plain
