"""Bytes to frames and frames to bytes, without I/O: SSE, the JSON array, raw JSON objects, and detection."""

from .decoder import FrameDecoder, Framing
from .encode import encode_sse
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final, Frame, FrameKind
from .json_array import JSONArrayDecoder
from .json_text import NOT_DECODED, JSONText
from .sse import SSEDecoder

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "NOT_DECODED",
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
