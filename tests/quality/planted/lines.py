"""Bugs of characters and lines."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .registry import good_blocks, good_events, good_lines, good_value, loads, planted


@planted("gemini", 60)
def decodes_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """UnicodeDecodeError where a character is cut."""
    yield from good_events(good_lines(chunk.decode().encode() for chunk in chunks))


@planted("gemini", 60)
def ignores_what_it_cannot_decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Cut characters vanish."""
    yield from good_events(good_lines(chunk.decode(errors="ignore").encode() for chunk in chunks))


@planted("gemini", 60)
def replaces_what_it_cannot_decode(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Cut characters become U+FFFD."""
    yield from good_events(good_lines(chunk.decode(errors="replace").encode() for chunk in chunks))


@planted("gemini", 60)
def reads_latin_1(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The default of some libraries for text without a charset."""
    yield from good_events(good_lines(chunk.decode("latin-1").encode() for chunk in chunks))


@planted("gemini", 60)
def falls_back_to_latin_1(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Only cut characters are read wrongly."""

    def text(chunk: bytes) -> str:
        try:
            return chunk.decode()
        except UnicodeDecodeError:
            return chunk.decode("latin-1")

    yield from good_events(good_lines(text(chunk).encode() for chunk in chunks))


@planted("gemini", 60)
def a_new_decoder_for_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """An incremental decoder is of no use if it is made anew."""
    yield from good_events(
        good_lines(codecs.getincrementaldecoder("utf-8")("replace").decode(chunk, True).encode() for chunk in chunks)
    )


@planted("gemini", 60)
def carries_three_bytes_at_most(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Holds back bytes of a cut character, but thinks that all have three."""
    rest = b""

    def whole() -> Iterator[bytes]:
        nonlocal rest
        for chunk in chunks:
            data = rest + chunk
            keep = next((back for back in (1, 2) if len(data) >= back and data[-back] >= 0xC0), 0)
            rest = data[len(data) - keep :]
            yield data[: len(data) - keep].decode(errors="replace").encode()
        yield rest

    yield from good_events(good_lines(whole()))


@planted("gemini", 60)
def unescapes_by_hand(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``unicode_escape`` before the JSON is parsed."""
    for line in good_lines(chunks):
        value = good_value(line)
        if value is not None:
            text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), value)
            yield json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@planted("gemini", 60)
def normalises_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Kind to searching, and no part of parsing."""
    import unicodedata

    yield from good_events(unicodedata.normalize("NFC", line) for line in good_lines(chunks))


@planted("gemini", 60)
def drops_byte_order_marks_anywhere(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A BOM within a text is a character."""
    yield from good_events(line.replace("\ufeff", "") for line in good_lines(chunks))


@planted("gemini", 60)
def splits_lines_as_python_does(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``str.splitlines`` knows U+2028, U+0085 and more."""
    yield from good_events(b"".join(chunks).decode().splitlines())


@planted("gemini", 60)
def reads_lines_of_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """No buffer at all."""
    for chunk in chunks:
        for line in chunk.splitlines():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


@planted("gemini", 60)
def parses_each_chunk_as_one_event(chunks: Iterable[bytes]) -> Iterator[Any]:
    """One network chunk is one event, nearly always."""
    for chunk in chunks:
        text = chunk.decode().strip()
        if text.startswith("data: "):
            yield json.loads(text[6:])


@planted("gemini", 60)
def skips_lines_that_do_not_parse(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A cut line is not JSON, and neither are its two halves."""
    for chunk in chunks:
        for line in chunk.decode(errors="replace").split("\n"):
            if line.startswith("data:"):
                yield from loads(line[5:])


@planted("gemini", 90)
def strips_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """White space at the edge of a chunk may be the text's."""
    rest = b""
    for chunk in chunks:
        rest += chunk.strip(b" ")
    yield from good_events(good_lines([rest]))


@planted("gemini", 60)
def splits_at_two_line_feeds(chunks: Iterable[bytes]) -> Iterator[Any]:
    """CRLF CRLF does not contain LF LF."""
    buffer = ""
    for text in codecs.iterdecode(chunks, "utf-8"):
        buffer += text
        *blocks, buffer = buffer.split("\n\n")
        for block in blocks:
            yield from good_events(block.split("\n"))


@planted("gemini", 60)
def replaces_crlf_in_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A CRLF that is cut in two is not replaced."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk.replace(b"\r\n", b"\n")
        *blocks, buffer = buffer.split(b"\n\n")
        for block in blocks:
            yield from good_events(block.decode().split("\n"))
    yield from good_events(buffer.decode().split("\n"))


@planted("gateway", 60)
def wants_crlf(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Google's line ends and no others."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        *blocks, buffer = buffer.split(b"\r\n\r\n")
        for block in blocks:
            yield from good_events(block.decode().split("\r\n"))


@planted("sse", 60)
def knows_no_lone_cr(chunks: Iterable[bytes]) -> Iterator[Any]:
    """CR alone ends a line, too."""
    yield from good_events(good_lines(chunks))


@planted("sse", 60)
def takes_a_cut_crlf_for_two_line_ends(chunks: Iterable[bytes]) -> Iterator[Any]:
    """CR at the end of a chunk, LF at the start of the next: an event ends too early."""
    rest = b""
    lines: list[str] = []
    bom = True
    for chunk in chunks:
        rest += chunk
        if bom and len(rest) >= 3:
            rest, bom = rest.removeprefix(b"\xef\xbb\xbf"), False
        if bom:
            continue
        *ended, rest = re.split(rb"\r\n|\r|\n", rest)
        for line in ended:
            lines.append(line.decode("utf-8", "replace"))
            if not line:
                yield from good_events(lines)
                lines = []


@planted("gemini", 60)
def forgets_the_buffer_between_reads(chunks: Iterable[bytes]) -> Iterator[Any]:
    """What is left of a read is thrown away when the next has a whole event."""
    rest = b""
    for chunk in chunks:
        if b"\r\n\r\n" in chunk:
            *blocks, tail = chunk.split(b"\r\n\r\n")
            yield from good_events(line for block in blocks for line in [*block.decode().split("\r\n"), ""])
            rest = tail
        else:
            rest += chunk
            if b"\r\n\r\n" in rest:
                yield from good_events(rest.decode().split("\r\n"))
                rest = b""
    yield from good_events(rest.decode().replace("\r\n", "\n").split("\n"))


@planted("gemini", 100)
def one_event_for_each_read(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``if`` where ``while`` is needed: the second event of a chunk waits, at the end for ever."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        if b"\r\n\r\n" in buffer:
            block, buffer = buffer.split(b"\r\n\r\n", 1)
            yield from good_events(block.decode().split("\r\n"))


@planted("gemini", 100)
def loses_the_last_event(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Gives an event when the next one begins."""
    before = None
    for event in good_events(good_lines(chunks)):
        if before is not None:
            yield before
        before = event


@planted("gemini", 60)
def takes_an_empty_chunk_for_the_end(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``while chunk := read()``."""
    yield from good_events(good_lines(iter(lambda: next(chunks, b""), b"")))  # type: ignore[call-overload]


@planted("gemini", 100)
def drops_the_first_chunk_if_it_has_no_event(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Looks at the first chunk to detect the framing, and does not put it back."""
    it = iter(chunks)
    first = next(it, b"")
    if first.startswith(b"data:"):
        yield from good_events(good_lines([first, *it]))
    else:
        yield from good_events(good_lines(it))


@planted("sse", 120)
def ends_at_an_event_called_done(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Names of events that mean the end elsewhere."""
    for block in good_blocks(good_lines(chunks)):
        if any(line in block for line in ("event: end", "event: done", "event: close")):
            return
        yield from good_events([*block, ""])


@planted("sse", 80)
def reads_other_digits_of_retry(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``str.isdigit`` knows digits that ``int`` does not."""

    def noted(lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "retry" and value.isdigit():
                int(value)
            yield line

    yield from good_events(noted(good_lines(chunks)))
