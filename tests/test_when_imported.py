"""Calling back after each import of a library, from any thread, by any loader."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import threading
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay.patching import WhenImported

NAME = "a_watched_library"


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with one module, `part`. Its import goes through a gate, which is open."""
    folder = tmp_path / "path" / NAME
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("import gate\ngate.pass_through()\nfrom .part import answer\n")
    (folder / "part.py").write_text("def answer(): return 1\n")
    monkeypatch.syspath_prepend(str(folder.parent))
    gate: Any = types.ModuleType("gate")
    gate.pass_through = lambda: None
    monkeypatch.setitem(sys.modules, "gate", gate)
    yield folder
    forget()


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def imports() -> Iterator[WhenImported]:
    made = WhenImported()
    yield made
    made.stop()


class Gate:
    """Stops an import in the middle, in another thread, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str = NAME) -> None:
        self.entered, self.go = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        monkeypatch.setattr(sys.modules["gate"], "pass_through", self._pass_through)
        self.thread = threading.Thread(target=self._run, args=(name,))
        self.thread.start()
        assert self.entered.wait(10)

    def _pass_through(self) -> None:
        self.entered.set()
        self.go.wait(10)

    def _run(self, name: str) -> None:
        try:
            importlib.import_module(name)
        except BaseException as error:
            self.error = error

    def open(self) -> None:
        self.go.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def answering(number: int) -> Callable[[str], None]:
    """A callback that replaces a function of the library. The function must exist."""

    def replace(name: str) -> None:
        sys.modules[name].part.answer = lambda: number

    return replace


def test_an_imported_library_is_reported_at_once(imports: WhenImported) -> None:
    """An error in the callback is raised."""
    importlib.import_module(NAME)
    calls: list[str] = []
    imports.call(calls.append, NAME)
    assert calls == [NAME]
    with pytest.raises(ZeroDivisionError):
        imports.call(lambda _: 1 // 0, NAME)


def test_an_import_that_another_thread_has_begun_is_reported(
    imports: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported when it is complete, before that thread can use the library. `call` does not wait."""
    gate = Gate(monkeypatch)
    calls: list[bool] = []
    imports.call(lambda name: calls.append(hasattr(sys.modules[name], "answer")), NAME)
    assert calls == []
    gate.open()
    assert set(calls) == {True}
    assert type(sys.modules[NAME].__spec__) is importlib.machinery.ModuleSpec


class Slow(importlib.abc.MetaPathFinder):
    """Stops an import while the module is being searched for."""

    def __init__(self) -> None:
        self.met, self.go = threading.Event(), threading.Event()

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == NAME:
            self.met.set()
            self.go.wait(10)


def test_an_import_that_still_searches_for_its_module_is_reported(
    imports: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At that time, the library is not in `sys.modules` yet."""
    slow = Slow()
    monkeypatch.setattr(sys, "meta_path", [slow, *sys.meta_path])
    thread = threading.Thread(target=importlib.import_module, args=(NAME,))
    thread.start()
    assert slow.met.wait(10)
    assert NAME not in sys.modules
    imports.call(answering(2), NAME)
    slow.go.set()
    thread.join()
    assert sys.modules[NAME].part.answer() == 2


def test_an_import_up_the_stack_is_reported(imports: WhenImported, library: Path) -> None:
    """This is as if the library opened a session during its own import."""
    sys.modules["gate"].pass_through = lambda: imports.call(answering(2), NAME)  # type: ignore[attr-defined]
    importlib.import_module(NAME)
    assert sys.modules[NAME].part.answer() == 2


def test_an_import_that_fails_is_not_reported(
    imports: WhenImported, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next import, which succeeds, is reported."""
    (library / "part.py").write_text("1 / 0\n")
    gate = Gate(monkeypatch)
    calls: list[str] = []
    imports.call(calls.append, NAME)
    gate.open()
    assert isinstance(gate.error, ZeroDivisionError)
    assert calls == []
    (library / "part.py").write_text("def answer(): return 'the next'\n")
    importlib.invalidate_caches()
    importlib.import_module(NAME)
    assert NAME in calls


def test_a_library_that_is_removed_and_imported_again_is_reported_again(imports: WhenImported) -> None:
    """Its functions are new, so they have to be replaced again."""
    imports.call(answering(2), NAME)
    for _ in range(2):
        importlib.import_module(NAME)
        assert sys.modules[NAME].part.answer() == 2
        forget()


@pytest.mark.parametrize("part", ["", ".part"], ids=["library", "part"])
def test_a_library_that_is_reloaded_is_reported_again(imports: WhenImported, part: str) -> None:
    """This holds for the whole library and for a part of it."""
    importlib.import_module(NAME)
    calls: list[str] = []
    imports.call(calls.append, NAME)
    calls.clear()
    importlib.reload(sys.modules[NAME + part])
    assert calls == [NAME]


def test_a_library_in_a_zip_file_is_reported(
    imports: WhenImported, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaders other than the usual one work too."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for path in library.iterdir():
            packed.write(path, f"{NAME}/{path.name}")
    monkeypatch.syspath_prepend(str(tmp_path / "all.zip"))
    imports.call(answering(2), NAME)
    assert importlib.import_module(NAME).part.answer() == 2
    assert type(sys.modules[NAME].__loader__).__name__ == "zipimporter"


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="such loaders are no longer supported")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ImportWarning")
def test_a_library_with_an_old_kind_of_loader_is_reported(
    imports: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a loader has only `load_module`."""

    class Old:
        def load_module(self, name: str) -> types.ModuleType:
            module: Any = types.ModuleType(name)
            module.part = types.SimpleNamespace(answer=lambda: 1)
            sys.modules[name] = module
            return module

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
            return importlib.machinery.ModuleSpec(name, Old()) if name == NAME else None  # type: ignore[arg-type]

    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    imports.call(answering(2), NAME)
    assert importlib.import_module(NAME).part.answer() == 2


def test_a_part_of_a_library_may_be_watched_alone(imports: WhenImported, library: Path) -> None:
    """Its imports are reported, and those of other parts are not."""
    (library / "other.py").write_text("")
    calls: list[str] = []
    importlib.import_module(NAME)
    imports.call(calls.append, f"{NAME}.other")
    sys.modules.pop(f"{NAME}.part")
    importlib.import_module(f"{NAME}.part")
    assert calls == []
    importlib.import_module(f"{NAME}.other")
    assert calls == [f"{NAME}.other"]


def test_several_may_watch_one_library(imports: WhenImported, library: Path) -> None:
    """Each is called once, and the module has its real loader."""
    calls: list[str] = []
    another = WhenImported()
    imports.call(lambda name: calls.append(f"one {name}"), NAME)
    another.call(lambda name: calls.append(f"another {name}"), NAME)
    try:
        module = importlib.import_module(NAME)
    finally:
        another.stop()
    assert sorted(calls) == [f"another {NAME}", f"one {NAME}"]
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader


def test_a_folder_of_the_same_name_is_still_imported(imports: WhenImported, library: Path) -> None:
    """A namespace package has no code to execute."""
    (library / "__init__.py").unlink()
    importlib.invalidate_caches()
    imports.call(lambda _: None, NAME)
    assert importlib.import_module(NAME).__path__


def test_an_error_in_a_callback_does_not_end_the_import(library: Path) -> None:
    """The error is passed to `failed`."""
    failures: list[tuple[str, Exception]] = []
    imports = WhenImported(lambda name, error: failures.append((name, error)))
    imports.call(lambda _: 1 // 0, NAME)
    assert importlib.import_module(NAME).answer() == 1
    imports.stop()
    assert {name for name, _ in failures} == {NAME}
    assert all(isinstance(error, ZeroDivisionError) for _, error in failures)


def test_nothing_is_called_after_stop(imports: WhenImported, monkeypatch: pytest.MonkeyPatch) -> None:
    """This includes an import in progress. A later `WhenImported` is called."""
    gate = Gate(monkeypatch)
    calls: list[str] = []
    imports.call(calls.append, NAME)
    imports.stop()
    again = WhenImported()
    again.call(answering(2), NAME)
    gate.open()
    again.stop()
    assert calls == []
    assert sys.modules[NAME].part.answer() == 2
    assert not any(isinstance(finder, WhenImported) and finder in (imports, again) for finder in sys.meta_path)


def test_pyfakefs_removes_its_own_finder(imports: WhenImported, monkeypatch: pytest.MonkeyPatch) -> None:
    """When pyfakefs ends, it removes the first finder, which could be ours."""
    fake = type("DynamicPatcher", (), {"find_spec": lambda *_: None, "__module__": "pyfakefs.a_module"})()
    monkeypatch.setattr(sys, "meta_path", [fake, *sys.meta_path])
    imports.call(answering(2), NAME)
    assert sys.meta_path.pop(0) is fake
    assert importlib.import_module(NAME).part.answer() == 2
