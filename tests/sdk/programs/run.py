"""Runs one call of one SDK, recording or replaying: ``python run.py PROGRAM FUNCTION record|replay CASSETTE [URL]``.

Each result of the SDK is printed as one JSON line: the moment on the process's clock, and the text. The calls
themselves are as users write them and do not mention gemini-replay.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import time
from typing import Any

import gemini_replay


def main(program: str, function: str, mode: str, cassette: str, url: str = "") -> None:
    """Run the call inside a session and print its results."""
    call = getattr(importlib.import_module(program), function)
    session = gemini_replay.record(cassette, upstream=url) if mode == "record" else gemini_replay.replay(cassette)
    with session:
        try:
            if inspect.isasyncgenfunction(call):
                asyncio.run(_print_async(call))
            else:
                for text in call():
                    _print(text)
        except Exception as error:
            _print(f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")


async def _print_async(call: Any) -> None:
    async for text in call():
        _print(text)


def _print(text: Any) -> None:
    print(json.dumps([time.perf_counter(), str(text)]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
