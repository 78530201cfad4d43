"""Replacing functions, all or none, from any thread; and locks that a forked child can use."""

from __future__ import annotations

import os
import threading
import types
from typing import Any

import pytest

from gemini_replay.patching import Lock, Patches


def test_either_all_replacements_are_put_in_place_or_none() -> None:
    """If the last one's name is missing, the others are undone."""
    owner: Any = types.SimpleNamespace(one=len, two=len)
    patches = Patches()
    wrap = lambda original: lambda *args: original(*args)  # noqa: E731
    patches.apply([(owner, "two", wrap)])
    before = dict(vars(owner))
    with pytest.raises(AttributeError):
        patches.apply([(owner, "one", wrap), (owner, "two", wrap), (owner, "three", wrap)])
    assert vars(owner) == before
    patches.undo()
    assert vars(owner) == {"one": len, "two": len}


def test_what_another_tool_has_removed_is_forgotten() -> None:
    """A tool that patches over a replacement and takes its patch back, again and again, leaves nothing behind."""
    owner: Any = types.SimpleNamespace(one=len)
    patches = Patches()
    wrap = lambda original: lambda *args: original(*args)  # noqa: E731
    patches.apply([(owner, "one", wrap)])
    own = owner.one
    for _ in range(3):
        owner.one = lambda *args: own(*args)  # another tool's
        assert not patches.are_in_place()
        patches.apply([(owner, "one", wrap)])
        assert patches.are_in_place()
        owner.one = own
        patches.apply([(owner, "one", wrap)])
        assert owner.one is own
        assert patches.are_in_place()
    owner.one = len
    patches.apply([(owner, "one", wrap)])
    assert patches.are_in_place()
    patches.undo()
    assert owner.one is len


def test_many_threads_may_apply_and_undo_at_once() -> None:
    """In the end no replacement is left."""
    owner: Any = types.SimpleNamespace(one=len, two=len)
    patches = Patches()

    def run() -> None:
        for _ in range(200):
            patches.apply([(owner, name, lambda original: lambda *args: original(*args)) for name in ("one", "two")])
            patches.undo()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert vars(owner) == {"one": len, "two": len}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_lock_that_another_thread_holds_is_free_in_a_forked_child() -> None:
    """That thread does not exist in the child, so it would never release the lock."""
    lock = Lock()
    Lock.watch_forks()
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    child = os.fork()
    if child == 0:
        threading.Timer(5, lambda: os._exit(1)).start()
        with lock:
            os._exit(0)
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
