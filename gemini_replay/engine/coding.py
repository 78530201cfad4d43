"""Content codings (RFC 9110, 8.4.1), chunk by chunk.

A compressed response is stored decoded, each wire chunk by itself, and compressed again for a client that asks for
it, with one flush per chunk, as some servers send gzip (`00 00 ff ff` after every element).

A compressed body is a row of *members*: gzip members, zlib streams, zstd frames; a brotli stream is always alone.
Clients disagree on what comes after the first member: some stop there, some go on, some fail. So a recording keeps
where each member begins, and the bytes that no decoder can follow, and a replay sends the same members again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from ..errors import GeminiReplayError

DECODED_LIMIT = 64 * 1024 * 1024
"""The most bytes that one response may decode to, unless the caller says otherwise."""

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_SLICE = 512
"""So many bytes are decoded at a time. They bound what is lost of a chunk that cannot be decoded to its end, and what
the zstandard package, which takes no limit, can make of them: 22 MB at the most."""
_SILENT = 64 * 1024
"""So many bytes of a member that has decoded to nothing are held, in case that it cannot be followed after all."""


class DecodedTooLargeError(GeminiReplayError):
    """A response decodes to more bytes than it may.

    Attributes:
        limit: how many bytes it may decode to.
    """

    def __init__(self, coding: str, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"A response in the content coding {coding!r} decodes to more than {limit:,} bytes.",
            hint="If such answers are expected, raise the limit: record(…, decoded_limit=BYTES).",
        )


# --- decoding ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one chunk of the wire decodes to; the fields are those of `cassette.model.Chunk`."""

    data: bytes
    members: tuple[int, ...] = ()
    coded: bytes = b""


class _Member(Protocol):
    """Decodes one member."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """What came after its end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """What `data` decodes to; if that is `max_length` bytes or more, there may be still more."""


@dataclass(frozen=True, slots=True)
class _Codec:
    """One content coding.

    Attributes:
        member: makes the decoder of one member.
        error: what that raises on bytes that are not of the coding.
        compress: makes the encoder of one member.
        invalid: bytes that every decoder refuses after a flush.
        repeats: whether a member may follow another.
    """

    member: Callable[[], _Member]
    error: type[Exception]
    compress: Callable[[], _Compressor]
    invalid: bytes
    repeats: bool = True


class Decoder:
    """Decodes the chunks of one response. It never stops where a client might go on.

    Args:
        coding: its name, for the message.
        codec: what does it.
        limit: the most bytes that the response may decode to.
    """

    def __init__(self, coding: str, codec: _Codec, limit: int) -> None:
        self._coding = coding
        self._codec = codec
        self._limit = limit
        self._room = limit
        self._member: _Member | None = None
        self._silent: bytes | None = b""  # the open member as it came, while it has decoded to nothing
        self._started = False
        self._lost = False

    @property
    def unfinished(self) -> bool:
        """Whether a member has begun and not ended: a body that ends here was cut off before it was compressed."""
        return self._member is not None and not self._lost

    def decode(self, data: bytes) -> Decoded:
        """What one chunk of the wire decodes to.

        From the first byte that cannot be followed on, everything is `Decoded.coded`.

        Raises:
            DecodedTooLargeError: it is more than `limit` allows. Nothing more can be decoded then.
        """
        found: list[bytes] = []
        members: list[int] = []
        size = at = 0
        while at < len(data) and not self._lost:
            if self._member is None:
                self._begin(members, size)
                continue
            some = data[at : at + _SLICE]
            try:
                piece = self._member.decompress(some, self._room + 1)
            except self._codec.error:
                self._lost = True
                break
            if len(piece) > self._room:
                raise DecodedTooLargeError(self._coding, self._limit)
            self._room -= len(piece)
            size += len(piece)
            found.append(piece)
            at += len(some)
            if self._member.eof:
                at -= len(self._member.unused_data)
                self._member, self._silent = None, None
            elif self._silent is not None:
                silent = len(self._silent) + len(some) <= _SILENT and not piece
                self._silent = self._silent + some if silent else None
        coded = self.close() + data[at:] if self._lost else b""
        return Decoded(b"".join(found), tuple(members), coded)

    def close(self) -> bytes:
        """The body is over. The bytes of a last member that has decoded to nothing: they are still coded."""
        silent, self._silent = self._silent, None
        self._lost = self._lost or bool(silent)
        return silent or b""

    def _begin(self, members: list[int], at: int) -> None:
        if self._started:
            members.append(at)
        if self._started and not self._codec.repeats:
            self._lost = True
        else:
            self._member = self._codec.member()
        self._started = True
        self._silent = b""


def decoder(coding: str, limit: int = DECODED_LIMIT) -> Decoder | None:
    """The decoder for one response; None for a coding, or a list of codings, that cannot be decoded here.

    gzip and deflate need nothing; br and zstd need the packages that a client which asked for them has installed
    (brotli or brotlicffi from 1.2 on; the standard library from Python 3.14 on, backports.zstd or zstandard).
    """
    codec = _codec(coding)
    return None if codec is None else Decoder(coding, codec, limit)


# --- encoding ---------------------------------------------------------------------------------------------------


class _Compressor(Protocol):
    """Encodes one member."""

    def add(self, data: bytes) -> bytes:
        """What `data` encodes to, flushed: it can be decoded at once."""

    def end(self) -> bytes:
        """The member's end."""


class Encoder:
    """Encodes the chunks of one response, each with a flush, so that a client can decode it at once."""

    def __init__(self, codec: _Codec) -> None:
        self._codec = codec
        self._member: _Compressor | None = None

    def encode(self, data: bytes) -> bytes:
        """What a chunk encodes to; nothing for an empty one."""
        if not data:
            return b""
        if self._member is None:
            self._member = self._codec.compress()
        return self._member.add(data)

    def finish(self) -> bytes:
        """End the member, an empty one if none has begun; what comes after it is another member."""
        member, self._member = self._member or self._codec.compress(), None
        return member.end()

    def spoil(self) -> bytes:
        """Give the member up: bytes on which a client's decoder fails. Where no member has begun, there are none."""
        member, self._member = self._member, None
        return self._codec.invalid if member else b""


def encoder(coding: str) -> Encoder | None:
    """The encoder for one response; None where the coding cannot be had. It needs what `decoder` needs."""
    codec = _codec(coding)
    return None if codec is None else Encoder(codec)


def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether an Accept-Encoding header asks for `coding` (RFC 9110, 12.5.3; q=0 refuses it)."""
    wanted = _plain_name(coding)
    for item in accept_encoding.split(","):
        name, _, parameters = item.partition(";")
        if _plain_name(name) in {wanted, "*"}:
            weight = parameters.lower().replace(" ", "").removeprefix("q=") or "1"
            return weight.strip("0.") != ""
    return False


def _plain_name(coding: str) -> str:
    name = coding.strip().lower()
    return "gzip" if name == "x-gzip" else name


# --- the codings ------------------------------------------------------------------------------------------------


def _codec(coding: str) -> _Codec | None:
    name = _plain_name(coding)
    if name == "gzip":
        return _Codec(partial(zlib.decompressobj, _GZIP), zlib.error, partial(_Zlib, _GZIP), b"\x07")
    if name == "deflate":
        return _Codec(_Inflate, zlib.error, partial(_Zlib, _ZLIB), b"\x07")
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
    """``deflate`` is zlib by the standard and raw deflate by the practice of some servers."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_ZLIB)
        self._head: bytes | None = b""  # what came while it was not certain which of them it is

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
                raise  # it ended in what has long been taken for a beginning
            return found
        if not found and len(head) <= _SILENT:
            self._head = head
        return found


def _brotli_codec() -> _Codec | None:
    module = _imported("brotli") or _imported("brotlicffi")
    if module is None:
        return None
    try:
        _Unbrotli(module).decompress(b"", 1)
    except TypeError:  # before 1.2 nothing bounds what a few bytes decode to
        return None
    return _Codec(partial(_Unbrotli, module), module.error, partial(_Brotli, module), b"\x0e", repeats=False)


class _Unbrotli:
    unused_data = b""  # brotli fails on bytes after the end

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


def _zstd_codec() -> _Codec | None:
    invalid = b"\x06\x00\x00"
    if (module := _imported("compression.zstd") or _imported("backports.zstd")) is not None:
        return _Codec(module.ZstdDecompressor, module.ZstdError, partial(_Zstd, module), invalid)
    if (module := _imported("zstandard")) is not None:
        return _Codec(partial(_Unzstandard, module), module.ZstdError, partial(_Zstandard, module), invalid)
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
