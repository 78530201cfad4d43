"""The embedded upstream: a Gemini-like server, so that everything runs without a Google key.

It checks keys, and calls the method that `routes` finds; ``asgi.deliver`` sends the answer.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal, NamedTuple

from ... import clocks
from ...engine.schedule import Schedule, Steps
from ...errors import UsageError
from .. import running
from ..asgi import Receive, Scope, Send, arrived, deliver, read_body
from ..entrance import DEFAULT_RULES, Rules
from . import keys, routes, scenarios
from .backend import Backend
from .call import Call, RefusedError
from .request import Received, received, without_credentials
from .scenarios import Prompt, Scenario
from .timed_response import TimedResponse, timed_response


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
        form: Literal["gateway", "gateway-plain"] = "gateway-plain" if gateway == "plain" else "gateway"
        self._backend = Backend(
            scenarios.get(scenario) if isinstance(scenario, str) else scenario,
            pace=pace,
            seed=seed,
            gateway=form if gateway else None,
        )
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
            self._requests.append(without_credentials(request))
            self._sent.append(chunks)

        def note(data: bytes) -> None:
            if self._sent.maxlen == 0:
                return
            sent = Sent(clocks.now(), data)
            with self._lock:
                chunks.append(sent)

        response = self.answer(request, key)
        await deliver(
            Schedule(Steps.of(response.steps(self._backend.pace)), began), scope, receive, send, before_send=note
        )

    def answer(self, request: Received, key: str = "") -> TimedResponse:
        """The answer to ``request``, which came with ``key``."""
        refusal = keys.check_key(
            (request.key_place, key) if request.key_place else None,
            self._key,
            vertex="/publishers/google/" in request.path,
            token=keys.fake_token(self._backend.seed),
        )
        scenario = self._backend.scenario
        if scenario is not None and scenario.framing == "raw" and refusal is None:
            instructions = scenario.instructions(Prompt(scenario.model, key=key))
            return timed_response(instructions, "raw", status=scenario.status, headers=scenario.headers)
        found = routes.understood(request, any_prefix=bool(self._backend.gateway))
        if found is None:
            return self._backend.refuse(Call(request), keys.no_such_method())
        route, call = found
        call = replace(call, key=key)
        if refusal is not None and not route.keyless:
            return route.refuse(self._backend, call, refusal)
        try:
            return route.answer(self._backend, call)
        except RefusedError as problem:
            return route.refuse(self._backend, call, problem.error, headers=problem.headers)


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
