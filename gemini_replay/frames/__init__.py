"""Bytes to frames and frames to bytes, without I/O: SSE, the JSON array, raw JSON objects, and detection."""

from .decoder import DEFAULT_MAX_FRAME_BYTES, Decoder, FrameDecoder, Framing, JSONArrayDecoder, SSEDecoder
from .encode import encode_sse
from .frame import Final, Frame, FrameKind
from .json_text import NO_VALUE, NOT_DECODED, JSONText

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "NOT_DECODED",
    "NO_VALUE",
    "Decoder",
    "Final",
    "Frame",
    "FrameDecoder",
    "FrameKind",
    "Framing",
    "JSONArrayDecoder",
    "JSONText",
    "SSEDecoder",
    "encode_sse",
]
