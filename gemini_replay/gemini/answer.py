"""What all events of a stream say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..provider import ApiError, FunctionCall
from .event import Event, InlineData
from .function_calls import assemble


@dataclass(frozen=True)
class Answer:
    """What all events of a stream say together; each field as in :class:`Event`.

    Attributes:
        usage: the last value of each count.
        finish_reason: the last one.
        error: the first one.
    """

    text: str = ""
    thoughts: str = ""
    function_calls: tuple[FunctionCall, ...] = ()
    inline_data: tuple[InlineData, ...] = ()
    usage: Mapping[str, Any] | None = None
    finish_reason: str | None = None
    block_reason: str | None = None
    error: ApiError | None = None
    response_id: str | None = None
    model_version: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the model came to an end: a finish reason or a block reason, and no error.

        CONTINUATION is not an end: another response continues the answer.
        """
        ended = self.finish_reason not in (None, "CONTINUATION") or self.block_reason is not None
        return ended and self.error is None


def collect(events: Iterable[Event]) -> Answer:
    """Put the events of one stream together."""
    events = list(events)
    usage: dict[str, Any] = {}
    for event in events:
        usage.update(event.usage or {})

    def last(values: Iterable[str | None]) -> str | None:
        return next((value for value in reversed(list(values)) if value is not None), None)

    return Answer(
        text="".join(event.text for event in events),
        thoughts="".join(event.thoughts for event in events),
        function_calls=assemble(call for event in events for call in event.function_calls),
        inline_data=tuple(data for event in events for data in event.inline_data),
        usage=usage or None,
        finish_reason=last(event.finish_reason for event in events),
        block_reason=last(event.block_reason for event in events),
        error=next((event.error for event in events if event.error is not None), None),
        response_id=last(event.response_id for event in events),
        model_version=last(event.model_version for event in events),
    )
