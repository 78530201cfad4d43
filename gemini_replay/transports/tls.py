"""Delays the loading of certificates while nothing can reach the network.

Building a client takes 20 ms in httpx and httpx2, and three times that in google-genai. Nearly all of it is spent in
`SSLContext.load_verify_locations`, which parses the certificate authorities. While a session only replays, this is
delayed until the context is first used for a connection. So a client that does connect to another host verifies it
strictly, even after the session.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Any

from ..patching import Interception, Lock
from ..session import replays_only

_NEEDS_CERTIFICATES = ("wrap_socket", "wrap_bio", "cert_store_stats", "get_ca_certs")
_lock = Lock()


def interceptions() -> list[Interception]:
    """The replacements in module ssl."""
    return [(ssl.SSLContext, "load_verify_locations", _deferring)]


def _deferring(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_verify_locations(
        context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        paths = [path for path in (cafile, capath) if path is not None]
        # Certificates in memory are few, and a missing path must fail at once, as usual.
        late = cadata is None and paths and all(os.path.exists(path) for path in paths) and replays_only()
        if late:
            _defer(context, lambda: original(context, cafile, capath))
        else:
            original(context, cafile, capath, cadata)

    return load_verify_locations


def _defer(context: ssl.SSLContext, load: Callable[[], None]) -> None:
    waiting: list[Callable[[], None]] | None = vars(context).get("_gemini_replay_deferred")
    if waiting is not None:
        waiting.append(load)
        return
    waiting = vars(context)["_gemini_replay_deferred"] = [load]

    def first(method: Callable[..., Any]) -> Callable[..., Any]:
        def loaded(*args: Any, **kwargs: Any) -> Any:
            _load(context)
            return method(*args, **kwargs)

        return loaded

    for name in _NEEDS_CERTIFICATES:
        vars(context)[name] = first(getattr(context, name))


def _load(context: ssl.SSLContext) -> None:
    own = vars(context)
    with _lock:  # a second connection must not begin with only some certificates loaded
        for load in own.pop("_gemini_replay_deferred", ()):
            load()
        for name in _NEEDS_CERTIFICATES:
            own.pop(name, None)
