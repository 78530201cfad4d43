"""The parts of scenarios: instructions to the server, before framing.

``Wait`` moves time on. ``Message`` is framed as the client asked (SSE, JSON array, gateway form). ``Raw`` is one
unchanged chunk. ``Reset`` and ``Close`` break the connection; without them, the body is complete after the last one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ....errors import UsageError

Pieces = Callable[[bytes], Sequence[bytes]]
"""Cuts the bytes of one event into its chunks."""


@dataclass(frozen=True)
class Wait:
    """Silence for ``seconds`` (times the server's pace)."""

    seconds: float


@dataclass(frozen=True)
class Message:
    """One event, or an error object. With ``pieces`` it is sent in several chunks, ``gap`` seconds apart."""

    json: dict[str, Any]
    pieces: Pieces | None = None
    gap: float = 0.0


@dataclass(frozen=True)
class Raw:
    """One chunk with exactly these bytes."""

    data: bytes


@dataclass(frozen=True)
class Reset:
    """A TCP reset."""


@dataclass(frozen=True)
class Close:
    """The peer closes normally (FIN) although the body is not complete."""


Instruction = Wait | Message | Raw | Reset | Close


@dataclass(frozen=True)
class Prompt:
    """What a scenario may know about the request that it answers.

    Attributes:
        contents: the request's ``contents``: dicts, each with a list of ``parts``.
        tokens: the estimated tokens of the request, those of cached content included.
        cached_tokens: the estimated tokens of cached content.
        key: the key that came with the request, or "".
        rng: the random source of the answer; seeded equally for equal requests.
    """

    model: str
    contents: Sequence[Any] = ()
    tokens: int = 8
    cached_tokens: int = 0
    key: str = field(default="", repr=False)
    vertex: bool = False
    rng: random.Random = field(default_factory=lambda: random.Random(0))


Instructions = Callable[[Prompt], Iterable[Instruction]]


@dataclass(frozen=True)
class Scenario:
    """A scripted stream of the embedded upstream.

    Attributes:
        name: its name in requests and on the command line.
        description: what it shows, in one line.
        instructions: yields the instructions for one request.
        status: the HTTP status. If it is not 200, the only message is an error object.
        model: the model that answers if the request names none.
        framing: the framing, whatever the client asked for; None for the one that it asked for.
        headers: the response's headers if ``framing`` is "raw".
    """

    name: str
    description: str
    instructions: Instructions
    status: int = 200
    model: str = "gemini-2.5-flash"
    framing: Literal["json-array", "gateway", "gateway-plain", "raw"] | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_chunks(
        cls,
        chunks: Sequence[bytes],
        *,
        gaps: Sequence[float] = (),
        status: int = 200,
        headers: Sequence[tuple[str, str]] | Mapping[str, str] = (("content-type", "text/event-stream"),),
        head_after: float = 0.0,
        end: Literal["eof", "reset", "closed"] = "eof",
        end_after: float = 0.0,
        name: str = "chunks",
    ) -> Scenario:
        """A scenario that sends exactly ``chunks``, one HTTP chunk each, with no framing added.

        Args:
            chunks: the body as it goes over the wire. HTTP has no empty chunk.
            gaps: seconds before each chunk, since the moment before; all 0 by default.
            status: the HTTP status.
            headers: the response's headers. Those that frame the HTTP message (``content-length``,
                ``transfer-encoding``, ``connection``, ``keep-alive``) are left out: the server sends its own.
            head_after: seconds until the response's head.
            end: "eof", "reset" or "closed", as in ``timed_response.TimedResponse``.
            end_after: seconds between the last chunk and the end.
            name: the scenario's name.

        Raises:
            UsageError: an empty chunk, too few or too many gaps, or an unknown ``end``.
        """
        waits = tuple(gaps) or (0.0,) * len(chunks)
        endings: dict[str, tuple[Instruction, ...]] = {"eof": (), "reset": (Reset(),), "closed": (Close(),)}
        if len(waits) != len(chunks):
            raise UsageError(
                f"There are {len(waits)} gaps for {len(chunks)} chunks.", hint="Give one gap for each chunk, or none."
            )
        if not all(chunks):
            empty = [bool(chunk) for chunk in chunks].index(False)
            raise UsageError(f"Chunk {empty} is empty.", hint="HTTP has no empty chunk: leave it out.")
        if end not in endings:
            raise UsageError(f"Unknown end {end!r}.", hint=f"Use one of: {', '.join(endings)}.")
        instructions: list[Instruction] = [Wait(head_after)]
        for wait, chunk in zip(waits, chunks, strict=True):
            instructions += [Wait(wait), Raw(bytes(chunk))]
        instructions += [Wait(end_after), *endings[end]]
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        kept = tuple((key.lower(), value) for key, value in pairs if key.lower() not in _SERVERS_OWN)
        return cls(name, "chunks as given", lambda prompt: instructions, status=status, framing="raw", headers=kept)


_SERVERS_OWN = {"content-length", "transfer-encoding", "connection", "keep-alive"}
