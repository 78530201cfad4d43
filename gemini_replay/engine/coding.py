"""Content codings (RFC 9110, 8.4.1), chunk by chunk.

A compressed stream is stored decoded, each wire chunk flushed on its own, and compressed again for a client that
asks for it, with one sync flush per chunk: so Google sends gzip (`00 00 ff ff` behind every element).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module

Decode = Callable[[bytes], bytes]

_GZIP, _ZLIB_OR_GZIP = 31, 47


class CodingError(Exception):
    """The bytes are not of the coding that the response claims."""


def decoder(coding: str) -> Decode | None:
    """A function that decodes one wire chunk after the other; None for a coding that cannot be decoded here.

    gzip and deflate need nothing; br and zstd need the packages that a client which asked for them has installed.
    The function raises `CodingError` on malformed bytes.
    """
    name = coding.strip().lower()
    if name in {"gzip", "x-gzip"}:
        return _guarded(zlib.decompressobj(_ZLIB_OR_GZIP).decompress)
    if name == "deflate":
        return _guarded(_Deflate().decompress)
    if name == "br":
        for package, method in (("brotli", "process"), ("brotlicffi", "decompress")):
            if (module := _imported(package)) is not None:
                return _guarded(getattr(module.Decompressor(), method))
    if name == "zstd" and (module := _imported("zstandard")) is not None:
        return _guarded(module.ZstdDecompressor().decompressobj().decompress)
    return None


def encoder(coding: str) -> Decode | None:
    """A function that compresses one chunk after the other, each with a sync flush; None where that cannot be had.

    Its stream is never closed: a client decodes what was flushed, which is everything.
    """
    if coding.strip().lower() not in {"gzip", "x-gzip"}:
        return None
    compressor = zlib.compressobj(wbits=_GZIP)

    def encode(data: bytes) -> bytes:
        return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH) if data else b""

    return encode


def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether an Accept-Encoding header asks for `coding` (RFC 9110, 12.5.3; q=0 refuses it)."""
    for item in accept_encoding.lower().split(","):
        name, _, parameters = item.partition(";")
        if name.strip() in {coding, "*"}:
            weight = parameters.replace(" ", "").removeprefix("q=") or "1"
            return weight.strip("0.") != ""
    return False


class _Deflate:
    """``deflate`` is zlib by the standard and raw deflate by the practice of some servers."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj()
        self._head = b""  # what came before the two bytes that tell them apart were complete

    def decompress(self, data: bytes) -> bytes:
        if len(self._head) >= 2:
            return self._inner.decompress(data)
        self._head += data
        try:
            return self._inner.decompress(data)
        except zlib.error:
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inner.decompress(self._head)


def _guarded(decode: Decode) -> Decode:
    def guarded(data: bytes) -> bytes:
        try:
            return decode(data)
        except Exception as problem:  # each codec package has errors of its own
            raise CodingError(str(problem)) from problem

    return guarded


def _imported(package: str):  # type: ignore[no-untyped-def]  # whatever module is installed
    try:
        return import_module(package)
    except ImportError:
        return None
