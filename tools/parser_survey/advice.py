"""What a user of a parser can do about a bug, by case class; written after reading what the survey found."""

from __future__ import annotations

GROUPS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "Errors in mid-stream",
        ("raw error", "error event"),
        "Google reports an error in mid-stream as raw JSON over several lines, without `data:`, while the status "
        "stays 200. A parser that passes it over hands out half an answer as if it were whole; one that raises "
        "something else hides what the server said. Take an answer for complete only when a `finishReason` (or "
        "`promptFeedback.blockReason`) has come; read raw JSON lines yourself, or use a parser that does.",
    ),
    (
        "Characters that Python takes for line ends",
        ("separators", "controls elsewhere", "anything in text", "invisible characters", "escaped controls"),
        "U+2028, U+2029 and U+0085 may stand raw in JSON text. `str.splitlines()`, `iter_lines()` of httpx and "
        "httpx2, that of requests with `decode_unicode=True`, and JavaScript's `.` and `$` in regular expressions"
        " take them for the end of a line. Split bytes, not text: `bytes.splitlines()` ends lines at CR, LF and "
        "CRLF only.",
    ),
    (
        "Cuts in a line end or in a character",
        ("line ends mixed", "line ends CR", "line ends LF", "wide characters", "plain text"),
        "A chunk may end between CR and LF, or within a character. Keep a CR at the end of a chunk in mind until "
        "the next one; decode UTF-8 incrementally, or only whole lines. Google itself writes CRLF, gateways often"
        " LF.",
    ),
    (
        "Comments, and fields other than data",
        (
            "comments",
            "names and ids",
            "other fields",
            "event types",
            "blocks without data",
            "fields that look like data",
            "anything a gateway sends",
            "anything of SSE",
        ),
        "Google sends only `data:` lines; gateways and proxies add keep-alive comments, `event:`, `id:` and "
        "`retry:`. A parser that takes such a line for JSON breaks, or loses the rest, behind a gateway that "
        "sends keep-alives in a slow answer. Ask the gateway to leave them out, or filter lines that do not start"
        " with `data:` below the parser.",
    ),
    (
        "The space behind the colon, and white space",
        ("no space after the colon", "spacing", "white space in text", "blank lines"),
        "`data:{…}` without a space is as good as with one. Strip the field's name with its colon, then one space"
        " if there is one; never `lstrip('data: ')`, which strips characters, not a prefix.",
    ),
    (
        "A byte order mark",
        ("byte order mark", "byte order mark within", "byte order mark before an array"),
        "The standard has a parser ignore one BOM at the start; Google sends none. It matters only behind a "
        "server that adds one: then the first event is lost.",
    ),
    (
        "Data over several lines",
        ("data over several lines", "text over two lines", "data without a value"),
        "Several `data:` lines make one event, joined by LF. Google writes one; a gateway that pretty-prints JSON"
        " writes several.",
    ),
    (
        "Numbers",
        ("large integers", "huge integers", "numbers", "infinity"),
        "JavaScript's numbers are doubles: integers above 2^53 are rounded. Do not rely on large integers in "
        "function arguments and unknown fields in JavaScript.",
    ),
    (
        "Large events",
        ("an event of 70 KB", "an event of 300 KB", "an event of 1.2 MB", "an event of 20 MB", "a comment of 300 KB"),
        "Events with images are 1.3 to 2 MB. A parser with a limit raises; give it a larger one where it takes "
        "one (httpx2: `EventSource(response, max_event_size=None)`).",
    ),
    (
        "Time that grows with the square",
        ("growth",),
        "Each new chunk copies or scans all that has come of the event. It shows from about a megabyte on: an "
        "image that arrives in small chunks. Ask for smaller images, or use a parser that grows linearly.",
    ),
    (
        "Events that come late",
        ("promptness",),
        "An event that is complete stays inside until more bytes come: the reader sees each piece of text one "
        "event later than it arrived.",
    ),
    (
        "The JSON array",
        (
            "white space in an array",
            "an empty array",
            "a compact array",
            "indents in an array",
            "error in an array",
            "end in mid-array",
            "a trailing comma",
            "no array at all",
            "error in place of an array",
        ),
        "Ask for `alt=sse` where you can. Of the array, rely on the form in which Google writes it.",
    ),
    (
        "Damaged streams",
        (
            "end without the blank line",
            "end in mid-event",
            "end in a raw error",
            "invalid UTF-8",
            "data that is no JSON",
            "lines that are no fields",
            "data that is no object",
            "raw controls",
            "lone surrogates",
            "deep nesting",
            "NUL bytes",
            "a page in place of a stream",
            "damaged streams",
        ),
        "Only a broken server or proxy sends these. What matters is that the caller learns of it: check the "
        "status and the content type before the body, and the finish reason behind it.",
    ),
)
"""A heading, the classes that belong to it, and what to do."""


def group_of(name: str) -> str:
    """The heading under which a class stands; an array's class stands with that of SSE."""
    plain = name.removesuffix(" in an array")
    for heading, classes, _ in GROUPS:
        if name in classes or plain in classes:
            return heading
    return "Other classes"
