"""The vocabulary of faults: the meaning of a text such as ``reset@event:3;times=2``. `script` applies faults.

::

    fault    kind ["@" place] [":" argument] (";" option)*       several: in a list, or separated by commas
    place    head | chunk:N | event:N | byte:N | end             after this many of them; 0: after the head
    option   once | times=N | request=N | code=N | retry-after=S

N of chunk and event may have a fraction: ``event:2.5`` is in the middle of the third event. Places count in the
recorded response, even if `rechunk` cuts it anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError, nearest

Unit = Literal["head", "chunk", "event", "byte", "end"]
Cause = Literal["refused", "tls", "connect-timeout", "pool-timeout"]

KINDS: dict[str, str] = {
    "reset": "the connection is reset there",
    "close": "the peer closes the connection normally there, with the body incomplete",
    "eof": "the body ends there as if it were complete",
    "stall": "nothing comes for this long (stall@event:2:30s), at any speed except instant",
    "error": "an error object of the API comes there, and ends the body (code=503)",
    "garbage": "bytes that are neither UTF-8 nor SSE nor JSON are inserted there",
    "duplicate": "that chunk or event comes twice",
    "status": "an HTTP error instead of the stream (status:429;retry-after=2)",
    "slow": "every recorded wait takes this many times as long (slow:x4)",
    "refuse": "the connection is refused",
    "tls": "the server's certificate is not trusted",
    "timeout": "no connection in time: timeout:connect, or timeout:pool (no connection of the pool becomes free)",
}
"""Each kind of fault, and what it does."""

_WHERE = {"reset", "close", "eof", "stall", "error", "garbage", "duplicate"}
_SPELLING = re.compile(
    r"(?P<kind>[a-z]+)"
    r"(?:@(?:(?P<edge>head|end)|(?P<unit>[a-z]+)(?::(?P<count>[0-9]+(?:\.[0-9]+)?)(?=[:;]|$))?))?"
    r"(?::(?P<argument>[^:;]+))?"
    r"(?P<options>(?:;[^;]*)*)"
)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
_CAUSES: dict[str, Cause] = {"connect": "connect-timeout", "pool": "pool-timeout"}
_SYSTEM_GIVES_UP_S = 127.0
"""Linux gives up on an unanswered connection after six retries (tcp_syn_retries): 1 + 2 + 4 … + 64 seconds."""
_EXAMPLES = {
    "reset": "reset@event:3",
    "close": "close@event:3",
    "eof": "eof@event:3",
    "stall": "stall@event:2:30s",
    "error": "error@event:2",
    "garbage": "garbage@event:2",
    "duplicate": "duplicate@event:2",
    "status": "status:429;retry-after=2",
    "slow": "slow:x4",
    "refuse": "refuse",
    "tls": "tls",
    "timeout": "timeout:connect",
}


@dataclass(frozen=True)
class NoConnection:
    """A request gets no connection: nothing is sent or received.

    Attributes:
        cause: why.
        waits: whether the client waits until its time limit has passed; at instant speed it does not.
    """

    cause: Cause
    waits: bool = True

    def seconds(self, limit: float | None) -> float:
        """How many seconds a client with this time limit waits.

        Without one (None), the system gives up on a connection. Waiting for a pool would never end, so the error
        comes at once.
        """
        if not self.waits or self.cause not in _CAUSES.values():
            return 0.0
        if limit is None:
            return _SYSTEM_GIVES_UP_S if self.cause == "connect-timeout" else 0.0
        return limit


@dataclass(frozen=True)
class Place:
    """A place in a response: after `count` of `unit`, counted in the recording; "head" is before the head."""

    unit: Unit
    count: float = 0.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, as `parse_faults` reads it.

    Attributes:
        text: as it was spelled.
        kind: one of `KINDS`.
        place: where, for the kinds that have a place.
        seconds: how long a stall lasts.
        factor: how many times as long the waits of a slow response take.
        code: the HTTP status, or that of an error object.
        retry_after: seconds, for the header ``retry-after`` and the error's RetryInfo; None without.
        cause: why there is no connection, for "refuse", "tls" and "timeout".
        times: how many requests it is applied to at most; None: every one.
        request: the only request that it is applied to, counted from 1; None: any.
    """

    text: str
    kind: str
    place: Place | None = None
    seconds: float = 0.0
    factor: float = 1.0
    code: int = 503
    retry_after: float | None = None
    cause: Cause | None = None
    times: int | None = None
    request: int | None = None

    @property
    def breaks(self) -> bool:
        """Whether a client may try again afterwards; then the same recording answers it again."""
        return self.kind not in {"slow", "duplicate"}

    def __str__(self) -> str:
        return self.text


def parse_faults(value: str | Fault | Iterable[str | Fault] | None) -> tuple[Fault, ...]:
    """The faults that a ``fault=`` names, in order.

    Args:
        value: a text with one fault, or several separated by commas; a `Fault`; several of either; None: none.

    Raises:
        UsageError: anything else, or a text that is not a fault.
    """
    if value is None:
        return ()
    if isinstance(value, Fault):
        return (value,)
    if isinstance(value, str):
        return tuple(_parse(part.strip()) for part in value.split(",")) if value.strip() else ()
    several = tuple(value) if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes) else (value,)
    if not all(isinstance(one, str | Fault) for one in several):
        raise UsageError(
            f"fault is {value!r:.80}.",
            hint='It takes a fault such as "reset@event:3", several of them in a list, or None.',
        )
    return tuple(fault for one in several for fault in parse_faults(one))


def _parse(text: str) -> Fault:
    found = _SPELLING.fullmatch(text.lower()) if len(text) < 200 else None  # longer ones are not faults
    kind = re.split("[@:;]", text.lower(), maxsplit=1)[0].strip()
    if found is None or kind not in KINDS:
        example = _EXAMPLES.get(kind) or _EXAMPLES.get(nearest(kind, KINDS) or "", "reset@event:3")
        raise UsageError(
            f"Unknown fault {text!r:.80}.",
            suggestion=f"Did you mean something like {example!r}?",
            hint=f"Faults are spelled KIND@PLACE:ARGUMENT;OPTION, of the kinds {', '.join(KINDS)}.",
        )
    return _read(text, kind, found)


def _read(text: str, kind: str, found: re.Match[str]) -> Fault:
    place = _place(text, kind, found["edge"] or found["unit"], found["count"])
    argument, options = found["argument"], _options(text, kind, found["options"])
    known: dict[str, object] = {}
    if kind == "stall":
        known["seconds"] = _duration(text, kind, argument)
    elif kind == "slow":
        known["factor"] = _factor(text, argument)
    elif kind == "status":
        known["code"] = _code(text, kind, argument)
    elif kind == "timeout":
        if argument not in _CAUSES:
            raise _wrong(text, kind, "name what times out: connect or pool")
        known["cause"] = _CAUSES[argument]
    elif argument is not None:
        raise _wrong(text, kind, f"it takes no {argument!r}")
    if kind in {"refuse", "tls"}:
        known["cause"] = "refused" if kind == "refuse" else "tls"
    return Fault(text, kind, place, **known, **options)  # type: ignore[arg-type]  # each is of its field's type


def _place(text: str, kind: str, unit: str | None, count: str | None) -> Place | None:
    if kind not in _WHERE:
        if unit is not None:
            raise _wrong(text, kind, "it takes no place")
        return None
    if unit is None:
        raise _wrong(text, kind, "it needs a place")
    if unit in ("head", "end"):
        if unit == "head" and kind in {"error", "garbage"}:
            raise _wrong(text, kind, "it comes after the head; for an error instead of the stream use status:503")
        number = 0.0
    elif unit in ("chunk", "event", "byte"):
        if count is None:
            raise _wrong(text, kind, f"{unit} needs a number")
        number = float(count)
        if unit == "byte" and "." in count:
            raise _wrong(text, kind, "the count of bytes must be a whole number")
    else:
        raise _wrong(text, kind, f"unknown place {unit!r}; places are head, chunk:N, event:N, byte:N and end")
    if kind == "duplicate" and (unit not in ("chunk", "event") or number < 1 or number % 1):
        raise _wrong(text, kind, "it takes a whole chunk or event, from 1 on")
    return Place(unit, number)  # type: ignore[arg-type]  # it is one of the units


def _options(text: str, kind: str, spelled: str) -> dict[str, float | int]:
    options: dict[str, float | int] = {}
    for option in filter(None, spelled.split(";")):
        name, _, value = (part.strip() for part in option.partition("="))
        if name == "once" and not value:
            options["times"] = 1
        elif name in ("times", "request") and value.isdecimal() and int(value) > 0:
            options[name] = int(value)
        elif name == "code" and kind == "error":
            options["code"] = _code(text, kind, value)
        elif name == "retry-after" and kind in {"status", "error"}:
            options["retry_after"] = _duration(text, kind, value)
        elif name != "always" or value:
            raise _wrong(text, kind, f"unknown option {option!r}")
    return options


def _duration(text: str, kind: str, spelled: str | None) -> float:
    found = _DURATION.fullmatch(spelled or "")
    if found is None:
        raise _wrong(text, kind, "it needs a duration such as 30s or 500ms")
    return float(found[1]) * _UNITS[found[2]]


def _factor(text: str, spelled: str | None) -> float:
    try:
        factor = float((spelled or "").removeprefix("x"))
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise _wrong(text, "slow", "it needs a factor above 0")
    return factor


def _code(text: str, kind: str, spelled: str | None) -> int:
    if spelled is None or not re.fullmatch("[45][0-9][0-9]", spelled):
        raise _wrong(text, kind, "it needs an HTTP status from 400 to 599")
    return int(spelled)


def _wrong(text: str, kind: str, why: str) -> UsageError:
    return UsageError(f"Invalid fault {text!r}: {why}.", hint=f"Write it like {_EXAMPLES[kind]!r}.")
