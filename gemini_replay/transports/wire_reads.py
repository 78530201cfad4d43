"""Tells a reader when its library is about to read from the wire: all that the last read has brought is parsed then.

A library reads up to 64 KB at once, often many chunks. Between two chunks that came together nothing is waited for,
so a reader can hand them on and write them down together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from inspect import iscoroutinefunction
from typing import Any

from .observing import BeforeReads


def before_reads_of(stream: Any) -> BeforeReads:
    """Calls a function before each read of httpcore's stream of a connection; never, if `stream` cannot tell.

    Args:
        stream: the stream of a connection that nobody else uses, sync or async; None if there is none.
    """

    def before_reads(call: Callable[[], Any]) -> Any:
        return nullcontext() if stream is None else _telling(stream, call)

    return before_reads


@contextmanager
def _telling(stream: Any, call: Callable[[], Any]) -> Iterator[None]:
    replaced = False
    with suppress(Exception):  # a stream of another kind
        if "read" not in vars(stream):
            stream.read = _announced(stream.read, call)
            replaced = True
    try:
        yield
    finally:
        if replaced:
            with suppress(Exception):
                del stream.read


def _announced(read: Callable[..., Any], call: Callable[[], Any]) -> Callable[..., Any]:
    if iscoroutinefunction(read):

        async def announced_async(*arguments: Any, **options: Any) -> Any:
            await call()
            return await read(*arguments, **options)

        return announced_async

    def announced(*arguments: Any, **options: Any) -> Any:
        call()
        return read(*arguments, **options)

    return announced
