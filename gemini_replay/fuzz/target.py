"""The parser under test, run over chunks: sync or async, generator or list, with a limit of time."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .. import clocks
from ..arguments import require_callable
from ..errors import UsageError
from ..loops import AsyncioClock, turn
from .watchdog import WALL_SECONDS, Hang, Watchdog

Parse = Callable[[Any], Any]
"""From an iterable of byte chunks, sync or async, to an iterable of JSON values, sync or async, or an awaitable."""

_PULLS_AFTER_THE_END = 1000
_REMEMBERED = 64  # streams
_LARGE = 10_000  # bytes; larger streams are not remembered
_TURNS = 100  # of the loop, in which what was stopped can end
_POLLS = 900  # how often values are looked for that another task or thread makes, about 1 ms apart if it is idle


_PLAYED = "This error was played by the fuzz kit: the source of a stream fails, to see what the parser makes of it."


def played(error: Exception) -> Exception:
    """Note on an error that the kit plays it."""
    error.add_note(_PLAYED)
    return error


def is_played(error: BaseException | None) -> bool:
    """Whether the kit plays this error, or one that it was raised from."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        if _PLAYED in getattr(one, "__notes__", ()):
            return True
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
    return False


@dataclass
class Output:
    """What came out of one run: the values, up to the error if there was one."""

    values: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    hung: bool = False  # the parser had to be stopped
    seen: list[int] = field(default_factory=list)  # how many values were out at each pull
    lazy: bool = True  # values come out while chunks go in; a list comes at the end


class Feed:
    """An iterator over chunks that is both sync and async, since it is not known which of them the parser wants.

    At each pull, `seen` notes how many values are out. If ``due`` says how many should be, a pull of a task or a
    thread that reads ahead waits for them: the next chunk has not arrived yet. No pull waits after one in vain.
    """

    def __init__(self, chunks: Sequence[bytes], out: Sequence[Any], *, due: Sequence[int] = ()) -> None:
        self.seen: list[int] = []
        self._chunks = chunks
        self._out = out
        self._due = due
        self._at = 0
        self.home = threading.get_ident()  # the thread that takes the values

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> bytes:
        if threading.get_ident() != self.home:
            for seconds in self._waits():
                clocks.sleep(seconds)
        chunk = self._next()
        if chunk is None:
            raise StopIteration
        return chunk

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> bytes:
        for seconds in self._waits():
            await AsyncioClock().sleep(seconds)
        chunk = self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def _waits(self) -> Iterator[float]:
        """Seconds to wait, again and again, until what is due has come out."""
        if self._at >= len(self._due):
            return
        due = self._due[self._at]
        for _ in range(_POLLS):  # not for a time: a machine that is busy or stands still would use it up
            if len(self._out) >= due:
                return
            yield 0.0
            yield 0.001
        self._due = ()

    def _next(self) -> bytes | None:
        at = self._at
        self._at += 1
        if at > len(self._chunks) + _PULLS_AFTER_THE_END:
            raise Hang
        if at <= len(self._chunks):
            self.seen.append(len(self._out))
        return self._chunks[at] if at < len(self._chunks) else None


def check_parse(parse: object) -> None:
    """Raise a `UsageError` unless it can be called, as a parser."""
    require_callable("parse", parse, "a function of an iterable of byte chunks that returns the decoded JSON objects")


class FuzzTarget:
    """A parser and what is needed to run it; a context manager, for use in the thread that enters it.

    Attributes:
        runs: how often the parser has run.
        first: the first stream, and what came out.
        is_async: whether the parser needs an event loop, as far as its last run shows.
        recent: the last streams before the present one, except large ones.
    """

    def __init__(self, parse: Parse, name: str | None = None) -> None:
        check_parse(parse)
        self.parse = parse
        self.name = name or name_of(parse)
        self.runs = 0
        self.first: tuple[tuple[bytes, ...], Output] | None = None
        self.recent: deque[Sequence[bytes]] = deque(maxlen=_REMEMBERED)
        self.is_async = False
        self._last: Sequence[bytes] | None = None
        self._hung = self._stuck = False
        self._limit = sys.getrecursionlimit()
        self.is_here = not hasattr(parse, "clock")  # in this process
        self.clock: Callable[[], float] = getattr(parse, "clock", clocks.real.process_time)
        self.worked: Callable[[], float | None] = getattr(parse, "worked", clocks.real.process_time)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchdog: Watchdog | None = None
        self._threads_hook: Callable[[threading.ExceptHookArgs], object] = threading.excepthook

    def __enter__(self) -> FuzzTarget:
        self._watchdog = Watchdog(may_idle=not self.is_here, patience=self._patience)
        self._limit = sys.getrecursionlimit()
        self._threads_hook, threading.excepthook = threading.excepthook, self._tell_of_thread
        return self

    def __exit__(self, *exc: object) -> None:
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        self._close_loop()
        if threading.excepthook == self._tell_of_thread:
            threading.excepthook = self._threads_hook

    def _tell_of_thread(self, failed: threading.ExceptHookArgs) -> None:
        """Hundreds of tracebacks of errors that are played would hide what matters."""
        if not is_played(failed.exc_value):
            self._threads_hook(failed)

    def _patience(self) -> float:
        return getattr(self.parse, "patience", WALL_SECONDS)

    @property
    def is_elapsed(self) -> bool:
        """Whether `clock` returns elapsed time: nobody knows the processor time of the parser."""
        return getattr(self.parse, "is_elapsed", False)

    def run(self, chunks: Sequence[bytes], *, due: Sequence[int] = ()) -> Output:
        """Run the parser over these chunks; one that waits without end is given a second chance.

        Args:
            chunks: what it reads.
            due: how many values should be out at each pull, see `Feed`.
        """
        if self._last is not None:
            self.recent.append(self._last)
        self._last = chunks if sum(map(len, chunks)) <= _LARGE else None
        output = self._run(chunks, due)
        if output.hung and self._watchdog is not None and self._watchdog.waited:
            output = self._run(chunks, due)
        self._hung = output.hung
        if output.hung and self._watchdog is not None:
            self._watchdog.hurried = True  # a parser that does not end often does so many times
        if self.first is None:
            self.first = (tuple(chunks), output)
        return output

    def is_stuck(self) -> bool:
        """Whether the first stream, which came to an end, no longer does. Tried only if the last stream did not."""
        if self._hung and not self._stuck and self.first is not None and not self.first[1].hung:
            self._stuck = self.run(self.first[0]).hung
        return self._stuck

    def run_all(self, streams: Iterable[Sequence[bytes]]) -> None:
        """Run the parser over streams whose values do not matter, up to the first that does not end."""
        for chunks in streams:
            if self.run(chunks).hung:
                return

    def _run(self, chunks: Sequence[bytes], due: Sequence[int]) -> Output:
        output = Output()
        source = Feed(chunks, output.values, due=due)
        size = sum(map(len, chunks))
        self.runs += 1
        self.watched(output, size, lambda: self.read(source, output, limit=size + 1000))
        output.seen = source.seen
        return output

    def watched(self, output: Output, size: int, work: Callable[[], object]) -> None:
        """Do something with the parser that involves ``size`` bytes; stop it if it does not end."""
        dog = self._watchdog
        assert dog is not None, "a target is entered before it runs"
        with _whole_stack(self._limit):
            try:
                dog.watch(size, work)
            except Hang:
                output.hung = True
            except AdapterError:
                raise
            except (Exception, SystemExit, BaseExceptionGroup) as error:
                if isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt):
                    raise
                output.error = None if dog.stopped else error
            if output.hung or dog.stopped:
                output.hung = True
                self._close_loop()

    def read(self, source: Feed, output: Output, limit: int) -> None:
        """Let the parser read a feed to its end, or until it returns more than ``limit`` values."""
        source.home = threading.get_ident()
        result = self.parse(source)
        self.is_async = hasattr(result, "__aiter__") or inspect.isawaitable(result)
        if self.is_async:
            self.event_loop().run_until_complete(collect_awaiting(result, output, limit))
        else:
            collect(result, output, limit)

    def event_loop(self) -> asyncio.AbstractEventLoop:
        """The loop in which asynchronous parsers run."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.new_event_loop()
            if self._watchdog is not None:
                self._watchdog.stop_loop = partial(loop.call_soon_threadsafe, loop.stop)
        return loop

    def _close_loop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._watchdog is not None:
            self._watchdog.stop_loop = None
        if loop.is_running():
            return  # in a thread that was given up
        with contextlib.suppress(Exception, Hang):
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(_ended(tasks))
            loop.run_until_complete(_ended([loop.create_task(loop.shutdown_asyncgens())]))
        loop.close()


async def _ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Give tasks some turns of the loop to end in.

    A task that was interrupted while the loop was about to run it may never run again.
    """
    for _ in range(_TURNS):
        if all(task.done() for task in tasks):
            break
        await turn()
    for task in tasks:
        if not task.done():
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is meant to be left alone
        elif not task.cancelled():
            task.exception()  # asyncio would log an error that nobody asks for


@contextlib.contextmanager
def _whole_stack(limit: int) -> Iterator[None]:
    """Let the parser go as deep as if nothing had called it: what is too deep here is so in every program."""
    before = sys.getrecursionlimit()
    frame, depth = sys._getframe(), 1
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    sys.setrecursionlimit(limit + depth)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class AdapterError(UsageError):
    """An adapter cannot be used as it was made, so that the parser was not run."""


class WrongShapeError(TypeError):
    """The parser returned something that is not an iterable."""

    def __init__(self, returned: object) -> None:
        super().__init__(f"The parser returned {returned!r:.60}, which is not an iterable of JSON values.")
        self.returned = returned


def collect(result: Any, output: Output, limit: int) -> None:
    """Take what a synchronous parser returns."""
    if isinstance(result, str | bytes | dict) or not hasattr(result, "__iter__"):
        raise WrongShapeError(result)
    output.lazy = not isinstance(result, Sized)
    values = output.values
    for value in result:
        values.append(value)
        if len(values) > limit:
            break


async def collect_awaiting(result: Any, output: Output, limit: int) -> None:
    """Take what an asynchronous parser returns."""
    if inspect.isawaitable(result):
        result = await result
    if not hasattr(result, "__aiter__"):
        collect(result, output, limit)
        return
    values = output.values
    async for value in result:
        values.append(value)
        if len(values) > limit:
            break
    if len(values) > limit and hasattr(result, "aclose"):
        await result.aclose()


def name_of(parse: Parse) -> str:
    """What to call a parser: ``module:function`` if it has both."""
    while hasattr(parse, "func"):  # functools.partial
        parse = parse.func
    name = getattr(parse, "__qualname__", None) or type(parse).__qualname__
    module = getattr(parse, "__module__", None)
    return f"{module}:{name}" if module and module != "__main__" else str(name)
