"""Finds known values in bytes, in any of the encodings that can hide them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from .encodings import encodings
from .randomness import could_be_secret
from .spans import Span, rows_of

_SHORTEST_CUT = 16
"""Characters of a secret whose first half is also a secret: a message may quote it cut off."""


class KnownForms:
    """Finds known values, each with its kind, in all their `encodings`, and plain ones also if they are cut off.

    It never changes.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        forms: dict[bytes, Span] = {}
        for secret, kind in known.items():
            for form in encodings(secret):
                forms.setdefault(form, Span(0, len(form), secret.isdigit() and form == secret.encode(), kind))
        # By their longest row of token characters: without such a row, the form cannot be there.
        groups: dict[bytes, list[tuple[bytes, Span]]] = {}
        self._wholes: dict[bytes, bytes] = {}
        for secret, kind in known.items():
            whole = secret.encode("utf-8", "replace")
            half = whole[: len(whole) // 2]
            if len(secret) >= _SHORTEST_CUT and could_be_secret(half.decode("utf-8", "ignore")):
                self._wholes[half] = whole
                groups.setdefault(_longest_row(half), []).append((half, Span(0, len(half), False, kind)))
        for form, span in sorted(forms.items()):
            groups.setdefault(_longest_row(form), []).append((form, span))
        self._groups = sorted(groups.items())
        self._beginnings = [(form, form[:3]) for form in forms]
        self._last_bytes = frozenset(b"".join(forms))
        self._longest = max(map(len, forms), default=1)
        self._short = frozenset({form[:length] for form in forms for length in (1, 2)})
        self._joined = b"\0".join(forms)

    def find(self, view: bytes, rows: bytes) -> list[Span]:
        """The places of known values; `rows` is `rows_of` the view."""
        spans = []
        for row, forms in self._groups:
            if row not in rows:
                break
            for form, (_, length, number, kind) in forms:
                at = view.find(form)
                while at >= 0:
                    end = at + length
                    if form in self._wholes:
                        end = _end_of_common(view, at, self._wholes[form], length)
                    spans.append(Span(at, end, number, kind))
                    at = view.find(form, at + 1)
        return spans

    def open_at(self, view: bytes) -> int:
        """The beginning of the first known value that the end of the view cuts; the view's end if none is cut."""
        end = len(view)
        if not end or view[-1] not in self._last_bytes:
            return end
        at = end - 2 if view[-2:] in self._short else end - 1 if view[-1:] in self._short else end
        if view[-3:] not in self._joined:
            return at
        tail = view[-self._longest :]
        for form, begins in self._beginnings:
            if begins not in tail:
                continue
            found = view.find(begins, max(0, end - len(form) + 1))
            while 0 <= found < at:
                if form.startswith(view[found:]):
                    at = found
                found = view.find(begins, found + 1)
        return at


def _longest_row(form: bytes) -> bytes:
    return max(rows_of(form).split(b" "))


def _end_of_common(view: bytes, at: int, whole: bytes, length: int) -> int:
    """Where the beginning of `whole` that is in the view at this offset ends, if it has at least this length."""
    while length < len(whole) and view[at + length : at + length + 1] == whole[length : length + 1]:
        length += 1
    return at + length


def known_forms(known: Mapping[str, str]) -> KnownForms:
    """The same ones again for the same values: they are the same in nearly all sessions of a process."""
    return _known_forms(tuple(known.items()))


@lru_cache(64)
def _known_forms(known: tuple[tuple[str, str], ...]) -> KnownForms:
    return KnownForms(dict(known))
