"""Content codings, chunk by chunk."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.engine.coding import CodingError, accepts, decoder, encoder

SYNC_FLUSH = b"\x00\x00\xff\xff"


@given(st.lists(st.binary(max_size=300)))
def test_what_is_compressed_comes_out_again_chunk_by_chunk(chunks: list[bytes]) -> None:
    """Each compressed chunk decodes, by itself and at once, to the chunk it was made of."""
    encode, decode = encoder("gzip"), decoder("gzip")
    assert encode is not None
    assert decode is not None
    assert [decode(encode(chunk)) for chunk in chunks] == chunks


def test_every_chunk_ends_in_a_sync_flush() -> None:
    """So the wire of Google's gzipped arrays looks, one flush per element."""
    encode = encoder("gzip")
    assert encode is not None
    assert all(encode(chunk).endswith(SYNC_FLUSH) for chunk in (b"[{}", b",{}", b"]"))


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
    ],
    ids=["gzip", "x-gzip", "zlib-deflate", "raw-deflate"],
)
def test_codings_decode_cut_anywhere(coding: str, compress) -> None:  # type: ignore[no-untyped-def]
    """One byte at a time gives the same bytes in the end."""
    plain = "月亮 says hello. ".encode() * 20
    decode = decoder(coding)
    assert decode is not None
    assert b"".join(decode(bytes([byte])) for byte in compress(plain)) == plain


def test_garbage_is_a_coding_error() -> None:
    """Bytes that are no gzip raise one known error."""
    decode = decoder("gzip")
    assert decode is not None
    with pytest.raises(CodingError):
        decode(b"this is not gzip at all")


def test_an_unknown_coding_has_no_decoder() -> None:
    """The caller then keeps the wire's bytes."""
    assert decoder("rot13") is None


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip, deflate", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("br", False),
        ("", False),
    ],
)
def test_accept_encoding_is_read_as_the_standard_says(header: str, wanted: bool) -> None:
    """Weights count: q=0 refuses."""
    assert accepts(header, "gzip") is wanted
