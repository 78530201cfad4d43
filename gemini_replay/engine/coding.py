"""Content codings (RFC 9110, 8.4.1), chunk by chunk.

A compressed response is stored decoded, chunk by chunk. For a client that asks for it, it is compressed again, with
one flush per chunk, as some servers send gzip (`00 00 ff ff` after every element).

A compressed body is a sequence of *members*: gzip members, zlib streams or zstd frames; brotli has only one stream.
After the first member some clients stop, some go on, and some fail. So a recording keeps where each member begins,
and the bytes that cannot be decoded, and a replay sends the same members again.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import GeminiReplayError
from .codecs import SILENT_LIMIT, Codec, MemberDecoder, MemberEncoder, find_codec, normal_name

DECODED_LIMIT = 64 * 1024 * 1024
"""The default limit of the bytes that one response may decode to."""

_SLICE = 512
"""How many bytes are decoded at a time. This bounds what stays coded before an undecodable byte, and the output of
the zstandard package, which takes no limit, to 22 MB."""


class DecodedTooLargeError(GeminiReplayError):
    """A response decodes to more bytes than the limit.

    Attributes:
        limit: the limit in bytes.
    """

    slug = "recording-failed"

    def __init__(self, coding: str, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"A response in the content coding {coding!r} decodes to more than {limit:,} bytes.",
            hint="If you expect such responses, raise the limit: record(…, decoded_limit=BYTES).",
        )


# --- decoding ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one chunk of the wire decodes to; the fields are those of `cassette.model.Chunk`."""

    data: bytes
    members: tuple[int, ...] = ()
    coded: bytes = b""


class ContentDecoder:
    """Decodes the chunks of one response, as far as any client might.

    Args:
        coding: the coding's name, for messages.
        codec: the coding.
        limit: how many bytes the response may decode to.
    """

    def __init__(self, coding: str, codec: Codec, limit: int) -> None:
        self._coding = coding
        self._codec = codec
        self._limit = limit
        self._room = limit
        self._member: MemberDecoder | None = None
        self._silent: bytes | None = b""  # the open member's bytes, while it has decoded to nothing
        self._started = False
        self._lost = False

    @property
    def unfinished(self) -> bool:
        """Whether a member has begun and not ended: a body that ends now was cut off."""
        return self._member is not None and not self._lost

    def decode(self, data: bytes) -> Decoded:
        """Decode one chunk. From the first undecodable byte on, everything is in `Decoded.coded`.

        Raises:
            DecodedTooLargeError: the response exceeds the limit. Nothing more can be decoded then.
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
                silent = len(self._silent) + len(some) <= SILENT_LIMIT and not piece
                self._silent = self._silent + some if silent else None
        coded = self.close() + data[at:] if self._lost else b""
        return Decoded(b"".join(found), tuple(members), coded)

    def close(self) -> bytes:
        """End the body. Returns the bytes of a last member that has decoded to nothing; they stay coded."""
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


def content_decoder(coding: str, limit: int = DECODED_LIMIT) -> ContentDecoder | None:
    """The decoder for one response; None for a coding, or a list of codings, that cannot be decoded.

    br needs brotli or brotlicffi, 1.2 or later; zstd needs Python 3.14, backports.zstd or zstandard. A client that
    asks for a coding has these installed.
    """
    codec = find_codec(coding)
    return None if codec is None else ContentDecoder(coding, codec, limit)


# --- encoding ---------------------------------------------------------------------------------------------------


class ContentEncoder:
    """Encodes the chunks of one response, each with a flush, so that a client can decode it at once."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._member: MemberEncoder | None = None

    def encode(self, data: bytes) -> bytes:
        """Encode a chunk; an empty one encodes to nothing."""
        if not data:
            return b""
        if self._member is None:
            self._member = self._codec.compress()
        return self._member.add(data)

    def finish(self) -> bytes:
        """End the member, or an empty one if none has begun. Later chunks begin another."""
        member, self._member = self._member or self._codec.compress(), None
        return member.end()

    def spoil(self) -> bytes:
        """Abandon the member: bytes on which a client's decoder fails, or none if no member has begun."""
        member, self._member = self._member, None
        return self._codec.invalid if member else b""


def content_encoder(coding: str) -> ContentEncoder | None:
    """The encoder for one response; None without the packages that `content_decoder` needs."""
    codec = find_codec(coding)
    return None if codec is None else ContentEncoder(codec)


def accepts(accept_encoding: str, coding: str) -> bool:
    """Whether an Accept-Encoding header asks for `coding` (RFC 9110, 12.5.3; q=0 refuses it).

    "*" stands for the codings that the header does not name.
    """
    accepted: dict[str, bool] = {}
    for item in accept_encoding.split(","):
        name, _, parameters = item.partition(";")
        weight = parameters.lower().replace(" ", "").removeprefix("q=") or "1"
        accepted[normal_name(name)] = weight.strip("0.") != ""
    return accepted.get(normal_name(coding), accepted.get("*", False))
