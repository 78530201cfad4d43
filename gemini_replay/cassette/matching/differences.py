"""Describes how a recorded request differs from another, and what to ignore to make them equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, AnyStr, NamedTuple

from ..field_paths import member
from ..model import Request
from ..redaction.replacements import MARK
from ..redaction.secret_names import VALUES, called
from .keys import ResourceQuery, canonical_body, same_json

_CLIP = 60


class Difference(NamedTuple):
    """One difference of two requests.

    Attributes:
        line: the place, the recorded value and the asked one.
        paths: the paths with which the setting `ignore` leaves it out; empty if it cannot be ignored.
        words: whether both values are texts that a person may have written, such as prompts.
    """

    line: str
    paths: tuple[str, ...] = ()
    words: bool = False


def key_difference(key: str, recorded: Any, asked: Any) -> Difference:
    """The difference of two values of a key other than the body."""
    return Difference(_line(key, recorded, asked), _paths(key, recorded, asked))


def _paths(key: str, recorded: Any, asked: Any) -> tuple[str, ...]:
    if key.startswith("headers:"):
        return (member("headers", key.partition(":")[2].strip().lower()),)
    if (
        isinstance(recorded, ResourceQuery)
        and isinstance(asked, ResourceQuery)
        and recorded.resource == asked.resource
    ):
        key, recorded, asked = "query", recorded.query, asked.query
    if key != "query":
        return ()
    unlike = {*recorded} ^ {*asked}
    return tuple(dict.fromkeys(member("query", name) for name, _ in sorted(unlike)))


def _line(place: str, recorded: Any, asked: Any) -> str:
    recorded, asked = _joined(recorded), _joined(asked)
    line = f"{place}: recorded {_quoted(recorded, asked)}, asked {_quoted(asked, recorded)}"
    texts = isinstance(recorded, str) and isinstance(asked, str)
    if texts and MARK.search(recorded) and MARK.search(asked):
        line += (
            ' (REDACTED replaces secrets, which differ; for a key or token, a placeholder such as "test" matches too)'
        )
    return line


def _quoted(value: Any, other: Any) -> str:
    """A value on one line; of a long text, only the part where it begins to differ from the other."""
    if value in ("", b""):
        return "none"
    if isinstance(value, str) and isinstance(other, str) and len(value) > _CLIP:
        start = max(0, min(common_length(value, other) - _CLIP // 3, len(value) - _CLIP))
        value = f"{'…' if start else ''}{value[start : start + _CLIP]}{'…' if start + _CLIP < len(value) else ''}"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, bytes) else repr(value)
    return text if len(text) <= 2 * _CLIP else f"{text[: 2 * _CLIP - 1]}…"


def common_length(one: AnyStr, other: AnyStr) -> int:
    """How many characters or bytes are the same at the beginning of two texts."""
    same, differs = 0, min(len(one), len(other)) + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        if one[same:middle] == other[same:middle]:
            same = middle
        else:
            differs = middle
    return same


def body_differences(recorded: Request, asked: Request) -> list[Difference]:
    """The differences of two bodies."""
    ours, theirs = canonical_body(recorded), canonical_body(asked)
    if isinstance(ours, bytes) or isinstance(theirs, bytes):
        lines = [
            f"body: recorded {_kind(recorded)}, asked {_kind(asked)}",
            *_first_byte(_bytes(recorded), _bytes(asked)),
        ]
        return [Difference(line) for line in lines]
    return list(_json_differences("body", json.loads(ours), json.loads(theirs)))


def _kind(request: Request) -> str:
    kind = "JSON of " if isinstance(canonical_body(request), str) else ""
    return f"{kind}{len(request.body)} bytes" if request.body else "none"


def _bytes(request: Request) -> bytes:
    body = canonical_body(request)
    return body if isinstance(body, bytes) else request.body


def _first_byte(recorded: bytes, asked: bytes) -> Iterator[str]:
    if recorded and asked:
        at = common_length(recorded, asked)
        yield f"body, from byte {at}: recorded {recorded[at : at + 20]!r}, asked {asked[at : at + 20]!r}"


def _json_differences(place: str, recorded: Any, asked: Any, name: str = "") -> Iterator[Difference]:
    if same_json(recorded, asked, name):
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        yield from _object_differences(place, recorded, asked)
    elif isinstance(recorded, list) and isinstance(asked, list):
        if len(recorded) != len(asked):
            yield _leaf(place, f"{place}: recorded {_items(recorded)}, asked {_items(asked)}")
        for at, (ours, theirs) in enumerate(zip(recorded, asked, strict=False)):
            yield from _json_differences(f"{place}[{at}]", ours, theirs, name)
    else:
        line = (
            _line(place, recorded, asked)
            if recorded != "" and asked != ""
            else (
                f"{place}: recorded {json.dumps(recorded, ensure_ascii=False):.120}, "
                f"asked {json.dumps(asked, ensure_ascii=False):.120}"
            )
        )
        texts = isinstance(recorded, str) and isinstance(asked, str)
        yield _leaf(place, line, words=texts and (place.endswith(".text") or _is_prose(recorded + asked)))


def _is_prose(text: str) -> bool:
    return " " in text or not text.isascii()


def _leaf(place: str, line: str, *, words: bool = False) -> Difference:
    return Difference(line, () if place == "body" else (place,), words)


def _object_differences(place: str, recorded: dict[str, Any], asked: dict[str, Any]) -> Iterator[Difference]:
    spelled = {_spelling(key): key for key in asked if key not in recorded}
    own = called(recorded.items())
    for key, value in recorded.items():
        if key in asked:
            name = own if own and key in VALUES else key
            yield from _json_differences(member(place, key), value, asked[key], name)
        elif (other := spelled.pop(_spelling(key), None)) is not None:
            at = member(place, key)
            yield Difference(f"{at}: the request has {other!r} instead", (at, member(place, other)))
        else:
            at = member(place, key)
            yield _leaf(at, f"{at}: recorded {_quoted(value, None)}, missing in the request")
    for key in spelled.values():
        at = member(place, key)
        yield _leaf(at, f"{at}: missing in the recording, asked {_quoted(asked[key], None)}")


def _spelling(key: str) -> str:
    return key.replace("_", "").lower()


def _items(value: list[Any]) -> str:
    return f"{len(value)} item{'' if len(value) == 1 else 's'}"


def _joined(value: Any) -> Any:
    """Headers, parameters or a `ResourceQuery` as one text; other values stay."""
    if isinstance(value, ResourceQuery):
        return str(value)
    if isinstance(value, tuple):
        return "&".join("=".join(item) if isinstance(item, tuple) else str(item) for item in value)
    return value
