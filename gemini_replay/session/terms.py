"""The settings of a session, checked and parsed. Sessions with the same settings share them.

Tests open thousands of sessions, most of them with the same settings.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from ..cassette.matching import Matcher
from ..cassette.redaction import Redactor
from ..engine.rechunking import parse_rechunk
from ..engine.timing import is_virtual, parse_max_gap, parse_speed
from ..provider import Provider
from ..shipped import shipped
from .arguments import REDACTION, checked, default_settings
from .hosts import Hosts
from .settings import SessionSettings

OWN = frozenset({"path", "mode", "test", "interactions"})
"""The settings that are not among the terms: each session has its own."""

_REMEMBERED = 64
_PLAIN = frozenset({str, int, float, bool, type(None)})


class Terms:
    """What the settings come to that many sessions may have in common. It never changes.

    Attributes:
        given: the settings, checked and complete.
        provider: whose API is recorded and replayed.
        hosts: which hosts are the session's.
        matcher: whether a recording answers a request.
        virtual: whether the speed is "virtual".
        speed: the factor of the recorded rhythm, infinite where it is "instant".
        max_gap: the longest wait, in seconds.
        rechunk: other chunk boundaries.

    Raises:
        UsageError: a setting is unknown, or has a value that cannot be used.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.given = {**default_settings(), **checked(SessionSettings.__annotations__, **settings)}
        given = self.given
        self.provider: Provider = given["provider"] or shipped()
        self.hosts = Hosts(given["hosts"], given["ignore_hosts"], given["upstream"], self.provider)
        self.matcher = Matcher(given["match"], ignore=given["ignore"], normalize=given["normalize"])
        self.virtual = is_virtual(given["speed"])
        self.speed = parse_speed(given["speed"])
        self.max_gap = parse_max_gap(given["max_gap"])
        self.rechunk = parse_rechunk(given["rechunk"])
        self._redactor = Redactor(
            given["redact"], provider=self.provider, **{name: given[name] for name in REDACTION}
        )

    def redactor(self) -> Redactor:
        """What knows the secrets of the settings, and of the environment as it is now."""
        self._redactor = self._redactor.renewed()
        return self._redactor


def terms_of(settings: Mapping[str, Any]) -> Terms:
    """The terms of settings, without those of `OWN`: the same object for the same plain values.

    Raises:
        UsageError: see `Terms`.
    """
    try:
        key = tuple([(name, _plain(value)) for name, value in settings.items()])
    except TypeError:  # a function or an object, which may change
        return Terms(settings)
    found = _known.get(key)
    if found is None:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        found = _known[key] = Terms(settings)
    return found


_known: dict[Hashable, Terms] = {}


def _plain(value: Any) -> Hashable:
    """A copy that is equal only for the same values of the same types."""
    kind = type(value)
    if kind in _PLAIN:
        return kind, value
    if kind is list or kind is tuple:
        return kind, tuple([_plain(one) for one in value])
    raise TypeError(f"{kind.__qualname__} is no plain value")
