"""Drift: how the form of an answer that came live differs from that of its recording.

What is compared, and nothing else:

- the status, the media type and a few headers whose coming or going means something,
- how the response ended, unless its client has closed it,
- the fields of its events (see `forms`): which there are, their types, and the values that are form, such as a finish
  reason.

If the status is another one, only that and the API's error are told. Words, ids, token counts, dates, times and chunk
boundaries are left out. Some fields come and go from one answer to the next (`provider.Members`): whether they are
there is no drift, but another type is.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from ..provider import ApiError
from .forms import ROOT, Field, Form
from .model import Interaction, Response, header

_VALUED = ("content-type",)
"""Headers whose values are compared."""
_PRESENT = ("deprecation", "location", "retry-after", "sunset", "www-authenticate")
"""Headers that are compared by whether they are there."""
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w-]+)", re.IGNORECASE)


class Drift(NamedTuple):
    """One difference.

    Attributes:
        path: where it is: see `field_paths`, or "status", "error" or "end".
        old: what is in the recording; "" for nothing.
        new: what came live; "" for nothing.
    """

    path: str
    old: str
    new: str

    def __str__(self) -> str:
        if self.old and self.new:
            return f"{self.path}: {self.old} → {self.new}"
        return f"{self.path}: new ({self.new})" if self.new else f"{self.path}: gone (was {self.old})"


def drift(recorded: Interaction, live: Interaction, ignored: Container[str] = ()) -> list[Drift]:
    """How an answer differs in form from its recording, without what is at `ignored` paths."""
    return [one for one in _drift(recorded, live) if one.path not in ignored]


def _drift(recorded: Interaction, live: Interaction) -> Iterator[Drift]:
    yield from _ends(recorded, live)
    before, after = recorded.response, live.response
    if before is None or after is None or before.status != after.status:
        if before is not after:
            yield Drift("status", _status(before), _status(after))
        if live.error is not None:
            yield Drift("error", "", _described(live.error))
        return  # what else differs follows from that
    yield from _headers(before, after)
    if "wire" in (before.body, after.body):
        yield Drift(ROOT, "compressed (the setting wire)", "not compared")
    else:
        yield from fields(recorded, live)


def _described(error: ApiError) -> str:
    name = " ".join(str(one) for one in (error.code, error.status) if one is not None)
    return f"{name}: {error.message}" if name else error.message


def _status(response: Response | None) -> str:
    return "no response" if response is None else str(response.status)


def _headers(recorded: Response, live: Response) -> Iterator[Drift]:
    for name in _VALUED:
        old, new = (_media_type(header(one.headers, name)) for one in (recorded, live))
        if old != new:
            yield Drift(f"headers.{name}", old, new)
    for name in _PRESENT:
        old, new = (header(one.headers, name) or "" for one in (recorded, live))
        if bool(old) != bool(new):
            yield Drift(f"headers.{name}", old, new)


def _media_type(value: str | None) -> str:
    """A media type with its character set, in one spelling."""
    if not value:
        return ""
    charset = _CHARSET.search(value)
    name = value.partition(";")[0].strip()
    return (f"{name}; charset={charset[1]}" if charset else name).lower()


def _ends(recorded: Interaction, live: Interaction) -> Iterator[Drift]:
    if recorded.end.ending != live.end.ending and not (_is_cut(recorded) or _is_cut(live)):
        yield Drift("end", recorded.end.ending, live.end.ending)


def _is_cut(interaction: Interaction) -> bool:
    """Whether the client has closed the response, so that what is missing is its own doing."""
    return interaction.end.kind == "cancelled"


def fields(old: Interaction, new: Interaction) -> Iterator[Drift]:
    """How the fields of the events differ. What a client has cut off is not missed."""
    before, after = Form.of(old), Form.of(new)
    came = {} if _is_cut(old) else _only_in(after, before)
    went = {} if _is_cut(new) else _only_in(before, after)
    yield from (Drift(path, "", _listed(found.types)) for path, found in came.items())
    yield from (Drift(path, _listed(found.types), "") for path, found in went.items())
    for path, found in after.fields.items():
        was = before.fields.get(path, found)
        for had, has in ((was.types, found.types), (was.values, found.values)):
            if had and has.keys() - had.keys():
                yield Drift(path, _listed(had), _listed(has))
    yield from _no_longer_in_every_event(before, after, came.keys() | went.keys())


def _only_in(form: Form, other: Form) -> dict[str, Field]:
    """The fields that only one form has, without those that come and go.

    What is within such a field, or within one whose type has changed, follows from that, and is left out.
    """
    holders = {path for path, found in other.fields.items() if {"object", "array"} & found.types.keys()}
    return {
        path: found
        for path, found in form.fields.items()
        if path not in other.fields and not found.varies and (not found.within or found.within in holders)
    }


def _no_longer_in_every_event(old: Form, new: Form, told: Iterable[str]) -> Iterator[Drift]:
    """Members that each of several old events had, and some new event has not.

    Events with a member that is told already are another kind of event, and do not count.
    """
    before = [event for event in old.members if event.isdisjoint(told)]
    after = [event for event in new.members if event.isdisjoint(told)]
    if len(before) < 2:
        return
    steady = frozenset.intersection(*before)
    for path in new.fields:
        if path in steady and not all(path in event for event in after):
            yield Drift(path, "in every event", "only in some")


def _listed(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
