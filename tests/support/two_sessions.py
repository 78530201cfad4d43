"""Two sessions in threads of their own, and worker threads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx

import gemini_replay
from gemini_replay import Session
from gemini_replay.cassette.model import Request
from support.streams import GOOGLE

ASKED = Request("POST", GOOGLE, (("content-type", "application/json"),), b'{"contents": []}')


def ask() -> str:
    return httpx.post(GOOGLE, content=ASKED.body).text


def opened(path: Path) -> gemini_replay.interception.Block:  # type: ignore[name-defined]
    return gemini_replay.replay(path, speed="instant")


def asked_in(start: Callable[[Callable[[], None]], Any]) -> str | BaseException:
    """The answer or error of a request. `start` gets the function that makes the request, and runs it somewhere."""
    got: Future[str] = Future()

    def run() -> None:
        try:
            got.set_result(ask())
        except BaseException as error:
            got.set_exception(error)

    start(run)
    return got.exception(10) or got.result()


class Worker:
    """A thread that runs the jobs it is given, one after the other, in its own context, like a user's own pool."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            job()

    def end(self) -> None:
        self.jobs.put(None)
        self.thread.join()


class Two:
    """Two sessions, open at the same time, each in a thread of its own; `within` runs a function in either."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self.sessions: dict[str, Session] = {}
        self.errors: dict[str, BaseException] = {}
        self._workers: dict[str, Worker] = {}
        for name, path in paths.items():
            ready = threading.Event()
            self._workers[name] = Worker()
            self._workers[name].jobs.put(lambda n=name, p=path, r=ready: self._open(n, p, r))  # type: ignore[misc]
            assert ready.wait(10)

    def _open(self, name: str, path: Path, ready: threading.Event) -> None:
        try:
            with opened(path) as self.sessions[name]:
                ready.set()
                self._workers[name]._run()
        except BaseException as error:
            self.errors[name] = error

    def within(self, name: str, call: Callable[[], Any]) -> Any:
        done: Future[Any] = Future()

        def run() -> None:
            try:
                done.set_result(call())
            except BaseException as error:
                done.set_exception(error)

        self._workers[name].jobs.put(run)
        return done.result(10)

    def end(self, *names: str) -> None:
        for name in names:
            self._workers[name].jobs.put(None)
            self._workers[name].end()


def in_thread(run: Callable[[], None]) -> None:
    """Run the function in a new thread."""
    threading.Thread(target=run).start()
