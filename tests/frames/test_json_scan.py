"""ContainerScanner finds the same ends as a search character by character."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gemini_replay.frames.json_scan import ContainerScanner

PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\n",
    b"\n}\n",
    b"{\n",
    b'"{"',
    b'"\\""',
    b'"}\n',
    b"\\\\",
    b"x",
    b"\0",
]


def end_by_reading(text: bytes) -> int:
    """Find the end of the value at the start of ``text``, character by character."""
    depth, in_string, escaped = 0, False, False
    for at, char in enumerate(text.decode("latin-1")):
        if escaped:
            escaped = False
        elif in_string:
            escaped, in_string = char == "\\", char != '"'
        elif char == '"':
            in_string = True
        elif char in "{[":
            depth += 1
        elif char in "}]":
            depth -= 1
            if depth == 0:
                return at + 1
    return -1


@given(st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))
@example(b'"\n}\n"}')  # an LF within a string is not valid JSON, but must not end the value
@example(b'"\n}\n')
@example(b'\\"\n}\n')  # a backslash outside of strings is not valid either, and escapes nothing
@example(b'\\"}\n}\n')
@example(b'\\\\"\\"\n}\n')
@example(b'"\\\\"\n}\n')
@example(b'"\\n"\n}\n')
@example(b'"}"\n}\n')
@example(b"[\n}\n}\n")
def test_the_end_is_found_whatever_the_text(rest: bytes) -> None:
    """The end is found in valid and invalid JSON, in growing buffers, and if the value starts in mid-buffer."""
    text = b"{" + rest
    end = end_by_reading(text)
    scanner = ContainerScanner()
    scanner.begin()
    assert scanner.end(text, 0) == end
    scanner.begin()
    assert scanner.end(b"..." + text, 3) == (end + 3 if end >= 0 else -1)

    growing = bytearray()
    scanner.begin()
    found = -1
    for byte in text:
        growing.append(byte)
        found = scanner.end(growing, 0)
        if found >= 0:
            break
    assert found == end


def test_long_strings_are_scanned_like_short_ones() -> None:
    """Long strings may hold escapes and brackets and be cut anywhere."""
    text = b'{"' + b"x" * 2000 + b'}": ["' + b'\\"}' * 700 + b'"]}, "'
    for cut in range(1, len(text) - 3, 97):
        scanner = ContainerScanner()
        scanner.begin()
        assert scanner.end(text[:cut], 0) == -1
        assert scanner.end(text, 0) == len(text) - 3
