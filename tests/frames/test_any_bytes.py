"""Properties of the decoders for any bytes and any chunking; and their cost, which grows linearly."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_replay.errors import FrameError, FrameTooLargeError
from gemini_replay.frames import (
    Decoder,
    Frame,
    FrameDecoder,
    JSONArrayDecoder,
    SSEDecoder,
    encode_sse,
)
from gemini_replay.frames.sse import SSELines
from gemini_replay.gemini.spelling import dumps, encode_array, pretty

pytestmark = pytest.mark.usefixtures("unmeasured")

Make = Callable[..., Decoder[Frame]]
DECODERS = {
    "SSE": SSEDecoder,
    "WHATWG": partial(SSEDecoder, objects=False),
    "array": JSONArrayDecoder,
    "any": FrameDecoder,
}

PIECES = [
    *(bytes([byte]) for byte in b'{}[],:" \\\n\r\t1x\0'),
    *(b"data:", b"data: ", b"id: 7\n", b"event: e\n", b"retry: 5\n", b": c\n", b"\r\n", b"\n\n"),
    *(
        b"\xef\xbb\xbf",
        b"\xe5",
        "好".encode(),
        "\u2028".encode(),
        b"\xff",
        b"[DONE]",
        b"true",
        b"{}",
    ),
    *(
        b'"\\""',
        b"{\n",
        b"\n}",
        b"\n}\n",
        b'data: {"a":1}\r\n\r\n',
        b'{\n "a": "}{",\n "b": [1]\n}\n',
    ),
]
wires = st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=25).map(b"".join)


def outcome(decoder: Decoder[Frame], chunks: list[bytes]) -> tuple[list[Frame], tuple[str, int] | None]:
    """The frames, and the error after them if there is one."""
    frames: list[Frame] = []
    try:
        for chunk in chunks:
            frames += decoder.feed(chunk)
        return frames + decoder.close(), None
    except FrameError as error:
        return frames, (str(error), error.offset)


@pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS)
@given(data=st.data())
def test_frames_and_errors_do_not_depend_on_the_chunking(make: Make, data: st.DataObject) -> None:
    """For any bytes, settings and cuts, the frames, their offsets and the error are the same."""
    wire = data.draw(wires)
    settings = data.draw(
        st.fixed_dictionaries(
            {
                "strict": st.booleans(),
                "final": st.sampled_from(["yield", "discard"]),
                "max_frame_bytes": st.sampled_from([1 << 20, 60, 20, 5]),
            }
        )
    )
    whole = outcome(make(**settings), [wire])
    assert outcome(make(**settings), [wire[at : at + 1] for at in range(len(wire))]) == whole
    for cut in range(1, len(wire)):
        assert outcome(make(**settings), [wire[:cut], wire[cut:]]) == whole


@pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS)
@given(wire=wires | st.binary())
def test_lenient_decoders_raise_nothing_but_the_limit(make: Make, wire: bytes) -> None:
    """A lenient decoder accepts any bytes. Only a frame that is too large is an error."""
    decoder = make()
    decoder.feed(wire)
    decoder.close()
    with suppress(FrameTooLargeError):
        make(max_frame_bytes=20).feed(wire)


BLOB = "QUJD" * 250_000
MESSAGE = {"candidates": [{"content": {"parts": [{"inlineData": {"data": BLOB}}]}}]}

GROWING: dict[str, tuple[bytes, bytes, bytes]] = {
    "one SSE event": (b"data: ", b"QUJD" * 256, b"\n\n"),
    "one CR event": (b"data: ", b"QUJD" * 256, b"\r\r"),
    "one comment": (b":", b"QUJD" * 256, b"\n\n"),
    "many small events": (b"", b'data: {"a": 1}\r\n\r\n' * 57, b""),
    "many CR events": (b"", b'data: {"a": 1}\r\r' * 64, b""),
    "many objects": (b"", b'{"a": [1, "x"]}\n' * 64, b""),
    "many brackets": (b"", b"[x\n" * 341, b""),
    "blanks": (b"", b" " * 1024, b""),
    "a bracket and blanks": (b"data: 1\n\n[", b" " * 1024, b""),
    "one pretty element": (b'[{\n  "a": [\n', b"    {\n    },\n" * 78, b'    "x"\n  ]\n}\n]'),
    "one unindented element": (b'[{\n"a": [\n', b"{\n},\n" * 204, b'"x"\n]\n}\n]'),
    "one compact element": (b'[{"a":[', b'{"b":"c"},' * 102, b"1]}]"),
    "one string of quotes": (b'["', b'\\"' * 512, b'"]'),
    "one string of backslashes": (b'["', b"\\\\" * 512, b'"]'),
    "many elements": (b"[", b'{"a": "x"},' * 93, b"1]"),
    "a line of a brace after many elements": (b"[", b'{"a": "x"},' * 93, b'{\n"a": 1\n}\n]'),
    "deep nesting": (b"[", b'{"a":' * 204, b""),
    "deep unindented nesting": (b"[", b'{\n"a":\n' * 146, b"\n}" * 146),
}


@pytest.mark.parametrize("name", GROWING)
@pytest.mark.parametrize("size", [1024, 20_000, None], ids=["in chunks", "in large chunks", "in one chunk"])
def test_cost_grows_with_the_input(name: str, size: int | None) -> None:
    """Eight times the input takes about eight times the processor time, not 64 times."""
    head, unit, tail = GROWING[name]

    def cost(units: int) -> float:
        wire = head + unit * units + tail
        step = size or len(wire)
        chunks = [wire[at : at + step] for at in range(0, len(wire), step)]
        decoder = FrameDecoder()
        start = process_time()
        for chunk in chunks:
            decoder.feed(chunk)
        decoder.close()
        return process_time() - start

    # A busy machine can disturb a measurement.
    assert any(cost(512) < 32 * max(min(cost(64) for _ in range(3)), 0.001) for _ in range(3))


class CountedBuffer(bytearray):
    """A buffer that counts how many of its bytes ``find`` looks at."""

    looked_at = 0

    def find(self, *args: Any) -> int:
        found = super().find(*args)
        self.looked_at += (len(self) if found < 0 else found + 1) - args[1]
        return found


@pytest.mark.parametrize(
    "unit",
    [
        b"data: 1\n\n",
        b"data: 1\r\r",
        b"data: 1\r\n\r\n",
        b"{}\n",
        b"{}\r",
        b"[{}]\n",
        b'{"a": "x"}',
        b'{\n"a": {}}\n',
    ],
)
def test_no_byte_of_a_chunk_is_looked_at_again_and_again(unit: bytes) -> None:
    """Each search looks at a chunk once, even if what it looks for never comes."""
    buffer = CountedBuffer(unit * 1000)
    decoder = SSEDecoder()
    SSELines(strict=False, limit=1 << 20, final="yield").split(buffer, 0, decoder)
    assert len(decoder.feed(b"data: 2\n\n")) == 1001
    assert len(unit) <= buffer.looked_at <= 6 * len(buffer)


def test_a_large_event_is_whole_in_every_framing() -> None:
    """An image of a megabyte in small chunks becomes one whole event."""
    compact, spread = dumps(MESSAGE), pretty(MESSAGE)
    for wire, text in [
        (encode_sse(compact), compact),
        (b"data: 1\n\n" + spread.encode(), spread),
        (b"".join(encode_array([spread])), spread),
        (b"".join(encode_array([compact])), compact),
    ]:
        decoder = FrameDecoder(strict=True)
        frames = [frame for at in range(0, len(wire), 1000) for frame in decoder.feed(wire[at : at + 1000])]
        assert (frames + decoder.close())[-1].data == text
