"""Floors for the table of cassettes: minimal loading and saving that leaves out all checks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from benchmarks.harness import Run
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response


def parsed(path: Path) -> Run:
    """Parse each line as JSON."""

    def run() -> int:
        with path.open("rb") as file:
            return len([json.loads(line) for line in file])

    return run


def unchecked(path: Path) -> Run:
    """Make the objects of a loaded cassette, without checking them."""

    def run() -> list[int]:
        found: list[Interaction] = []
        request: Any = None
        response: Any = None
        decode = json.JSONDecoder().raw_decode  # faster than json.loads, which looks for the encoding first
        chunks: list[Chunk] = []
        with path.open("rb") as file:
            next(file)  # the header
            for raw in file:
                line, _ = decode(raw.decode())
                if isinstance(line, list):
                    chunks.append(Chunk(line[0], line[1].encode()))
                elif "request" in line:
                    about = line["request"]
                    body = json.dumps(about["json"], ensure_ascii=False, separators=(",", ":")).encode()
                    headers = tuple([(name, value) for name, value in about["headers"]])
                    request, chunks = Request(about["method"], about["url"], headers, body), []
                elif "response" in line:
                    about = line["response"]
                    headers = tuple([(name, value) for name, value in about["headers"]])
                    response = Response(about["status"], headers, line["after"])
                else:
                    found.append(Interaction(request, response, tuple(chunks), End(line["end"], line["after"])))
        return [len(found), sum(len(chunk.data) for one in found for chunk in one.chunks)]

    return run


def dumped(path: Path, *, ensure_ascii: bool) -> Run:
    """Write each line as JSON text."""
    with path.open("rb") as file:
        values = [json.loads(line) for line in file]
    target = path.with_name("dumped.jsonl")

    def run() -> int:
        with target.open("w", encoding="utf-8") as file:
            return sum(bool(file.write(json.dumps(value, ensure_ascii=ensure_ascii) + "\n")) for value in values)

    return run


def placed(path: Path) -> Run:
    """What a cassette holds, bytes, has to be decoded first; and a file that is replaced is whole or not at all."""
    with path.open("rb") as file:
        values = [json.loads(line) for line in file]
    values = [[one[0], one[1].encode()] if isinstance(one, list) else one for one in values]
    target, unfinished = path.with_name("placed.jsonl"), path.with_name("placed.unfinished")

    def run() -> int:
        count = 0
        with unfinished.open("w", encoding="utf-8") as file:
            for value in values:
                line = [value[0], value[1].decode()] if isinstance(value, list) else value
                count += bool(file.write(json.dumps(line, ensure_ascii=False) + "\n"))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        return count

    return run


def unlike_leaves(one: Any, other: Any) -> int:
    """How many plain values of one JSON value differ from those of another, by their places."""
    if isinstance(one, dict) and isinstance(other, dict):
        return sum(unlike_leaves(value, other.get(name)) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return sum(map(unlike_leaves, one, other))
    return bool(one != other)
