"""Used by every method of the embedded upstream: settings, resources, and the framing of answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ...gemini import heads
from ...gemini.error_objects import Json
from ...gemini.framings import BodyFraming
from .call import Call
from .scenarios import Instruction, Message, Scenario, Wait
from .shelf import Calendar, Shelf
from .timed_response import TimedResponse, first_wait, timed_response

_USUAL_WAIT = 0.03
"""Seconds until an answer that needs no model."""


class Hash(Protocol):
    """A hash object of ``hashlib``."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def digest(self) -> bytes:
        """The hash of all bytes so far."""


@dataclass
class Upload:
    """A resumable upload. Its bytes are counted and hashed, but not kept.

    Attributes:
        about: the client's description of the file.
        mime_type: the file's type.
        total: the announced size, if any.
        hash: the hash so far.
        size: the bytes so far.
        file: the file that it has become, or None.
    """

    about: Mapping[str, Any]
    mime_type: str
    total: int | None
    hash: Hash
    size: int = 0
    file: Json | None = None


@dataclass
class Backend:
    """The settings of an upstream, and the resources that its clients have made.

    Attributes:
        scenario: the scenario that answers everything, if any.
        pace: factor on all waits.
        seed: seeds ids and jitter.
        gateway: whether all streams are wrapped as a gateway does, and in which form.
    """

    scenario: Scenario | None = None
    pace: float = 1.0
    seed: int = 0
    gateway: Literal["gateway", "gateway-plain"] | None = None
    calendar: Calendar = field(default_factory=Calendar)

    def __post_init__(self) -> None:
        self.uploads: Shelf[Upload] = Shelf("uploads", self.seed)
        self.files: Shelf[Json] = Shelf("files", self.seed)
        self.caches: Shelf[Json] = Shelf("caches", self.seed)
        self.interactions: Shelf[Json] = Shelf("interactions", self.seed)

    def framed(
        self,
        call: Call,
        instructions: Iterable[Instruction],
        framing: BodyFraming,
        content_type: str,
        *,
        status: int = 200,
        gateway: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> TimedResponse:
        """An answer with Google's headers, or a gateway's, and these headers."""
        found = list(instructions)
        own = self._heads(call, content_type, found, gateway=gateway)
        # Google compresses JSON when asked, and SSE never.
        packed = call.gzip and content_type == heads.JSON
        more = tuple((headers or {}).items())
        return timed_response(found, framing, status=status, headers=(*own, *more), gzip=packed)

    def chunks(self, call: Call, instructions: Iterable[Instruction]) -> TimedResponse:
        """A stream of SSE with these chunks."""
        found = list(instructions)
        own = self._heads(call, heads.SSE, found, gateway=bool(self.gateway))
        return timed_response(found, "raw", headers=own)

    def object(self, call: Call, found: Json, *, headers: Mapping[str, str] | None = None) -> TimedResponse:
        """One object as the answer."""
        instructions: list[Instruction] = [Wait(_USUAL_WAIT), Message(found)]
        return self.framed(call, instructions, "object", heads.JSON, gateway=bool(self.gateway), headers=headers)

    def empty(self, call: Call, *, headers: Mapping[str, str]) -> TimedResponse:
        """An answer without a body."""
        return self.framed(call, [Wait(_USUAL_WAIT)], "object", "text/plain; charset=utf-8", headers=headers)

    def refuse(
        self,
        call: Call,
        error: Json,
        *,
        wait: float = _USUAL_WAIT,
        sse: bool = False,
        listed: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> TimedResponse:
        """An error instead of an answer; ``sse``: with the stream's own content type; ``listed``: in a list."""
        code = error["error"]["code"]
        if call.errors == "interaction":
            error = {"error": {"code": error_name(error), "message": error["error"]["message"]}}
        return self.framed(
            call,
            [Wait(wait), Message(error)],
            "object-list" if listed or call.errors == "list" else "object",
            heads.SSE if sse and not self.gateway else heads.JSON,
            status=code,
            gateway=bool(self.gateway),
            headers=headers,
        )

    def _heads(
        self, call: Call, content_type: str, found: list[Instruction], *, gateway: bool
    ) -> list[heads.HeaderField]:
        if gateway:
            return heads.gateway_headers(content_type)
        first_byte = None if call.vertex else first_wait(found) * self.pace
        return heads.response_headers(content_type, first_byte=first_byte)


def error_name(error: Json) -> str:
    """The code of an error in the Interactions API, which is a word."""
    status: Any = error["error"].get("status", "INTERNAL")
    return _NAMES.get(status, str(status).lower())


_NAMES = {"INVALID_ARGUMENT": "invalid_request", "RESOURCE_EXHAUSTED": "rate_limit_exceeded", "INTERNAL": "api_error"}
