"""The token endpoint of Google's OAuth, which accepts a service account's assertion or a refresh token."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qs

from ...gemini import heads
from ...gemini.error_objects import Json
from . import keys
from .backend import Backend
from .call import Call
from .scenarios import Message
from .timed_response import TimedResponse

_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECONDS = 3599


def give(backend: Backend, call: Call) -> TimedResponse:
    """Give a token. Signatures are not checked: the token is not secret, and only this upstream accepts it."""
    form = {name: values[0] for name, values in parse_qs(call.request.body.decode("utf-8", "replace")).items()}
    kind = form.get("grant_type", "")
    if kind not in (_ASSERTION, "refresh_token"):
        return _refuse(backend, call, "unsupported_grant_type", f"Invalid grant_type: {kind}")
    if kind == _ASSERTION and not _claims(form.get("assertion", "")).get("iss"):
        return _refuse(backend, call, "invalid_grant", "Invalid JWT: it must be a JSON Web Token with an issuer.")
    if kind == "refresh_token" and not form.get("refresh_token"):
        return _refuse(backend, call, "invalid_request", "Missing required parameter: refresh_token")
    found = {"access_token": keys.fake_token(backend.seed), "expires_in": _SECONDS, "token_type": "Bearer"}
    return backend.object(call, found)


def _refuse(backend: Backend, call: Call, name: str, description: str) -> TimedResponse:
    """An error in OAuth's form."""
    found: Json = {"error": name, "error_description": description}
    return backend.framed(call, [Message(found)], "object", heads.JSON, status=400)


def _claims(assertion: str) -> dict[str, Any]:
    """The claims of a JSON Web Token; empty if the text is not one."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
