"""Parsers with one planted bug each: what people write.

``@planted(profile, most)`` registers one; ``most`` is how many bytes the smallest case that the kit shows may have.
Where a parser has to be right but for its bug, it stands on `good_lines`, `good_events` or `good_elements`.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Parse = Callable[[Any], Any]


@dataclass(frozen=True)
class Planted:
    """A parser, the profile in which its bug is one, and the bound on what is shown of it."""

    name: str
    profile: str
    most: int
    parse: Parse


PLANTED: list[Planted] = []


def planted(profile: str, most: int) -> Callable[[Parse], Parse]:
    """Register a parser."""

    def register(parse: Parse) -> Parse:
        PLANTED.append(Planted(parse.__name__, profile, most, parse))
        return parse

    return register


# What is right.


def good_lines(chunks: Iterable[bytes], *, flush: bool = True) -> Iterator[str]:
    """Lines that end with LF or CRLF."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in lines:
                yield line.removesuffix(b"\r").decode("utf-8", "replace")
    if rest and flush:
        yield rest.decode("utf-8", "replace")


def good_value(line: str) -> str | None:
    """The value of a data line, else None."""
    name, _, value = line.partition(":")
    return value.removeprefix(" ") if name == "data" else None


def good_blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """Groups of lines up to a blank one; raw objects are groups of their own."""
    block: list[str] = []
    for line in lines:
        raw = bool(block) and block[0] == "{"
        if line or raw:
            block.append(line)
        if (raw and line == "}") or (not line and block and not raw):
            yield block
            block = []
    if block:
        yield block


def loads(text: str) -> Iterator[Any]:
    """The JSON value of a text, if it is one."""
    try:
        yield json.loads(text)
    except (ValueError, RecursionError):
        return


def good_events(lines: Iterable[str]) -> Iterator[Any]:
    """SSE events, and Gemini's raw errors."""
    for block in good_blocks(lines):
        values = [value for line in block if (value := good_value(line)) is not None]
        if values:
            yield from loads("\n".join(values))
        elif block[0] == "{":
            yield from loads("\n".join(block))


_JSON = json.JSONDecoder()


def good_elements(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The elements of an array, each when its last brace is there."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    scan, depth, string, escaped, text = "", 0, False, False, []
    for chunk in chunks:
        scan = decoder.decode(chunk)
        for char in scan:
            if depth > 1 or char == "{":
                text.append(char)
            if string:
                string, escaped = not (char == '"' and not escaped), char == "\\" and not escaped
            elif char == '"':
                string = True
            elif char in "{[":
                depth += 1
            elif char in "}]":
                depth -= 1
                if depth == 1:
                    yield json.loads("".join(text))
                    text = []


# Characters.


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


# Lines.


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
    """A cut line is no JSON, and so are its two halves."""
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
    """CRLF CRLF is no LF LF."""
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


# Fields.


@planted("gemini", 60)
def removes_data_everywhere(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``replace`` where a prefix is meant."""
    yield from good_events(
        "data: " + line.replace("data: ", "") if line.startswith("data: ") else line for line in good_lines(chunks)
    )


@planted("gemini", 60)
def splits_the_line_at_every_colon_space(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``split("data: ")[1]``."""
    for line in good_lines(chunks):
        if line.startswith("data: "):
            yield json.loads(line.split("data: ")[1])


@planted("sse", 120)
def strips_letters_for_a_prefix(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``lstrip("data: ")`` takes letters off a value that begins with them."""
    for block in good_blocks(universal_lines(chunks)):
        values = [line.lstrip("data: ") for line in block if good_value(line) is not None]  # noqa: B005
        if values:
            yield from loads("\n".join(values))


@planted("gateway", 60)
def wants_a_space_behind_the_colon(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The space is optional."""
    for line in good_lines(chunks):
        if line.startswith("data: ") and line != "data: [DONE]":
            yield from loads(line[6:])


@planted("sse", 100)
def takes_every_line_that_starts_with_data(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``database:`` starts with data as well."""
    for block in good_blocks(universal_lines(chunks)):
        values = [line.partition(":")[2].removeprefix(" ") for line in block if line.startswith("data")]
        if values:
            yield from loads("\n".join(values))


@planted("sse", 140)
def keeps_the_last_data_line(chunks: Iterable[bytes]) -> Iterator[Any]:
    """An event may have several."""
    for block in good_blocks(universal_lines(chunks)):
        values = [value for line in block if (value := good_value(line)) is not None]
        if values:
            yield from loads(values[-1])


@planted("sse", 140)
def joins_data_lines_with_nothing(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A line feed belongs between them; without it, a broken text becomes a whole one."""
    for block in good_blocks(universal_lines(chunks)):
        values = [value for line in block if (value := good_value(line)) is not None]
        if values:
            yield from loads("".join(values))


@planted("gateway", 60)
def a_comment_ends_it(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Stops at the first line that it does not know."""
    for line in good_lines(chunks):
        if line and good_value(line) is None:
            return
        if line:
            yield from loads(good_value(line) or "")


@planted("gateway", 60)
def fails_on_comments(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Every line has a field and a value."""
    for line in good_lines(chunks):
        if line:
            name, value = line.split(": ", 1)
            if name == "data":
                yield from loads(value)


@planted("gateway", 100)
def a_block_is_what_its_first_line_is(chunks: Iterable[bytes]) -> Iterator[Any]:
    """An event that begins with a comment, an id or a name is passed over."""
    for block in good_blocks(good_lines(chunks)):
        if block[0].startswith("data:"):
            yield from loads("\n".join(good_value(line) or "" for line in block))


@planted("gateway", 120)
def sees_done_in_the_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``if "[DONE]" in line: break``."""
    for line in good_lines(chunks):
        if "[DONE]" in line:
            return
        if good_value(line) is not None:
            yield from loads(good_value(line) or "")


@planted("gemini", 120)
def sees_errors_in_the_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``if "error" in line: raise``."""
    for event in good_events(good_lines(chunks)):
        if "error" in json.dumps(event):
            raise RuntimeError("the API reported an error")
        yield event


@planted("sse", 80)
def keeps_the_byte_order_mark(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The BOM becomes a part of the first field's name."""
    yield from good_events(universal_lines(chunks, bom=False))


@planted("sse", 60)
def expects_the_mark_in_the_first_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The BOM may be cut."""
    it = iter(chunks)
    first = next(it, b"").removeprefix(b"\xef\xbb\xbf")
    yield from good_events(universal_lines([first, *it], bom=False))


@planted("sse", 80)
def an_id_is_an_event(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A block without data dispatches nothing."""
    for block in good_blocks(universal_lines(chunks)):
        if all(line.startswith(":") for line in block):
            continue
        yield json.loads("\n".join(value for line in block if (value := good_value(line)) is not None) or "{}")


@planted("sse", 100)
def knows_only_messages(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Events of other types are dispatched too."""
    for block in good_blocks(universal_lines(chunks)):
        if not any(line.startswith("event:") and line[6:].strip() not in ("", "message") for line in block):
            yield from good_events(block)


# Events.


@planted("gemini", 100)
def drops_an_event_that_equals_the_last(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two equal events are two events."""
    last = None
    for event in good_events(good_lines(chunks)):
        if event != last:
            yield event
        last = event


@planted("gemini", 60)
def drops_what_is_empty(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``if event:``."""
    yield from filter(None, good_events(good_lines(chunks)))


@planted("gemini", 120)
def drops_empty_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The last event of Gemini 3 has an empty text, and the finish reason."""
    for event in good_events(good_lines(chunks)):
        if '"text": ""' not in json.dumps(event):
            yield event


@planted("gemini", 200)
def stops_at_a_finish_reason(chunks: Iterable[bytes]) -> Iterator[Any]:
    """More may come behind it: usage, another candidate, an error."""
    for event in good_events(good_lines(chunks)):
        yield event
        if "finishReason" in json.dumps(event):
            return


@planted("gemini", 300)
def passes_over_raw_errors(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Lines without ``data:`` are none of its business: half an answer looks whole."""
    for line in good_lines(chunks):
        if good_value(line) is not None:
            yield json.loads(good_value(line) or "")


@planted("gemini", 300)
def trips_over_raw_errors(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Takes each line for JSON."""
    for line in good_lines(chunks):
        if line:
            yield json.loads(good_value(line) or line)


@planted("gateway", 140)
def passes_over_error_events(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Only what has no error is given."""
    for event in good_events(good_lines(chunks)):
        if not (isinstance(event, dict) and event.get("error")):
            yield event


@planted("gemini", 60)
def keeps_known_fields(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Unknown fields occur on the wire."""
    known = {"candidates", "usageMetadata", "modelVersion", "responseId", "promptFeedback", "error"}
    for event in good_events(good_lines(chunks)):
        yield {key: value for key, value in event.items() if key in known}


@planted("gemini", 100)
def makes_floats_of_integers(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``parse_int=float``."""
    for line in good_lines(chunks):
        if good_value(line) is not None:
            yield json.loads(good_value(line) or "", parse_int=float)


@planted("gemini", 120)
def rounds_large_integers(chunks: Iterable[bytes]) -> Iterator[Any]:
    """As a double would."""
    for block in good_blocks(good_lines(chunks)):
        text = "\n".join(good_value(line) if good_value(line) is not None else line for line in block)  # type: ignore[misc]
        yield json.loads(text, parse_int=lambda digits: int(float(digits)))


@planted("gemini", 60)
def drops_nulls(chunks: Iterable[bytes]) -> Iterator[Any]:
    """None is a value."""
    for event in good_events(good_lines(chunks)):
        yield {key: value for key, value in event.items() if value is not None}


@planted("gemini", 90)
def finds_json_with_a_pattern(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Without DOTALL and greedily, up to the first brace at a line's end."""
    text = b"".join(chunks).decode()
    for found in re.finditer(r"data: (\{.*?\})", text):
        yield json.loads(found[1])


@planted("gemini", 60)
def counts_braces_in_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Braces in a string open nothing."""
    depth, text = 0, ""
    for char in b"".join(chunks).decode():
        if char == "{":
            depth += 1
        if depth:
            text += char
        if char == "}":
            depth -= 1
            if depth == 0:
                yield json.loads(text)
                text = ""


@planted("hostile", 120)
def stops_at_what_is_no_json(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``except ValueError: break``: the rest is lost without a word."""
    for line in universal_lines(chunks):
        value = good_value(line)
        if value is not None:
            try:
                yield json.loads(value)
            except (ValueError, RecursionError):
                break


@planted("hostile", 120)
def trusts_that_events_are_objects(chunks: Iterable[bytes]) -> Iterator[Any]:
    """AttributeError for ``null``."""
    for event in good_events(universal_lines(chunks)):
        event.get("candidates")
        yield event


@planted("hostile", 120)
def forgets_what_is_behind_bad_utf8(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Takes a bad byte for the end of the stream."""
    try:
        yield from good_events(text for text in "".join(codecs.iterdecode(chunks, "utf-8")).split("\n"))
    except UnicodeDecodeError:
        return


# Time, size, state.


@planted("gemini", 70_000)
def reads_lines_of_64_kb(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Asyncio's StreamReader has that limit."""

    def limited() -> Iterator[str]:
        for line in good_lines(chunks):
            if len(line) > 65536:
                raise ValueError("Separator is found, but chunk is longer than limit")
            yield line

    yield from good_events(limited())


@planted("gemini", 310_000)
def cuts_off_long_lines(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``readline(262144)``."""

    def limited() -> Iterator[str]:
        for line in good_lines(chunks):
            for at in range(0, len(line) or 1, 262_144):
                yield line[at : at + 262_144]

    yield from good_events(limited())


@planted("gemini", 120)
def is_late_by_one_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads ahead to see whether there is more."""

    def ahead() -> Iterator[bytes]:
        before = None
        for chunk in chunks:
            if before is not None:
                yield before
            before = chunk
        if before is not None:
            yield before

    yield from good_events(good_lines(ahead()))


@planted("gemini", 120)
def gives_all_at_the_end(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A generator that is none in truth."""
    yield from good_events(good_lines([b"".join(chunks)]))


@planted("gemini", 0)
def searches_all_of_the_buffer_each_time(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its time grows with the square of an event's size."""
    buffer = b""
    for chunk in chunks:
        buffer = buffer + chunk
        while found := re.search(rb"\r\n\r\n|\n\n|\r\n\Z(?<=\}\n)", buffer):
            block, buffer = buffer[: found.start()], buffer[found.end() :]
            yield from good_events(good_lines([block]))
    yield from good_events(good_lines([buffer]))


@planted("gemini", 0)
def remembers_all_that_it_has_held(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its memory grows with the square of an event's size."""
    held = [b""]

    def remembered() -> Iterator[bytes]:
        for chunk in chunks:
            held.append(held[-1] + chunk)
            yield chunk

    yield from good_events(good_lines(remembered()))


@planted("gemini", 0)
def parses_from_the_start_with_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Right, and quadratic in the number of events."""
    body, given = b"", 0
    for chunk in chunks:
        body += chunk
        whole = body[: body.rfind(b"\n") + 1]
        if whole.endswith(b"\r\n\r\n") or whole.endswith(b"\n}\n"):
            events = list(good_events(good_lines([whole])))
            yield from events[given:]
            given = len(events)
    yield from list(good_events(good_lines([body])))[given:]


@planted("gemini", 300)
def keeps_its_buffer_between_streams(chunks: Iterable[bytes], rest: list[bytes] = []) -> Iterator[Any]:  # noqa: B006
    """A stream that ended early spoils the next one."""

    def lines() -> Iterator[str]:
        for chunk in chunks:
            rest.append(chunk)
            if b"\n" in chunk:
                *ended, last = b"".join(rest).split(b"\n")
                rest[:] = [last]
                yield from (line.decode(errors="replace").removesuffix("\r") for line in ended)

    yield from good_events(lines())


@planted("gemini", 60)
def spins_on_an_incomplete_line(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Waits for the rest of a line without asking for it."""
    buffer = b""
    for chunk in chunks:
        buffer += chunk
        while buffer:
            if b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                yield from good_events([line.decode().rstrip("\r"), ""])


# Asynchronous.


@planted("gemini", 60)
async def async_without_a_buffer(chunks: Any) -> AsyncIterator[Any]:
    """As its sync sister."""
    async for chunk in chunks:
        for line in chunk.decode().split("\r\n"):
            if line.startswith("data: "):
                yield json.loads(line[6:])


@planted("gemini", 300)
async def async_that_skips_raw_errors(chunks: Any) -> AsyncIterator[Any]:
    """Only data lines count."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


@planted("gemini", 100)
async def async_reader_that_loses_the_last(chunks: Any) -> AsyncIterator[Any]:
    """A task fills a queue; its end is noticed before the queue is empty."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def read() -> None:
        async for chunk in chunks:
            queue.put_nowait(chunk)
            await asyncio.sleep(0)

    task = asyncio.create_task(read())
    rest = b""
    while not task.done():
        get = asyncio.create_task(queue.get())
        await asyncio.wait({get, task}, return_when=asyncio.FIRST_COMPLETED)
        if not get.done():
            get.cancel()
            break
        *lines, rest = (rest + get.result()).split(b"\n")
        for line in lines:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
    await task


@planted("gemini", 60)
async def async_list_of_whole_lines(chunks: Any) -> list[Any]:
    """A coroutine that returns a list; U+2028 is a line end to it."""
    body = b"".join([chunk async for chunk in chunks])
    return [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]


# The JSON array.


@planted("json-array", 60)
def array_wants_a_whole_array_in_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``json.loads`` of the first chunk."""
    for chunk in chunks:
        yield from json.loads(chunk)


@planted("json-array", 80)
def array_strips_brackets_off_chunks(chunks: Iterable[bytes]) -> Iterator[Any]:
    """One chunk is one element, nearly always."""
    for chunk in chunks:
        text = chunk.decode(errors="replace").strip().strip("[],").strip()
        if text:
            yield json.loads(text)


@planted("json-array", 80)
def array_cut_between_braces(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``split("},{")``, with white space between or not; text may say so too."""
    text = b"".join(chunks).decode().strip().removeprefix("[").removesuffix("]").strip()
    parts = re.split(r"\}\s*,\s*\{", text) if text else []
    for nth, part in enumerate(parts):
        yield json.loads(("{" if nth else "") + part + ("}" if nth < len(parts) - 1 else ""))


@planted("json-array", 60)
def array_cut_where_google_cuts_it(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A compact array has no line ends."""
    buffer = ""
    for text in codecs.iterdecode(chunks, "utf-8", "replace"):
        buffer += text
        while "\n}\n" in buffer:
            element, buffer = buffer.split("\n}\n", 1)
            yield json.loads(element.lstrip("[,\r\n ") + "\n}")


@planted("json-array", 60)
def array_counts_braces_in_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Braces in a string open nothing."""
    depth, text = 0, ""
    for piece in codecs.iterdecode(chunks, "utf-8"):
        for char in piece:
            depth += (char == "{") - (char == "}")
            if depth or char == "}":
                text += char
            if char == "}" and depth == 0:
                yield json.loads(text)
                text = ""


@planted("json-array", 60)
def array_takes_any_quote_behind_a_backslash_for_text(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A quote behind two backslashes ends a string: the second is escaped, not the quote."""
    depth, text, string, before = 0, "", False, ""
    for piece in codecs.iterdecode(chunks, "utf-8"):
        for char in piece:
            if char == '"' and before != "\\":
                string = not string
            before = char
            depth += 0 if string else (char == "{") - (char == "}")
            if depth or (char == "}" and not string):
                text += char
            if char == "}" and depth == 0 and not string:
                yield json.loads(text)
                text = ""


@planted("json-array", 60)
def array_loses_the_last_element(chunks: Iterable[bytes]) -> Iterator[Any]:
    """No comma follows it."""
    elements = list(good_elements(chunks))
    yield from elements[:-1]


@planted("json-array", 60)
def array_waits_for_the_comma(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Each element comes late by the gap between two."""
    before: Any = None
    for element in good_elements(chunks):
        if before is not None:
            yield before
        before = element
    if before is not None:
        yield before


@planted("json-array", 60)
def array_decodes_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """UnicodeDecodeError where a character is cut."""
    yield from good_elements(chunk.decode().encode() for chunk in chunks)


@planted("json-array", 60)
def array_forgets_an_escape_at_a_cut(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Its scanner starts each chunk as if no backslash came before."""
    depth, text, string = 0, "", False
    for piece in codecs.iterdecode(chunks, "utf-8"):
        escaped = False
        for char in piece:
            if string:
                string, escaped = not (char == '"' and not escaped), char == "\\" and not escaped
            elif char == '"':
                string = True
            else:
                depth += (char == "{") - (char == "}")
            if depth or (char == "}" and not string):
                text += char
            if char == "}" and depth == 0 and not string:
                yield json.loads(text)
                text = ""


@planted("json-array", 20)
def array_must_not_be_empty(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Reads an element, then a comma or the end."""
    text = b"".join(chunks).decode("utf-8-sig").strip()
    at = 1 if text.startswith("[") else 0
    while at < len(text):
        value, at = _JSON.raw_decode(text, _WHITE.match(text, at).end())  # type: ignore[union-attr]
        yield value
        at = _WHITE.match(text, at).end() + 1  # type: ignore[union-attr]


_WHITE = re.compile(r"\s*")


@planted("json-array", 0)
def array_tries_all_it_has_with_each_chunk(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Time grows with the square of an element's size."""
    buffer = ""
    for text in codecs.iterdecode(chunks, "utf-8-sig", "replace"):
        buffer = (buffer + text).lstrip("[,\r\n\t ]")
        while buffer:
            try:
                value, end = _JSON.raw_decode(buffer)
            except ValueError:
                break
            yield value
            buffer = buffer[end:].lstrip(", \r\n\t]")


@planted("json-array", 100)
def array_drops_equal_elements(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two equal elements are two."""
    last = None
    for element in good_elements(chunks):
        if element != last:
            yield element
        last = element


@planted("json-array", 300)
async def async_array_without_errors(chunks: Any) -> AsyncIterator[Any]:
    """An element with an error is dropped."""
    body = b"".join([chunk async for chunk in chunks])
    for element in json.loads(body.decode("utf-8-sig")):
        if "error" not in element:
            yield element


def universal_lines(chunks: Iterable[bytes], *, bom: bool = True) -> Iterator[str]:
    """Lines that end with CR, LF or CRLF, without the stream's BOM: right in all of SSE."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if bom else "utf-8")("replace")
    pieces: list[str] = []
    skip = False
    for text in _decoded(decoder, chunks):
        for part in re.findall(r"[^\r\n]+|\r\n|\r|\n", text):
            if part[0] not in "\r\n":
                pieces.append(part)
            elif part == "\n" and skip and not pieces:
                pass
            else:
                yield "".join(pieces)
                pieces.clear()
            skip = part == "\r"
    if pieces:
        yield "".join(pieces)


def _decoded(decoder: codecs.IncrementalDecoder, chunks: Iterable[bytes]) -> Iterator[str]:
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)
