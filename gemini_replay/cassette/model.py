"""What a cassette holds, as frozen dataclasses. No file, clock or socket is known here.

Every ``after`` is in seconds since the previous moment of the same interaction: the response since the request
was sent, the first chunk since the response's head, each later chunk since the one before, the end since the last
chunk. ``extra`` holds the keys that this release does not know, so that they survive load and save.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import Any, Literal, get_args

from ..http1 import Headers as Headers
from ..http1 import header as header
from ..provider import Answer, ApiError, Event, FunctionCall, Layout, Provider, Target
from ..shipped import shipped

EndKind = Literal["eof", "reset", "cancelled", "timeout"]
END_KINDS: tuple[str, ...] = get_args(EndKind)

Ending = Literal["eof", "reset", "closed", "timeout", "cancelled"]
"""How a response ends for its client: an `EndKind`, or "closed" if the peer closed the connection normally."""


@dataclass(frozen=True)
class Request:
    """One HTTP request, as it was sent (and, once stored, redacted).

    Attributes:
        method: the HTTP method, upper case.
        url: the absolute URL with its query.
        headers: name and value pairs in order.
        body: the body's bytes.
        client: the client's own description of itself ("httpx2 2.16.2; google-genai-sdk/3.4.0"), if known; before the
            request is recorded, its library ("httpx2 2.16.2").
        test: the id of the test that made the request ("tests/test_x.py::test_y"), if one did.
        extra: keys that this release does not know.
        provider: the API that is asked; it reads the URL and the response.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    client: str | None = None
    test: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    provider: Provider = field(default=shipped(), compare=False, repr=False)

    def of(self, provider: Provider) -> Request:
        """The same request, read by another provider."""
        return self if provider is self.provider else replace(self, provider=provider)

    @cached_property
    def json(self) -> Any:
        """The body decoded as JSON, or None if it is not JSON, or nested more deeply than Python decodes."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def target(self) -> Target:
        """What the URL asks for."""
        return self.provider.target(self.url)

    @property
    def model(self) -> str | None:
        """The model that the URL names ("gemini-2.5-flash"), or None."""
        return self.target.model

    @property
    def action(self) -> str | None:
        """The method of the API that is called ("streamGenerateContent"), or None."""
        return self.target.action

    @property
    def alt(self) -> str | None:
        """The framing that the URL asks for, as the API calls it ("sse"), or None."""
        return self.target.alt


@dataclass(frozen=True)
class Response:
    """The head of a response.

    Attributes:
        status: the HTTP status.
        headers: name and value pairs in order.
        after: seconds between the request being sent and this head arriving.
        body: None if the wire was not compressed; if it was, "decoded" if the chunks hold the decoded bytes, and
            "wire" if they hold the compressed ones.
    """

    status: int
    headers: Headers = ()
    after: float = 0.0
    body: Literal["decoded", "wire"] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chunk:
    """Bytes as the transport delivered them, ``after`` seconds since the moment before.

    The last two are for a response that was compressed and is stored decoded; they are empty in nearly all of them.

    Attributes:
        after: seconds.
        data: the bytes, decoded if the response is stored decoded.
        members: offsets in `data`, ascending, at which a new member of the content coding begins (a gzip member, a
            zstd frame); all members before it are complete. The first member of a response has no offset.
        coded: the bytes at the chunk's end that could not be decoded, as they came. All chunks after it are coded
            to the last byte.
    """

    after: float
    data: bytes
    members: tuple[int, ...] = ()
    coded: bytes = b""


@dataclass(frozen=True)
class End:
    """How the response ended.

    Attributes:
        kind: "eof" for a complete body; "reset" if the connection broke; "cancelled" if the client closed the
            response; "timeout" if the client's read timeout passed.
        after: seconds since the moment before.
        how: "closed" for a "reset" where the peer closed the connection normally, but before the body was
            complete; "unfinished" for an "eof" of a response that is stored decoded, whose content coding was not at
            its end (a gzip stream without its trailer); None otherwise.
    """

    kind: EndKind = "eof"
    after: float = 0.0
    how: Literal["closed", "unfinished"] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, ending: Ending, after: float = 0.0) -> End:
        """The end that `ending` names."""
        return cls("reset", after, "closed") if ending == "closed" else cls(ending, after)

    @property
    def ending(self) -> Ending:
        """How the response ends for its client."""
        return "closed" if (self.kind, self.how) == ("reset", "closed") else self.kind


@dataclass(frozen=True)
class Interaction:
    """One request and its timed response.

    Attributes:
        request: the request.
        response: the response's head; None if the connection ended before one came.
        chunks: the body, as it arrived.
        end: how it ended.
        comments: the comment lines before its request line, without line ends.
    """

    request: Request
    response: Response | None
    chunks: tuple[Chunk, ...] = ()
    end: End = End()
    comments: tuple[str, ...] = ()

    @property
    def body(self) -> bytes:
        """The data of all chunks, joined.

        Bytes that are still coded are not text: they are only in `chunks`, not in the body, nor in anything that is
        read from it (`events`, `text`, …).
        """
        return b"".join(chunk.data for chunk in self.chunks)

    def of(self, provider: Provider) -> Interaction:
        """The same interaction, read by another provider."""
        return self if provider is self.request.provider else replace(self, request=self.request.of(provider))

    @cached_property
    def layout(self) -> Layout:
        """The events of the body, and where they end; empty for a body that is stored compressed."""
        wire = self.response is not None and self.response.body == "wire"
        return self.request.provider.layout(b"" if wire else self.body)

    @property
    def events(self) -> tuple[Event, ...]:
        """The decoded messages of the body; malformed frames are left out."""
        return self.layout.events

    @cached_property
    def answer(self) -> Answer:
        """The answer that all events add up to."""
        return self.request.provider.collect(self.events)

    @property
    def text(self) -> str:
        """The answer's text, without thoughts."""
        return self.answer.text

    @property
    def thoughts(self) -> str:
        """The text of the thought summaries."""
        return self.answer.thoughts

    @property
    def function_calls(self) -> tuple[FunctionCall, ...]:
        """The function calls, in order, streamed arguments put together."""
        return self.answer.function_calls

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped ("STOP", "MAX_TOKENS", …), or None if it never said so."""
        return self.answer.finish_reason

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The last value of each token count, as the API names them. The counts are cumulative."""
        return self.answer.usage

    @property
    def error(self) -> ApiError | None:
        """The error object of the body, in mid-stream or instead of a stream; None if there is none."""
        return self.answer.error

    @property
    def complete(self) -> bool:
        """Whether the body ended well (``eof``) with a finish reason or a block reason, and without an error."""
        return self.end.kind == "eof" and self.answer.complete

    @property
    def duration(self) -> float:
        """Seconds from the request being sent to the end."""
        head = self.response.after if self.response else 0.0
        return head + sum([chunk.after for chunk in self.chunks]) + self.end.after

    def _repr_html_(self) -> str:
        """What a notebook shows: a timeline, what was asked and what was answered."""
        # By its name: views are above this layer, and a notebook asks nothing else for this one.
        shown: str = import_module("gemini_replay.report.html.notebook").card(self)
        return shown
