"""One run of a program that answers cases of the line protocol."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from .. import clocks

_PROCESSES = Path("/proc")
"""Where Linux tells about processes (proc(5)); other systems have no such folder."""


class CommandError(Exception):
    """The parser in the other process reported an error; the message is its own."""


class CommandDiedError(CommandError):
    """The process ended in the middle of a case."""


class CommandTimeoutError(CommandError):
    """The process did not answer within the time limit, and was stopped."""


@dataclass(frozen=True)
class CommandOutput:
    """A process's answer to one case; it need not say what it pulled, and how long it took."""

    events: list[Any]  # decoded, up to the error if there was one
    error: str | None = None
    pulled: list[int] | None = None  # for each event, how many chunks had been taken when it came out
    seconds: float | None = None  # of processor time


class Process:
    """One run of the program. A thread writes and reads, so that neither can block longer than the limit."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the process
        self._popen = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,  # what it starts in turn is stopped with it
        )
        self._asked: SimpleQueue[tuple[int, str] | None] = SimpleQueue()
        self._answered: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._talker = threading.Thread(target=self._talk, name="gemini-replay-command", daemon=True)
        self._talker.start()
        self._worked: float | None = None

    def worked(self) -> float | None:
        """Its processor time so far, in seconds, with that of all it has started; None if the system does not tell.

        It never becomes less. Of processes that have ended, it counts whole hundredths of a second.
        """
        if (now := _processor_time(self._popen.pid)) is not None:
            self._worked = max(now, self._worked or 0.0)  # of processes that nobody waited for, nothing is known
        return self._worked

    def ask(self, number: int, line: str, limit: float) -> CommandOutput:
        """Send a line with the case of this number, and wait for its answer for at most `limit` seconds."""
        self._asked.put((number, line))
        try:
            answer = self._answered.get(timeout=limit)
        except Empty:
            raise CommandTimeoutError(f"no answer within {limit:.3g} s{self._last_words()}") from None
        if answer is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(5)
            status = self._popen.poll()
            how = "closed its output" if status is None else f"ended with status {status}"
            raise CommandDiedError(f"the process {how}{self._last_words()}")
        if not {"events", "error"} & answer.keys():
            raise CommandError(f"its answer has neither events nor error, only {', '.join(map(repr, answer))}")
        error = answer.get("error")
        events = answer.get("events") or []
        return CommandOutput(
            list(events), None if error is None else str(error), answer.get("pulled"), answer.get("seconds")
        )

    def stop(self) -> None:
        """End it, with all that it started."""
        with contextlib.suppress(OSError):
            if os.name == "posix":
                os.killpg(self._popen.pid, signal.SIGKILL)
            else:
                self._popen.kill()
        self._popen.wait()
        self._asked.put(None)
        self._talker.join(5)
        for pipe in (self._popen.stdin, self._popen.stdout, self._said):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()

    def _talk(self) -> None:
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin is not None  # they are pipes
        assert stdout is not None
        for number, line in iter(self._asked.get, None):
            with contextlib.suppress(OSError):  # it has ended, and reading fails as well
                stdin.write(line.encode() + b"\n")
                stdin.flush()
            said = map(_decoded, stdout)
            answer = next((one for one in said if one.get("id") == number), None)
            self._answered.put(answer)
            if answer is None:
                return

    def _last_words(self) -> str:
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 2000))
        words = self._said.read().decode("utf-8", "replace").strip()
        return f"; its last words: {words}" if words else ""


def _processor_time(session: int) -> float | None:
    """The processor time of the processes of a session and of their ended children, in seconds, as Linux tells it."""
    total = 0.0
    found = False
    for file in _PROCESSES.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            # The name before the last parenthesis may hold anything. Then come state, parent, group, session, …
            fields = file.read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == session:
                # The clock of another process, as clock_getcpuclockid(3) makes it: exact, with all threads.
                total += clocks.real.clock_gettime(~int(file.parent.name) << 3 | 2)
                total += sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")  # of its ended children
                found = True
    return total if found else None


def _decoded(line: bytes) -> dict[str, Any]:
    """A line of output; {} if it is not an answer but something that the parser printed."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    except RecursionError:
        number = _ID.match(line)
        error = "RecursionError: the answer is nested too deeply to be read"
        return {"id": int(number[1]), "events": [], "error": error} if number else {}
    return said if isinstance(said, dict) else {}


_ID = re.compile(rb'\s*\{\s*"id"\s*:\s*([0-9]{1,18})')
