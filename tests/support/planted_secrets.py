"""Secrets of every kind, made up at run time, so that no scanner takes these files for leaks."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

import pytest

from gemini_replay import Cassette, Session, parse_stream
from gemini_replay.cassette.model import Headers, Request, Response
from gemini_replay.cassette.redaction import Redactor, RequestRedactor
from gemini_replay.cassette.redaction.key_formats import KEY_FORMATS, KeyFormat
from gemini_replay.errors import MissError
from gemini_replay.session import Forward

_RANGES = {
    "A-Z": string.ascii_uppercase,
    "a-z": string.ascii_lowercase,
    "0-9": string.digits,
    "a-f": "abcdef",
    "A-F": "ABCDEF",
}
_LETTERS = string.ascii_letters + string.digits


def drawn(seed: str, length: int, chars: str = _LETTERS) -> str:
    """Random characters, the same in every run."""
    rng = random.Random(seed)
    return "".join(rng.choice(chars) for _ in range(length))


def _class(chars: str) -> str:
    for name, members in _RANGES.items():
        chars = chars.replace(name, members)
    return chars.replace("\\", "")


def sample(key: KeyFormat, seed: str = "") -> str:
    """A key of this format."""
    seed = f"{key.kind}{key.begins}{seed}"
    if key.begins == "eyJ":
        head, body = (
            base64.urlsafe_b64encode(text).decode().rstrip("=") for text in (b'{"alg":"HS256"}', b'{"sub":"17"}')
        )
        return ".".join((head, body, drawn(seed, 43)))
    if key.begins == "SG.":
        return f"SG.{drawn(seed, 22)}.{drawn(seed + '2', 43)}"
    if key.begins == "xox":
        return f"xoxb-{drawn(seed, 12, string.digits)}-{drawn(seed + '2', 24)}"
    chars = _class(key.chars)
    plain = "".join(char for char in chars if char.isalnum())
    length = min(key.most, max(key.least, 24))
    # No separator at the ends, where a scanner would not take it for a part of the key.
    return key.begins + drawn(seed, 1, plain) + drawn(seed + "m", length - 2, plain) + drawn(seed + "e", 1, plain)


def pem(label: str, seed: str, *, header: str = "") -> str:
    """A private key as a PEM block."""
    body = base64.b64encode(random.Random(seed).randbytes(600)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(
        [f"-----BEGIN {label}-----", *([header, ""] if header else []), *lines, f"-----END {label}-----", ""]
    )


SHAPED = {f"{key.kind} {key.begins}": sample(key) for key in KEY_FORMATS}
"""One key of each format."""

BLOCKS = {
    label: pem(label, label, header="Proc-Type: 4,ENCRYPTED" if "DSA" in label else "")
    for label in (
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    )
}
"""Private keys in PEM."""


def without_secrets(
    redactor: Redactor | RequestRedactor, chunks: Iterable[bytes], together: Iterable[int] = ()
) -> list[bytes]:
    """A response body's chunks after redaction, which gets them one by one, or in groups of the sizes `together`."""
    if isinstance(redactor, Redactor):
        redactor = redactor.for_request(Request("GET", "https://h.example/"))
    stream, coming = redactor.stream(), iter(chunks)
    safe = [data for count in together for data in stream.feed(*islice(coming, count))]
    safe += [data for chunk in coming for data in stream.feed(chunk)]
    return [*safe, *stream.close()]


GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
JSON: Headers = (("content-type", "application/json"),)
SECRET = drawn("any", 32)
"""A random value of no known format: it is found by its place, or because it equals a known secret."""


@dataclass
class Planted:
    """One interaction that holds a secret somewhere."""

    url: str = GOOGLE
    headers: Headers = ()
    body: bytes = b"{}"
    answer_headers: Headers = ()
    answer: list[bytes] = field(default_factory=list)
    redact: tuple[str, ...] = ()
    test: str | None = None
    wire: bool = False


def event(text: str) -> bytes:
    data = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]}
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def record(path: Path, planted: Planted) -> tuple[Session, bytes]:
    """Record it as a transport does. Returns the session, and the journal as it was before the session closed."""
    session = Session(path, mode="rewrite", hosts=None, redact=planted.redact, test=planted.test, wire=planted.wire)
    plan = session.decide(Request("POST", planted.url, planted.headers, planted.body))
    assert isinstance(plan, Forward)
    plan.recorder.sent(0.0)
    plan.recorder.head(200, planted.answer_headers, 0.1)
    for chunk in planted.answer:
        plan.recorder.chunk(chunk, 0.2)
    plan.recorder.end("eof", 0.3)
    journal = b"".join(part.read_bytes() for part in path.parent.glob("*.part*"))
    session.close()
    return session, journal


def readings(text: str) -> Iterator[str]:
    """A text as it is, and unescaped in every way in which something may read it."""
    for one in (text, unquote(text), html.unescape(text), text.replace("\\/", "/")):
        yield one
        yield re.sub(r"\\+u00([2-7][0-9a-f])", lambda found: chr(int(found[1], 16)), one)


def stored(path: Path) -> str:
    """Everything that can be read in the cassette."""
    texts = [path.read_text(encoding="utf-8")]
    for interaction in Cassette.load(path).interactions:
        request, response = interaction.request, interaction.response
        assert response is not None
        texts += [request.url, request.body.decode("latin-1"), interaction.body.decode("latin-1"), interaction.text]
        texts += [value for _, value in (*request.headers, *response.headers)]
    return "\n".join(texts)


def redacted(planted: Planted) -> str:
    """Everything that is left after redaction, without a session and its files."""
    redactor = Redactor(planted.redact)
    own = redactor.for_request(Request("POST", planted.url, planted.headers, planted.body))
    request, response = own.request(), own.response(Response(200, planted.answer_headers))
    body = b"".join(without_secrets(own, planted.answer))
    texts = [request.url, request.body.decode("latin-1"), body.decode("latin-1"), redactor.text(planted.test or "")]
    texts += ["".join(event.text for event in parse_stream([body]))]
    return "\n".join([*texts, *(value for _, value in (*request.headers, *response.headers))])


def assert_gone(planted: Planted, *secrets: str) -> None:
    """Redact it, and look for the secrets in everything that is left."""
    everything = "\n".join(readings(redacted(planted)))
    for secret in secrets:
        assert secret not in everything


def assert_not_recorded(path: Path, planted: Planted, *secrets: str) -> Session:
    """Record it, and look for the secrets in everything that is left."""
    session, journal = record(path, planted)
    assert session.problem is None, session.problem
    asked = Session(path, hosts=None, redact=planted.redact)
    with pytest.raises(MissError) as missed:
        asked.decide(Request("PUT", planted.url, planted.headers, planted.body))
    asked.close()
    everything = "\n".join(
        reading for text in (stored(path), journal.decode(), str(missed.value)) for reading in readings(text)
    )
    for secret in secrets:
        assert secret not in everything
    return session
