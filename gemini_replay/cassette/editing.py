"""Lets a user's function change interactions before they are stored, or before they are replayed.

The function must return an interaction that a cassette can hold. Before that is stored, secrets are removed from it
again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from ..arguments import shown
from ..errors import CassetteError, HookError
from ..hooks import call_hook, name_of, wrong_result
from .format_v1 import Header, encode_header, encode_interaction
from .merging import Recorded
from .model import Chunk, Interaction
from .reader import Reader
from .redaction import Redactor, Removal

BeforeRecord = Callable[[Interaction], Interaction | None]
"""Gets a recorded interaction without secrets. Returns the one to store; None leaves it out."""

BeforeReplay = Callable[[Interaction], Interaction]
"""Gets a recording that is about to be played. Returns the one to play."""

_MARKER = "#|"
"""The beginning of those lines of a journal that are markers, not comments."""


def before_replay(hook: BeforeReplay, recording: Interaction) -> Interaction:
    """The interaction to play instead of a recording.

    Raises:
        HookError: the function failed, or returned something that a cassette cannot hold.
    """
    returned = call_hook("before_replay", hook, recording)
    if not isinstance(returned, Interaction):
        raise wrong_result("before_replay", hook, returned, "an interaction, changed or not")
    _lines("before_replay", hook, returned)
    return returned.of(recording.request.provider)


def write_edited(
    path: Path, recorded: Iterable[Recorded], hook: BeforeRecord, redactor: Redactor, header: Header
) -> tuple[int, list[Removal]]:
    """Write what a function returns for each recorded interaction, one at a time, without secrets.

    Returns:
        How many interactions are in the new file, and what was removed from them.

    Raises:
        HookError: the function failed, or returned something that a cassette cannot hold.
        CassetteError: the file cannot be written.
    """
    count, removals = 0, list[Removal]()
    try:
        with path.open("wb") as file:
            file.write(f"{encode_header(header)}\n".encode())
            for interaction in chain.from_iterable(recorded):
                returned = call_hook("before_record", hook, interaction)
                if returned is None:
                    continue
                if not isinstance(returned, Interaction):
                    takes = "an interaction, changed or not, or None to leave it out"
                    raise wrong_result("before_record", hook, returned, takes)
                _lines("before_record", hook, returned)
                safe, removed = without_secrets(returned, redactor)
                made_by = replace(safe.request, test=interaction.request.test)
                file.writelines(_lines("before_record", hook, replace(safe, request=made_by)))
                removals += removed
                count += 1
    except OSError as error:
        raise CassetteError(
            f"what before_record returned cannot be written: {error.strerror}",
            path=path,
            hint="Free some disk space or change the permissions, and record again.",
        ) from error
    return count, removals


def without_secrets(interaction: Interaction, redactor: Redactor) -> tuple[Interaction, Sequence[Removal]]:
    """An interaction without secrets, and what was removed. Marks of secrets that were removed before stay."""
    own = redactor.for_request(interaction.request)
    request = own.request()
    response = interaction.response and own.response(interaction.response)
    stream = own.stream()
    safe = [*stream.feed(*(chunk.data + chunk.coded for chunk in interaction.chunks)), *stream.close()]
    chunks = tuple(
        replace(chunk, data=data[: len(chunk.data)], coded=data[len(chunk.data) :])
        for chunk, data in zip(interaction.chunks, safe, strict=True)
    )
    client = request.client and redactor.text(request.client)
    changed = replace(
        interaction,
        request=replace(request, client=client, extra=safe_extra(request.extra, redactor)),
        response=response and replace(response, extra=safe_extra(response.extra, redactor)),
        chunks=chunks,
        end=replace(interaction.end, extra=safe_extra(interaction.end.extra, redactor)),
        comments=tuple(map(redactor.text, interaction.comments)),
    )
    return changed, own.removals


def safe_extra(extra: Mapping[str, Any], redactor: Redactor) -> Mapping[str, Any]:
    """Keys that this release does not know, with their values, without secrets."""
    if not extra:
        return extra
    if isinstance(extra, Mapping):
        return {redactor.text(name): _safe_value(value, redactor) for name, value in extra.items()}
    return extra


def _safe_value(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, Mapping):
        return safe_extra(value, redactor)
    if isinstance(value, list | tuple):
        return [_safe_value(one, redactor) for one in value]
    return value


def _lines(setting: str, hook: object, interaction: Interaction) -> list[bytes]:
    """The lines of an interaction in a cassette; a `HookError` if a cassette cannot hold it."""
    try:
        if interaction.response is None and interaction.chunks:
            raise ValueError("it has chunks, but no response")
        if wrong_parts := [one for one in interaction.chunks if not isinstance(one, Chunk)]:
            raise ValueError(f"{shown(wrong_parts[0])} among its chunks is no Chunk")
        timed = (*((interaction.response,) if interaction.response else ()), *interaction.chunks, interaction.end)
        if wrong := [one.after for one in timed if not 0 <= one.after < float("inf")]:
            raise ValueError(f"{wrong[0]} is no time after the moment before")
        lines = [f"{line}\n".encode() for line in encode_interaction(interaction)]
        if any(line.startswith(_MARKER.encode()) for line in lines):
            raise ValueError(f"a comment begins with {_MARKER!r}, which marks lines of a journal")
        read = [stored.interaction for stored in Reader([f"{encode_header(Header())}\n".encode(), *lines])]
        if len(read) != 1:
            raise ValueError("its lines would be read as several interactions")
    except Exception as problem:
        said = getattr(problem, "message", None) or f"{type(problem).__name__}: {problem}"
        raise HookError(
            f"{name_of(hook)}, which the setting {setting} names, returned an interaction that no cassette can hold: "
            f"{said}",
            hint="Change it with dataclasses.replace, and keep the types of its fields.",
        ) from None  # our own code failed, and the message says why
    return lines
