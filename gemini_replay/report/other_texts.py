"""What an answer says where `Interaction.answer` does not look: in other candidates, parts and shapes of events.

Such parts are code that the model has run and what came out of it, files, and whatever is new.

Other shapes are those of embeddings, of the Interactions API and of endpoints that speak OpenAI's language.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..cassette.model import Interaction
from ..gemini.shapes import dict_of, dicts_of, get

_OWN = frozenset({"candidates", "promptFeedback", "error", "usageMetadata", "prompt_feedback", "usage_metadata"})
"""Members of an event that `Interaction.answer` reads; it reads the first candidate alone."""
_READ_PARTS = frozenset({"text", "functionCall", "function_call", "inlineData", "inline_data"})
"""Each part that it reads has one of these members."""
_VARYING = re.compile(
    r"(?:^|_)(?:ids?|created(?:_at)?|updated(?:_at)?|time|timestamp|fingerprint|obfuscation|signature|etag|usage)$"
)
"""Names, in snake case, of what changes with every recording."""
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_MANY = 16


def other_texts(interaction: Interaction) -> list[str]:
    """One line for each text or number, or row of them in successive events: its path, and what it says."""
    answer = interaction.answer
    read = bool(answer.text or answer.thoughts or answer.function_calls)
    found: dict[str, list[str | float]] = {}
    for event in interaction.events:
        for path, value in _unread(event.json, read=read):
            found.setdefault(path, []).append(value)
    return [f"{path}: {line}" for path, values in found.items() for line in _told(values)]


def _unread(event: Any, *, read: bool) -> Iterator[tuple[str, str | float]]:
    message = event.get("response", event) if isinstance(event, Mapping) else event
    if not isinstance(message, Mapping) or _OWN.isdisjoint(message):
        if not read:
            yield from _leaves(event, "")
        return
    candidates = message.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, Mapping):
            continue
        if candidate.get("index"):
            content = {name: value for name, value in candidate.items() if name != "index"}
            yield from _leaves(content, f"candidates[{candidate['index']}]")
        else:
            for part in dicts_of(get(dict_of(candidate.get("content")), "parts")):
                if _READ_PARTS.isdisjoint(part):
                    yield from _leaves(part, "content.parts[*]")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str | float]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not _VARYING.search(_HUMP.sub(r"_\1", name).lower()):
                yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for nth, inner in enumerate(value):
            plain = isinstance(inner, int | float)  # a row, such as an embedding
            yield from _leaves(inner, f"{path}[*]" if plain else f"{path}[{nth}]")
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value


def _told(values: list[str | float]) -> list[str]:
    if all(isinstance(value, str) for value in values):
        return "".join(map(str, values)).split("\n")
    text = ", ".join(map(str, values))
    if len(values) <= _MANY:
        return [text]
    return [f"{len(values)} values, sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"]
