"""Converts the recordings of a whole folder, and finds the code to change."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..cassette.redaction import Redactor
from ..errors import CassetteError, CassetteFormatError, GeminiReplayError, MissingExtraError
from ..naming import file_name, name_without_secrets
from ..session.hosts import Hosts
from .conversion import Conversion, encode, parsed, read, refuse_unreadable, save

_ENDINGS = (".yaml", ".yml", ".har", ".json")
_PASSED_OVER = {"node_modules", "__pycache__", "site-packages"}
_GEMINI = Hosts((), (), None)
_TEST = re.compile(r"(?:(?P<cls>\w+)\.)?(?P<test>test\w*(?:\[.*\])?)")
"""The pattern of file names that pytest-recording derives from tests' names."""

CHANGES = (
    (
        r"def vcr_config\b",
        "the fixture gemini_cassette_config; leave its filters out: keys and tokens are recognized",
    ),
    (r"def vcr_cassette_dir\b", "the setting gemini_cassette_dir in the ini file"),
    (r"def (?:default_cassette_name|pytest_recording_configure)\b", "nothing: remove it"),
    (r"\bmark\.vcr\b", "@pytest.mark.gemini_cassette, or the fixture gemini_cassette"),
    (r"\bmark\.default_cassette\b", '@pytest.mark.gemini_cassette("NAME")'),
    (r"\bmark\.block_network\b", "nothing: a test with a cassette is always blocked"),
    (r"\buse_cassette\(", 'gemini_replay.replay("NAME.jsonl")'),
    (r"\bregister_matcher\(|\bmatch_on\b", "the setting match"),
    (r"\bbefore_record_re(?:quest|sponse)\b", "the setting before_record, which gets the whole interaction"),
    (r"\bbefore_playback_re(?:quest|sponse)\b", "the setting before_replay"),
    (r"\ballow_playback_repeats\b", "the setting repeat"),
    (r"\bignore_(?:hosts|localhost)\b", "the setting ignore_hosts"),
)
"""Uses of vcrpy and pytest-recording, as regular expressions, and their replacements."""


@dataclass(frozen=True)
class CodeChange:
    """A line of code that uses vcrpy or pytest-recording.

    Attributes:
        path: its file.
        line: its number, counted from 1.
        found: the use that was found.
        instead: its replacement.
    """

    path: Path
    line: int
    found: str
    instead: str


@dataclass
class Migration:
    """The result of migrating a folder.

    Attributes:
        converted: for each file that was converted, its path, the new cassette's, and what was read.
        kept: existing cassettes with other contents; they are unchanged.
        without_gemini: converted files without a request to the API.
        failed: the files that could not be converted and the folders that could not be read, and why.
        unreadable: the files with such suffixes that are empty, binary, or not valid YAML or JSON, and why.
        passed_over: how many other files with such suffixes are not recordings.
        changes: the lines of code to change.
        beside_tests: whether files are where pytest-recording puts them.
    """

    converted: list[tuple[Path, Path, Conversion]] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    without_gemini: list[Path] = field(default_factory=list)
    failed: list[GeminiReplayError] = field(default_factory=list)
    unreadable: list[CassetteFormatError] = field(default_factory=list)
    passed_over: int = 0
    changes: list[CodeChange] = field(default_factory=list)
    beside_tests: bool = False


def migrate(folder: Path, *, redactor: Redactor | None = None) -> Migration:
    """Convert each recording in a folder to a cassette beside it, and find the code to change.

    A file that pytest-recording has named after a test becomes the cassette that the same test looks for. No file is
    changed or replaced. A file whose name holds a secret is not converted, since the cassette would have that name.

    Raises:
        MissingExtraError: there are YAML files, and PyYAML is not installed.
    """
    found, redactor = Migration(), redactor or Redactor()
    for path in _files(folder, found):
        if path.suffix == ".py":
            found.changes += _changes(path)
        elif path.suffix in _ENDINGS:
            try:
                _convert(path, found, redactor)
            except MissingExtraError:
                raise
            except OSError as error:
                found.failed.append(_unreadable(error, path))
            except GeminiReplayError as error:
                found.failed.append(error)
    return found


def _files(folder: Path, found: Migration) -> Iterator[Path]:
    """The files of a folder and of those in it; a folder that cannot be read has failed."""
    try:
        with os.scandir(folder) as entries:
            kinds = sorted((one.name, one.is_dir(), one.is_file()) for one in entries if not one.is_symlink())
    except OSError as error:
        found.failed.append(_unreadable(error, folder))
        return
    for name, is_folder, is_file in kinds:
        if name.startswith(".") or name in _PASSED_OVER:
            continue
        if is_folder:
            yield from _files(folder / name, found)
        elif is_file:
            yield folder / name


def _unreadable(error: OSError, path: Path) -> CassetteError:
    where = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else path
    return CassetteError(
        f"it cannot be read: {error.strerror}", path=where, hint="Change its permissions, and migrate again."
    )


def _convert(path: Path, found: Migration, redactor: Redactor) -> None:
    content = path.read_bytes()
    recording = parsed(content, path)
    if recording is None:
        try:
            refuse_unreadable(content, path)
        except CassetteFormatError as error:
            found.unreadable.append(error)
        else:
            found.passed_over += 1
        return
    if (safe := name_without_secrets(path.name, redactor)) != path.name:
        raise CassetteError(
            "the name of the file holds a secret, which its cassette would repeat",
            path=path.with_name(safe),
            hint='Rename the file. If a test looks for it, name the parameter: pytest.param(key, id="key").',
        )
    conversion = read(path, redactor=redactor)
    target = cassette_of(path)
    content = encode(conversion.cassette, target).content
    if target.exists() and target.read_bytes() != content:
        found.kept.append(target)
        return
    save(target, content)
    found.converted.append((path, target, conversion))
    found.beside_tests = found.beside_tests or path.parent.parent.name == "cassettes"
    if not any(_GEMINI.owns(one.request.url) for one in conversion.cassette.interactions):
        found.without_gemini.append(path)


def cassette_of(path: Path) -> Path:
    """The path of a recording's cassette: beside it, with the name that its test looks for."""
    test = _TEST.fullmatch(path.stem)
    if test is None:
        return path.with_suffix(".jsonl")
    name = f"{test['cls']}::{test['test']}" if test["cls"] else test["test"]
    return path.with_name(f"{file_name(name)}.jsonl")


def _changes(path: Path) -> Iterator[CodeChange]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for number, line in enumerate(lines, start=1):
        for pattern, instead in CHANGES:
            if found := re.search(pattern, line.partition("#")[0]):
                yield CodeChange(path, number, found[0], instead)
