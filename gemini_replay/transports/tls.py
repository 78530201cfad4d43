"""Building a client costs no TLS context while nothing can reach the network.

Nearly all of a client's construction (20 ms of 21 in httpx and httpx2, three times that in google-genai) is
`SSLContext.load_verify_locations`, which parses the certificate authorities. While a session only replays, that
is put off until the context first meets a connection; so a client that does talk to another host verifies it as
strictly as ever, also when it outlives the session.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Any

from .. import session
from ..patching import Interception, Lock

_NEEDS_CERTIFICATES = ("wrap_socket", "wrap_bio", "cert_store_stats", "get_ca_certs")
_lock = Lock()


def interceptions() -> list[Interception]:
    """What to replace."""
    return [(ssl.SSLContext, "load_verify_locations", _deferring)]


def _deferring(original: Callable[..., Any]) -> Callable[..., Any]:
    def load_verify_locations(
        context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        sessions = session.candidates()
        paths = [path for path in (cafile, capath) if path is not None]
        # Certificates in memory are few, and a path that is not there shall fail at once, as it always does.
        late = (
            sessions
            and all(one.replay_only for one in sessions)
            and cadata is None
            and paths
            and all(os.path.exists(path) for path in paths)
        )
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
    with _lock:  # a second connection shall not begin with half of the certificates
        for load in own.pop("_gemini_replay_deferred", ()):
            load()
        for name in _NEEDS_CERTIFICATES:
            own.pop(name, None)
