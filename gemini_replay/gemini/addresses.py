"""Gemini's hosts, and the meaning of its URLs."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from ..provider import Target

HOSTS = (
    "generativelanguage.googleapis.com",
    "*.generativelanguage.googleapis.com",
    "generativelanguage.mtls.googleapis.com",
    "*generativelanguage.sandbox.googleapis.com",
    "aiplatform.googleapis.com",
    "*-aiplatform.googleapis.com",
    "aiplatform.mtls.googleapis.com",
    "*-aiplatform.mtls.googleapis.com",
    "aiplatform.*.rep.googleapis.com",
    "aiplatform.*.rep.mtls.googleapis.com",
    "aiplatform-*.p.googleapis.com",
    "*aiplatform.sandbox.googleapis.com",
    "cloudcode-pa.googleapis.com",
    "cloudcode-pa.mtls.googleapis.com",
    "*cloudcode-pa.sandbox.googleapis.com",
)
"""The Gemini API, Vertex AI with its regional, multi-regional and private endpoints, and Gemini Code Assist.

Each has a further host for clients with their own certificate (mTLS).
"""

TOKEN_HOSTS = frozenset(
    {
        "accounts.google.com",
        "iamcredentials.googleapis.com",
        "metadata.google.internal",
        "oauth2.googleapis.com",
        "sts.googleapis.com",
        "169.254.169.254",
    }
)
"""The hosts from which Google's credentials get tokens."""

GRPC_SERVICES = {
    "/google.ai.generativelanguage.": "generativelanguage.googleapis.com",
    "/google.cloud.aiplatform.": "aiplatform.googleapis.com",
}
"""Prefixes of names of gRPC methods, and the host that serves them."""

_BASE = "https://generativelanguage.googleapis.com"
_TARGET = re.compile(
    r"(?:/publishers/google)?(?P<resource>(?:/publishers/[^/]+)?/(?:models|tunedModels|endpoints)/(?P<model>[^/:]+))"
    r"(?::(?P<action>[A-Za-z]+))?$"
)
_ALT = ("alt", "$alt")
"""The two names of one parameter."""
_VERSION = re.compile(r"^/v\d+(?:(?:alpha|beta)\d*)?(?=/|$)")
_PROJECT = re.compile(r"(?<=/projects/)[^/]+")
_VERTEX_PATH = re.compile(r"/v\d\w*/projects/[^/]+/locations/(?P<location>[a-z0-9-]+)/")


@lru_cache(1024)
def target(url: str) -> Target:
    """What a URL asks for, for the Gemini API, Vertex AI and gateways.

    The model is what follows ``/models/``, ``/tunedModels/`` or ``/endpoints/`` at the end of the path, the action
    what follows its colon. On Vertex AI, ``/publishers/google/models/m`` is the resource ``/models/m``.
    """
    parts = urlsplit(url)
    found = _TARGET.search(parts.path)
    query = parse_qs(parts.query)
    return Target(
        model=found["model"] if found else None,
        action=found["action"] if found else None,
        alt=next((query[name][0] for name in _ALT if name in query), None),
        resource=found["resource"] if found else _PROJECT.sub("REDACTED", _VERSION.sub("", parts.path)),
    )


def base_url(path: str = "/") -> str:
    """The base URL of the Gemini API, or that of Vertex AI if the path is one of Vertex AI's and names a region."""
    found = _VERTEX_PATH.match(path)
    if found is None:
        return _BASE
    location = found["location"]
    return f"https://{'' if location == 'global' else f'{location}-'}aiplatform.googleapis.com"


def is_vertex(path: str) -> bool:
    """Whether a path is one of Vertex AI's."""
    return "/publishers/" in path
