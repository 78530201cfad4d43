"""google-auth, from which Vertex clients get their tokens.

While a session only replays, nothing asks for a token: the client's credentials get a placeholder when they are
refreshed, and `google.auth.default()` finds placeholder credentials if there are none. While a session records,
tokens are asked for as usual, and never recorded.
"""

from __future__ import annotations

import datetime
import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from ..patching import Interception
from ..session import replays_only
from . import private

TOKEN = "gemini-replay-placeholder-token"
PROJECT = "gemini-replay-placeholder-project"
_LONG_AGO = datetime.datetime(2000, 1, 1)
"""A past expiry for placeholders, so that credentials that outlive the session ask for a real token."""

_LOCAL = ("google.auth.jwt", "google.auth._jwt_async", "google.auth.api_key")
"""Modules whose credentials make their own tokens."""
_STATIC = ("AnonymousCredentials", "StaticCredentials")
"""Classes whose credentials cannot be refreshed."""

_ROOTS = (("google.auth._credentials_base", "_BaseCredentials"), ("google.auth.credentials", "Credentials"))
"""The base classes of all credentials; the first exists since google-auth 2.31."""


def interceptions(library: str) -> list[Interception]:
    """The replacements in google-auth, part of which has been imported: every way in which it refreshes.

    Raises:
        GeminiReplayError: it is not built as expected.
    """
    default = sys.modules.get("google.auth._default")
    if default is None:
        return []  # only a part of google.oauth2 is imported
    private.check("google.auth._default", ("_get_gce_credentials(request)",), supported="google-auth 2.x")
    roots = (getattr(sys.modules.get(module), name, None) for module, name in _ROOTS)
    kinds = dict.fromkeys(kind for root in roots if root is not None for kind in _kinds(root))
    refreshing = [(kind, "refresh", _refreshing) for kind in kinds]
    finding: list[Interception] = [(default, "_get_gce_credentials", _finding)]
    if "google.auth._default_async" in sys.modules:
        finding.append((sys.modules["google.auth._default_async"], "_get_gce_credentials", _finding_async))
    return [*finding, *refreshing]


def _kinds(kind: Any) -> Iterator[Any]:
    """Google's own classes that get tokens from a server, each in its own way."""
    for one in kind.__subclasses__():
        yield from _kinds(one)
        local = one.__module__ in _LOCAL or one.__name__ in _STATIC
        if "refresh" in vars(one) and one.__module__.startswith("google.") and not local:
            yield one


def _refreshing(original: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(original):

        async def arefresh(credentials: Any, request: Any, *args: Any, **options: Any) -> Any:
            if replays_only():
                _give_token(credentials)
            else:
                await original(credentials, request, *args, **options)

        return arefresh

    def refresh(credentials: Any, request: Any, *args: Any, **options: Any) -> Any:
        if replays_only():
            _give_token(credentials)
        else:
            original(credentials, request, *args, **options)

    return refresh


def _give_token(credentials: Any) -> Any:
    credentials.token = TOKEN
    credentials.expiry = _LONG_AGO
    return credentials


def _finding(original: Callable[..., Any]) -> Callable[..., Any]:
    """`google.auth.default()` looks last at the metadata server of Google's machines."""

    def _get_gce_credentials(*args: Any, **options: Any) -> Any:
        if not replays_only():
            return original(*args, **options)
        return _give_token(import_module("google.oauth2.credentials").Credentials(TOKEN)), PROJECT

    return _get_gce_credentials


def _finding_async(original: Callable[..., Any]) -> Callable[..., Any]:
    def _get_gce_credentials(*args: Any, **options: Any) -> Any:
        if not replays_only():
            return original(*args, **options)
        return _give_token(import_module("google.oauth2._credentials_async").Credentials(TOKEN)), PROJECT

    return _get_gce_credentials
