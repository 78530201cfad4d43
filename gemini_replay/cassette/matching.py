"""Which recording answers a request, and if none does, how the nearest one differs.

Both requests are compared after redaction, so no message from here holds a secret. Where a secret was taken out of
the recording, the same secret answers for it, or a placeholder (see `redaction.replacements`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..errors import UsageError, did_you_mean
from .model import Request
from .redaction.replacements import MARK, REDACTED, answers
from .redaction.secret_names import CREDENTIAL_QUERY_NAMES

DEFAULT_KEYS = ("method", "model", "action", "alt", "body")
"""What must be equal: not the host, the API version or the key, and no header."""

_CLIP = 60
_MOST = 12


_Reader = Callable[[Request], Hashable]


class Matcher:
    """Decides whether a recorded request and an asked one are the same.

    Args:
        keys: what must be equal: "method", "host", "path", "model", "action", "alt", "query", "body" (compared as
            JSON if both are) and "headers:NAME". Where a URL names no model, "model" and "action" compare its path
            without the API version and the project.

    Raises:
        UsageError: not a sequence of keys, or an unknown key.
    """

    def __init__(self, keys: Sequence[str] = DEFAULT_KEYS) -> None:
        if not isinstance(keys, Iterable) or isinstance(keys, Mapping | bytes):
            raise UsageError(f"match is {keys!r:.80}.", hint=_KEYS_HINT)
        wanted = [keys] if isinstance(keys, str) else list(keys)
        if not wanted:
            raise UsageError("match= names nothing, so any recording would answer any request.", hint=_KEYS_HINT)
        self._readers = {str(key): _reader(key) for key in wanted}
        self.keys = tuple(self._readers)

    def matches(self, recorded: Request, asked: Request) -> bool:
        """Whether a recording of `recorded` answers `asked`; the provider of `asked` reads the URLs of both."""
        recorded = recorded.of(asked.provider)
        return all(self._agree(key, read, recorded, asked) for key, read in self._readers.items())

    @staticmethod
    def _agree(key: str, read: _Reader, recorded: Request, asked: Request) -> bool:
        ours, theirs = read(recorded), read(asked)
        return ours == theirs or _answered(key, ours, theirs)

    def differences(self, recorded: Request, asked: Request) -> list[str]:
        """What differs, one line each; nothing if they match."""
        recorded = recorded.of(asked.provider)
        lines: list[str] = []
        for key, read in self._readers.items():
            if self._agree(key, read, recorded, asked):
                continue
            if key == "body":
                lines += _body_differences(recorded, asked)
            elif (line := _difference(key, _plain(read(recorded)), _plain(read(asked)))) not in lines:
                lines.append(line)
        if len(lines) > _MOST:
            lines[_MOST - 1 :] = [f"… and {len(lines) - _MOST + 1} more differences"]
        return lines

    def _distance(self, recorded: Request, asked: Request) -> tuple[float, float]:
        """First by what the requests are for, then by how much of the bodies differs."""
        other = sum(
            not self._agree(key, read, recorded, asked) for key, read in self._readers.items() if key != "body"
        )
        ours, theirs = _leaves(recorded), _leaves(asked)
        unlike = sum(_unlikeness(ours.get(path), theirs.get(path)) for path in ours.keys() | theirs.keys())
        return other, unlike / max(1, len(ours), len(theirs))


def nearest(matcher: Matcher, asked: Request, recordings: Sequence[Request]) -> tuple[int, list[str]] | None:
    """The recording that is nearest to a request: its index and its differences; None without recordings."""
    if not recordings:
        return None
    index = min(range(len(recordings)), key=lambda at: matcher._distance(recordings[at], asked))
    return index, matcher.differences(recordings[index], asked)


# --- what is compared -------------------------------------------------------------------------------------------


def _path(request: Request) -> str:
    return urlsplit(request.url).path


def _host(request: Request) -> str:
    return urlsplit(request.url).netloc.rpartition("@")[2].lower()


def _model(request: Request) -> str:
    return request.target.model or request.target.path


def _action(request: Request) -> str:
    target = request.target
    return (target.action or "") if target.model else target.path


def _query(request: Request) -> tuple[tuple[str, str], ...]:
    pairs = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    keys = CREDENTIAL_QUERY_NAMES | request.provider.key_parameters
    return tuple(sorted(pair for pair in pairs if pair[0].lower() not in keys))


def _body(request: Request) -> str | bytes:
    # The outcome is kept on the request, as its own cached properties are: a session compares it again and again.
    known: str | bytes | None = request.__dict__.get("_canonical_body")
    if known is None:
        known = request.__dict__["_canonical_body"] = _canonical(request.body)
    return known


def _canonical(body: bytes) -> str | bytes:
    try:
        return json.dumps(_numbers(json.loads(body)), sort_keys=True)
    except (ValueError, RecursionError):
        return body


def _numbers(value: Any) -> Any:
    """1.0 and 1 are the same number in JSON; true is not a number."""
    if isinstance(value, dict):
        return {key: _numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_numbers(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _answered(key: str, recorded: Any, asked: Any) -> bool:
    """Whether what was recorded answers what is asked, apart from secrets that were removed from the recording."""
    if REDACTED not in str(recorded):
        return False
    if key == "body":
        return _body_answered(recorded, asked)
    if key == "query":
        return len(recorded) == len(asked) and all(
            name == other and (answers(value, sent, f"query {name.lower()}") or answers(value, sent, "query"))
            for (name, value), (other, sent) in zip(recorded, asked, strict=True)
        )
    if key.startswith("headers:"):
        place = f"header {key.partition(':')[2].strip().lower()}"
        return len(recorded) == len(asked) and all(
            answers(value, sent, place) for value, sent in zip(recorded, asked, strict=True)
        )
    return False


def _body_answered(recorded: str | bytes, asked: str | bytes) -> bool:
    if isinstance(recorded, bytes) and isinstance(asked, bytes):
        ours, theirs = (body.decode("utf-8", "surrogateescape") for body in (recorded, asked))
        return answers(ours, theirs, "body")
    if isinstance(recorded, bytes) or isinstance(asked, bytes):
        return False
    return _same(json.loads(recorded), json.loads(asked))


def _header(name: str) -> Callable[[Request], tuple[str, ...]]:
    wanted = name.lower()
    return lambda request: tuple(value for key, value in request.headers if key.lower() == wanted)


_READERS: dict[str, _Reader] = {
    "method": lambda request: request.method.upper(),
    "host": _host,
    "path": _path,
    "model": _model,
    "action": _action,
    "alt": lambda request: request.alt or "",
    "query": _query,
    "body": _body,
}
_KEYS_HINT = f"Use some of {', '.join(_READERS)}, headers:NAME."


def _reader(key: object) -> _Reader:
    if isinstance(key, str) and key in _READERS:
        return _READERS[key]
    if isinstance(key, str) and key.lower().startswith("headers:") and key[8:].strip():
        return _header(key[8:].strip())
    raise UsageError(
        f"match names {key!r:.80}, which requests cannot be matched on.",
        suggestion=did_you_mean(key, [*_READERS, "headers:NAME"]),
        hint=_KEYS_HINT,
    )


# --- how things differ, in words --------------------------------------------------------------------------------


def _plain(value: Hashable) -> Any:
    if isinstance(value, tuple):
        return "&".join("=".join(item) if isinstance(item, tuple) else str(item) for item in value)
    return value


def _difference(place: str, recorded: Any, asked: Any) -> str:
    line = f"{place}: recorded {_quoted(recorded, asked)}, asked {_quoted(asked, recorded)}"
    texts = isinstance(recorded, str) and isinstance(asked, str)
    if texts and MARK.search(recorded) and MARK.search(asked):
        line += ' (REDACTED stands for secrets, which differ; a placeholder such as "test" is answered as well)'
    return line


def _quoted(value: Any, other: Any) -> str:
    """A value on one line; of a long text, the part where it begins to differ from the other."""
    if value in ("", b""):
        return "none"
    if isinstance(value, str) and isinstance(other, str) and len(value) > _CLIP:
        same = next((at for at, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), len(other))
        start = max(0, min(same - _CLIP // 3, len(value) - _CLIP))
        value = f"{'…' if start else ''}{value[start : start + _CLIP]}{'…' if start + _CLIP < len(value) else ''}"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, bytes) else repr(value)
    return text if len(text) <= 2 * _CLIP else f"{text[: 2 * _CLIP - 1]}…"


def _body_differences(recorded: Request, asked: Request) -> list[str]:
    ours, theirs = _body(recorded), _body(asked)
    if isinstance(ours, bytes) or isinstance(theirs, bytes):
        return [f"body: recorded {_kind(recorded)}, asked {_kind(asked)}", *_first_byte(recorded.body, asked.body)]
    return list(_json_differences("body", json.loads(ours), json.loads(theirs)))


def _kind(request: Request) -> str:
    kind = "JSON of " if isinstance(_body(request), str) else ""
    return f"{kind}{len(request.body)} bytes" if request.body else "none"


def _first_byte(recorded: bytes, asked: bytes) -> Iterator[str]:
    if recorded and asked:
        same = next((at for at, (a, b) in enumerate(zip(recorded, asked, strict=False)) if a != b), None)
        at = min(len(recorded), len(asked)) if same is None else same
        yield f"body, from byte {at}: recorded {recorded[at : at + 20]!r}, asked {asked[at : at + 20]!r}"


def _json_differences(place: str, recorded: Any, asked: Any) -> Iterator[str]:
    if _same(recorded, asked):
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        yield from _object_differences(place, recorded, asked)
    elif isinstance(recorded, list) and isinstance(asked, list):
        if len(recorded) != len(asked):
            yield f"{place}: recorded {_items(recorded)}, asked {_items(asked)}"
        for at, (ours, theirs) in enumerate(zip(recorded, asked, strict=False)):
            yield from _json_differences(f"{place}[{at}]", ours, theirs)
    else:
        yield (
            _difference(place, recorded, asked)
            if recorded != "" and asked != ""
            else (
                f"{place}: recorded {json.dumps(recorded, ensure_ascii=False):.120}, "
                f"asked {json.dumps(asked, ensure_ascii=False):.120}"
            )
        )


def _object_differences(place: str, recorded: dict[str, Any], asked: dict[str, Any]) -> Iterator[str]:
    spelled = {_spelling(key): key for key in asked if key not in recorded}
    for key, value in recorded.items():
        if key in asked:
            yield from _json_differences(_member(place, key), value, asked[key])
        elif (other := spelled.pop(_spelling(key), None)) is not None:
            yield f"{_member(place, key)}: asked has it as {other!r}"
        else:
            yield f"{_member(place, key)}: recorded {_quoted(value, None)}, asked nothing"
    for key in spelled.values():
        yield f"{_member(place, key)}: recorded nothing, asked {_quoted(asked[key], None)}"


def _spelling(key: str) -> str:
    return key.replace("_", "").lower()


def _member(place: str, key: str) -> str:
    return f"{place}.{key}" if re.fullmatch(r"\w+", key) else f"{place}[{json.dumps(key, ensure_ascii=False)}]"


def _items(value: list[Any]) -> str:
    return f"{len(value)} item{'' if len(value) == 1 else 's'}"


def _same(recorded: Any, asked: Any) -> bool:
    """Whether two JSON values are equal but for secrets that were taken out of the recorded one."""
    if isinstance(recorded, dict) and isinstance(asked, dict):
        return recorded.keys() == asked.keys() and all(_same(value, asked[key]) for key, value in recorded.items())
    if isinstance(recorded, list) and isinstance(asked, list):
        return len(recorded) == len(asked) and all(map(_same, recorded, asked))
    if isinstance(recorded, str) and isinstance(asked, str):
        return answers(recorded, asked, "body")
    return json.dumps(recorded, sort_keys=True) == json.dumps(asked, sort_keys=True)


# --- how near things are ----------------------------------------------------------------------------------------


def _leaves(request: Request) -> dict[str, Any]:
    """The body as a map from places to plain values."""
    body = _body(request)
    if isinstance(body, bytes):
        return {"": body.decode("utf-8", "replace")} if body else {}
    leaves: dict[str, Any] = {}
    stack = [("", json.loads(body))]
    while stack:
        place, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{place}.{key}", member) for key, member in value.items()]
        elif isinstance(value, list):
            stack += [(f"{place}[{at}]", member) for at, member in enumerate(value)]
        else:
            leaves[place] = value
    return leaves


def _unlikeness(recorded: Any, asked: Any) -> float:
    """From 0 (equal) to 1 (nothing in common)."""
    if recorded == asked and type(recorded) is type(asked):
        return 0.0
    if isinstance(recorded, str) and isinstance(asked, str):
        # Cheap, and enough to tell a changed prompt from another one: what is equal at both ends.
        shorter = min(len(recorded), len(asked))
        head = next((at for at in range(shorter) if recorded[at] != asked[at]), shorter)
        tail = next((at for at in range(shorter - head) if recorded[-1 - at] != asked[-1 - at]), shorter - head)
        return 1.0 - (head + tail) / max(len(recorded), len(asked))
    return 1.0
