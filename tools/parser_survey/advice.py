"""Advice for users of a parser with a bug, by case class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gemini_replay.fuzz.classes import CLASSES, GROWTH, IN_ARRAY

ERRORS = "Errors in mid-stream"
CUTS = "Cuts"
SPLIT = "Characters in several chunks"
LATIN = "Text taken for Latin-1"
LINES = "Line ends"
SEPARATORS = "Characters that some take for line ends"
FIELDS = "Comments, and fields other than data"
LARGE = "Large events"
SQUARE = "Time that grows with the square"
PHANTOMS = "Events that were never sent"

GROUPS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        ERRORS,
        (
            "raw-error",
            "error-event",
            "error-as-data",
            "error-body",
            "error-instead-of-array",
            "end-in-raw-error",
            "head-of-error",
            "head-instead-of-array",
        ),
        "Google reports an error in mid-stream as raw JSON over several lines, without `data:`, while the status "
        "stays 200. A parser that ignores it returns half an answer as if it were whole; one that raises "
        "something else hides what the server said. Take an answer for complete only when a `finishReason` (or "
        "`promptFeedback.blockReason`) has come; read raw JSON lines yourself, or use a parser that does.",
    ),
    (
        CUTS,
        ("plain-text", "many-events", "many-elements"),
        "Any stream fails if a chunk ends within a line. sseclient 0.0.27 reads below the HTTP library and "
        "takes the sizes of the HTTP chunks for lines of the stream; the last makes an empty event at its end. Use "
        "another library.",
    ),
    (
        SPLIT,
        (),
        "The bytes of a character come in several chunks, and the parser does not put them together. Decode them "
        "before it: `TextDecoderStream` in JavaScript, `codecs.getincrementaldecoder` in Python.",
    ),
    (
        LATIN,
        ("wide-characters",),
        "`text/event-stream` without a charset, as Google sends it, is UTF-8 by the standard; requests takes it for "
        "Latin-1. Set `response.encoding` where the parser lets you; sseclient does not.",
    ),
    (
        SEPARATORS,
        ("separators", "controls-elsewhere", "escaped-controls"),
        "U+2028, U+2029 and U+0085 may stand raw in JSON text. `str.splitlines()`, `iter_lines()` of httpx and "
        "httpx2, that of requests with `decode_unicode=True`, and JavaScript's `.` and `$` in regular expressions"
        " take them for the end of a line. Split bytes, not text: `bytes.splitlines()` ends lines at CR, LF and "
        "CRLF only.",
    ),
    (
        LINES,
        ("line-ends-mixed", "line-ends-cr", "line-ends-lf"),
        "Google writes CRLF, gateways often LF; the standard knows CR as well, and allows them in one stream. A "
        "chunk may end between CR and LF: keep a CR at the end of a chunk in mind until the next one.",
    ),
    (
        FIELDS,
        (
            "comments",
            "names-and-ids",
            "other-fields",
            "event-types",
            "fields-like-data",
            "done",
            "wrapped-events",
            "comment-of-300-kb",
        ),
        "Google sends only `data:` lines; gateways and proxies add keep-alive comments, `event:`, `id:` and "
        "`retry:`. A parser that takes such a line for JSON breaks, or loses the rest, with a gateway that "
        "sends keep-alives in a slow answer. Ask the gateway to leave them out, or filter lines that do not start"
        " with `data:` below the parser.",
    ),
    (
        PHANTOMS,
        ("blocks-without-data",),
        "A block without a data line, such as `id: 1` and a blank line, is no event; nor is a stream that breaks off "
        "after the word `data`. A parser that gives one with empty data breaks the usual `json.loads(event.data)`. "
        "Pass over events with empty data: `if event.data:`.",
    ),
    (
        "The space after the colon, and blank lines",
        ("no-space-after-colon", "spacing", "blank-lines"),
        "`data:{…}` without a space is as good as with one. Strip the field's name with its colon, then one space"
        " if there is one; never `lstrip('data: ')`, which strips characters, not a prefix.",
    ),
    (
        "A byte order mark",
        ("byte-order-mark", "byte-order-mark-within", "byte-order-mark-before-array"),
        "The standard has a parser ignore one BOM at the start; Google sends none. It matters only with a "
        "server that adds one: then the first event is lost.",
    ),
    (
        "Data over several lines",
        (
            "data-over-several-lines",
            "empty-data-lines",
            "fields-between-data-lines",
            "text-over-two-lines",
            "data-without-value",
            "event-of-many-lines",
        ),
        "Several `data:` lines make one event, joined by LF. Google writes one; a gateway that pretty-prints JSON"
        " writes several.",
    ),
    (
        "Numbers",
        ("large-integers", "huge-integers", "numbers", "infinity"),
        "JavaScript's numbers are doubles: integers above 2^53 are rounded. Do not rely on large integers in "
        "function arguments and unknown fields in JavaScript.",
    ),
    (
        "Half surrogate pairs",
        ("lone-surrogates",),
        "JSON can write half a surrogate pair as an escape, and a model that cuts an emoji does. The parser changes "
        'it, or loses the event. ijson\'s backend in Python keeps it: `ijson.get_backend("python")`.',
    ),
    (
        LARGE,
        (
            *(f"event-of-{size}" for size in ("70-kb", "300-kb", "1200-kb", "5000-kb", "20-mb", "wide-characters")),
            *(f"element-of-{size}" for size in ("70-kb", "300-kb", "1200-kb", "5000-kb", "wide-characters")),
            "deep-nesting",
        ),
        "Events with images are 1.3 to 2 MB. A parser with a limit raises; give it a larger one where it takes "
        "one (httpx2: `EventSource(response, max_event_size=None)`).",
    ),
    (
        SQUARE,
        (GROWTH,),
        "Each new chunk, or each character, has the parser copy or scan all that has come of the event. It shows "
        "from about a megabyte on: an image that arrives in small chunks. Ask for smaller images, or use a parser "
        "that grows linearly.",
    ),
    (
        "Chunks of particular sizes",
        ("small-powers-of-two", "powers-of-two"),
        "The parser has a buffer of its own, and something that lies across its end is torn. Give it smaller or "
        "larger chunks, such as those of 1,000 bytes.",
    ),
    (
        "Floods",
        ("many-comments", "many-comment-blocks", "many-blank-lines", "many-blocks-without-data"),
        "Some thousand keep-alives in one chunk, after a long wait behind a proxy that buffers, end in an error. "
        "Filter lines that do not start with `data:` below the parser.",
    ),
    (
        "Streams that share something",
        ("isolation",),
        "Something of one stream gets into another. Use a new parser for each stream.",
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
            "white-space-in-array",
            "empty-array",
            "compact-array",
            "indents-in-array",
            "error-in-array",
            "page-instead-of-array",
            "much-white-space-in-array",
            "end-in-mid-array",
            "trailing-comma",
            "no-array",
        ),
        "Ask for `alt=sse` where you can. Of the array, rely on the form in which Google writes it.",
    ),
    (
        "Invisible characters",
        ("invisible-characters",),
        "U+FEFF and other characters that nobody sees may stand in a text. `TextDecoder` drops the first U+FEFF that "
        "it meets, unless it is made with `ignoreBOM: true`.",
    ),
    (
        "Names of fields",
        ("unknown-fields",),
        "Google adds fields at any time, and a reader has to pass over those that it does not know. The AI SDK "
        "refuses an object with a member `__proto__` on purpose, for safety; others lose it. Google sends none.",
    ),
    (
        "Ordinary events",
        (
            "escapes",
            "syntax-in-text",
            "brackets-in-text",
            "white-space-in-text",
            "equal-and-empty-events",
            "whole-answers",
        ),
        "Such events are in every other stream. Use another parser.",
    ),
    (
        "Damaged streams",
        (
            "end-without-blank-line",
            "end-in-mid-event",
            "invalid-utf-8",
            "data-not-json",
            "lines-not-fields",
            "data-not-object",
            "element-not-json",
            "element-not-object",
            "raw-controls",
            "nul-bytes",
            "html-body",
            "page-body",
            "empty-body",
            "damaged-streams",
            "damaged-arrays",
        ),
        "Only a broken server or proxy sends these. What matters is that the caller learns of it: check the "
        "status and the content type before the body, and the finish reason after it.",
    ),
)
"""A heading, the classes that belong to it, and what to do."""

TO_KNOW = {
    ERRORS: "Google's errors in mid-stream get lost or hidden",
    CUTS: "any cut within a line breaks it, and an empty event comes at the end",
    SPLIT: "characters that come in several chunks are garbled",
    LATIN: "text that is not ASCII is garbled",
    SEPARATORS: "U+2028 and its like in a text end an event",
    LINES: "some line ends of the standard, or chunks that end within CRLF, are misread",
    FIELDS: "comments or fields other than data break it",
    PHANTOMS: "a block without data, such as an `id` alone, makes an empty event or an error",
    "The space after the colon, and blank lines": "`data:{…}` or blank lines between events break it",
    "A byte order mark": "a byte order mark loses the first event",
    "Data over several lines": "several data lines are not one event",
    "Numbers": "large integers are rounded",
    LARGE: "large events fail",
    SQUARE: "time or memory grows with the square of the size",
    "Chunks of particular sizes": "chunks of some sizes break it",
    "Floods": "thousands of comments or blank lines in a row break it",
    "Streams that share something": "something of one stream gets into another",
    "Events that come late": "events come late",
    "The JSON array": "arrays in other forms than Google's break it",
    "Invisible characters": "invisible characters in a text get lost",
    "Names of fields": "a member named `__proto__` is lost, or an error",
    "Ordinary events": "ordinary events break it",
    "Half surrogate pairs": "half a surrogate pair in a text is changed",
    "Damaged streams": "broken and damaged streams end in accidents, or differ from cut to cut",
}
"""What a user of a parser should know about it, by the heading of its bugs."""

ADVICE = {heading: hint for heading, _, hint in GROUPS}

_HEADINGS = {name: heading for heading, names, _ in GROUPS for name in names}

MIXED = frozenset(one.name for one in CLASSES if one.mixed and one.name.removesuffix(IN_ARRAY) not in _HEADINGS)
"""Classes that mix others. What goes wrong in them also goes wrong in a more specific class."""


_FLOODS = {
    "many-comments": "comments",
    "many-comment-blocks": "comments",
    "many-blank-lines": "blank-lines",
    "many-blocks-without-data": "blocks-without-data",
}
"""The class that has one of what another has thousands of."""


def heading_of(bug: dict[str, Any], bugs: Sequence[dict[str, Any]]) -> str | None:
    """The heading of one bug among its parser's bugs; None for a class that mixes everything.

    A bug that shows in many classes has one cause, which also occurs in streams of other classes.

    Raises:
        KeyError: nothing is written about the class.
    """
    name = bug["name"]
    cut = {one["name"].removesuffix(IN_ARRAY): one["needs_cut"] for one in bugs}
    if "plain-text" in cut and (bug["needs_cut"] or bug["kind"] == "invents"):
        return CUTS
    if bug["needs_cut"] and cut.get("wide-characters"):
        return SPLIT
    if name in MIXED:
        return None
    if "\\r',b'\\n" in "".join(bug.get("chunks_python", "").split()) and _HEADINGS.get(name) != LARGE:
        return LINES
    if name == "end-in-mid-event" and bug["kind"] == "invents":
        return PHANTOMS
    if (one := _FLOODS.get(name)) and one in cut:
        name = one  # a single one is enough
    if bug["kind"] == "stalls" and (GROWTH in cut or _HEADINGS.get(name) == LARGE):
        return SQUARE
    if (
        bug["kind"] == "changes"
        and cut.get("wide-characters") is False
        and name in ("separators", "invisible-characters")
    ):
        return LATIN
    if name in ("controls-elsewhere", "error-event") and cut.get("comments") is False:
        return FIELDS
    return _HEADINGS[name] if name in _HEADINGS else _HEADINGS[name.removesuffix(IN_ARRAY)]
