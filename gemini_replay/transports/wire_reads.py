"""Tells a reader when its library is about to read from the wire. By then, all bytes of the last read are parsed.

A library reads up to 64 KB at once, often many chunks. Between chunks that came together it does not wait. So a
reader can write them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from inspect import iscoroutinefunction
from typing import Any

from .observing import BeforeReads


def before_reads_of(stream: Any) -> BeforeReads:
    """Calls a function before each read of a connection's stream in httpcore, if the stream's reads can be noticed.

    Args:
        stream: the stream of a connection that serves only this response, sync or async; None if there is none.
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
