"""Cassettes made for the benchmarks, the same each time, also in vcrpy's format."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness import Setting
from gemini_replay import Cassette
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
WORDS = (
    "the",
    "sea",
    "was",
    "quiet",
    "and",
    "问好",
    "a",
    "dragon",
    "slept",
    "under",
    "“the",
    "hill”",
    "while",
    "rain",
)


class Made:
    """A cassette that is made when it is first needed. It is the same each time."""

    def __init__(self, setting: Setting, name: str, count: int, *, chunks: int, size: int) -> None:
        self.count = max(1, count // 100) if setting.quick else count
        self.lines = 1 + self.count * (chunks + 3)
        self._setting, self._name, self._chunks, self._characters = setting, name, chunks, size

    @property
    def size(self) -> int:
        """Bytes of all bodies, counted once in a run of the benchmarks."""
        return int(self._setting.file(f"{self._name}.size", self._count_bytes).read_text(encoding="utf-8"))

    def _count_bytes(self, path: Path) -> None:
        path.write_text(str(sum(len(interaction.body) for interaction in self.interactions())), encoding="utf-8")

    @property
    def path(self) -> Path:
        """The file."""
        return self._setting.file(f"{self._name}.jsonl", lambda path: Cassette(list(self.interactions())).save(path))

    def interactions(self) -> Iterator[Interaction]:
        """What it holds."""
        rng = random.Random(1)
        headers = (("content-type", "text/event-stream"), ("server", "scaffolding"))
        for number in range(self.count):
            chunks = tuple(self._event(rng) for _ in range(self._chunks))
            yield Interaction(asked(number, rng), Response(200, headers, 0.4), chunks, End("eof", 0.001))

    def _event(self, rng: random.Random) -> Chunk:
        text = " ".join(rng.choices(WORDS, k=self._characters // 4))[: self._characters]
        event = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}
        return Chunk(0.02, b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\r\n\r\n")

    def vcr(self) -> Path:
        """The same for vcrpy."""
        return self._setting.file(f"{self._name}.yaml", lambda path: vcr_save(path, self.interactions()))


def asked(number: int, rng: random.Random | None = None) -> Request:
    """The request of this number; without `rng`, one that was not recorded."""
    words = " ".join((rng or random.Random(number)).choices(WORDS, k=20))
    body = {
        "contents": [{"parts": [{"text": f"Tell me story {number}. {words}"}], "role": "user"}],
        "generationConfig": {"temperature": 0.7, "maxOutputTokens": 256},
    }
    headers = (("content-type", "application/json"), ("x-goog-api-key", "REDACTED"))
    return Request("POST", URL, headers, json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())


def vcr_parts() -> tuple[Any, Any]:
    """What vcrpy reads and writes files with, and how it spells them."""
    persister = importlib.import_module("vcr.persisters.filesystem").FilesystemPersister
    return persister, importlib.import_module("vcr.serializers.yamlserializer")


def vcr_save(path: Path, interactions: Iterable[Interaction]) -> None:
    """Save them as vcrpy does."""
    persister, serializer = vcr_parts()
    persister.save_cassette(path, vcr_data(interactions), serializer)


def vcr_data(interactions: Iterable[Interaction]) -> dict[str, list[Any]]:
    """What vcrpy holds of them in memory, each body in one piece."""
    request = importlib.import_module("vcr.request").Request
    data: dict[str, list[Any]] = {"requests": [], "responses": []}
    for one in interactions:
        asked = one.request
        data["requests"].append(request(asked.method, asked.url, asked.body, dict(asked.headers)))
        headers = {"content-type": ["text/event-stream"]}
        answer = {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": one.body}}
        data["responses"].append(answer)
    return data
