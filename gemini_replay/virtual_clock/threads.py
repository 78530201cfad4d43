"""Finds out what other threads are doing, from their place in the code of the standard library and of trio."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any, Literal

Activity = Literal["running", "unclear", "waiting"]
""""running": it works, or has been woken and is about to. "unclear": it waits, but may have been woken just now."""

_PACKAGE = __name__.rpartition(".")[0]

_HANDS_OVER = sys.version_info >= (3, 13)
"""Whether an executor's queue may pass an item directly to a waiting worker, so that the queue never shows it."""


def activity(threads: Iterable[threading.Thread]) -> Activity:
    """What these threads are doing: "waiting" if all of them wait, "running" if one of them runs."""
    alive = threading.enumerate()
    frames = sys._current_frames()
    queues = Counter(id(frame.f_locals["work_queue"]) for frame in frames.values() if _is_idle_worker(frame))
    found = {_activity(frames[thread.ident], alive, queues) for thread in threads if thread.ident in frames}
    return "running" if "running" in found else "unclear" if "unclear" in found else "waiting"


def _activity(frame: FrameType, alive: list[threading.Thread], queues: Mapping[int, int]) -> Activity:
    """What the thread with this innermost frame is doing; `queues` counts the idle workers at each queue by id."""
    match _place(frame):
        case "threading", "wait":
            return "running" if _is_woken(frame.f_locals) or _starts_a_thread(frame) else "waiting"
        case "threading", "join" | "_wait_for_tstate_lock":
            return "waiting" if frame.f_locals.get("self") in alive else "running"
        case "concurrent.futures.thread", "_worker":
            return "waiting" if _is_idle_worker(frame) and not _has_work(frame.f_locals, queues) else "running"
        case "selectors", "select":
            # A loop on the virtual clock only checks what is ready. When it waits, it waits on the clock.
            return "running" if _place(frame.f_back)[0].startswith(_PACKAGE) else "unclear"
        case ("trio._core._io_epoll" | "trio._core._io_kqueue" | "trio._core._io_windows", "get_events") | (
            "trio._core._thread_cache",
            "_work",
        ):
            return "unclear"
    return "running"


def _place(frame: FrameType | None) -> tuple[str, str]:
    """A frame's module and function."""
    return ("", "") if frame is None else (str(frame.f_globals.get("__name__", "")), frame.f_code.co_name)


def _is_woken(names: Mapping[str, Any]) -> bool:
    """Whether a thread in `Condition.wait` or `Event.wait` has been notified, or is not waiting yet.

    A thread that was notified locks its waiter again before it can run, so the lock alone does not tell.
    """
    waiter = names.get("waiter")
    return waiter is None or not waiter.locked() or waiter not in names["self"]._waiters


def _starts_a_thread(frame: FrameType) -> bool:
    """Whether a thread waits in `Thread.start`, which goes on as soon as the new thread runs.

    The function is recognized by its name, since a session replaces `Thread.start` and calls the original.
    """
    caller = frame.f_back
    return caller is not None and _place(caller.f_back) == ("threading", "start")


def _is_idle_worker(frame: FrameType) -> bool:
    """Whether a thread of an executor waits at its queue."""
    return _place(frame) == ("concurrent.futures.thread", "_worker") and "work_item" not in frame.f_locals


def _has_work(names: Mapping[str, Any], queues: Mapping[int, int]) -> bool:
    """Whether an idle worker of an executor, perhaps this one, has been given work."""
    queue, executor = names["work_queue"], names["executor_reference"]()
    if not queue.empty():
        return True
    return _HANDS_OVER and executor is not None and queues[id(queue)] > executor._idle_semaphore._value
