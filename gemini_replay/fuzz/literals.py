"""Values as short Python source. Long runs are written as products, so that a large case stays readable."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from .cuts import every, place, split

_RUN = re.compile(  # of a few characters, or of an event
    r"(?P<few>.{1,12}?)(?P=few){39,}|(?P<event>data:[^\n]{1,200}\n\r?\n)(?P=event){9,}", re.DOTALL
)
_LONG = 160  # characters; shorter text is written as it is
_WIDTH = 100
_MANY = 20  # chunks


def literal(value: Any) -> str:
    """A Python expression of a JSON value or of bytes."""
    if isinstance(value, bytes):
        return _joined(value.decode("latin-1"), lambda text: repr(text.encode("latin-1")))
    if isinstance(value, str):
        return _joined(value, repr)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f'float("{value}")'
    return repr(value)


def _joined(text: str, write: Any) -> str:
    if len(text) <= _LONG:
        return str(write(text))
    parts: list[str] = []
    at = 0
    for run in _RUN.finditer(text):
        if run.start() > at:
            parts.append(write(text[at : run.start()]))
        unit = run["few"] or run["event"]
        parts.append(f"{write(unit)} * {len(run[0]) // len(unit)}")
        at = run.end()
    if at < len(text):
        parts.append(write(text[at:]))
    return " + ".join(parts) or str(write(text))


def list_literal(values: Sequence[Any]) -> str:
    """A Python list of values, over several lines if one line is too long; many equal ones are written once."""
    texts: list[str] = []
    for text, equal in groupby(map(literal, values)):
        count = sum(1 for _ in equal)
        texts += [f"*[{text}] * {count}"] if count >= _MANY else [text] * count
    line = f"[{', '.join(texts)}]"
    return line if len(line) <= _WIDTH else "[\n" + "".join(f"    {text},\n" for text in texts) + "]"


def chunks_source(chunks: Sequence[bytes]) -> list[str]:
    """Lines of Python that assign the list to ``chunks``.

    Many chunks of one size, perhaps with an empty one between each two, are cut from their body.
    """
    size, body = len(chunks[0]) if chunks else 0, b"".join(chunks)
    spaced = len(chunks) % 2 == 1 and not any(chunks[1::2])
    pieces = chunks[::2] if spaced else chunks
    if len(pieces) < _MANY or not size or tuple(pieces) != split(body, every(size, len(body))):
        return [f"chunks = {list_literal(chunks)}"]
    each = f"for at in range(0, len(body), {size})"
    if spaced:
        made = f"[chunk {each} for chunk in (body[at : at + {size}], b'')][:-1]"
    else:
        made = f"[body[at : at + {size}] {each}]"
    return [f"body = {literal(body)}", f"chunks = {made}"]


def short(values: Sequence[Any], limit: int = 300) -> str:
    """Values for people, cut after ``limit`` characters."""
    try:
        text = f"[{', '.join(map(literal, values))}]"
    except RecursionError:
        text = f"{len(values)} values, nested too deeply to show"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def picture(chunks: Sequence[bytes]) -> str:
    """The stream on one line with a mark at each cut, and below it a line for each cut that says where it falls."""
    if len(chunks) < 2:
        return "(one chunk, not cut)"
    body, at = b"".join(chunks), 0
    line, marks = "", []
    for nth, chunk in enumerate(chunks):
        if nth:
            marks.append((len(line), f"{place(body, at)} (byte {at})"))
            line += "┃"
        line += _visible(chunk)
        at += len(chunk)
    return "\n".join([line, *(f"{' ' * column}▲ {said}" for column, said in marks[:8])])


def _visible(chunk: bytes) -> str:
    text = repr(chunk)[2:-1]
    return text if len(text) <= 80 else f"{text[:38]} … {text[-38:]}"
