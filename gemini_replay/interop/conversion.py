"""Reads recordings of other tools as cassettes, and writes cassettes for other tools."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..arguments import require_path
from ..cassette.atomic_write import atomic_write, locked
from ..cassette.editing import safe_extra, without_secrets
from ..cassette.files import refuse_irregular
from ..cassette.model import Interaction
from ..cassette.redaction import Redactor, Removal
from ..errors import (
    CassetteError,
    CassetteFormatError,
    CassetteNotFoundError,
    MissingExtraError,
    UsageError,
    did_you_mean,
)
from ..rhythm.cassette import Cassette
from ..rhythm.retiming import TIMES_UNKNOWN
from ..shipped import shipped
from . import aimock, genai_replay, har, har_writer, vcr
from .checked import load_json, load_yaml, refuse_invalid_yaml
from .stored_interaction import NotStorableError, StoredInteraction, first_date, interaction_of

CASSETTE, YAML, HAR = (".jsonl",), (".yaml", ".yml"), (".har",)
ENDINGS = (*CASSETTE, *YAML, *HAR)
"""The suffixes of files that can be written."""

CASSETTE_SOURCE = "a cassette"
_FORMATS = "VCR.py's YAML, HAR, google-genai's replay JSON and aimock's fixtures"
_AGAIN = {
    vcr.SOURCE: "Record it again with vcrpy, such as: pytest --record-mode=rewrite",
    har.SOURCE: "Export it again from the browser or proxy, with the bodies of the responses (Chrome: Export HAR).",
    genai_replay.SOURCE: "Record it again with google-genai, in its replay mode.",
    aimock.SOURCE: "Give the file a fixture with a text or a call.",
}
"""What to do about a file in which there is nothing to convert, by its format."""

_HEADER = re.compile(rb'(?m)^\{ *"cassette" *:')
_JSON_RECORDING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:log|interactions|replay_id|fixtures)"\s*:')
_YAML_RECORDING = re.compile(rb"(?m)^interactions:")


@dataclass(frozen=True)
class Conversion:
    """A cassette made from another tool's file.

    Attributes:
        cassette: the cassette, without secrets.
        source: the format of the file.
        notes: what the cassette leaves out of the file.
        removals: the secrets that were removed, by kind and place.
    """

    cassette: Cassette
    source: str
    notes: tuple[str, ...] = ()
    removals: tuple[Removal, ...] = ()


class Encoded(NamedTuple):
    """A cassette as the content of a file.

    Attributes:
        content: the bytes.
        interactions: how many it holds.
        notes: what it leaves out, one line each.
    """

    content: bytes
    interactions: int
    notes: tuple[str, ...] = ()


def read(path: str | os.PathLike[str], *, redactor: Redactor | None = None) -> Conversion:
    """Read a recording of another tool, or a cassette, without the secrets in it.

    The content shows the format.

    Args:
        path: the file.
        redactor: removes secrets; None for one with the default settings.

    Raises:
        CassetteNotFoundError: there is no such file.
        CassetteFormatError: it is not a valid recording.
        CassetteError: it cannot be read.
        MissingExtraError: it is YAML, and PyYAML is not installed.
    """
    require_path("path", path, 'the path of a file, such as "story.yaml"')
    path = Path(path)
    content = _content(path)
    found = parsed(content, path)
    if found is None and (path.suffix in CASSETTE or _HEADER.search(content[:4096])):
        return _safe(Cassette.load(path), CASSETTE_SOURCE, (), redactor or Redactor())
    if found is None:
        refuse_unreadable(content, path)
        raise CassetteFormatError(
            "the file is not a recording that can be converted",
            path=path,
            hint=f"These can be converted: {_FORMATS}.",
        )
    source, value = found
    cassette, notes = _READERS[source](value, path)
    if not cassette.interactions:
        why = f"nothing in the file can be converted: {notes[0]}" if notes else "the file holds no interaction"
        raise CassetteFormatError(why, path=path, hint=_AGAIN[source])
    return _safe(cassette, source, notes, redactor or Redactor())


def _safe(cassette: Cassette, source: str, notes: Iterable[str], redactor: Redactor) -> Conversion:
    """The conversion to a cassette, of which every part is searched for secrets."""
    interactions, removals = list[Interaction](), list[Removal]()
    for number, one in enumerate(cassette.interactions, start=1):
        changed, removed = without_secrets(one, redactor)
        test = changed.request.test
        interactions.append(replace(changed, request=replace(changed.request, test=test and redactor.text(test))))
        extras = (one.request.extra, one.response.extra if one.response else {}, one.end.extra)
        beside = (one.request.client, test, *map(dict, extras), *one.comments)
        removals += [*removed, *_removals(f"interaction {number}, beside its messages", beside, redactor)]
    head = (cassette.recorder, cassette.test, dict(cassette.extra), *cassette.comments, *cassette.trailing_comments)
    removals += _removals("header or comments of the cassette", head, redactor)
    changed_cassette = replace(
        cassette,
        interactions=interactions,
        recorder=cassette.recorder and redactor.text(cassette.recorder),
        test=cassette.test and redactor.text(cassette.test),
        extra=safe_extra(cassette.extra, redactor),
        comments=tuple(map(redactor.text, cassette.comments)),
        trailing_comments=tuple(map(redactor.text, cassette.trailing_comments)),
    )
    return Conversion(changed_cassette, source, tuple(notes), tuple(removals))


def _removals(place: str, values: Sequence[object], redactor: Redactor) -> Iterator[Removal]:
    text = json.dumps(values, ensure_ascii=False, default=str)
    return (Removal(place, kind) for kind in redactor.kinds(text))


def encode(cassette: Cassette, path: Path) -> Encoded:
    """A cassette as the content of a file: a cassette, YAML for VCR.py, or HAR, depending on the file's suffix.

    Raises:
        UsageError: the name has another suffix.
        CassetteError: the format has no place for any of its interactions.
        MissingExtraError: it would be YAML, and PyYAML is not installed.
    """
    check_ending(path)
    if path.suffix not in YAML:
        content = har_writer.write(cassette) if path.suffix in HAR else cassette.dumps()
        return Encoded(content, len(cassette.interactions))
    content, count, notes = vcr.write(cassette.interactions)
    if cassette.interactions and not count:
        raise CassetteError(
            f"nothing in the cassette can be converted to YAML: {notes[0]}",
            hint=f"Choose a name that ends with {HAR[0]}: HAR has a place for it.",
        )
    return Encoded(content, count, tuple(notes))


def save(path: Path, content: bytes) -> None:
    """Write a file. Folders are created. If writing fails, an old file stays unchanged.

    Raises:
        CassetteError: it cannot be written.
    """
    try:
        with locked(path), atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        raise CassetteError(
            f"the file cannot be written: {error.strerror}",
            path=path,
            hint="Nothing has changed. Free some disk space or change the permissions, and try again.",
        ) from error


def has_unknown_times(cassette: Cassette) -> bool:
    """Whether the cassette marks times as unknown."""
    return any(line.startswith(TIMES_UNKNOWN) for one in cassette.interactions for line in one.comments)


def check_ending(path: Path) -> None:
    """Raise a `UsageError` unless a file of this name can be written."""
    if path.suffix not in ENDINGS:
        raise UsageError(
            f"The name {path.name!r} does not say what to write.",
            suggestion=did_you_mean(path.suffix, ENDINGS),
            hint="Let it end with .jsonl for a cassette, .yaml for VCR.py, or .har.",
        )


def parsed(content: bytes, path: Path) -> tuple[str, Any] | None:
    """The format of a file and its parsed content; None if it is not a recording of another tool.

    Raises:
        CassetteFormatError: it looks like one, but is not valid JSON or YAML.
        MissingExtraError: it looks like YAML, and PyYAML is not installed.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        try:
            value = load_json(content, path)
        except CassetteFormatError:
            if _JSON_RECORDING.match(content):
                raise
            return None
        source = _source_of(value)
        return (source, value) if source else None
    if not _YAML_RECORDING.search(content):
        return None
    value = load_yaml(content, path)
    return (vcr.SOURCE, value) if isinstance(value, dict) else None


def refuse_unreadable(content: bytes, path: Path) -> None:
    """Raise a `CassetteFormatError` if a file is empty, binary, or not the YAML or JSON that its suffix promises.

    Without PyYAML, YAML passes.
    """
    if not content.strip():
        raise CassetteFormatError("the file is empty", path=path, hint="Delete it, or record it again.")
    if b"\0" in content:
        raise CassetteFormatError(
            "the file is binary, not text", path=path, hint=f"These can be converted: {_FORMATS}."
        )
    if path.suffix in YAML:
        with suppress(MissingExtraError):
            refuse_invalid_yaml(content, path)
    elif path.suffix in (*HAR, ".json"):
        load_json(content, path)


def _source_of(value: dict[str, Any]) -> str | None:
    if isinstance(value.get("log"), dict):
        return har.SOURCE
    if isinstance(value.get("fixtures"), list):
        return aimock.SOURCE
    if isinstance(value.get("interactions"), list):
        return genai_replay.SOURCE if "replay_id" in value else vcr.SOURCE
    return None


def _content(path: Path) -> bytes:
    try:
        refuse_irregular(path)
        return path.read_bytes()
    except FileNotFoundError:
        raise CassetteNotFoundError(
            "there is no such file", path=path, hint="Give the path of a recording."
        ) from None
    except IsADirectoryError:
        hint = f"Convert the files of a folder with: gemini-replay migrate {path}"
        raise CassetteError("this is a folder, not a file", path=path, hint=hint) from None
    except OSError as error:
        raise CassetteError(f"the file cannot be read: {error.strerror}", path=path) from error


def _of_stored(found: list[StoredInteraction], source: str, notes: list[str]) -> tuple[Cassette, list[str]]:
    interactions = []
    for number, one in enumerate(found, start=1):
        try:
            interactions.append(interaction_of(one, source))
        except NotStorableError as reason:
            notes.append(f"interaction {number} is left out: {reason}")
    return Cassette(interactions, recorder=source, recorded=first_date(interactions)), notes


def _from_vcr(value: Any, path: Path) -> tuple[Cassette, list[str]]:
    return _of_stored(vcr.read(value, path, shipped()), vcr.SOURCE, [])


def _from_har(value: Any, path: Path) -> tuple[Cassette, list[str]]:
    return har.read(value, path, shipped())


def _from_genai(value: Any, path: Path) -> tuple[Cassette, list[str]]:
    return _of_stored(genai_replay.read(value, path, shipped()), genai_replay.SOURCE, [])


def _from_aimock(value: Any, path: Path) -> tuple[Cassette, list[str]]:
    found, notes = aimock.read(value, path, shipped())
    return _of_stored(found, aimock.SOURCE, notes)


_READERS: dict[str, Callable[[Any, Path], tuple[Cassette, list[str]]]] = {
    vcr.SOURCE: _from_vcr,
    har.SOURCE: _from_har,
    genai_replay.SOURCE: _from_genai,
    aimock.SOURCE: _from_aimock,
}
