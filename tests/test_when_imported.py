"""Calling back after every import of a library, whoever imports it, when and how."""

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

NAME = "a_library_to_be_heard_of"


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with one module, `part`, whose imports wait at a gate that is open."""
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
def waiting() -> Iterator[WhenImported]:
    made = WhenImported()
    yield made
    made.stop()


class Gate:
    """Holds an import up in the middle, in a thread of its own."""

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
    """A callback that replaces the library's function, which must be there."""

    def replace(name: str) -> None:
        sys.modules[name].part.answer = lambda: number

    return replace


def test_a_library_that_is_there_is_heard_of_at_once(waiting: WhenImported) -> None:
    """And what the callback raises is raised."""
    importlib.import_module(NAME)
    heard: list[str] = []
    waiting.call(NAME, heard.append)
    assert heard == [NAME]
    with pytest.raises(ZeroDivisionError):
        waiting.call(NAME, lambda _: 1 // 0)


def test_an_import_that_another_thread_has_begun_is_heard_of(
    waiting: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before it is complete, and before that thread goes on with the library; nobody waits for it."""
    gate = Gate(monkeypatch)
    heard: list[bool] = []
    waiting.call(NAME, lambda name: heard.append(hasattr(sys.modules[name], "answer")))
    assert heard == []
    gate.open()
    assert set(heard) == {True}
    assert type(sys.modules[NAME].__spec__) is importlib.machinery.ModuleSpec


class Slow(importlib.abc.MetaPathFinder):
    """Holds an import up while the module is being looked for."""

    def __init__(self) -> None:
        self.met, self.go = threading.Event(), threading.Event()

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == NAME:
            self.met.set()
            self.go.wait(10)


def test_an_import_that_still_looks_for_its_module_is_heard_of(
    waiting: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is in `sys.modules` yet."""
    slow = Slow()
    monkeypatch.setattr(sys, "meta_path", [slow, *sys.meta_path])
    thread = threading.Thread(target=importlib.import_module, args=(NAME,))
    thread.start()
    assert slow.met.wait(10)
    assert NAME not in sys.modules
    waiting.call(NAME, answering(2))
    slow.go.set()
    thread.join()
    assert sys.modules[NAME].part.answer() == 2


def test_an_import_up_the_stack_is_heard_of(waiting: WhenImported, library: Path) -> None:
    """A library that opens a session while it is imported."""
    sys.modules["gate"].pass_through = lambda: waiting.call(NAME, answering(2))  # type: ignore[attr-defined]
    importlib.import_module(NAME)
    assert sys.modules[NAME].part.answer() == 2


def test_an_import_that_fails_is_not_heard_of(
    waiting: WhenImported, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is."""
    (library / "part.py").write_text("1 / 0\n")
    gate = Gate(monkeypatch)
    heard: list[str] = []
    waiting.call(NAME, heard.append)
    gate.open()
    assert isinstance(gate.error, ZeroDivisionError)
    assert heard == []
    (library / "part.py").write_text("def answer(): return 'the next'\n")
    importlib.invalidate_caches()
    importlib.import_module(NAME)
    assert NAME in heard


def test_a_library_that_is_removed_and_imported_again_is_heard_of_again(waiting: WhenImported) -> None:
    """Its functions are new."""
    waiting.call(NAME, answering(2))
    for _ in range(2):
        importlib.import_module(NAME)
        assert sys.modules[NAME].part.answer() == 2
        forget()


@pytest.mark.parametrize("part", ["", ".part"], ids=["library", "part"])
def test_a_library_that_is_reloaded_is_heard_of_again(waiting: WhenImported, part: str) -> None:
    """In whole or in part."""
    importlib.import_module(NAME)
    heard: list[str] = []
    waiting.call(NAME, heard.append)
    heard.clear()
    importlib.reload(sys.modules[NAME + part])
    assert heard == [NAME]


def test_a_library_in_a_zip_file_is_heard_of(
    waiting: WhenImported, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the loader is."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        for path in library.iterdir():
            packed.write(path, f"{NAME}/{path.name}")
    monkeypatch.syspath_prepend(str(tmp_path / "all.zip"))
    waiting.call(NAME, answering(2))
    assert importlib.import_module(NAME).part.answer() == 2
    assert type(sys.modules[NAME].__loader__).__name__ == "zipimporter"


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="such loaders are no longer supported")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ImportWarning")
def test_a_library_whose_loader_is_of_the_old_kind_is_heard_of(
    waiting: WhenImported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One with `load_module` alone."""

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
    waiting.call(NAME, answering(2))
    assert importlib.import_module(NAME).part.answer() == 2


def test_a_part_of_a_library_may_be_waited_for_alone(waiting: WhenImported, library: Path) -> None:
    """It is heard of with its own parts, and no other part is."""
    (library / "other.py").write_text("")
    heard: list[str] = []
    importlib.import_module(NAME)
    waiting.call(f"{NAME}.other", heard.append)
    sys.modules.pop(f"{NAME}.part")
    importlib.import_module(f"{NAME}.part")
    assert heard == []
    importlib.import_module(f"{NAME}.other")
    assert heard == [f"{NAME}.other"]


def test_several_may_wait_for_one_library(waiting: WhenImported, library: Path) -> None:
    """Each hears of it once, and its loader is the plain one."""
    heard: list[str] = []
    another = WhenImported()
    waiting.call(NAME, lambda name: heard.append(f"one {name}"))
    another.call(NAME, lambda name: heard.append(f"another {name}"))
    try:
        module = importlib.import_module(NAME)
    finally:
        another.stop()
    assert sorted(heard) == [f"another {NAME}", f"one {NAME}"]
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader


def test_a_folder_of_the_same_name_is_imported_as_ever(waiting: WhenImported, library: Path) -> None:
    """A namespace package has nothing to execute."""
    (library / "__init__.py").unlink()
    importlib.invalidate_caches()
    waiting.call(NAME, lambda _: None)
    assert importlib.import_module(NAME).__path__


def test_what_a_callback_raises_after_an_import_does_not_end_the_import(library: Path) -> None:
    """It is told to whoever waits."""
    told: list[tuple[str, Exception]] = []
    waiting = WhenImported(lambda name, error: told.append((name, error)))
    waiting.call(NAME, lambda _: 1 // 0)
    assert importlib.import_module(NAME).answer() == 1
    waiting.stop()
    assert {name for name, _ in told} == {NAME}
    assert all(isinstance(error, ZeroDivisionError) for _, error in told)


def test_nobody_is_called_after_the_end(waiting: WhenImported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for an import that was under way either; and one who comes then is called."""
    gate = Gate(monkeypatch)
    heard: list[str] = []
    waiting.call(NAME, heard.append)
    waiting.stop()
    again = WhenImported()
    again.call(NAME, answering(2))
    gate.open()
    again.stop()
    assert heard == []
    assert sys.modules[NAME].part.answer() == 2
    assert not any(isinstance(finder, WhenImported) and finder in (waiting, again) for finder in sys.meta_path)
