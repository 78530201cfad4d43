"""The embedded upstream: a Gemini-like server, so that everything runs without a key of Google's.

It routes, checks keys and bodies, and chooses a scenario (``scenarios``); ``timed_response`` frames and times its
messages, ``asgi.deliver`` sends them.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from ... import clocks
from ...engine.schedule import Schedule, Steps
from ...errors import UsageError
from ...gemini import heads
from .. import running
from ..asgi import Receive, Scope, Send, arrived, deliver, read_body
from ..entrance import DEFAULT_RULES, Rules
from . import keys, scenarios
from .request import (
    Call,
    InvalidRequestError,
    Received,
    first_text,
    prompt_tokens,
    read_contents,
    received,
    understood,
)
from .scenarios import Instruction, Message, Prompt, Raw, Scenario, Wait
from .timed_response import Framing, TimedResponse, first_wait, merged, timed_response


class Sent(NamedTuple):
    """A chunk as it went over the wire; ``at`` is ``time.perf_counter()`` just before."""

    at: float
    data: bytes


class Upstream:
    """An ASGI app that answers like the Gemini API and Vertex AI.

    The scenario of an answer is the first of these: the one given to this class; the one that the model in the path
    names (``models/story:streamGenerateContent``); the request's header ``x-scenario``; the first user text, where it
    is ``scenario:NAME``; ``story``. Equal requests get equal answers.

    Args:
        scenario: one scenario for all requests, by name or as such. A "raw" one answers any path and body.
        key: the one right key; "any" for every key; None if none is needed.
        pace: factor on all waits; 0 sends without waiting.
        seed: seeds the jitter and the ids.
        gateway: wrap all streams as an API gateway does, and take any path prefix. "plain" leaves out the keep-alive
            comment and the final ``[DONE]``, on which google-genai fails.
        kept: how many requests, the last ones, `requests` and `sent` hold; None for all.

    Raises:
        UsageError: an unknown scenario, or a negative pace.
    """

    def __init__(
        self,
        scenario: str | Scenario | None = None,
        *,
        key: str | None = "any",
        pace: float = 1.0,
        seed: int = 0,
        gateway: bool | Literal["plain"] = False,
        kept: int | None = None,
    ) -> None:
        if not pace >= 0:
            raise UsageError(f"pace is {pace!r}.", hint="Give 0 (no waiting) or more.")
        self.scenario = scenarios.get(scenario) if isinstance(scenario, str) else scenario
        self.pace = pace
        self.seed = seed
        self._gateway: Literal["gateway", "gateway-plain"] | None = None
        if gateway:
            self._gateway = "gateway-plain" if gateway == "plain" else "gateway"
        self._key = key
        self._lock = threading.Lock()
        self._requests: deque[Received] = deque(maxlen=kept)
        self._sent: deque[list[Sent]] = deque(maxlen=kept)

    @property
    def requests(self) -> list[Received]:
        """The requests so far, in the order of their arrival, without their secrets."""
        with self._lock:
            return list(self._requests)

    @property
    def sent(self) -> list[list[Sent]]:
        """For each of ``requests``, the chunks sent so far. Not redacted: ``echo`` repeats the key."""
        with self._lock:
            return [list(chunks) for chunks in self._sent]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        began = arrived(scope)
        body = await read_body(receive)
        if body is None:
            return
        request, key = received(scope, body)
        chunks: list[Sent] = []
        with self._lock:
            self._requests.append(request)
            self._sent.append(chunks)

        def note(data: bytes) -> None:
            if self._sent.maxlen == 0:
                return
            sent = Sent(clocks.now(), data)
            with self._lock:
                chunks.append(sent)

        response = self.answer(request, key)
        await deliver(Schedule(Steps.of(response.steps(self.pace)), began), scope, receive, send, before_send=note)

    def answer(self, request: Received, key: str = "") -> TimedResponse:
        """What goes out for ``request``, which came with ``key``."""
        refusal = keys.check_key(
            (request.key_place, key) if request.key_place else None,
            self._key,
            vertex="/publishers/google/" in request.path,
        )
        if self.scenario is not None and self.scenario.framing == "raw" and refusal is None:
            instructions = self.scenario.instructions(Prompt(self.scenario.model, key=key))
            return timed_response(instructions, "raw", status=self.scenario.status, headers=self.scenario.headers)
        call = understood(request, any_prefix=bool(self._gateway))
        if call is None:
            headers = heads.response_headers(heads.HTML)
            return timed_response([Raw(keys.NO_SUCH_PAGE.encode())], "raw", status=404, headers=headers)
        if refusal is not None:
            return self._refuse(call, refusal)
        if call.action == "get":
            return self._describe(call)
        try:
            contents = read_contents(request.body)
            scenario = self._choose(call, contents)
        except InvalidRequestError as problem:
            return self._refuse(call, problem.error)
        if scenario is None:
            return self._refuse(call, keys.model_not_found(call.model, call.version, call.action))
        prompt = Prompt(
            model=call.model if call.model.startswith("gemini-") else scenario.model,
            contents=contents,
            tokens=prompt_tokens(contents),
            key=key,
            vertex=call.vertex,
            rng=random.Random(f"{self.seed}/{scenario.name}"),
        )
        if call.action == "countTokens":
            tokens = [{"modality": "TEXT", "tokenCount": prompt.tokens}]
            return self._object(call, {"totalTokens": prompt.tokens, "promptTokensDetails": tokens})
        return self._play(call, scenario, prompt)

    def _choose(self, call: Call, contents: list[Any]) -> Scenario | None:
        """The scenario that answers; None for an unknown model."""
        if self.scenario is not None:
            return self.scenario
        by_model = scenarios.find(call.model)
        if by_model is not None:
            return by_model
        if not call.model.startswith("gemini-"):
            return None
        text = first_text(contents)
        asked = call.scenario or (text.removeprefix("scenario:") if text.startswith("scenario:") else "story")
        try:
            return scenarios.get(asked.strip())
        except UsageError as unknown:
            raise InvalidRequestError(str(unknown)) from None

    def _play(self, call: Call, scenario: Scenario, prompt: Prompt) -> TimedResponse:
        instructions: list[Instruction] = list(scenario.instructions(prompt))
        gateway = scenario.framing if scenario.framing in ("gateway", "gateway-plain") else self._gateway
        unary = call.action == "generateContent"
        if unary:
            instructions = merged(instructions)
        failures = (one.json for one in instructions if isinstance(one, Message) and "error" in one.json)
        if (unary or scenario.status != 200) and (failure := next(failures, None)) is not None:
            return self._refuse(call, failure, wait=first_wait(instructions))
        if unary:
            return self._framed(call, instructions, "object", heads.JSON, gateway=bool(gateway))
        if gateway == "gateway":
            # Gateways keep a connection alive while the model thinks; here once, so that it is seen.
            first = next((at for at, one in enumerate(instructions) if isinstance(one, Message)), -1)
            instructions.insert(first + 1, Raw(b": keep-alive\n\n"))
        if gateway:
            content_type = "text/event-stream; charset=utf-8"
            return self._framed(call, instructions, gateway, content_type, gateway=True)
        if call.sse and scenario.framing is None:
            return self._framed(call, instructions, "sse", heads.SSE)
        return self._framed(call, instructions, "json-array", heads.JSON)

    def _framed(
        self,
        call: Call,
        instructions: list[Instruction],
        framing: Framing,
        content_type: str,
        *,
        status: int = 200,
        gateway: bool = False,
    ) -> TimedResponse:
        first_byte = first_wait(instructions) * self.pace
        if gateway:
            headers = heads.gateway_headers(content_type)
        else:
            headers = heads.response_headers(content_type, first_byte=None if call.vertex else first_byte)
        # Google compresses JSON when asked, and SSE never.
        packed = call.gzip and content_type == heads.JSON
        return timed_response(instructions, framing, status=status, headers=headers, gzip=packed)

    def _object(self, call: Call, found: dict[str, Any]) -> TimedResponse:
        return self._framed(call, [Wait(0.03), Message(found)], "object", heads.JSON, gateway=bool(self._gateway))

    def _refuse(self, call: Call, error: dict[str, Any], *, wait: float = 0.03) -> TimedResponse:
        """An error instead of an answer: one object, in a list from Vertex AI's JSON streams."""
        streams = call.action == "streamGenerateContent"
        listed = call.vertex and streams and not call.sse
        return self._framed(
            call,
            [Wait(wait), Message(error)],
            "object-list" if listed else "object",
            heads.SSE if streams and call.sse and not self._gateway else heads.JSON,
            status=error["error"]["code"],
            gateway=bool(self._gateway),
        )

    def _describe(self, call: Call) -> TimedResponse:
        """The description of a model, as ``models.get`` returns it."""
        scenario = scenarios.find(call.model)
        if scenario is None and not call.model.startswith("gemini-"):
            return self._refuse(call, keys.model_not_found(call.model, call.version))
        methods = ["generateContent", "streamGenerateContent", "countTokens"]
        return self._object(
            call,
            {
                "name": f"models/{call.model}",
                "version": "001",
                "displayName": call.model,
                "description": scenario.description if scenario else "A model of the embedded upstream",
                "inputTokenLimit": 1048576,
                "outputTokenLimit": 65536,
                "supportedGenerationMethods": methods,
                "temperature": 1,
                "topP": 0.95,
                "topK": 64,
                "maxTemperature": 2,
            },
        )


class RunningUpstream(running.Running):
    """An ``Upstream`` that listens; ``app`` is the upstream itself."""

    app: Upstream

    @property
    def requests(self) -> list[Received]:
        """See ``Upstream.requests``."""
        return self.app.requests

    @property
    def sent(self) -> list[list[Sent]]:
        """See ``Upstream.sent``."""
        return self.app.sent


@contextmanager
def start(
    scenario: str | Scenario | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    ssl_certfile: str | None = None,
    key: str | None = "any",
    pace: float = 1.0,
    seed: int = 0,
    gateway: bool | Literal["plain"] = False,
    rules: Rules = DEFAULT_RULES,
) -> Iterator[RunningUpstream]:
    """Run an ``Upstream`` while the context lasts; for the arguments, see it and ``running.Running``."""
    app = Upstream(scenario, key=key, pace=pace, seed=seed, gateway=gateway)
    server = RunningUpstream(app, host=host, port=port, rules=rules, ssl_certfile=ssl_certfile)
    with server:
        yield server
