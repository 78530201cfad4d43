"""A provider that is not Gemini, with its own hosts, URLs, events, ends of events and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from gemini_replay.frames import Framing, SSEDecoder, encode_sse
from gemini_replay.provider import Answer, ApiError, Event, Layout, Members, Provider, Target

_PATH = re.compile(r"/v(?P<version>\d+)/(?P<model>\w+)/(?P<action>sing)$")


def sung(words: str) -> bytes:
    """One event that sings these words."""
    return encode_sse(json.dumps({"sing": words}), event="note", newline="\n")


FIN = encode_sse('{"fin": "encore"}', event="fin", newline="\n")
"""The event that ends an answer."""


@dataclass(frozen=True)
class Note:
    """One event."""

    json: Any
    thoughts: str = ""
    function_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    is_answer: bool = True

    @property
    def text(self) -> str:
        return str(self.json.get("sing", ""))

    @property
    def error(self) -> ApiError | None:
        trouble = self.json.get("trouble")
        return ApiError(trouble["number"], trouble["why"]) if trouble else None

    @property
    def tokens(self) -> int | None:
        return len(self.text.split())


class Toy(Provider):
    """An API that sings."""

    name = "Toy"
    hosts = ("*.toy.example",)
    token_hosts = frozenset({"login.toy.example.org"})
    grpc_services: dict[str, str] = {}  # noqa: RUF012 (the protocol has it as an attribute)
    grpc_advice = "Sing over HTTP."
    key_variable = "TOY_KEY"
    key_headers = frozenset({"x-toy-pass"})
    key_parameters = frozenset({"pass"})
    members = Members()

    def target(self, url: str) -> Target:
        path = urlsplit(url).path
        found = _PATH.search(path)
        if found is None:
            return Target(None, None, None, path)
        return Target(found["model"], found["action"], None, found["model"])

    def base_url(self, path: str = "/") -> str:
        return "https://eu.toy.example"

    def layout(self, body: bytes) -> Layout:
        decoder = SSEDecoder(objects=False)
        frames = [*decoder.feed(body), *decoder.close()]
        events = tuple(Note(json.loads(frame.data)) for frame in frames)
        bounds = [*(frame.offset for frame in frames[1:]), len(body)]
        starts = zip((frame.offset for frame in frames), events, strict=True)
        return Layout("sse" if body else None, events, tuple(bounds[: len(events)]), tuple(starts))

    def collect(self, events: Iterable[Any]) -> Answer:
        found = list(events)
        text = "".join(one.text for one in found)
        fin = next((one.json["fin"] for one in found if "fin" in one.json), None)
        error = next((one.error for one in found if one.error), None)
        return Answer(text, finish_reason=fin, error=error, complete=fin is not None and error is None)

    def error_body(
        self, code: int, message: str | None = None, *, url: str = "", retry_after: float | None = None
    ) -> bytes:
        return json.dumps({"trouble": {"number": code, "why": message or "hoarse"}}).encode()

    def error_event(
        self, code: int, *, framing: Framing | None, first: bool, retry_after: float | None = None
    ) -> bytes:
        return encode_sse(self.error_body(code), event="trouble", newline="\n")

    def finished(self, event: Event | None, *, framing: Framing | None, first: bool) -> bytes:
        return (sung(event.text) if event else b"") + FIN

    def tokens(self, text: str) -> int:
        return len(text.split())


TOY = Toy()
