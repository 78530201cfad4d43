"""What is wrong with a recorded answer: nothing can be read in it, frames are lost, it has no end, it is an error."""

from __future__ import annotations

from collections.abc import Iterator

from ..cassette.model import Interaction, header
from ..cassette.redaction.encodings import Decompressor, UnsearchableError, coding_of
from ..provider import ApiError, Layout

_STREAMS = ("json", "event-stream")
"""What the content types of bodies that hold events contain."""


def answer_faults(interaction: Interaction) -> Iterator[tuple[str, str]]:
    """The slug of each finding, and what is wrong."""
    body = _body(interaction)
    layout = interaction.request.provider.layout(body) if _is_coded(interaction) else interaction.layout
    answer = interaction.request.provider.collect(layout.events)
    if told := _error(interaction, answer.error):
        yield "recorded-error", told
        return
    ending, events = interaction.end.ending, len(layout.events)
    # The last frame of a body that breaks off may be unfinished.
    unfinished = ending != "eof" and layout.starts and layout.starts[-1][1] is None
    skipped = layout.skipped - bool(unfinished)
    if skipped and not events:
        if _should_hold_events(interaction):
            yield "unreadable-body", "nothing can be read in the body: " + _skipped(body, layout, skipped)
        return
    if skipped:
        yield "skipped-frames", f"{_skipped(body, layout, skipped)}, beside {_events(events)}"
    is_answer = any(event.is_answer for event in layout.events) if events else _asks_for_answer(interaction)
    if is_answer and not answer.complete:
        end = "" if ending == "eof" else f", and ended by: {ending}"
        yield "no-finish-reason", f"the answer has no finish reason; it has {_events(events)}{end}"


def _error(interaction: Interaction, error: ApiError | None) -> str:
    """The error that was recorded, or an empty text."""
    response = interaction.response
    name = f" {error.status}" if error and error.status else ""
    if response is None:
        return f"no response: the connection ended before one came ({interaction.end.ending})"
    if response.status >= 400:
        return f"the answer is an error: HTTP {response.status}{name}"
    return f"the answer has an error: {error.code or ''}{name}".rstrip(": ") if error else ""


def _is_coded(interaction: Interaction) -> bool:
    return interaction.response is not None and interaction.response.body == "wire"


def _body(interaction: Interaction) -> bytes:
    """The body, decoded where it is stored compressed; empty if it cannot be, which the search for secrets tells."""
    if interaction.response is None or not _is_coded(interaction):
        return interaction.body
    try:
        decompressor = Decompressor(coding_of(interaction.response.headers), "The body", "")
        return b"".join(decompressor.feed(chunk.data) for chunk in interaction.chunks)
    except UnsearchableError:
        return b""


def _should_hold_events(interaction: Interaction) -> bool:
    """Whether the request or the answer says that the body is a stream or JSON."""
    headers = interaction.response.headers if interaction.response else ()
    kind = (header(headers, "content-type") or "").lower()
    return interaction.request.action is not None or any(name in kind for name in _STREAMS)


def _asks_for_answer(interaction: Interaction) -> bool:
    return "generatecontent" in (interaction.request.action or "").lower()


def _skipped(body: bytes, layout: Layout, skipped: int) -> str:
    frames = sum(event is None for _, event in layout.starts)
    if frames >= skipped:
        said = f"{skipped} frame{'s are' if skipped > 1 else ' is'} not JSON"
    else:
        said = f"{skipped} frames or lines give no event"
    return said + (", since no blank lines are between the data: lines" if _is_joined(body) else "")


def _is_joined(body: bytes) -> bool:
    """Whether the lines of several events are one frame, for want of blank lines."""
    return body.count(b"data:") > 1 and b"\n\n" not in body.replace(b"\r", b"")


def _events(count: int) -> str:
    return f"{count or 'no'} event{'' if count == 1 else 's'}"
