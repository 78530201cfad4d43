"""Errors about requests that a session refuses, and the client that made them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path
from types import FrameType

from ..errors import NetworkBlockedError, RefusedError
from ..provider import Provider
from ..shipped import shipped

SUPPORTED = (
    "httpx",
    "httpx2",
    "httpcore",
    "requests",
    "urllib3",
    "aiohttp",
    "httplib2",
    "urllib.request",
    "http.client",
)
"""Client libraries whose requests the transports answer and record."""

_RECORDERS = {
    "vcr.stubs": ("VCR.py", 'off the client library: skip_patchers=["httpx"], or ["requests", "urllib3"], …'),
    "cassetter.intercept": ("cassetter", "off the client library: name only others in intercept=[…]"),
}
"""Other recorders: how the names of the modules begin that handle requests, and how one keeps them out of it."""

_WEBSOCKETS = "websockets"
_GRPC = "gRPC"
_OWN = __name__.partition(".")[0]


def blocked(
    where: str, *, suggestion: str = "", hint: str = "", provider: Provider | None = None
) -> NetworkBlockedError:
    """The error for a request that something is about to make past every cassette.

    It is to `where`: a host, or a URL without its query. Why nothing could answer it, and what to do, is told by the
    client that makes it, unless it is given.
    """
    client = calling_client()
    reason, advice = bypass_explained(client, provider)
    if suggestion and client:
        suggestion += f" The request came through {client}."
    return NetworkBlockedError(
        f"A request to {where} was stopped before it left this machine.",
        suggestion=suggestion or reason,
        hint=f"{hint or advice} To allow the network: --gemini-record live.",
    )


def own_server(where: str, cassette: Path) -> RefusedError:
    """The error for a request to a server of this process, that a recording from elsewhere would answer, too."""
    return RefusedError(
        f"A request goes to {where}, a server of this process; {cassette} has an answer to it that was "
        "recorded elsewhere.",
        suggestion="Either of the two may be meant to answer it.",
        hint=f"To be answered by the cassette, name {where!r} in the setting hosts; by the server, in ignore_hosts.",
    )


def bypass_explained(client: str, provider: Provider | None = None) -> tuple[str, str]:
    """Why the transports have not seen a request of a client, as `calling_client` names it; and what to do."""
    if client == _WEBSOCKETS:
        return (
            "It is a websocket, such as the Live API uses, which gemini-replay does not record.",
            "Put a fake in the place of the live session.",
        )
    if client == _GRPC:
        return "It came through gRPC, which gemini-replay does not intercept.", (provider or shipped()).grpc_advice
    if client in SUPPORTED:
        return (
            f"It came through {client}, but past the place where gemini-replay answers: by a transport or adapter of "
            "its own, or over a connection that was opened before.",
            f"Use the transports of {client} itself, or serve the cassette with `gemini-replay serve`.",
        )
    return (
        f"It came through {client or 'a client'}, which gemini-replay does not intercept.",
        f"Use a supported client ({', '.join(SUPPORTED)}), or serve the cassette to it with `gemini-replay serve`.",
    )


def recorded_twice(connection: object) -> RefusedError | None:
    """The error for a request that another recorder handles, too; None if there is no other.

    Those read the whole response before the client gets any of it: neither chunks nor times would be true.
    """
    if "vcr" not in sys.modules and "cassetter" not in sys.modules:
        return None
    modules = [kind.__module__ for kind in type(connection).__mro__]
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:  # without `_calling`: this is done for each request
        modules.append(str(frame.f_globals.get("__name__", "")))
        frame = frame.f_back
    for start, (name, advice) in _RECORDERS.items():
        if any(map(methodcaller("startswith", start), modules)):
            return RefusedError(
                f"{name} handles this request, too, and would hold its response back until the last chunk.",
                hint=f"Keep {name} off this test, or {advice}.",
            )
    return None


def calling_client() -> str:
    """The client that makes the request, by the functions that are running; "" if they do not show it."""
    frames = list(_calling())
    modules = [name for name, _ in frames]
    if any(f"{name}.".startswith("grpc.") for name in modules):
        return _GRPC
    if any(name.startswith("websockets.") for name in modules):
        return _WEBSOCKETS
    for name in reversed(modules):  # who was called first: requests, not urllib3 below it
        for client in SUPPORTED:
            if name == client or name.startswith(f"{client}."):
                return client
    for name, file in frames:
        library = name.partition(".")[0]
        if library not in sys.stdlib_module_names:
            return library if "site-packages" in file else ""  # the code under test
    return ""


def _calling() -> Iterator[tuple[str, str]]:
    """The modules of the functions that are running and their files, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] != _OWN:
            yield name, frame.f_code.co_filename
        frame = frame.f_back
