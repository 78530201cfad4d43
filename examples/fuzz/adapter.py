"""A parser in Python that lives in another environment or interpreter, for the fuzz kit.

    gemini-replay fuzz --command '/path/to/its/python examples/fuzz/adapter.py' --profile gemini

Where gemini_replay is not installed, put a copy of gemini_replay/fuzz/serve.py beside this file: it needs the
standard library only. A parser that can be imported here needs none of this: `gemini-replay fuzz MODULE:CALLABLE`.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

try:
    from gemini_replay.fuzz.serve import serve
except ImportError:
    from serve import serve  # type: ignore[import-not-found, no-redef]


def parse(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The decoded JSON of each event. Replace this by your own."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        *blocks, buffer = buffer.split(b"\r\n\r\n")
        for block in blocks:
            if block.startswith(b"data: "):
                yield json.loads(block[len(b"data: ") :])


serve(parse)
