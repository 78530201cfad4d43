"""Bugs of fields and events."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from .registry import good_blocks, good_events, good_lines, good_value, loads, planted, universal_lines


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
def wants_a_space_after_the_colon(chunks: Iterable[bytes]) -> Iterator[Any]:
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
    """More may come after it: usage, another candidate, an error."""
    for event in good_events(good_lines(chunks)):
        yield event
        if "finishReason" in json.dumps(event):
            return


@planted("gemini", 300)
def passes_over_raw_errors(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Lines without ``data:`` are ignored: half an answer looks whole."""
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
def forgets_what_is_after_bad_utf8(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Takes a bad byte for the end of the stream."""
    try:
        yield from good_events(text for text in "".join(codecs.iterdecode(chunks, "utf-8")).split("\n"))
    except UnicodeDecodeError:
        return
