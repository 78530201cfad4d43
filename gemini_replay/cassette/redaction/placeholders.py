"""Placeholders: what people write in place of a secret, so that a machine without the secret can replay.

The list is closed, and docs/secrets.md has it: a placeholder answers for a secret, so nothing that can be a real
value may be one. `randomness.is_placeholder` is wider: it says which values are not worth hiding.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = frozenset(
    "any changeme dummy example fake mock none null placeholder redacted sample test todo unused your".split()  # noqa: SIM905
)
"""Words of which a placeholder has at least one."""

_OTHERS = frozenset(
    """
    access api apikey auth bearer client for here is it key id my not password secret sk the token value
    """.split()  # noqa: SIM905
)
"""Words that a placeholder may also contain."""

_SCHEME = re.compile(r"(?:bearer|basic|token)\s+", re.IGNORECASE)
_TEMPLATE = re.compile(r"<[^<>]+>|\{\{[^{}]+\}\}|\$?\{[^{}]+\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w*%")
_RUN = re.compile(r"[xX]{3,}|\*{3,}|\.{3,}|…")
_BREAKS = re.compile(r"[-_ .]+")


@lru_cache(1024)
def stands_for_secret(value: str) -> bool:
    """Whether a value is a placeholder: a template, a run of x, or words that say so ("test", "YOUR_API_KEY")."""
    value = _SCHEME.sub("", value.strip(), count=1)
    if _TEMPLATE.fullmatch(value) or _RUN.fullmatch(value):
        return True
    words = _BREAKS.split(value.lower().removeprefix("gemini-replay-"))
    says_so = [word in _WORDS or _RUN.fullmatch(word) is not None for word in words]
    return any(says_so) and all(said or word in _OTHERS for word, said in zip(words, says_so, strict=True))
