"""The ``contents`` of a request: errors in them, their texts, and an estimate of their tokens."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...gemini.shapes import dict_of, dicts_of, get
from ...gemini.tokens import count_tokens
from .call import refused

MEDIA_TOKENS = 258
"""The tokens of an image, a page, or anything else that is not text."""


def read_contents(body: Mapping[str, Any]) -> list[Any]:
    """The ``contents`` of a request's body.

    Raises:
        RefusedError: there are none, or one has no parts.
    """
    contents = body.get("contents")
    if isinstance(contents, dict):
        contents = [contents]  # Google's JSON reader accepts one element as a list of one
    if not contents or not isinstance(contents, list):
        raise refused(400, "* GenerateContentRequest.contents: contents is not specified\n")
    for nth, content in enumerate(contents):
        parts = content.get("parts") if isinstance(content, dict) else None
        if not parts or not isinstance(parts, list | dict):
            where = f"GenerateContentRequest.contents[{nth}].parts"
            raise refused(400, f"* {where}: contents.parts must not be empty.\n")
        if isinstance(parts, dict):
            content["parts"] = [parts]
    return contents


def parts_of(contents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """All parts, in order."""
    for content in contents:
        yield from dicts_of(dict_of(content).get("parts"))


def first_text(contents: Sequence[Any]) -> str:
    """The first text of the first content, or ""."""
    return next((text for part in parts_of(contents[:1]) if isinstance(text := part.get("text"), str)), "")


def prompt_tokens(contents: Iterable[Any], *more: Any, files: Mapping[str, int] | None = None) -> int:
    """An estimate of the tokens of contents; at least 1.

    Args:
        contents: the contents; media count as `MEDIA_TOKENS` each.
        more: other parts of the prompt: a system instruction, tools.
        files: the tokens of files, by their URI.
    """
    parts = list(parts_of([*contents, *more]))
    texts = [text for part in parts if isinstance(text := part.get("text"), str)]
    for name in ("functionCall", "functionResponse"):
        texts += [_compact(found) for part in parts if (found := get(part, name))]
    texts += [_compact(one) for one in more if one and isinstance(one, list | dict) and "parts" not in one]
    media = 0
    for part in parts:
        if get(part, "inlineData"):
            media += MEDIA_TOKENS
        elif file := dict_of(get(part, "fileData")):
            media += (files or {}).get(str(get(file, "fileUri")), MEDIA_TOKENS)
    text = "".join(texts)
    return (count_tokens(text) if text or not media else 0) + media


def _compact(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
