"""Bytes to frames and frames to bytes, without I/O: SSE, the JSON array, raw JSON objects, and detection."""

from .decoder import FrameDecoder, Framing
from .encode import encode_sse
from .frame import DEFAULT_MAX_FRAME_BYTES, Decoder, Final, Frame, FrameKind
from .json_array import JSONArrayDecoder
from .sse import SSEDecoder

__all__ = [
    "DEFAULT_MAX_FRAME_BYTES",
    "Decoder",
    "Final",
    "Frame",
    "FrameDecoder",
    "FrameKind",
    "Framing",
    "JSONArrayDecoder",
    "SSEDecoder",
    "encode_sse",
]
