"""The answer that all events of a stream add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .. import provider
from .event import Event, InlineData
from .function_calls import assemble


@dataclass(frozen=True)
class Answer(provider.Answer):
    """All events of a stream, added up. Each field is as in :class:`Event`; if there are several, the last one."""

    inline_data: tuple[InlineData, ...] = ()
    block_reason: str | None = None
    response_id: str | None = None
    model_version: str | None = None


def collect(events: Iterable[Event]) -> Answer:
    """Put the events of one stream together.

    The answer is complete with a finish reason or a block reason, and without an error. CONTINUATION is not an end:
    another response continues the answer.
    """
    events = list(events)
    usage: dict[str, Any] = {}
    for event in events:
        usage.update(event.usage or {})

    def last(values: Iterable[str | None]) -> str | None:
        return next((value for value in reversed(list(values)) if value is not None), None)

    finish_reason = last(event.finish_reason for event in events)
    block_reason = last(event.block_reason for event in events)
    error = next((event.error for event in events if event.error is not None), None)
    return Answer(
        text="".join(event.text for event in events),
        thoughts="".join(event.thoughts for event in events),
        function_calls=assemble(call for event in events for call in event.function_calls),
        inline_data=tuple(data for event in events for data in event.inline_data),
        usage=usage or None,
        finish_reason=finish_reason,
        block_reason=block_reason,
        error=error,
        complete=error is None and (finish_reason not in (None, "CONTINUATION") or block_reason is not None),
        response_id=last(event.response_id for event in events),
        model_version=last(event.model_version for event in events),
    )
