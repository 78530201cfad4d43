"""The protocol of a provider: all that the rest of the package has to know of one API's streams.

A provider is one object that knows one API: which URLs belong to it, which events a body holds and where they end,
how it reports errors, and which names its keys have. Gemini is the only one in this package
(`gemini.GEMINI`, see `shipped`); cassettes and sessions take another one as an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from .arguments import require
from .frames import Framing

if TYPE_CHECKING:
    import random


class Target(NamedTuple):
    """What a URL asks for.

    Attributes:
        model: the model that the URL names ("gemini-2.5-flash"), or None.
        action: the method of the API that the URL names ("streamGenerateContent"), or None.
        alt: the framing that the URL asks for, as the API calls it ("sse"), or None.
        resource: what the action is called on, with its kind ("/models/gemini-2.5-flash", "/tunedModels/mine",
            "/files/x"): the path without the action, and without what differs between API versions, accounts and
            gateways. Two URLs with one resource ask for the same thing.
    """

    model: str | None
    action: str | None
    alt: str | None
    resource: str


@dataclass(frozen=True)
class FunctionCall:
    """One call that the model asks for.

    Attributes:
        name: the function; "" if the stream never named it.
        args: its arguments, streamed ones put together.
        id: the call's id, if the model gave one.
        complete: False if the stream announced more of the call than it delivered.
    """

    name: str
    args: Mapping[str, Any]
    id: str | None = None
    complete: bool = True


@dataclass(frozen=True)
class ApiError:
    """An error object, in the stream or instead of one.

    Attributes:
        code: the HTTP status code that it contains, or None.
        message: its text.
        status: the error's name ("RESOURCE_EXHAUSTED"), if given.
        details: further objects that came with it.
        retry_delay: seconds to wait before trying again, if the error says so.
        refuses_key: whether the error says that the key is not valid.
    """

    code: int | None
    message: str
    status: str | None = None
    details: tuple[Mapping[str, Any], ...] = ()
    retry_delay: float | None = None
    refuses_key: bool = False


@runtime_checkable
class Event(Protocol):
    """One decoded message of a stream."""

    @property
    def json(self) -> Any:
        """The decoded value as received."""

    @property
    def text(self) -> str:
        """The text, without thoughts."""

    @property
    def thoughts(self) -> str:
        """The text of thoughts."""

    @property
    def function_calls(self) -> tuple[Mapping[str, Any], ...]:
        """The parts of function calls, as the API names them; an `Answer` puts streamed arguments together."""

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped, if this event says so."""

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The token counts so far, as the API names them."""

    @property
    def error(self) -> ApiError | None:
        """The error that the event is, or None."""

    @property
    def tokens(self) -> int | None:
        """An estimate of its tokens, without thoughts; None if only its size allows an estimate."""

    @property
    def is_answer(self) -> bool:
        """Whether a model generated it. A count of tokens and a model's description are not generated."""


@dataclass(frozen=True)
class Answer:
    """All events of a stream, added up.

    Attributes:
        text: the text, without thoughts.
        thoughts: the text of thoughts.
        function_calls: the calls, in order.
        usage: the last value of each token count, as the API names them.
        finish_reason: why the model stopped.
        error: the first error.
        complete: whether the model came to an end, without an error.
    """

    text: str = ""
    thoughts: str = ""
    function_calls: tuple[FunctionCall, ...] = ()
    usage: Mapping[str, Any] | None = None
    finish_reason: str | None = None
    error: ApiError | None = None
    complete: bool = False


@dataclass(frozen=True)
class Layout:
    """A body's events and where they are.

    Attributes:
        framing: the body's framing; None for an empty body.
        events: the decoded events; malformed frames are left out.
        ends: for each event, the offset after its last byte and the separator after it.
        starts: the start of each event, and None for each malformed frame, in order.
        skipped: how many frames and lines gave no event, although they should: the malformed frames among them.
    """

    framing: Framing | None
    events: tuple[Event, ...]
    ends: tuple[int, ...]
    starts: tuple[tuple[int, Event | None], ...]
    skipped: int = 0


@dataclass(frozen=True)
class Members:
    """What is form in an API's messages, by the names of members of JSON in camelCase.

    Attributes:
        data: a member with the name of what holds it: of its value, only the type is form, since what is within
            belongs to the user.
        stated: members whose very value is form: a reader of the stream depends on it.
        stated_in_errors: the same, within a member ``error``.
        varying: members that two answers to one request may have or not have.
    """

    data: frozenset[tuple[str, str]] = frozenset()
    stated: frozenset[str] = frozenset()
    stated_in_errors: frozenset[str] = frozenset()
    varying: frozenset[str] = frozenset()


@runtime_checkable
class Provider(Protocol):
    """One API.

    Attributes:
        name: what messages call it.
        hosts: the API's hosts, as shell patterns; every request to them belongs to the API.
        token_hosts: hosts from which clients get access tokens; such requests are never recorded.
        grpc_services: hosts, by prefixes of the full names of the gRPC methods that they serve.
        grpc_advice: what users of gRPC can do to use HTTP instead.
        key_variable: the environment variable that clients read their key from.
        key_headers: request headers that hold a key, in lower case.
        key_parameters: query parameters that hold a key, in lower case.
        members: what is form in its messages.
    """

    name: str
    hosts: tuple[str, ...]
    token_hosts: frozenset[str]
    grpc_services: Mapping[str, str]
    grpc_advice: str
    key_variable: str
    key_headers: frozenset[str]
    key_parameters: frozenset[str]
    members: Members

    def target(self, url: str) -> Target:
        """What a URL asks for. A URL of any host belongs to the API if it has both a model and an action."""

    def base_url(self, path: str = "/") -> str:
        """The URL of the API's host for a path, without the path."""

    def layout(self, body: bytes) -> Layout:
        """The events of any body, also of a malformed one."""

    def collect(self, events: Iterable[Any]) -> Answer:
        """The answer that the events of one body, as `layout` returns them, add up to."""

    def error_body(
        self, code: int, message: str | None = None, *, url: str = "", retry_after: float | None = None
    ) -> bytes:
        """The body of an HTTP error.

        Args:
            code: the HTTP status.
            message: its text; None for the API's own text.
            url: the requested URL, since the error's form may depend on it.
            retry_after: seconds after which the error tells the client to try again.
        """

    def error_event(
        self, code: int, *, framing: Framing | None, first: bool, retry_after: float | None = None
    ) -> bytes:
        """The bytes of an error that ends a body in mid-stream.

        Args:
            code: the HTTP status that the error names.
            framing: the framing of the body.
            first: whether it is the first part of the body.
            retry_after: as in `error_body`.
        """

    def finished(self, event: Event | None, *, framing: Framing | None, first: bool) -> bytes:
        """The bytes of an event with the same contents that also ends the answer, and of the end of the body.

        Args:
            event: the event; None for one without contents.
            framing: the framing of the body.
            first: whether it is the first part of the body.
        """

    def tokens(self, text: str) -> int:
        """An estimate of the tokens of a text."""


def check_provider(value: object) -> None:
    """Raise a `UsageError` unless an argument `provider` can be used."""
    holds = value is None or (isinstance(value, Provider) and not isinstance(value, type))
    takes = "an object that has all that a `gemini_replay.provider.Provider` has, or None"
    require(holds, "provider", value, takes)


@dataclass(frozen=True)
class UntimedInteraction:
    """A request and its answer, written instead of recorded.

    Attributes:
        url: the request's URL.
        json: the request's body, or None.
        status: the HTTP status of the answer.
        headers: the answer's headers.
        chunks: its body, one chunk for each event.
    """

    url: str
    json: Mapping[str, Any] | None
    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: tuple[bytes, ...]


@runtime_checkable
class Writer(Provider, Protocol):
    """A provider that can also write interactions, for cassettes without a recording."""

    def compose(
        self,
        text: str,
        *,
        model: str,
        prompt_tokens: int,
        thoughts: Sequence[str],
        finish_reason: str | None,
        event_tokens: int,
        rng: random.Random,
    ) -> Sequence[Mapping[str, Any]]:
        """The events of an answer with this text.

        Args:
            text: the answer's text; the texts of the events add up to exactly this.
            model: the model that answers.
            prompt_tokens: an estimate of the request's tokens.
            thoughts: thought summaries that come before the text.
            finish_reason: the last event's; None for an answer that never finished.
            event_tokens: tokens in each event of text.
            rng: the source of ids.
        """

    def interaction(
        self,
        events: Sequence[Mapping[str, Any]],
        *,
        model: str,
        prompt: str | Mapping[str, Any] | None,
        framing: str,
        status: int | None,
    ) -> UntimedInteraction:
        """A request, and an answer of exactly these events.

        Args:
            events: the decoded messages, at least one.
            model: the model that is asked.
            prompt: a text, or the whole body of the request; None for a request without a body.
            framing: how the events are written, as the provider calls it.
            status: the HTTP status; None for the one that belongs to the events.

        Raises:
            UsageError: an unknown framing.
        """
