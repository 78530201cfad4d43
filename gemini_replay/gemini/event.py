"""One decoded message of any content.

An event may be any JSON value. A member that is missing, or has an undocumented shape, reads as empty.
``Event.json`` always has the whole value. Keys are looked up in camelCase, as Google writes them, then in
snake_case, as some gateways do.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..frames import FrameKind
from ..provider import ApiError
from .shapes import EMPTY, dict_of, dicts_of, get, str_of
from .tokens import count_tokens

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)s")
_NO_REASON = re.compile(r"(?:[A-Z]+_)*REASON_UNSPECIFIED|0|")  # protobuf's "not set"
_IMAGE_TOKENS = 1290  # an image's tokens by Google's price list; how long one takes has not been measured
_OWN_KEYS = ("candidates", "promptFeedback", "error", "usageMetadata")


@dataclass(frozen=True)
class InlineData:
    """Bytes within a part, such as an image.

    Attributes:
        mime_type: what they are ("image/png").
        data: the base64 text as received.
    """

    mime_type: str
    data: str

    def decode(self) -> bytes:
        """The bytes themselves.

        Raises:
            ValueError: the text is not base64.
        """
        text = self.data.replace("-", "+").replace("_", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


@dataclass
class Event:
    """One decoded message of a stream.

    If several candidates are streamed, the accessors read the first: index 0, or without an index.

    Attributes:
        json: the decoded value as received, unknown fields and a gateway's additions included.
        kind: that of the frame it came in, see ``frames.Frame``; None for an event that was not parsed.
        offset: where that frame starts, in bytes from the start of the stream.
    """

    json: Any
    kind: FrameKind | None = field(default=None, compare=False, repr=False)
    offset: int = field(default=0, compare=False, repr=False)

    @cached_property
    def message(self) -> Mapping[str, Any]:
        """The GenerateContentResponse or error object, without its wrapper if it has one; {} if there is neither.

        Wrappers: ``{"response": {…}}``; an array around one object; ``sdkHttpResponse`` whose ``body`` holds it.
        """
        return _unwrapped(self.json)

    @property
    def parts(self) -> tuple[Mapping[str, Any], ...]:
        """The content parts of the first candidate."""
        return dicts_of(get(dict_of(get(self.candidate, "content")), "parts"))

    @property
    def text(self) -> str:
        """The text of the first candidate, without thoughts."""
        return "".join(_text(part) for part in self.parts if not part.get("thought"))

    @property
    def thoughts(self) -> str:
        """The text of the first candidate's thought parts."""
        return "".join(_text(part) for part in self.parts if part.get("thought"))

    @property
    def function_calls(self) -> tuple[Mapping[str, Any], ...]:
        """The ``functionCall`` objects as received; :func:`collect` puts streamed arguments together."""
        found = (get(part, "functionCall") for part in self.parts)
        return tuple(call for call in found if isinstance(call, dict))

    @property
    def inline_data(self) -> tuple[InlineData, ...]:
        """Images and other data of the parts."""
        blobs = (dict_of(get(part, "inlineData")) for part in self.parts)
        return tuple(
            InlineData(str_of(get(blob, "mimeType")) or "", str_of(get(blob, "data")) or "") for blob in blobs if blob
        )

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The token counts as received; they are cumulative. None if the event has none."""
        usage = get(self.message, "usageMetadata")
        return usage if isinstance(usage, dict) else None

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped; None while it has not. A number on the wire becomes its decimal text."""
        return _reason(get(self.candidate, "finishReason"))

    @property
    def block_reason(self) -> str | None:
        """Why the prompt was refused, or None."""
        return _reason(get(dict_of(get(self.message, "promptFeedback")), "blockReason"))

    @property
    def error(self) -> ApiError | None:
        """The error that the event is, or None."""
        return _api_error(self.message.get("error"))

    @property
    def tokens(self) -> int | None:
        """An estimate of its tokens, without thoughts; None if only its size allows an estimate."""
        said = (count_tokens(self.text) if self.text else 0) + len(self.inline_data) * _IMAGE_TOKENS
        if said:
            return said
        only_text = bool(self.parts) and all("text" in part for part in self.parts)
        only_an_end = not self.parts and (self.usage or self.is_answer)
        return 1 if only_text or only_an_end else None

    @property
    def is_answer(self) -> bool:
        """Whether a model generated it: content, an end or an error, but not a count of tokens."""
        return bool(self.parts or self.finish_reason or self.block_reason or self.error)

    @property
    def http_headers(self) -> Mapping[str, str]:
        """The response headers that a gateway wrote into the event (``sdkHttpResponse``); {} if there are none."""
        for holder in (dict_of(self.json), self.message):
            headers = get(dict_of(get(holder, "sdkHttpResponse")), "headers")
            if isinstance(headers, dict):
                return {name: str(value) for name, value in headers.items()}
        return {}

    @property
    def response_id(self) -> str | None:
        """The response's id, the same in all events of a stream."""
        return str_of(get(self.message, "responseId"))

    @property
    def model_version(self) -> str | None:
        """The model that answers."""
        return str_of(get(self.message, "modelVersion"))

    @property
    def candidate(self) -> Mapping[str, Any]:
        """The first candidate as received; {} if there is none."""
        candidates = dicts_of(get(self.message, "candidates"))
        return next((one for one in candidates if not one.get("index")), EMPTY)


def _unwrapped(value: Any) -> Mapping[str, Any]:
    outer = next(iter(dicts_of(value)), EMPTY)
    if any(get(outer, key) is not None for key in _OWN_KEYS):
        return outer
    if inner := dict_of(outer.get("response")):
        return inner
    body = get(dict_of(get(outer, "sdkHttpResponse")), "body")
    if isinstance(body, str):
        with suppress(ValueError, RecursionError):
            body = json.loads(body)
    return next(iter(dicts_of(body)), outer)


def _text(part: Mapping[str, Any]) -> str:
    return str_of(part.get("text")) or ""


def _reason(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return None if _NO_REASON.fullmatch(str(value)) else str(value)


def _api_error(value: Any) -> ApiError | None:
    if isinstance(value, list):
        value = next(iter(dicts_of(value)), None)
    if not isinstance(value, dict):
        return ApiError(None, str(value)) if value else None
    code = str(value.get("code"))
    details = dicts_of(value.get("details"))
    return ApiError(
        code=int(code) if re.fullmatch(r"[0-9]{1,9}", code) else None,
        message=str_of(value.get("message")) or "",
        status=str_of(value.get("status")),
        details=details,
        retry_delay=_retry_delay(details),
        refuses_key=any(detail.get("reason") == "API_KEY_INVALID" for detail in details),
    )


def _retry_delay(details: tuple[Mapping[str, Any], ...]) -> float | None:
    """The seconds in the RetryInfo detail ("26s", "1.5s")."""
    for detail in details:
        if str(detail.get("@type", "")).endswith("RetryInfo"):
            delay = _DURATION.fullmatch(str(get(detail, "retryDelay")))
            if delay:
                return float(delay[1])
    return None
