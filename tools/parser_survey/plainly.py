"""What a whole client has to give for a stream: what it gives for the same events when they are sent plainly.

A client turns events into types of its own, which leave out fields and refuse values. So its values are not compared
with the events of a document, but with what the client makes of these events if each comes whole, in a chunk of its
own, as Google writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gemini_replay.fuzz.classes import CaseClass
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.documents import Document, Reading, Source
from gemini_replay.fuzz.process import CommandError, CommandOutput

TEXTS = ("One", "Two", "Three")


def answer(text: str, **more: str) -> dict[str, Any]:
    """An event of Gemini's with a text."""
    return {"candidates": [{"content": {"parts": [{"text": text}]}, "index": 0, **more}]}


def chunks_of(events: Sequence[Any], *, array: bool) -> list[bytes]:
    """One chunk for each event, and one that ends an array."""
    texts = [json.dumps(event) for event in events]
    if not array:
        return [f"data: {text}\r\n\r\n".encode() for text in texts]
    elements = [f"{',' if at else '['}{text}\n".encode() for at, text in enumerate(texts)]
    return [*elements, b"]" if elements else b"[]"]


class Plainly:
    """Turns the documents of case classes into those that a client is judged by.

    Args:
        command: the client.
        array: whether it reads a JSON array.
    """

    def __init__(self, command: Command, *, array: bool) -> None:
        self._command = command
        self._array = array
        self._known: dict[str, CommandOutput] = {}

    def case(self, case: CaseClass) -> CaseClass:
        """The same class, with the client's values."""

        def build(source: Source) -> Document:
            return self.document(case.build(source))

        def fixed() -> list[Document]:
            return [self.document(one) for one in case.fixed()]

        def sized(size: int) -> Document:
            assert case.sized is not None
            return self.document(case.sized(size))

        return replace(case, build=build, fixed=fixed, sized=sized if case.sized else None)

    def document(self, document: Document) -> Document:
        """The same bytes, with what the client gives for each of the correct results.

        If the client raises an error for all of them, since the stream holds one or since it refuses their values, it
        has to raise. Of a document for which any result is correct, nothing is expected.
        """
        if document.free:
            return document
        plain = [self._given(reading.values) for reading in document.readings]
        errors = [given.error for given in plain if given.error is not None]
        refused = tuple(error for error in errors if not any(said in error for said in document.says))
        return replace(
            document,
            readings=tuple(
                Reading(one.label, tuple(given.events)) for one, given in zip(document.readings, plain, strict=True)
            ),
            malformed=document.malformed or bool(refused),
            says=(*document.says, *(error.partition(": ")[2] or error for error in refused)),
            must_raise=document.must_raise or (len(errors) == len(plain) > 0),
        )

    def _given(self, values: Sequence[Any]) -> CommandOutput:
        chunks = chunks_of(values, array=self._array)
        key = b"".join(chunks).decode()
        if len(key) > 10_000:
            return self._asked(chunks)
        if key not in self._known:
            self._known[key] = self._asked(chunks)
        return self._known[key]

    def _asked(self, chunks: Sequence[bytes]) -> CommandOutput:
        try:
            return self._command.ask(chunks)
        except CommandError as error:
            return CommandOutput([], f"{type(error).__name__}: {error}")


def late(command: Command, *, array: bool) -> bool | None:
    """Whether a client gives the text of an event later than in the chunk that completes it; None if it gives none.

    The command has to give pairs of the second, and of a value, as `clients.py --times` does, one second for a chunk;
    or to say which chunks it had taken.
    """
    events = [*map(answer, TEXTS), answer(".", finishReason="STOP")]
    given = command.ask(chunks_of(events, array=array))
    seen: dict[str, int] = {}
    for nth, value in enumerate(given.events):
        timed = isinstance(value, list) and len(value) == 2 and isinstance(value[0], int | float)
        at = int(value[0]) if timed else (given.pulled or [])[nth]
        for text in TEXTS:
            if text in json.dumps(value):
                seen.setdefault(text, at)
    if len(seen) < len(TEXTS):
        return None
    return any(at > nth for nth, at in enumerate(seen.values(), start=1))
