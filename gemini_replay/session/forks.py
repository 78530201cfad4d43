"""Forked child processes of a session: they answer and record as the session does, and the parent counts it.

A child tells its parent through files in a temporary folder, which is made before the first fork: a report of what it
played, what was refused, and what else the session counts; and a journal of what it recorded. The parent reads them
where the session ends. Whatever counts something reports it in a child and receives it in the parent: `Session`,
`Replayer`, `Recordings` and `Unseen`.

A process that is spawned rather than forked starts without any session, and is not seen.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..errors import (
    AmbiguousSessionError,
    CassetteFormatError,
    CassetteTruncatedError,
    CassetteVersionError,
    GeminiReplayError,
    HookError,
    MissError,
    NetworkBlockedError,
)

Report = dict[str, Any]
"""What a child reports, as JSON: the names and values that were given to `Forks.report`."""

_log = logging.getLogger("gemini_replay")
_KINDS: tuple[type[GeminiReplayError], ...] = (
    MissError,
    NetworkBlockedError,
    AmbiguousSessionError,
    HookError,
    CassetteFormatError,
    CassetteTruncatedError,
    CassetteVersionError,
)
E = TypeVar("E", bound=GeminiReplayError)


class Parent(Protocol):
    """Something that is notified of forks: a session."""

    def before_fork(self) -> None:
        """This process is about to fork."""

    def after_fork_in_child(self) -> None:
        """This process is the child."""


_parents: weakref.WeakSet[Parent] = weakref.WeakSet()
_registered = False


def watch_forks(parent: Parent) -> None:
    """Notify `parent` of every fork as long as it exists."""
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


class Forks:
    """The processes of one session: the parent, which opened it, and the children that were forked since then.

    Attributes:
        child: this process, if it is a child; None in the parent.
    """

    def __init__(self) -> None:
        self.child: Child | None = None
        self._folder: Path | None = None

    def prepare(self) -> None:
        """Make the folder, before the first fork. If it cannot be made, children say that they cannot report."""
        if self._folder is None:
            with suppress(OSError):
                self._folder = Path(tempfile.mkdtemp(prefix="gemini-replay-"))

    def become_child(self) -> Child:
        """This process is a child from now on."""
        self.child = Child(self._folder or Path(os.devnull))
        return self.child

    def report(self, **report: Any) -> None:
        """In a child, report something to the parent, as names and values of JSON; in the parent, do nothing."""
        if self.child is not None:
            self.child.report(**report)

    @property
    def journals(self) -> list[Path]:
        """The journals that children wrote, in the order of their processes."""
        return sorted(self._folder.glob("*.part")) if self._folder is not None else []

    def reports(self) -> Iterator[Report]:
        """What children have reported, in the order of their processes."""
        for path in sorted(self._folder.glob("*.report")) if self._folder is not None else []:
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)

    def forget(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


class Child:
    """A child, which reports to the parent.

    Attributes:
        cassette: what the child records into; the parent merges its journal.
    """

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / f"{os.getpid()}.jsonl"
        self._report = folder / f"{os.getpid()}.report"
        self._silent = False

    @property
    def has_parent(self) -> bool:
        """Whether the parent's session is still open."""
        return self._report.parent.is_dir()

    def report(self, **report: Any) -> None:
        """Report something to the parent, as names and values of JSON.

        Never raises: a child may outlive the session, and must then still get its answers and refusals.
        """
        try:
            with self._report.open("ab", buffering=0) as file:
                file.write(json.dumps(report).encode() + b"\n")
        except OSError as problem:
            if not self._silent:
                _log.warning(
                    "The child process %d cannot tell the session that it was forked from what it does: %s. "
                    "Let child processes end before the session does.",
                    os.getpid(),
                    problem,
                )
            self._silent = True


def error_as_data(error: GeminiReplayError) -> Report:
    """An error of a child, for a report."""
    members = {
        "kind": type(error).__name__,
        "message": f"{error.message} (in the child process {os.getpid()})",
        "suggestion": error.suggestion,
        "hint": error.hint,
    }
    return {**members, "differences": error.differences} if isinstance(error, MissError) else members


def error_from_data(data: Report, base: type[E]) -> E:
    """The error that a child has reported; of the class `base` if its own is not known."""
    kind = next((kind for kind in _KINDS if kind.__name__ == data["kind"] and issubclass(kind, base)), base)
    return kind(**{name: value for name, value in data.items() if name != "kind"})
