"""The parser's side of the line protocol, in Python: for a parser that lives in another environment or interpreter.

It needs the standard library only, so that this one file can be carried to where the parser is:

    from serve import serve
    serve(my_parse)
"""

from __future__ import annotations

import asyncio
import base64
import inspect
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any, TextIO


def serve(parse: Callable[[Any], Any], asked: Iterable[str] | None = None, answered: TextIO | None = None) -> None:
    """Answer each case with what `parse` makes of its chunks, until there are no more.

    Args:
        parse: takes an iterable of byte chunks (an async one if it is an async function or async generator),
            returns JSON objects.
        asked: lines of the protocol; by default standard input.
        answered: where the answers go; by default standard output. What `parse` prints then goes to standard error.
    """
    asked = sys.stdin if asked is None else asked
    if answered is None:
        answered, sys.stdout = sys.stdout, sys.stderr
    for line in asked:
        case = json.loads(line)
        answer = {"id": case["id"], **_run(parse, [base64.b64decode(chunk) for chunk in case["chunks"]])}
        try:
            text = json.dumps(answer)
        except (TypeError, ValueError, RecursionError) as error:  # an event is not a JSON value, or too deep for one
            text = json.dumps({"id": case["id"], "events": [], "error": f"{type(error).__name__}: {error}"})
        answered.write(text + "\n")
        answered.flush()


def _run(parse: Callable[[Any], Any], chunks: list[bytes]) -> dict[str, Any]:
    events: list[Any] = []
    pulled: list[int] = []  # for each event, how many chunks had been taken when it came
    taken = 0

    def pull() -> Iterator[bytes]:
        nonlocal taken
        for chunk in chunks:
            taken += 1
            yield chunk

    async def apull() -> AsyncIterator[bytes]:
        for chunk in pull():
            yield chunk

    def add(event: Any) -> None:
        events.append(event)
        pulled.append(taken)

    async def gather() -> None:
        result = parse(apull())
        if inspect.isawaitable(result):
            result = await result
        if hasattr(result, "__aiter__"):
            async for event in result:
                add(event)
        else:
            for event in result:
                add(event)

    answer: dict[str, Any] = {"events": events, "pulled": pulled}
    began = time.process_time()
    try:
        if inspect.iscoroutinefunction(parse) or inspect.isasyncgenfunction(parse):
            asyncio.run(gather())
        else:
            for event in parse(pull()):
                add(event)
    except Exception as error:
        answer["error"] = f"{type(error).__name__}: {error}"[:500]
    answer["seconds"] = time.process_time() - began
    return answer
