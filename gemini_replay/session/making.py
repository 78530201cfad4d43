"""Makes a session's cassette from what was recorded, and from what the present file keeps."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from ..cassette.editing import BeforeRecord, write_edited
from ..cassette.format_v1 import Header
from ..cassette.index import IndexEntry
from ..cassette.matching import Matcher
from ..cassette.merging import Merged, Recorded, check_whole, digests, merge, recorded_in
from ..cassette.model import Request
from ..cassette.redaction import Redactor, Removal
from ..cassette.redaction.replacements import total
from ..errors import CassetteError
from ..provider import Provider

_log = logging.getLogger("gemini_replay")


@dataclass(frozen=True)
class Made:
    """A cassette that was made.

    Attributes:
        recorded: the interactions of this session in it.
        removals: what was redacted in them.
        left_out: how many interactions `before_record` has left out.
    """

    recorded: Recorded
    removals: tuple[Removal, ...]
    left_out: int = 0


class CassetteMaker:
    """Makes the cassette `path`, an absolute path, for a session that begins now.

    With `rewrite`, what the present file has of this test (without a test: all that it has now) is replaced; the
    matcher decides about a recording of unknown origin. With `before_record`, the cassette is made from what that
    returns; if that is nothing, the cassette stays as it is.
    """

    def __init__(
        self,
        path: Path,
        *,
        provider: Provider,
        test: str | None,
        rewrite: bool,
        matcher: Matcher,
        redactor: Redactor,
        before_record: BeforeRecord | None,
    ) -> None:
        self._path = path
        self._provider = provider
        self._test = test
        self._rewrite = rewrite
        self._matcher = matcher
        self._redactor = redactor
        self._before_record = before_record
        # What a session inside this one records meanwhile is not replaced.
        self._replaceable = digests(path) if rewrite and test is None else None

    def replace_only(self, interactions: frozenset[bytes]) -> None:
        """Replace none but these interactions, given by their `digests`."""
        self._replaceable = interactions

    def make(
        self,
        own: Sequence[Path],
        more: Sequence[Path],
        header: Header,
        *,
        ended: Sequence[int],
        removals: tuple[Removal, ...],
    ) -> Made:
        """Make the cassette from journals: the session's `own` and `more` of its child processes.

        Args:
            own: the first journals.
            more: the other ones.
            header: for a cassette in which everything is new.
            ended: how many interactions each of the first journals must contain.
            removals: what was redacted in the journals.

        Raises:
            HookError: `before_record` failed.
            CassetteError: a journal is incomplete, or the cassette cannot be written.
        """
        journals = [*own, *more]
        try:
            if self._before_record is None:
                return self._made(merge(self._path, journals, header, self._is_replaced, ended=ended), removals)
            check_whole(journals, ended)
            with TemporaryDirectory(prefix="gemini-replay-") as folder:
                edited = Path(folder) / "edited.jsonl"
                given = [recorded_in(journal).of(self._provider) for journal in journals]
                count, removed = write_edited(edited, given, self._before_record, self._redactor, header)
                removals = total([*removals, *removed])
                left_out = sum(map(len, given)) - count
                if not count:
                    return Made(Recorded(), removals, left_out)
                made = self._made(merge(self._path, [edited], header, self._is_replaced, ended=[count]), removals)
                return replace(made, left_out=left_out)
        except CassetteError as problem:
            if problem.path not in more:
                raise
            raise CassetteError(
                f"a forked child process had not finished its recording when the session ended ({problem.message})",
                hint="Let child processes end before the session does.",
            ) from problem

    def _made(self, merged: Merged, removals: tuple[Removal, ...]) -> Made:
        changed = [removal for removal in removals if removal.in_answer]
        if changed:
            _log.warning(
                "%s: secrets were redacted in answers themselves, so that a client gets other text on replay than "
                "it got live: %s.",
                self._path,
                "; ".join(f"{removal.kind} ({removal.place})" for removal in changed),
            )
        if merged.backup is not None:
            _log.warning(
                "%s could not be read completely before it was recorded again; the original is kept as %s.",
                self._path,
                merged.backup,
            )
        return Made(merged.recorded, removals)

    def _is_replaced(self, entry: IndexEntry, header: Header, file: BinaryIO, requests: Sequence[Request]) -> bool:
        """Whether an interaction of the present file is replaced, see `merging.merge`."""
        if not self._rewrite:
            return False
        if self._replaceable is not None and entry.digest(file) not in self._replaceable:
            return False
        if self._test is None:
            return True
        made_by = entry.test or header.test
        if made_by is not None:
            return made_by == self._test
        old = entry.request(file)
        return any(self._matcher.matches(old, request) for request in requests)
