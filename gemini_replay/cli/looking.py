"""Commands that look at cassettes: show, report, diff."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..counting import counted
from ..errors import CassetteError, MissingExtraError, UsageError
from ..plain_text import plain, plain_lines
from .paths import cassettes_in, cassettes_of

if TYPE_CHECKING:
    from ..cassette.files import CassetteFile
    from ..cassette.redaction.scanning import Detect


def show(chosen: argparse.Namespace) -> int:
    """Print what cassettes hold; one that cannot be read does not hide the others."""
    from ..cassette.files import CassetteFile

    status = 0
    for nth, path in enumerate(cassettes_in(chosen.cassettes)):
        try:
            if chosen.outline:
                _outline(path)
            else:
                _show(CassetteFile.load(path), chosen, first=nth == 0)
        except CassetteError as error:
            print(f"gemini-replay: {error}\n", file=sys.stderr)
            status = 1
    return status


def _show(cassette: CassetteFile, chosen: argparse.Namespace, *, first: bool) -> None:
    from ..report import pages

    _warn_of_secrets(cassette)
    if chosen.json:
        from ..report import programs

        print(programs.cassette_json(cassette))
        return
    if not first:
        print()
    if chosen.brief:
        print(pages.cassette_table(cassette))
        return
    print(pages.cassette_head(cassette))
    for number, interaction in enumerate(cassette.interactions, 1):
        print(pages.page(number, interaction, whole_request=chosen.request))
        if interaction.events:
            print(f"\n{pages.event_table(interaction, whole=chosen.events)}")
        if chosen.chunks:
            print(f"\n{pages.chunk_table(interaction)}")


def _outline(path: Path) -> None:
    """Print what `diff` compares. A file that is no whole cassette is printed as it is: git compares that."""
    from ..cassette.files import CassetteFile
    from ..report.outline import outline

    try:
        cassette = CassetteFile.load(path)
        _warn_of_secrets(cassette)
        text = outline(cassette)
    except CassetteError:
        try:
            text = path.read_text(encoding="utf-8", errors="backslashreplace").removesuffix("\n")
        except OSError:
            text = ""
        if not text:
            raise
    print(plain_lines(text))


def report(chosen: argparse.Namespace) -> int:
    """Write a page that shows cassettes; one that cannot be read, or that holds a secret, is told there, too."""
    from ..cassette.files import CassetteFile
    from ..report.html import data
    from ..report.html.page import check_place, page, write

    check_place(chosen.output)
    groups, broken = [], []
    for path in cassettes_in(chosen.cassettes):
        if path.exists() and chosen.output.exists() and path.samefile(chosen.output):
            raise UsageError(f"{path} is to be read, and cannot be the page.", hint="Name another file with -o.")
        try:
            cassette = CassetteFile.load(path)
            if secrets := _secrets(path):
                if not chosen.force:
                    raise secrets
                print(f"gemini-replay: {secrets}\n", file=sys.stderr)
            groups.append(data.cassette_group(cassette))
        except CassetteError as error:
            print(f"gemini-replay: {error}\n", file=sys.stderr)
            broken.append(data.broken_group(_safe(path), error))
    shown = [*broken, *groups]
    title = shown[0]["name"] if len(shown) == 1 else f"{len(shown)} cassettes"
    write(chosen.output, page(title, shown, nothing="The cassettes hold no interaction."))
    found = counted(len(groups), "cassette"), counted(sum(len(one["entries"]) for one in groups), "interaction")
    print(plain(f"{chosen.output}: {', '.join(found)}"))
    return 1 if broken else 0


def _warn_of_secrets(cassette: CassetteFile) -> None:
    """Say that a cassette holds a secret in an interaction, if a search finds one. It loads less than a check."""
    from ..cassette.redaction import Redactor
    from ..cassette.redaction.scanning import scan

    path, redactor = cassette.path or Path("cassette"), Redactor()
    for one in cassette.interactions:
        for found in scan(one, path, [1], redactor=redactor):
            print(f"gemini-replay: {_holds_secrets(path, f'{found.kind} in {found.place}')}\n", file=sys.stderr)
            return


def _holds_secrets(path: Path, one: str) -> CassetteError:
    path = Path(_safe(path))
    return CassetteError(
        f"the cassette holds a secret, perhaps several: {one}",
        path=path,
        hint=f"See all places with: gemini-replay check {path}",
    )


def _safe(path: Path) -> str:
    """A path without secrets."""
    from ..cassette.redaction import Redactor
    from ..naming import name_without_secrets

    return name_without_secrets(str(path), Redactor())


def _secrets(path: Path) -> CassetteError | None:
    """What to say about a cassette in which `check` finds a secret; None for any other."""
    from ..checks.cassettes import CassetteCheck

    found = (one.message for one in CassetteCheck(detect=_detect_secrets()).findings(path) if one.slug == "secret")
    first = next(found, None)
    return None if first is None else _holds_secrets(path, first)


def _detect_secrets() -> Detect | None:
    """The search of the library detect-secrets; None if it is not installed."""
    from ..cassette.redaction.scanning import detect_secrets

    try:
        return detect_secrets()
    except MissingExtraError:
        return None


def diff(chosen: argparse.Namespace) -> int:
    """Print how two cassettes differ; 0 where they do not, 1 where they do, 2 where one cannot be read."""
    if chosen.git:
        from .git import set_up

        set_up()
        return 0
    if chosen.old is None or chosen.new is None:
        raise UsageError("diff compares two cassettes.", hint="Give two files, or two folders.")
    status = 0
    for old, new in _pairs(chosen.old, chosen.new):
        try:
            status = max(status, _diff(old, new, chosen.all))
        except CassetteError as error:
            print(f"gemini-replay: {error}", file=sys.stderr)
            status = 2
    return status


def _diff(old: Path, new: Path, all: bool) -> int:
    from ..cassette.files import CassetteFile
    from ..report.changes import differences
    from ..report.comparison import difference_lines

    found = list(differences(CassetteFile.load(old), CassetteFile.load(new), all=all))
    if found:
        print("\n".join(difference_lines(str(old), str(new), found)))
    return 1 if found else 0


def _pairs(old: Path, new: Path) -> Iterator[tuple[Path, Path]]:
    """The files to compare: two files, or those of the same name in two folders."""
    if old.is_dir() and new.is_dir():
        names = {path.relative_to(folder) for folder in (old, new) for path in cassettes_of(folder)}
        if not names:
            raise UsageError(f"There is no cassette in {old} or {new}.")
        yield from ((old / name, new / name) for name in sorted(names))
    elif new.is_dir():
        yield old, new / old.name
    else:
        yield old, new
