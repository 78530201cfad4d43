"""A parser in any language as `parse(chunks)`: another process that speaks JSON lines on standard input and output.

Each case is one line to the process, and one line back (docs/fuzzing.md):

    {"id": 1, "chunks": ["ZGF0YTogezF9", "DQoNCg=="]}
    {"id": 1, "events": [{…}, …]}
"""

from __future__ import annotations

import base64
import builtins
import functools
import itertools
import json
import os
import shlex
import shutil
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .. import clocks
from ..errors import UsageError, did_you_mean
from .process import CommandError, CommandOutput, CommandTimeoutError, Process
from .target import Feed
from .verdicts import ACCIDENTS
from .watchdog import SECONDS_PER_MEGABYTE, Hang


class _Events(list[Any]):
    """All events of a case at once: it is not known how early each came out."""

    def __init__(self, answer: CommandOutput) -> None:
        super().__init__(answer.events)
        self._error = answer.error

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        if self._error is not None:
            raise _error_class(self._error.partition(":")[0])(self._error)


def _as_they_came(answer: CommandOutput, pulled: Sequence[int], chunks: Iterable[bytes]) -> Iterator[Any]:
    """The events, each after as many chunks as the process had taken by then."""
    arriving = iter(chunks)
    taken = 0
    events = iter(_Events(answer))
    for count in pulled[: len(answer.events)]:
        for _ in range(taken, count):
            next(arriving, None)
        taken = max(taken, count)
        yield next(events)
    for _ in arriving:
        pass
    yield from events


@functools.cache
def _error_class(name: str) -> type[CommandError]:
    """An error class with this name; it is also Python's own class of this name (TypeError, KeyError)."""
    if not name.isidentifier():
        return CommandError
    builtin = getattr(builtins, name, None)
    bases: tuple[type, ...] = (CommandError,)
    if isinstance(builtin, type) and issubclass(builtin, ACCIDENTS):
        bases = (CommandError, builtin)
    return type(name, bases, {})


class Command:
    """A parser in another process, which serves many cases. If it dies, the next case starts another.

    Args:
        command: the program with its arguments, as one text (split as a shell would, but without a shell) or as a
            sequence.
        time_limit: seconds that one case may take, besides an allowance for its size.
        start_limit: seconds from the start of the process to its answer to a first, empty case.

    Raises:
        UsageError: there is no such program, or the limit is not above 0.
    """

    def __init__(self, command: str | Sequence[str], *, time_limit: float = 10.0, start_limit: float = 60.0) -> None:
        self.arguments = shlex.split(command) if isinstance(command, str) else list(command)
        self.__name__ = self.__qualname__ = command if isinstance(command, str) else shlex.join(command)
        self.__module__ = ""
        self.time_limit = time_limit
        self.start_limit = start_limit
        self._ids = itertools.count(1)
        self._process: Process | None = None
        self._lock = threading.Lock()
        self._seconds = 0.0  # reported, or elapsed if none are reported
        self._reports = False
        self._ended: float | None = None  # processor time of earlier processes, less what starting them took
        _check_program(self.arguments)
        if not time_limit > 0:
            raise UsageError(f"The time limit is {time_limit:g}.", hint="Give a number of seconds above 0.")

    def __call__(self, chunks: Iterable[bytes]) -> Iterable[Any]:
        """The events of the case; iterating over them raises its error after the last.

        All chunks go to the process at once. If it says how many chunks it had taken by each event, and the chunks
        are a `Feed`, events and chunks come in the same order in this process.

        Raises:
            CommandError: the parser raised, or died.
            Hang: it took longer than the limit.
        """
        known = chunks._chunks if isinstance(chunks, Feed) else list(chunks)
        try:
            answer = self.ask(known)
        except CommandTimeoutError as error:
            raise Hang from error
        if answer.pulled is None or not isinstance(chunks, Feed):
            return _Events(answer)
        return _as_they_came(answer, answer.pulled, chunks)

    def clock(self) -> float:
        """Seconds that the parser has spent on all cases: the processor time that it reports.

        If its first answer reports none, this is the `worked` time, and where nobody knows that, the elapsed time.
        """
        worked = None if self._reports else self.worked()
        return self._seconds if worked is None else worked

    def worked(self) -> float | None:
        """The processor time of its processes in seconds, without their starts; None where the system does not tell.

        Linux does. It includes what these processes have started, and the reading and writing of cases.
        """
        if self._ended is None or self._process is None:
            return self._ended
        return self._ended + (self._process.worked() or 0.0)

    @property
    def is_elapsed(self) -> bool:
        """Whether `clock` returns elapsed time, which a busy machine makes longer."""
        return not self._reports and self.worked() is None

    @property
    def patience(self) -> float:
        """Seconds that the next case may take, besides an allowance for its size: a process may have to start."""
        return self.time_limit + (self.start_limit if self._process is None else 0.0)

    def ask(self, chunks: Iterable[bytes]) -> CommandOutput:
        """Send one case to the process. Raises CommandDiedError or CommandTimeoutError if there is no answer."""
        chunks = list(chunks)
        coded = [base64.b64encode(chunk).decode() for chunk in chunks]
        limit = self.time_limit + SECONDS_PER_MEGABYTE * sum(map(len, chunks)) / 1e6
        with self._lock:
            try:
                if self._process is None:
                    self._process = Process(self.arguments)
                    first = self._say([], self.start_limit)
                    self._reports = first.seconds is not None
                    if (starting := self._process.worked()) is not None:
                        self._ended = (self._ended or 0.0) - starting
                began = clocks.now()
                answer = self._say(coded, limit)
            except BaseException:
                self._stop()
                raise
            self._seconds += (answer.seconds or 0.0) if self._reports else clocks.now() - began
        return answer

    def _say(self, coded: list[str], limit: float) -> CommandOutput:
        assert self._process is not None  # it is started when the first case comes
        number = next(self._ids)
        return self._process.ask(number, json.dumps({"id": number, "chunks": coded}), limit)

    def check(self) -> None:
        """Raise `UsageError` unless the process answers an empty case, as the protocol wants it."""
        try:
            self.ask([])
        except CommandError as error:
            raise UsageError(
                f"The command {self.__name__!r} does not answer: {error}",
                hint='For each line {"id": N, "chunks": [BASE64, …]} on its standard input it must write one line '
                '{"id": N, "events": […]} and flush it; docs/fuzzing.md has examples.',
            ) from None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._process is not None:
            self._ended = self.worked()
            self._process.stop()
            self._process = None

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_program(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UsageError("The command is empty.", hint="Name a program: --command 'node adapter.mjs'.")
    program = arguments[0]
    if shutil.which(program) is not None:
        return
    names = {
        entry
        for folder in os.get_exec_path()
        if os.path.isdir(folder)
        for entry in os.listdir(folder)
        if entry[:1] == program[:1]
    }
    raise UsageError(
        f"Unknown program {program!r}.",
        suggestion=did_you_mean(program, names),
        hint="Give a program on the PATH or with its path; shell syntax needs a shell: sh -c '…'.",
    )
