"""Content codings, chunk by chunk."""

import gzip
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.engine.coding import (
    ContentDecoder,
    ContentEncoder,
    Decoded,
    DecodedTooLargeError,
    accepts,
    content_decoder,
    content_encoder,
)

SYNC_FLUSH = b"\x00\x00\xff\xff"
PLAIN = "月亮 says hello. ".encode() * 20
CODINGS = ["gzip", "deflate", "br", "zstd"]


def decoding(coding: str, **options: int) -> ContentDecoder:
    made = content_decoder(coding, **options)
    if made is None:
        pytest.skip(f"{coding} is not available here")
    return made


def encoding(coding: str) -> ContentEncoder:
    made = content_encoder(coding)
    if made is None:
        pytest.skip(f"{coding} is not available here")
    return made


def member(coding: str, data: bytes) -> bytes:
    """One complete gzip member."""
    made = encoding(coding)
    return made.encode(data) + made.finish()


@pytest.mark.parametrize("coding", CODINGS)
@given(chunks=st.lists(st.binary(max_size=300)))
def test_compressed_chunks_decode_chunk_by_chunk(coding: str, chunks: list[bytes]) -> None:
    """Each compressed chunk decodes, by itself and at once, to the chunk it was made of."""
    encode, decode = encoding(coding), decoding(coding)
    assert [decode.decode(encode.encode(chunk)) for chunk in chunks] == [Decoded(chunk) for chunk in chunks]
    assert decode.decode(encode.finish()) == Decoded(b"")
    assert not decode.unfinished


def test_every_chunk_ends_in_a_sync_flush() -> None:
    """One flush per chunk, as in Google's gzipped arrays with one flush per element."""
    encode = encoding("gzip").encode
    assert all(encode(chunk).endswith(SYNC_FLUSH) for chunk in (b"[{}", b",{}", b"]"))


@pytest.mark.parametrize(
    ("coding", "wire"),
    [
        ("gzip", gzip.compress(PLAIN)),
        ("x-gzip", gzip.compress(PLAIN)),
        (" GZIP", gzip.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN, wbits=-15)),
        ("br", b""),
        ("zstd", b""),
    ],
    ids=["gzip", "x-gzip", "capitals", "zlib-deflate", "raw-deflate", "br", "zstd"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_codings_decode_cut_anywhere(coding: str, wire: bytes, size: int) -> None:
    """Chunks of any size give the same decoded bytes."""
    decode = decoding(coding)
    wire = wire or member(coding, PLAIN)
    assert b"".join(decode.decode(wire[at : at + size]).data for at in range(0, len(wire), size)) == PLAIN
    assert not decode.unfinished
    assert decode.close() == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
@given(parts=st.lists(st.binary(max_size=40), min_size=1, max_size=5), cuts=st.lists(st.integers(0, 400), max_size=4))
def test_a_decoder_takes_any_number_of_members(coding: str, parts: list[bytes], cuts: list[int]) -> None:
    """All members decode, also empty ones and ones cut anywhere, and the decoder marks where each begins."""
    wire = b"".join(member(coding, part) for part in parts)
    decode = decoding(coding)
    body, begins = b"", []
    bounds = sorted({0, *(cut for cut in cuts if cut < len(wire)), len(wire)})
    for start, end in pairwise(bounds):
        found = decode.decode(wire[start:end])
        assert found.coded == b""
        begins += [len(body) + at for at in found.members]
        body += found.data
    assert body == b"".join(parts)
    assert begins == [sum(map(len, parts[:n])) for n in range(1, len(parts))]
    assert not decode.unfinished


@pytest.mark.parametrize("coding", CODINGS)
def test_bytes_of_another_coding_are_kept_as_they_came(coding: str) -> None:
    """Plain text with a coding's name stays unchanged, also its first byte, which alone raises no error."""
    text = b"this is not compressed at all\n" * 3
    decode = decoding(coding)
    came = b"".join(decode.decode(text[at : at + 1]).coded for at in range(len(text)))
    assert came + decode.close() == text


@pytest.mark.parametrize("coding", CODINGS)
def test_chunks_after_a_corrupt_byte_are_kept_as_they_came(coding: str) -> None:
    """Chunks before it are decoded. The chunk that cannot be decoded, and all chunks after it, stay coded."""
    encode, decode = encoding(coding), decoding(coding)
    assert decode.decode(encode.encode(PLAIN)) == Decoded(PLAIN)
    broken = encode.spoil() + b"\xff" * 20
    assert decode.decode(broken) == Decoded(b"", (), broken)
    assert decode.decode(b"more") == Decoded(b"", (), b"more")
    assert not decode.unfinished  # bytes that could not be decoded do not count as unfinished


@pytest.mark.parametrize("coding", CODINGS)
def test_garbage_after_the_end_is_kept_as_a_member_of_its_own(coding: str) -> None:
    """The mark tells a replay to end the member before it."""
    decode = decoding(coding)
    assert decode.decode(member(coding, PLAIN)) == Decoded(PLAIN)
    assert decode.decode(b"garbage") == Decoded(b"", (0,), b"garbage")


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_is_cut_off_is_unfinished(coding: str) -> None:
    """A coding without its end is unfinished; an empty body is complete."""
    encode, decode = encoding(coding), decoding(coding)
    assert not decode.unfinished
    decode.decode(encode.encode(PLAIN))
    assert decode.unfinished


@pytest.mark.parametrize("coding", CODINGS)
def test_the_beginning_of_a_member_without_content_is_kept(coding: str) -> None:
    """A body that ended before it decoded to anything loses no byte."""
    start = member(coding, PLAIN)[:2]
    decode = decoding(coding)
    assert decode.decode(start) == Decoded(b"")
    assert decode.close() == start
    assert not decode.unfinished


@pytest.mark.parametrize("coding", CODINGS)
def test_a_decompression_bomb_takes_little_memory(coding: str) -> None:
    """With a limit of one megabyte, decoding takes a few megabytes, though the body decodes to a hundred."""
    encode, decode = encoding(coding), decoding(coding, limit=2**20)
    bomb = encode.encode(bytes(100 * 2**20)) + encode.finish()
    tracemalloc.start()
    try:
        with pytest.raises(DecodedTooLargeError) as caught:
            decode.decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
    assert caught.value.limit == 2**20
    assert "1,048,576" in str(caught.value)


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_counts_the_whole_response(coding: str) -> None:
    """A response may decode to exactly as many bytes, over all chunks and members; one more is an error."""
    decode = decoding(coding, limit=2 * len(PLAIN))
    encode = encoding(coding)
    assert decode.decode(encode.encode(PLAIN)).data == PLAIN
    assert decode.decode(encode.encode(PLAIN)).data == PLAIN
    with pytest.raises(DecodedTooLargeError):
        decode.decode(encode.encode(b"x"))


@pytest.mark.parametrize("coding", ["rot13", "gzip, br", "gzip,gzip", "", "x-br"])
def test_an_unknown_coding_has_no_decoder(coding: str) -> None:
    """Nor have several codings at once. The caller then keeps the wire's bytes."""
    assert content_decoder(coding) is None
    assert content_encoder(coding) is None


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("gzip, deflate", True),
        ("GZIP;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("*;q=0, gzip", True),
        ("gzip, *;q=0", True),
        ("*, gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("br", False),
        ("", False),
    ],
)
def test_accept_encoding_is_read_as_the_standard_says(header: str, wanted: bool) -> None:
    """q=0 refuses a coding. A coding's own name takes precedence over "*", in any order."""
    assert accepts(header, "gzip") is wanted
