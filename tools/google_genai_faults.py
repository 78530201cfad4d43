"""Sweeps every fault of the curated cassettes through google-genai, and writes docs/google-genai-faults.md.

    python tools/google_genai_faults.py [--most N]

Each cassette with one whole answer is asked for by the SDK in three ways, under each fault of `faults.faults_of`, in
virtual time. The result is what a user sees: the text and the function calls.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import importlib.metadata
import os
import platform
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google import genai
from google.genai import _api_client

from gemini_replay import Cassette, faults
from gemini_replay.errors import ClientBug
from gemini_replay.faults.client_check import EFFECTS
from gemini_replay.faults.complete_prefix import is_breakable

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "google-genai-faults.md"
TIMEOUT_S = 10
PATHS = ("sync, httpx2", "async, httpx2", "async, aiohttp")
KINDS = (*faults.SWEPT, "garbage", "tls")

_WORDS = {"short": "silently short"}

Seen = Counter[str]
Table = dict[tuple[str, str], dict[str, Seen]]
"""For each kind of fault and each place: for each way of asking, the results and how often they came."""


def client() -> Any:
    """A client as users make it, with a time limit."""
    return genai.Client(api_key="none", http_options={"timeout": TIMEOUT_S * 1000})


def said(chunks: list[Any]) -> tuple[str, list[Any]]:
    """What a user sees of an answer."""
    contents = [one.content for chunk in chunks for one in chunk.candidates or () if one.content]
    parts = [part for content in contents for part in content.parts or ()]
    calls = [part.function_call.model_dump() for part in parts if part.function_call]
    return "".join(part.text or "" for part in parts if not part.thought), calls


def ask(model: str) -> tuple[str, list[Any]]:
    """The loop of a user's code."""
    with client() as made:
        return said(list(made.models.generate_content_stream(model=model, contents="…")))


async def ask_async(model: str) -> tuple[str, list[Any]]:
    """The same in async code."""
    async with client().aio as made:
        stream = await made.models.generate_content_stream(model=model, contents="…")
        return said([chunk async for chunk in stream])


@contextmanager
def through(path: str) -> Iterator[Callable[[str], Any]]:
    """The call for this way of asking."""
    had = _api_client.has_aiohttp
    _api_client.has_aiohttp = path.endswith("aiohttp")
    try:
        yield ask if path.startswith("sync") else lambda model: asyncio.run(ask_async(model))
    finally:
        _api_client.has_aiohttp = had


def cassettes() -> list[Path]:
    """The cassettes with one whole answer in SSE that has text or calls, and that the SDK can read."""
    found = []
    for path in sorted((ROOT / "cassettes").glob("*.jsonl")):
        one, *more = Cassette.load(path).interactions
        says = one.text or one.function_calls
        if not more and is_breakable(one) and one.request.alt == "sse" and says and path.stem != "gateway":
            found.append(path)
    return found


def place(fault: str, events: int) -> str:
    """The place of a fault in words; "" for one that replaces the answer."""
    parsed = faults.parse_faults(fault)[0].place
    if parsed is None:
        return ""
    if parsed.unit == "head":
        return "before the head"
    if parsed.unit == "end" or parsed.count >= events:
        return "after the last event"
    if parsed.count % 1:
        return "inside an event"
    return "between two events" if parsed.count else "before the first event"


def came(one: faults.ClientResult) -> str:
    """The result of a call in one word."""
    if one.outcome.error is None:
        return f"**{_WORDS[one.effect]}**" if one.effect in _WORDS else one.effect
    kind = type(one.outcome.error)
    code = getattr(one.outcome.error, "code", None)
    package = kind.__module__.split(".")[0]
    name = kind.__qualname__ if package in {"builtins", "google"} else f"{package}.{kind.__qualname__}"
    return f"`{name}`" + (f" {code}" if isinstance(code, int) else "")


def measure(most: int | None = None, paths: list[Path] | None = None, kinds: tuple[str, ...] = KINDS) -> Table:
    """Sweep the cassettes in every way."""
    table: Table = {}
    for path in paths or cassettes():
        (interaction,) = Cassette.load(path).interactions
        events = len(interaction.events)
        for way in PATHS:
            with through(way) as call:
                try:
                    report = faults.check_client(
                        functools.partial(call, interaction.request.model or ""),
                        path,
                        rechunk=(),
                        kinds=kinds,
                        most=most,
                        match=("method", "model", "action", "alt"),
                        speed="virtual",
                    )
                except ClientBug as bug:
                    report = bug.report
            print(f"{path.stem}, {way}: {len(report.results)} faults", file=sys.stderr)
            for one in report.results:
                kind, where = one.value.partition("@")[0], place(one.value, events)
                cell = table.setdefault((kind, where), {}).setdefault(way, Counter())
                cell[came(one)] += 1
    return table


def page(table: Table, names: list[str]) -> str:
    """The page with the table."""
    packages = ("google-genai", "httpx2", "aiohttp")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    shown = {_WORDS.get(word, word): EFFECTS[word] for word in ("whole", "changed", "short", "tells")}
    words = "; ".join(f"*{word}*: {meaning}" for word, meaning in shown.items())
    total = sum(sum(cell.values()) for row in table.values() for cell in row.values())
    rows = [
        f"| {f'`{kind}`'} | {where or '–'} | {' | '.join(_cell(row.get(way, Counter())) for way in PATHS)} |"
        for (kind, where), row in table.items()
    ]
    return "\n".join(
        [
            "# What google-genai does when a stream goes wrong",
            "",
            f"Measured with {versions}, Python {platform.python_version()}: each fault of `faults.sweep` over "
            f"{len(names)} of the [curated cassettes](../cassettes/README.md) ({', '.join(names)}), "
            f"{total} calls in all. Made anew by:",
            "",
            "```console",
            "$ python tools/google_genai_faults.py",
            "```",
            "",
            "The call joins the text of all chunks and collects the function calls, as most code does; it has a time "
            f"limit of {TIMEOUT_S} s (`HttpOptions.timeout`), and no retries. A stall lasts 60 s, in [virtual "
            f"time](virtual-time.md). What the words mean: {words}. A number after an error is its `code`.",
            "",
            f"| fault | where | {' | '.join(PATHS)} |",
            f"|---|---|{'---|' * len(PATHS)}",
            *rows,
            "",
            "What to make of it:",
            "",
            "- A body that ends normally between two events is not noticed: look for a `finish_reason` on the "
            "last chunk before you take an answer for whole. (*Whole* in these rows: what was cut off held no text.)",
            "- An event that comes twice is in the text twice.",
            "- Errors of the connection come through as the HTTP library raises them: code that is to work over "
            "httpx2 and aiohttp alike catches both.",
            "- Over aiohttp the SDK asks again by itself where there was no connection or no head; over httpx2 it "
            "does not. (Each fault struck one request only.)",
            "",
        ]
    )


def _cell(seen: Seen) -> str:
    if len(seen) == 1:
        return next(iter(seen))
    return ", ".join(f"{word} ×{count}" for word, count in seen.most_common())


def main() -> int:
    """Measure and write the page."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--most", type=int, metavar="N", help="places of each kind in an answer (default: all)")
    chosen = arguments.parse_args()
    for name in ("GOOGLE_GENAI_HTTP_CLIENT", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        os.environ.pop(name, None)
    warnings.simplefilter("ignore", DeprecationWarning)
    names = [path.stem for path in cassettes()]
    PAGE.write_text(page(measure(chosen.most), names), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
