"""Functions that run in a session of their own at each call: plain ones, coroutine functions and generators."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from functools import partial, wraps
from types import AsyncGeneratorType, GeneratorType
from typing import Any, ParamSpec, TypeVar, cast

from .errors import UsageError
from .session import Suspended

P = ParamSpec("P")
R = TypeVar("R")

Opens = Callable[[], AbstractContextManager[object]]
"""Opens a session for a with-block."""


def decorated(function: Callable[P, R], opens: Opens) -> Callable[P, R]:
    """The function, with a session for each call while its body runs.

    Raises:
        UsageError: it is a class, or not a function.
    """
    if inspect.isclass(function) or not callable(function):
        raise UsageError(
            f"{_shown(function)} cannot be decorated with a cassette.",
            hint="Decorate functions, coroutine functions, generator functions and async generator functions. "
            "Decorate the methods of a class one by one, below @classmethod, @staticmethod and @property.",
        )
    runs = next((runs for is_kind, runs in _KINDS if is_kind(function)), _function)
    return cast(Callable[P, R], wraps(function)(runs(opens, function)))


_LATE = (
    GeneratorType,
    AsyncGeneratorType,
    map,
    filter,
    zip,
    contextlib._GeneratorContextManager,
    contextlib._AsyncGeneratorContextManager,
)
"""Return values that do their work later."""


def _function(opens: Opens, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with opens():
            result = function(*args, **kwargs)
            if inspect.isawaitable(result) or isinstance(result, _LATE):
                if inspect.iscoroutine(result):
                    result.close()
                raise UsageError(
                    f"{_shown(function)} returned a {type(result).__name__}, which would run after its session.",
                    hint="Decorate the function that makes it, or use a with-block where it runs.",
                )
            return result

    return call


def _coroutine(opens: Opens, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with opens():
            return await function(*args, **kwargs)

    return call


def _generator(opens: Opens, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with opens():
            generator = function(*args, **kwargs)
            try:
                value = next(generator)
            except StopIteration as end:
                return end.value
            body = Suspended()
            while True:
                try:
                    step = partial(generator.send, (yield value))
                except GeneratorExit:
                    with body.resumed():
                        generator.close()
                    raise
                except BaseException as thrown:
                    step = partial(generator.throw, thrown)
                with body.resumed():
                    try:
                        value = step()
                    except StopIteration as end:
                        return end.value

    return call


def _async_generator(opens: Opens, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with opens():
            generator = function(*args, **kwargs)
            try:
                value = await anext(generator)
            except StopAsyncIteration:
                return
            body = Suspended()
            while True:
                try:
                    step = partial(generator.asend, (yield value))
                except GeneratorExit:
                    with body.resumed():
                        await generator.aclose()
                    raise
                except BaseException as thrown:
                    step = partial(generator.athrow, thrown)
                with body.resumed():
                    try:
                        value = await step()
                    except StopAsyncIteration:
                        return

    return call


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[..., Callable[..., Any]]], ...] = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isasyncgenfunction, _async_generator),
    (inspect.isgeneratorfunction, _generator),
)


def _shown(thing: object) -> str:
    return getattr(thing, "__qualname__", None) or repr(thing)
