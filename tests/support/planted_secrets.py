"""Secrets of every kind, made up at run time, so that no scanner takes these files for leaks."""

from __future__ import annotations

import base64
import random
import string

from gemini_replay.cassette.redaction.shapes import SHAPES, Shape

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


def sample(shape: Shape, seed: str = "") -> str:
    """A key of this shape."""
    seed = f"{shape.kind}{shape.begins}{seed}"
    if shape.begins == "eyJ":
        head, body = (
            base64.urlsafe_b64encode(text).decode().rstrip("=") for text in (b'{"alg":"HS256"}', b'{"sub":"17"}')
        )
        return ".".join((head, body, drawn(seed, 43)))
    if shape.begins == "SG.":
        return f"SG.{drawn(seed, 22)}.{drawn(seed + '2', 43)}"
    if shape.begins == "xox":
        return f"xoxb-{drawn(seed, 12, string.digits)}-{drawn(seed + '2', 24)}"
    chars = _class(shape.chars)
    plain = "".join(char for char in chars if char.isalnum())
    length = min(shape.most, max(shape.least, 24))
    # No separator at the ends, where a scanner would not take it for a part of the key.
    return shape.begins + drawn(seed, 1, plain) + drawn(seed + "m", length - 2, plain) + drawn(seed + "e", 1, plain)


def pem(label: str, seed: str, *, header: str = "") -> str:
    """A private key as a PEM block."""
    body = base64.b64encode(random.Random(seed).randbytes(600)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(
        [f"-----BEGIN {label}-----", *([header, ""] if header else []), *lines, f"-----END {label}-----", ""]
    )


SHAPED = {f"{shape.kind} {shape.begins}": sample(shape) for shape in SHAPES}
"""One key of each shape."""

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
