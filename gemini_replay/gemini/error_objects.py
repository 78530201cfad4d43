"""Error objects as Google sends them."""

from __future__ import annotations

from typing import Any

from ..frames import Framing
from .spelling import pretty

Json = dict[str, Any]

_STATUS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "Requested entity was not found."),
    409: ("ABORTED", "The operation was aborted."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    501: ("UNIMPLEMENTED", "Operation is not implemented."),
    502: ("UNAVAILABLE", "Bad gateway."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}
"""For each HTTP status, its canonical name (google.rpc.Code) and a message as Google sends it."""


def error(code: int, message: str | None = None, *details: Json, status: str | None = None) -> Json:
    """An error object for an HTTP status, with Google's own text and the canonical name of the code by default."""
    name, usual = _STATUS.get(code, ("UNKNOWN" if code >= 500 else "INVALID_ARGUMENT", "Error."))
    found: Json = {"code": code, "message": usual if message is None else message, "status": status or name}
    if details:
        found["details"] = list(details)
    return {"error": found}


def detail(kind: str, **fields: Any) -> Json:
    """One element of an error's ``details``; ``kind`` is "ErrorInfo", "RetryInfo" or the like."""
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def encode_error(found: Json) -> bytes:
    """An error object as it is in a body, alone or in mid-stream: raw, pretty-printed, with LF at its end."""
    return f"{pretty(found)}\n".encode()


def error_in_list(found: Json) -> bytes:
    """An error object as Vertex AI sends it instead of a JSON array: the only item of a list."""
    return f"[{pretty(found)}\n]".encode()


def error_event(found: Json, framing: Framing | None, *, first: bool) -> bytes:
    """An error object in mid-stream and the end of the body; see `provider.Provider.error_event`."""
    data = encode_error(found)
    return (b"[" if first else b",\r\n") + data + b"]" if framing == "json-array" else data
