"""Forked child processes of a session: they answer and record as the session does, and the parent counts it.

A child tells its parent through files in a temporary folder, which is made before the first fork: what it played,
what it missed, and a journal of what it recorded. The parent reads them where the session ends. A process that is
spawned rather than forked starts without any session, and is not seen.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from ..errors import MissError, NetworkBlockedError, RefusedError

_KINDS: dict[str, type[RefusedError]] = {kind.__name__: kind for kind in (MissError, NetworkBlockedError)}


class Parent(Protocol):
    """What is notified of forks: a session."""

    def before_fork(self) -> None:
        """This process is about to fork."""

    def after_fork_in_child(self) -> None:
        """This process is the child."""


_parents: weakref.WeakSet[Parent] = weakref.WeakSet()
_registered = False


def watch_forks(parent: Parent) -> None:
    """Tell `parent` of every fork while it lives."""
    global _registered
    _parents.add(parent)
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(
            before=lambda: _each(lambda one: one.before_fork()),
            after_in_child=lambda: _each(lambda one: one.after_fork_in_child()),
        )


def _each(call: Callable[[Parent], None]) -> None:
    for parent in list(_parents):
        call(parent)


class Children:
    """The parent's side: where its children report, and what they reported."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def prepare(self) -> None:
        """Make the folder, before the first fork."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="gemini-replay-"))

    def child(self) -> Child:
        """The child's side, in the child."""
        assert self._folder is not None
        return Child(self._folder)

    @property
    def journals(self) -> list[Path]:
        """The journals that children wrote, in the order of their processes."""
        return sorted(self._folder.glob("*.part")) if self._folder is not None else []

    def reports(self) -> Iterator[int | RefusedError]:
        """What children played (its place in the session's pool), and what they missed."""
        for path in sorted(self._folder.glob("*.report")) if self._folder is not None else []:
            for line in path.read_text(encoding="utf-8").splitlines():
                found = json.loads(line)
                if "played" in found:
                    yield int(found["played"])
                else:
                    kind = _KINDS.get(found["kind"], RefusedError)
                    yield kind(found["message"], suggestion=found["suggestion"], hint=found["hint"])

    def forget(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Child:
    """The child's side: reports to the parent."""

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / f"{os.getpid()}.jsonl"
        self._report = folder / f"{os.getpid()}.report"

    def played(self, number: int) -> None:
        """A recording was played."""
        self._say({"played": number})

    def missed(self, error: RefusedError) -> None:
        """A request was refused."""
        what = f"{error.message} (in the child process {os.getpid()})"
        self._say({"kind": type(error).__name__, "message": what, "suggestion": error.suggestion, "hint": error.hint})

    def _say(self, report: dict[str, object]) -> None:
        with self._report.open("ab", buffering=0) as file:
            file.write(json.dumps(report).encode() + b"\n")
