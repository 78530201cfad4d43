"""Events to the bytes of a body, as Google and gateways in front of it write them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from ..frames import encode_sse
from .error_objects import Json, encode_error, error_in_list
from .spelling import dumps, encode_array, pretty

BodyFraming = Literal["sse", "json-array", "gateway", "gateway-plain", "object", "object-list"]
"""How events become bytes.

- sse: Google's ``alt=sse``.
- json-array: Google's answer without it.
- gateway: SSE as API gateways send it: wrapped events, LF, a final ``[DONE]``.
- gateway-plain: wrapped events and LF only.
- object: one pretty-printed JSON object: a unary answer, an error instead of a stream.
- object-list: the same in a list of one, as Vertex AI sends errors without ``alt=sse``.
"""


def encode_events(events: Sequence[Json], framing: BodyFraming) -> list[bytes]:
    """The bytes of each event, then those that end the body. In SSE, an error object is raw."""
    if framing == "json-array":
        spelled = encode_array([pretty(event) for event in events])
        return [*spelled[: len(events)], b"".join(spelled[len(events) :])]
    if framing in ("gateway", "gateway-plain"):
        return [*map(_gateway_event, events), b"data: [DONE]\n\n" if framing == "gateway" else b""]
    if framing == "sse":
        return [*(encode_error(one) if "error" in one else encode_sse(dumps(one)) for one in events), b""]
    return [*map(error_in_list if framing == "object-list" else encode_error, events), b""]


def _gateway_event(event: Json) -> bytes:
    if "error" not in event:
        event = {"sdkHttpResponse": {"headers": {"content-type": "text/event-stream"}}, **event}
    return b"data: " + json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
