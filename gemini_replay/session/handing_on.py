"""Work that is handed to other threads (new threads, jobs of executors) takes the current session along."""

from __future__ import annotations

import concurrent.futures
import sys
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from ..patching import Interception
from ..threads import OwnThread
from .current import Activation, adopt, current_activation, made_current

_POOLS = ("concurrent.futures.thread", "anyio._backends._asyncio", "trio._core._thread_cache")


@cache
def handing_on(hold: Callable[[], object], release: Callable[[], object]) -> tuple[Interception, ...]:
    """What to replace while a session is open, so that work for other threads belongs to the session, too.

    `hold` is called when such work is handed over, `release` when it is done. In between, the session may end, and
    its requests are still to be refused. Nothing is held for this package's own threads (`OwnThread`).
    """

    def starting(original: Callable[..., Any]) -> Callable[..., Any]:
        def start(thread: threading.Thread) -> None:
            own = current_activation()
            if own is None:
                original(thread)
                return
            if _serves_many(thread):
                with made_current(None):
                    original(thread)
                return
            holds = not isinstance(thread, OwnThread)
            set_run, run = vars(thread).get("run"), thread.run

            def restored() -> bool:
                """Put `run` back. False if that was done: a thread may begin although starting it is interrupted."""
                if vars(thread).get("run") is not owned:
                    return False
                del vars(thread)["run"]
                if set_run is not None:
                    vars(thread)["run"] = set_run
                return True

            def owned() -> None:
                first = restored()
                adopt(own)  # unless the thread was given a context of its own
                try:
                    run()
                finally:
                    if holds and first:
                        release()

            vars(thread)["run"] = owned
            if holds:
                hold()
            try:
                original(thread)
            except BaseException:
                if restored() and holds:
                    release()
                raise

        return start

    def submitting(original: Callable[..., Any]) -> Callable[..., Any]:
        def submit(executor: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            own = current_activation()
            interpreters = sys.modules.get("concurrent.futures.interpreter")
            if own is None or (interpreters and isinstance(executor, interpreters.InterpreterPoolExecutor)):
                return original(executor, function, *args, **kwargs)
            hold()
            try:
                future = original(executor, partial(_working_for, own, function), *args, **kwargs)
            except BaseException:
                release()
                raise
            future.add_done_callback(lambda _: release())
            return future

        return submit

    return (threading.Thread, "start", starting), (concurrent.futures.ThreadPoolExecutor, "submit", submitting)


def _serves_many(thread: threading.Thread) -> bool:
    """Whether it is a worker of a pool that hands on the session, or the whole context, with each job."""
    target = getattr(thread, "_target", None)
    return type(thread).__module__ in _POOLS or getattr(target, "__module__", None) in _POOLS


def _working_for(own: Activation, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    with made_current(own):
        return function(*args, **kwargs)
