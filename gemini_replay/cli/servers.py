"""Commands that run a server: demo, upstream, record, serve."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import UsageError
from ..plain_text import plain, plain_lines
from .paths import cassettes_in


def _server_settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `serve_forever` that every server has."""
    from ..server.entrance import Rules, parse_size

    host, colon, port = chosen.listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"{chosen.listen!r} is not an address to listen on.", hint="Give HOST:PORT, such as 127.0.0.1:8080."
        )
    rules = Rules(tuple(chosen.allow_origin), tuple(chosen.allow_host), parse_size(chosen.max_body))
    return {"host": host.strip("[]") or "127.0.0.1", "port": int(port), "rules": rules, "announce": _announce}


def demo(chosen: argparse.Namespace) -> int:
    """Record a stream from the embedded server, replay it, and compare the two."""
    from ..demo import run

    return run(speed=chosen.speed, keep=chosen.keep)


def upstream(chosen: argparse.Namespace) -> int:
    """Run the embedded Gemini-like server."""
    from ..server import running, upstream
    from ..server.upstream import scenarios

    if chosen.list:
        for name, scenario in sorted(scenarios.SCENARIOS.items()):
            print(f"{name:20} {scenario.description}")
        return 0
    settings = _server_settings(chosen)
    app = upstream.Upstream(
        chosen.scenario,
        key=chosen.key or "any",
        pace=chosen.pace,
        seed=chosen.seed,
        gateway=chosen.gateway,
        kept=0,
    )
    with _log_on_stderr():
        running.serve_forever(app, **settings)
    return 0


def record(chosen: argparse.Namespace) -> int:
    """Run a proxy that records."""
    from ..cassette.matching import DEFAULT_KEYS
    from ..server import serving
    from ..session import Session

    settings = _server_settings(chosen)
    if chosen.mode in ("none", "live"):
        raise UsageError(
            f"The mode {chosen.mode!r} does not record.",
            hint="Use once, new, rewrite or verify. To replay only, run: gemini-replay serve",
        )
    session = Session(
        chosen.cassette,
        mode=chosen.mode,
        hosts=None,
        repeat=True,
        match=chosen.match or DEFAULT_KEYS,
        ignore=chosen.ignore,
    )
    with _log_on_stderr():
        serving.serve_forever(session, base=chosen.upstream, **settings)
    recorded = f"{session.recorded_count} {'recorded' if session.keeps else 'compared with live answers, no drift'}"
    counts = f"{recorded}, {len(session.played)} replayed"
    print(f"gemini-replay: {counts}: {plain(str(session.path))}", file=sys.stderr)
    return 0


def serve(chosen: argparse.Namespace) -> int:
    """Run a server that replays."""
    from ..cassette.matching import DEFAULT_KEYS
    from ..engine.timing import parse_real_speed
    from ..server import serving
    from ..session import Session

    settings = _server_settings(chosen)
    if chosen.workers != 1:
        raise UsageError(
            f"A server plays in one process, not in {chosen.workers}.",
            hint="Equal requests play in the recorded order, so processes would have to agree on each. "
            "For more load, start several servers, each with clients of its own.",
        )
    parse_real_speed(chosen.speed, subject="A server", hint='Use a factor such as 4, or "instant".')
    session = Session.replaying(
        list(cassettes_in(chosen.cassettes)),
        speed=chosen.speed,
        max_gap=chosen.max_gap,
        rechunk=chosen.rechunk,
        fault=chosen.fault,
        hosts=None,
        repeat=True,
        match=chosen.match or DEFAULT_KEYS,
        ignore=chosen.ignore,
    )
    with _log_on_stderr():
        serving.serve_forever(session, **settings)
    return 0


def _announce(url: str) -> None:
    print(f"listening on {url}", flush=True)


@contextmanager
def _log_on_stderr() -> Iterator[None]:
    """Print the log of a server on standard error, since its clients may not show its error messages."""
    import logging

    class Plain(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return plain_lines(super().format(record))

    handler, log = logging.StreamHandler(), logging.getLogger("gemini_replay.server")
    handler.setFormatter(Plain("gemini-replay: %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
