"""Whether a text is random enough to be a secret.

Secrets are random; names, slugs, dates, paths and words are not. `could_be_secret` counts the pairs of adjacent
characters that are unusual in written text: a digit next to a letter, or two letters that rarely follow each other in
English words and identifiers. In a random key, more than half of the pairs are unusual; in a name, hardly any.
"""

from __future__ import annotations

import re
from functools import lru_cache

_FOLLOWERS = {
    "a": "bcdfgiklmnprstuvxy", "b": "aeilorsu", "c": "acdehiklmnoprstu", "d": "abcdefilmoprstu",
    "e": "abcdefgilmnopqrstvwxy", "f": "aefilortu", "g": "aehilnorstu", "h": "aeiot", "i": "abcdefglmnoprstvxz",
    "j": "aou", "k": "eis", "l": "abcdefgilopstuy", "m": "abdeilmopstu", "n": "acdefgilmnoprstuv",
    "o": "abcdfgiklmnoprstuvw", "p": "acdehiloprstu", "q": "u", "r": "acdefgiklmnoprstuvy",
    "s": "acdefhiklmnopqstuy", "t": "abcdefhilmnoprstuy", "u": "abcdeilmnprst", "v": "acei", "w": "aeior",
    "x": "eipt", "y": "elmpst", "z": "e",
}  # fmt: skip
"""The letters that often follow a letter: 93 % of all pairs in English technical words."""

_ORDINARY = frozenset(first + second for first, seconds in _FOLLOWERS.items() for second in seconds)
_RUN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PART = re.compile(r"[A-Za-z0-9]+")

_PUNCTUATION = re.compile(r"[!#$%^&*?=+@~|]")

_SAMPLE_WORDS = frozenset(
    """
    a aaa abc access account an any anything api apikey app auth authorization bar basic baz bbb bearer change
    changeme client code credential credentials default demo development disabled dummy empty enabled example
    fake foo foobar from gemini generated goes google here id ignored insert invalid is it key keys localhost me
    missing mock mocked my name no none not nothing notused null openai optional or pass password paste
    placeholder private production put qux real redacted refresh replace replay required sample secret secrets
    set signature some something string temporary test tested testing testkey tests that the this todo token
    undefined unknown unused use user username value whatever with xxx your yours
    """.split()  # noqa: SIM905
)
"""Words of placeholders, which people write instead of a secret in samples and tests."""

_TEMPLATE = re.compile(
    r"<[^<>]*>|\[[^\[\]]*\]|\{\{?[^{}]*\}?\}|\$\{[^{}]*\}|\$\w+|%\w+%|%s|\.{3,}|…|REDACTED-[0-9a-f]{4}|"
    r"(?:bearer|basic|token)\s+(?:<[^<>]*>|\$?\{.*\}|\$\w+)",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"AKIAIOSFODNN7EXAMPLE|ASIAIOSFODNN7EXAMPLE|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY|"
    r"sk_test_4eC39HqLyjWDarjtT1zdp7dc|XXXXXX|xxxxxx|"
    r"(?<![A-Za-z0-9])(?:hunter2(?![A-Za-z0-9])|EXAMPLE)|EXAMPLE(?:KEY)?(?![A-Za-z0-9])|"
    r"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIy"
    r"fQ\.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)  # fmt: skip
"""Published samples of keys, and runs of characters that are never random."""


@lru_cache(4096)
def is_placeholder(value: str) -> bool:
    """Whether people write a value instead of a secret: "test", "YOUR_API_KEY", "${TOKEN}", "xxxx".

    A placeholder is a template or a published sample, has fewer than four different characters, or consists of words
    that are common in placeholders.
    """
    value = value.strip()
    scheme, _, rest = value.partition(" ")
    if rest and scheme.lower() in {"bearer", "basic", "token"}:
        return is_placeholder(rest)
    if len(set(value.lower())) < 4 or _TEMPLATE.fullmatch(value) or _PUBLISHED.search(value):
        return True
    return all(map(_is_sample, _RUN.findall(value)))


def _is_sample(word: str) -> bool:
    low = word.lower()
    repeated = len(low) > 2 and len(set(low)) == 1
    return low in _SAMPLE_WORDS or repeated or (low.isdigit() and len(low) < 4)


def could_be_secret(value: str, *, certain: bool = False, least: int = 8) -> bool:
    """Whether a value is random enough to be a secret that can be searched for in any text.

    A value can be secret if it has `least` characters or more and no white space, is not a placeholder, and three of
    ten of its pairs of characters are unusual, at least five pairs, or two with a certain name, such as PASSWORD. So
    a UUID, a digest and base64 data can be secret: they are if a name says so. Words, numbers, dates, versions,
    slugs, paths and identifiers never are; nor is a password of words, since it would remove these words from
    ordinary text.
    """
    if len(value) < least or value.isdigit() or any(map(str.isspace, value)) or is_placeholder(value):
        return False
    pairs, odd = oddness(value)
    return odd >= (2 if certain else 5) and odd >= 0.3 * pairs


def is_held_secret(value: str, *, certain: bool) -> bool:
    """Whether to search any text for a value that has a secret name in the environment or a request.

    With a certain name, that includes long values of words ("correct-horse-battery-staple"), since no other text has
    exactly the same ones.
    """
    if could_be_secret(value, certain=certain):
        return True
    long = len(value) >= 16 and not value.isalpha() and not value.isdigit() and not any(map(str.isspace, value))
    return certain and long and not is_placeholder(value)


@lru_cache(4096)
def oddness(value: str) -> tuple[int, int]:
    """How many pairs of adjacent characters a text has, except two digits, and how many of them are unusual."""
    odd = len(_PUNCTUATION.findall(value, 1))
    pairs = odd
    for part in _PART.findall(value):
        runs = _RUN.findall(part)
        pairs += len(runs) - 1
        for before, run in zip(["", *runs], runs, strict=False):
            if before and (before[-1].isdigit() or run[0].isdigit() or len(before) == 1):
                odd += 1
            if not run[0].isdigit():
                low = run.lower()
                pairs += len(low) - 1
                odd += sum(low[at : at + 2] not in _ORDINARY for at in range(len(low) - 1))
    return pairs, odd
