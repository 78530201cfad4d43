"""Whether a parser tells that the connection was lost: half an answer must not look like a whole one."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .budget import Share, Tally
from .documents import block, google_elements, plain
from .target import FuzzTarget
from .uses import broken_off
from .verdicts import same

_TREES = tuple({"responseId": letter} for letter in "abcdefghi")
_SAYS = ("the connection is lost",)
_HTTPX: dict[str, tuple[Any, ...]] = {"ReadError": _SAYS, "RemoteProtocolError": _SAYS, "ReadTimeout": _SAYS}
_ERRORS: dict[str, dict[str, tuple[Any, ...]]] = {
    "builtins": {
        "ConnectionResetError": (errno.ECONNRESET, *_SAYS),
        "ConnectionAbortedError": (errno.ECONNABORTED, *_SAYS),
        "TimeoutError": _SAYS,
    },
    "http.client": {"IncompleteRead": (b"",)},
    "urllib3.exceptions": {"ProtocolError": _SAYS, "ReadTimeoutError": (None, None, *_SAYS)},
    "requests.exceptions": {"ChunkedEncodingError": _SAYS, "ConnectionError": _SAYS},
    "httpcore": _HTTPX,
    "httpcore2": _HTTPX,
    "httpx": _HTTPX,
    "httpx2": _HTTPX,
    "aiohttp": {"ClientPayloadError": _SAYS, "ServerTimeoutError": _SAYS, "SocketTimeoutError": _SAYS},
}
"""What reading a body raises if the connection is lost, by module, with the arguments of each error."""


@dataclass(frozen=True)
class Loss:
    """An error by which a source tells that the connection was lost."""

    name: str  # with its module
    make: Callable[[], Exception]


def losses() -> Iterator[Loss]:
    """The errors of Python and of each HTTP library that is imported already, always in the same order.

    They are of the libraries' own classes, since a parser may catch only those. An error that this release of a
    library does not have is left out.
    """
    for module, errors in _ERRORS.items():
        for name, arguments in errors.items():
            kind = getattr(sys.modules.get(module), name, None)
            if isinstance(kind, type) and issubclass(kind, Exception):
                yield Loss(name if module == "builtins" else f"{module}.{name}", partial(kind, *arguments))


@dataclass(frozen=True)
class Unnoticed:
    """A stream whose source raises an error after these chunks, and which the parser ends as if it were whole."""

    chunks: tuple[bytes, ...]
    got: tuple[Any, ...]
    error: str  # its name, see `Loss`


def unnoticed(
    target: FuzzTarget, *, array: bool, until: Share | None = None, tally: Tally | None = None
) -> Unnoticed | None:
    """Let the source raise each error after an event, and within one; the first stream that hides it.

    The last stream has eight events before it: a parser may tell only of what is lost at the beginning. One that
    returns something else than the events so far tells of the error in its own way. One that does not end is not
    judged here. When the time `until` is over, nothing more is tried; the `tally` counts what was left out.
    """
    first, second, *others = [text.encode() for text in (google_elements(_TREES) if array else map(block, _TREES))]
    late = [first, second, *others[:-1], others[-1][:10]]
    tried = [*losses()]
    for chunks in ([first, second], [first, second[:-10]], [first, second[:10]], late):
        for loss in tried:
            over = until is not None and until.is_over(len(chunks))
            if tally is not None:
                tally.count("lost connections", left_out=over)
            if over:
                continue
            output = broken_off(target, chunks, loss.make)
            if output.hung:
                return None
            events = [plain(tree) for tree in _TREES[: len(output.values)]]
            if output.error is None and same(output.values, events):
                return Unnoticed(tuple(chunks), tuple(output.values), loss.name)
    return None
