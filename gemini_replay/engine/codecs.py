"""The content codings: gzip, deflate, br and zstd, with what is installed for them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Protocol

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS

SILENT_LIMIT = 64 * 1024
"""How many bytes of a member are kept while it has decoded to nothing, in case it turns out to be undecodable."""


class MemberDecoder(Protocol):
    """Decodes one member."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """Bytes after its end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Decode `data`. If the result has `max_length` bytes or more, there may be still more to decode."""


class MemberEncoder(Protocol):
    """Encodes one member."""

    def add(self, data: bytes) -> bytes:
        """Encode and flush, so that all of `data` can be decoded at once."""

    def end(self) -> bytes:
        """End the member."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One content coding.

    Attributes:
        member: makes the decoder of one member.
        error: what that decoder raises on invalid bytes.
        compress: makes the encoder of one member.
        invalid: bytes that no decoder accepts after a flush.
        repeats: whether a body may have several members.
    """

    member: Callable[[], MemberDecoder]
    error: type[Exception]
    compress: Callable[[], MemberEncoder]
    invalid: bytes
    repeats: bool = True


def find_codec(coding: str) -> Codec | None:
    """The codec with this name in HTTP; None if it is not available, or for a list of codings."""
    name = normal_name(coding)
    if name == "gzip":
        return Codec(partial(zlib.decompressobj, _GZIP), zlib.error, partial(_Zlib, _GZIP), b"\x07")
    if name == "deflate":
        return Codec(_Inflate, zlib.error, partial(_Zlib, _ZLIB), b"\x07")
    if name == "br":
        return _brotli_codec()
    if name == "zstd":
        return _zstd_codec()
    return None


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._inner = zlib.compressobj(wbits=wbits)

    def add(self, data: bytes) -> bytes:
        return self._inner.compress(data) + self._inner.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._inner.flush()


class _Inflate:
    """``deflate``: zlib by the standard, raw deflate from some servers."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_ZLIB)
        self._head: bytes | None = b""  # the bytes so far, until it is clear which of the two it is

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        if self._head is None:
            return self._inner.decompress(data, max_length)
        head = self._head + data
        self._head = None
        try:
            found = self._inner.decompress(data, max_length)
        except zlib.error:
            self._inner = zlib.decompressobj(_RAW)
            found = self._inner.decompress(head, max_length)
            if len(self._inner.unused_data) > len(data):
                raise  # raw deflate would have ended in an earlier chunk
            return found
        if not found and len(head) <= SILENT_LIMIT:
            self._head = head
        return found


def _brotli_codec() -> Codec | None:
    module = _imported("brotli") or _imported("brotlicffi")
    if module is None:
        return None
    try:
        _Unbrotli(module).decompress(b"", 1)
    except TypeError:  # before 1.2 the output has no limit
        return None
    return Codec(partial(_Unbrotli, module), module.error, partial(_Brotli, module), b"\x0e", repeats=False)


class _Unbrotli:
    unused_data = b""  # brotli raises on bytes after the end

    def __init__(self, module: Any) -> None:
        self._inner = module.Decompressor()
        self._process = getattr(self._inner, "process", None) or self._inner.decompress
        self.eof = False

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        found: bytes = self._process(data, output_buffer_limit=max_length)
        self.eof = self._inner.is_finished()
        return found


class _Brotli:
    def __init__(self, module: Any) -> None:
        self._inner = module.Compressor()
        self._process = getattr(self._inner, "process", None) or self._inner.compress

    def add(self, data: bytes) -> bytes:
        found: bytes = self._process(data) + self._inner.flush()
        return found

    def end(self) -> bytes:
        found: bytes = self._inner.finish()
        return found


def _zstd_codec() -> Codec | None:
    invalid = b"\x06\x00\x00"
    if (module := _imported("compression.zstd") or _imported("backports.zstd")) is not None:
        return Codec(module.ZstdDecompressor, module.ZstdError, partial(_Zstd, module), invalid)
    if (module := _imported("zstandard")) is not None:
        return Codec(partial(_Unzstandard, module), module.ZstdError, partial(_Zstandard, module), invalid)
    return None


class _Zstd:
    def __init__(self, module: Any) -> None:
        self._inner = module.ZstdCompressor()

    def add(self, data: bytes) -> bytes:
        found: bytes = self._inner.compress(data, self._inner.FLUSH_BLOCK)
        return found

    def end(self) -> bytes:
        found: bytes = self._inner.flush()
        return found


class _Unzstandard:
    def __init__(self, module: Any) -> None:
        self._inner = module.ZstdDecompressor().decompressobj()

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data)

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        found: bytes = self._inner.decompress(data)
        return found


class _Zstandard:
    def __init__(self, module: Any) -> None:
        self._inner = module.ZstdCompressor().compressobj()
        self._flush = partial(self._inner.flush, module.COMPRESSOBJ_FLUSH_BLOCK)

    def add(self, data: bytes) -> bytes:
        return bytes(self._inner.compress(data) + self._flush())

    def end(self) -> bytes:
        return bytes(self._inner.flush())


def _imported(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError:
        return None


def normal_name(coding: str) -> str:
    """A coding's name in lower case; x-gzip is gzip."""
    name = coding.strip().lower()
    return "gzip" if name == "x-gzip" else name
