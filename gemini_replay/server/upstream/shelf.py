"""Keeps a limited number of the embedded upstream's resources (files, caches, interactions) in memory."""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from .call import number_in, refused

Json = dict[str, Any]
T = TypeVar("T")

MOST = 1000
"""How many resources of one kind are kept."""

MOST_BYTES = 64 * 1024 * 1024
"""The largest total size of the resources of one kind, as JSON."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_FIRST_DAY = datetime.datetime(2026, 1, 1, 9)


class Shelf(Generic[T]):
    """Resources of one kind by their id, in the order of their creation. The oldest make room for new ones.

    Args:
        kind: the kind of resource; part of the seed.
        seed: seeds the ids.
        most: how many are kept.
        most_bytes: the largest total size.
    """

    def __init__(self, kind: str, seed: int, *, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._rng = random.Random(f"{seed}/{kind}")
        self._most = most
        self._most_bytes = most_bytes
        self._kept: dict[str, T] = {}
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def new_id(self, length: int) -> str:
        """A new id with this many letters and digits."""
        return "".join(self._rng.choices(_LETTERS, k=length))

    def put(self, name: str, found: T) -> None:
        """Keep a resource, and replace one with the same id. A resource that is too large by itself is not kept."""
        self.take(name)
        size = len(json.dumps(found)) if isinstance(found, dict) else 0
        if size > self._most_bytes:
            return
        while len(self._kept) >= self._most or self._bytes + size > self._most_bytes:
            self.take(next(iter(self._kept)))
        self._kept[name] = found
        self._sizes[name] = size
        self._bytes += size

    def get(self, name: str) -> T | None:
        """The resource with this id."""
        return self._kept.get(name)

    def take(self, name: str) -> T | None:
        """Remove the resource with this id, and return it."""
        self._bytes -= self._sizes.pop(name, 0)
        return self._kept.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[T]:
        """The resources, the newest first."""
        return reversed(list(self._kept.values()))


class Calendar:
    """The time of the embedded upstream: a fixed day, one second later each time it is read.

    So equal sequences of requests get equal answers.
    """

    def __init__(self) -> None:
        self._now = _FIRST_DAY

    def now(self) -> datetime.datetime:
        """The next second."""
        self._now += datetime.timedelta(seconds=1)
        return self._now


def stamp(moment: datetime.datetime) -> str:
    """A moment as Google writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def page(found: Iterable[Json], query: Mapping[str, str], field: str, *, usual: int, largest: int) -> Json:
    """One page of a list: the elements under ``field``, and the token of the next page.

    Args:
        found: all elements; each has a ``name``.
        query: the request's query, with ``pageSize`` and ``pageToken``.
        field: the name of the list of elements.
        usual: the number of elements on a page by default.
        largest: the largest number of elements on a page.

    Raises:
        RefusedError: the size or the token is not valid.
    """
    every = list(found)
    size_text, token = query.get("pageSize") or "0", query.get("pageToken", "")
    asked = number_in(size_text)
    if asked is None:
        raise refused(400, f"Invalid value at 'page_size' (TYPE_INT32), \"{size_text}\"")
    size = min(asked or usual, largest)
    start = 0
    if token:
        names = [one["name"] for one in every]
        last = _decoded(token)
        if last not in names:
            raise refused(400, "Invalid page token.")
        start = names.index(last) + 1
    shown = every[start : start + size]
    answer: Json = {field: shown} if shown else {}
    if start + size < len(every):
        answer["nextPageToken"] = base64.urlsafe_b64encode(shown[-1]["name"].encode()).decode()
    return answer


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        return ""
