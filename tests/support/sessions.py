"""Helpers that use a session as a transport does: record answers, and read what its cassette holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Request
from gemini_replay.session import Forward


def request(text: str = "hello") -> Request:
    """A request with this text as its prompt."""
    body = f'{{"contents": [{{"parts": [{{"text": "{text}"}}]}}]}}'.encode()
    url = "https://generativelanguage.googleapis.com/v1/models/gemini-x:streamGenerateContent?alt=sse"
    return Request("POST", url, body=body)


def ask(session: Session, text: str = "hello", answer: str | None = None) -> None:
    """Ask a session for a decision about one request, as a transport does."""
    plan = session.decide(request(text))
    assert isinstance(plan, Forward)
    plan.recorder.sent(0.0)
    plan.recorder.head(200, (), 0.5)
    plan.recorder.chunk((answer or text).encode(), 0.5)
    plan.recorder.end("eof", 0.5)


def recorded(path: Path, *texts: str, mode: Any = "rewrite", test: str | None = None) -> Session:
    """A session that has recorded an answer to each text."""
    session = Session(path, mode=mode, test=test)
    for text in texts:
        ask(session, text)
    session.close()
    assert session.problem is None
    return session


def held(path: Path) -> list[str]:
    """The bodies in a cassette, in order."""
    return [interaction.body.decode() for interaction in Cassette.load(path).interactions]
