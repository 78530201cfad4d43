"""Functions as users write them, careful and careless, and what `check_client` finds in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gemini_replay import Cassette, parse_stream
from gemini_replay.errors import ClientBug
from gemini_replay.faults import ClientReport, check_client
from gemini_replay.gemini import collect

FOLDER = Path(__file__).parents[2] / "cassettes"
STORY, ARRAY = FOLDER / "story.jsonl", FOLDER / "array.jsonl"


def body(path: Path = STORY, read: float | None = 5.0) -> Iterator[bytes]:
    """The chunks of the answer to the first request of a cassette, as the client gets them."""
    request = Cassette.load(path).interactions[0].request
    with httpx.Client(timeout=httpx.Timeout(5.0, read=read)) as client:
        with client.stream(request.method, request.url, json=request.json) as response:
            response.raise_for_status()
            yield from response.iter_bytes()


def careful(path: Path = STORY) -> str:
    """Return the text; raise an error if the answer is not whole."""
    answer = collect(parse_stream(body(path)))
    if answer.error or not answer.complete:
        raise RuntimeError("the answer is not whole")
    return answer.text


def hopeful(path: Path = STORY) -> str:
    """Return the text of whatever came."""
    return collect(parse_stream(body(path))).text


def with_reason(path: Path = STORY) -> tuple[str, str | None, bool]:
    """Return the text, and what shows whether it is whole."""
    answer = collect(parse_stream(body(path)))
    return answer.text, answer.finish_reason, answer.error is not None


def bugs_of(call: Callable[[], Any], path: Path = STORY, **options: Any) -> ClientReport:
    with pytest.raises(ClientBug) as caught:
        check_client(call, path, **options)
    report = caught.value.report
    assert isinstance(report, ClientReport)
    return report


def effects(report: ClientReport) -> dict[str, str]:
    return {one.value: one.effect for one in report.results}


def hopeful_whole() -> str:
    return Cassette.load(STORY).interactions[0].text
