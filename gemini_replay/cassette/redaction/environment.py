"""The secrets that the environment holds, and the ones that a value of several lines or a URL is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .documents import Document
from .judging import is_held_secret
from .telling_names import telling, telling_variable

_PATH_ROOTS = re.compile(
    r"~|\.{1,2}/|[A-Za-z]:[\\/]|/(?:home|root|usr|etc|tmp|var|run|opt|mnt|srv|Users|Library|dev|proc)(?:/|$)"
)
_URL_PASSWORD = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")


def environment_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The values that are secret, each with its kind ("value of $OPENAI_API_KEY").

    They are known by the variable's name and the value's look: ``PARTITION_KEY=customer_id`` and paths are none,
    since a recording shall depend on its machine for nothing but true secrets. Of a private key each line is one, of
    a URL its password, of JSON its secret members.
    """
    found: dict[str, str] = {}
    for name, raw in environ.items():
        told = telling_variable(name)
        for value, certain in _parts(raw.strip(), told == "certain") if told else _passwords(raw):
            if is_held_secret(value, certain=certain):
                found.setdefault(value, f"value of ${name}")
    return found


def _parts(value: str, certain: bool) -> Iterator[tuple[str, bool]]:
    yield from _passwords(value)
    if value[:1] == "{":
        yield from (
            (leaf.text, True) for leaf in Document(value.encode("utf-8", "replace")).leaves if telling(leaf.name)
        )
    elif "\n" in value or "\\n" in value:
        lines = (line.strip() for line in re.split(r"\n|\\n", value) if not line.startswith("-----"))
        yield from ((line, False) for line in lines if len(line) > 24)
    elif "://" not in value and not _PATH_ROOTS.match(value):
        yield value, certain


def _passwords(value: str) -> Iterator[tuple[str, bool]]:
    if "://" in value:
        yield from ((found[1], True) for found in _URL_PASSWORD.finditer(value))
