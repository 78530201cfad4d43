"""Secrets of every kind, made up at run time, so that no scanner takes these files for leaks."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Iterable

from gemini_replay.cassette.model import Request
from gemini_replay.cassette.redaction import Redactor, RequestRedactor
from gemini_replay.cassette.redaction.key_formats import KEY_FORMATS, KeyFormat

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


def without_secrets(redactor: Redactor | RequestRedactor, chunks: Iterable[bytes]) -> list[bytes]:
    """A response body's chunks after redaction."""
    if isinstance(redactor, Redactor):
        redactor = redactor.for_request(Request("GET", "https://h.example/"))
    stream = redactor.stream()
    safe = [data for chunk in chunks for data in stream.feed(chunk)]
    return [*safe, *stream.close()]
