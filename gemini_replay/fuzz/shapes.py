"""Whether a callable is a parser of chunks. One of another shape lacks an adapter, which the error names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..errors import UsageError
from . import adapters
from .cuts import every, split
from .plain_stream import is_plain, plain_body
from .target import Feed, FuzzTarget, Output, Parse, WrongShapeError

_JSON = (dict, list, tuple, str, int, float, bool, type(None))
_FED = "feed"
_METHODS = ("parse", "iter_events", "events", "stream", "decode", "iter")
_OF_AIOHTTP = ("content", "at_eof", "readline", "readany", "iter_any", "iter_chunked")
_LIBRARIES = ("httpx", "httpx2", "requests", "aiohttp")

SHAPE = (
    "parse takes an iterable (or async iterable) of byte chunks and returns the decoded JSON objects, as a list, an "
    "iterator or an async iterator. gemini_replay.fuzz.adapters wraps other shapes."
)


def check_shape(target: FuzzTarget, *, array: bool) -> None:
    """Raise a `UsageError` for a callable that does not take chunks, or does not return JSON values.

    It has run over the simplest stream then.
    """
    parse, body = target.parse, plain_body(array=array)
    if not target.is_here:
        target.run([body])
        return
    if found := _by_signature(parse, body):
        raise _adapter_needed(target, *found)
    _check_call(target)
    output = target.run([body])
    error = output.error
    if isinstance(error, AttributeError) and isinstance(error.obj, Feed) and error.name:
        raise _adapter_needed(target, f"uses .{error.name} of its argument", _of_response(parse, error.name, body))
    if isinstance(error, WrongShapeError):
        if hasattr(error.returned, _FED):
            raise _adapter_needed(target, "returns a parser that is fed", "push({})")
        raise UsageError(str(error), hint=SHAPE)
    if _is_nested(output):
        raise UsageError(
            f"{target.name} returns lists of events.",
            hint="Each event must come out by itself: yield from events, not yield events.",
        )
    if not is_plain(output) and not array and (found := _by_trying(parse, body)):
        raise _adapter_needed(target, *found)
    _check_values(target, output)


def _adapter_needed(target: FuzzTarget, what: str, adapter: str | None) -> UsageError:
    name = getattr(target.parse, "__name__", "parse")
    name = name if name.isidentifier() else "parse"
    if adapter is None:
        return UsageError(f"{target.name} {what}, and no adapter fits.", hint=SHAPE)
    return UsageError(
        f"{target.name} {what}: it needs an adapter.",
        hint=f"from gemini_replay.fuzz import adapters; fuzz.check_parser(adapters.{adapter.format(name)})",
    )


def _check_call(target: FuzzTarget) -> None:
    try:
        signature = inspect.signature(target.parse, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    try:
        signature.bind([])
    except TypeError as error:
        raise UsageError(f"{target.name} cannot be called with chunks: {error}.", hint=SHAPE) from None


def _by_signature(parse: Callable[..., Any], body: bytes) -> tuple[str, str | None] | None:
    """What the parser takes, and its adapter, as far as its arguments tell."""
    needed = _needed(parse)
    if needed is None:
        return None
    if inspect.isclass(parse) and hasattr(parse, _FED):
        if not needed:
            return "is a class that is fed", "push({})"
        return "is a class that is fed, and calls a function", "push({}, callback=True)"
    if inspect.isclass(parse) and not needed and parse.__module__ != "builtins":
        names = [name for name in (*_METHODS, *vars(parse)) if callable(getattr(parse, name, None))]
        public = [name for name in names if not name.startswith("_")]
        methods = [(f'method({{}}, "{name}")', adapters.method(parse, name)) for name in public]
        return ("is a class", _fitting(methods, body)) if methods else None
    if needed[:1] == ["self"] and (owner := parse.__qualname__.rpartition(".")[0].rpartition(".")[2]):
        adapter = f"push({owner})" if parse.__name__ == _FED else f'method({owner}, "{parse.__name__}")'
        return "is a method without its object", adapter
    if len(needed) == 2 and not inspect.isclass(parse):
        fitting = _fitting([("callback({})", adapters.callback(parse))], body)
        return ("takes chunks and a function" if fitting else f"takes {' and '.join(needed)}"), fitting
    return None


def _fitting(candidates: Iterable[tuple[str, Parse]], body: bytes, missing: str | None = None) -> str | None:
    """The adapter with which the parser reads the simplest stream, or comes nearest to that; None if none fits.

    Args:
        candidates: adapters, each with the adapted parser.
        body: the simplest stream.
        missing: the attribute that the parser needs of its argument.
    """
    found: list[tuple[int, str]] = []
    for adapter, adapted in candidates:
        try:
            with FuzzTarget(adapted) as target:
                output = target.run([body])
        except UsageError:  # such as a library that is not installed
            continue
        if is_plain(output):
            return adapter
        if output.error is None:
            found.append((0, adapter))
        elif missing is not None and not (isinstance(output.error, AttributeError) and output.error.name == missing):
            found.append((1, adapter))
    return min(found, key=lambda one: one[0])[1] if found else None


def _needed(parse: Parse) -> list[str] | None:
    """The names of the positional arguments that it cannot do without; None if they are not known."""
    try:
        parameters = inspect.signature(parse, follow_wrapped=False).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in positional and one.default is one.empty]


def _of_response(parse: Parse, used: str, body: bytes) -> str | None:
    """The adapter for a parser that uses this attribute of a response; None if no response has it."""
    modules = {getattr(one, "__name__", "") for one in getattr(parse, "__globals__", {}).values()}
    named = [library for library in _LIBRARIES if library in modules]
    if used == "iter_content":
        library = "requests"
    elif used in _OF_AIOHTTP:
        library = "aiohttp" if adapters.is_async(parse) else "requests"
    else:
        fitting = [one for one in named if (one == "aiohttp") <= adapters.is_async(parse)]
        library = fitting[0] if fitting else "httpx"
    awaits = adapters.is_async(parse)
    libraries = [library, *(one for one in _LIBRARIES if one != library and (one != "aiohttp" or awaits))]
    candidates = [(f"{one}_response({{}})", getattr(adapters, f"{one}_response")(parse)) for one in libraries]
    if awaits:
        candidates.append(
            ('aiohttp_response({}, reads="content")', adapters.aiohttp_response(parse, reads="content"))
        )
    return _fitting(candidates, body, used)


def _by_trying(parse: Parse, body: bytes) -> tuple[str, str] | None:
    """What the parser reads rightly instead of chunks, and its adapter."""
    for what, adapter, adapted in _attempts(parse):
        with FuzzTarget(adapted) as target:
            if is_plain(target.run(split(body, every(1, len(body))))):
                return what, adapter
    return None


def _attempts(parse: Parse) -> Iterator[tuple[str, str, Callable[[Any], Any]]]:
    yield "reads text", "text({})", adapters.text(parse)
    yield "reads lines of text", "lines({})", adapters.lines(parse)
    if any("line" in name for name in _needed(parse) or ()):  # else it may as well take each chunk for an event
        yield "reads lines of bytes", "byte_lines({})", adapters.byte_lines(parse)


def _is_nested(output: Output) -> bool:
    """Whether the events of the simplest stream came out in lists."""
    values = output.values
    if not values or not all(isinstance(one, list | tuple) for one in values):
        return False
    return is_plain(replace(output, values=[event for one in values for event in one]))


def _check_values(target: FuzzTarget, output: Output) -> None:
    strange = next((value for value in output.values if not isinstance(value, _JSON)), None)
    if strange is not None:
        hint = f" Perhaps value.json of each {type(strange).__name__}?" if hasattr(strange, "json") else ""
        raise UsageError(
            f"{target.name} returns {type(strange).__name__} objects, not JSON values.{hint}", hint=SHAPE
        )
    if output.values and all(isinstance(value, str) for value in output.values):
        raise UsageError(f"{target.name} returns text such as {output.values[0][:40]!r}.", hint=SHAPE)
