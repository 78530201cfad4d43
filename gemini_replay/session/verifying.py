"""Mode "verify": live answers are recorded in a separate file and compared with the cassette, which is unchanged."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from ..cassette.describing import describe
from ..cassette.drift import drift
from ..cassette.matching import IgnoredDrift, Pool
from ..cassette.matching.ignoring import ALWAYS_TOLD
from ..cassette.model import Interaction
from ..errors import DriftError


class Verification:
    """Compares what a session got live with the recordings of its pool.

    Args:
        path: the cassette, an absolute path.
        pool: the recordings. Those that a request asks for are used, in the recorded order.
        ignored: the drift that is left out.

    Attributes:
        path: what the session records into meanwhile: a cassette of the same name in a temporary folder, which is
            removed with this object.
    """

    def __init__(self, path: Path, pool: Pool, ignored: IgnoredDrift) -> None:
        folder = Path(tempfile.mkdtemp(prefix="gemini-replay-verify-"))
        self.path = folder / path.name
        self._cassette = path
        self._pool = pool
        self._ignored = ignored
        weakref.finalize(self, _remove, folder, os.getpid())

    def compare(
        self, answers: Sequence[Interaction], *, record: Callable[[str], str], hint: str = ""
    ) -> DriftError | None:
        """The error about drift; None if each answer has the form of its recording.

        Args:
            answers: what the session got live, without secrets, in order of the requests.
            record: returns the command that records, for a record mode.
            hint: what may be wrong with the live answers.

        Raises:
            CassetteError: a recording cannot be read.
            HookError: a function of the user's failed.
        """
        differences: list[str] = []
        told: list[str] = []
        paths = False
        for live in answers:
            asked = describe(live.request)
            taken = self._pool.take(live.request)
            if taken is None:
                differences.append("no recording answers the request")
                told += [f"{asked}: no recording answers it.", self._pool.nearest(live.request).words]
            elif found := drift(taken.interaction, live, self._ignored):
                paths = paths or any(one.path not in ALWAYS_TOLD for one in found)
                differences += map(str, found)
                told += [f"{asked} ({taken.path}, {taken.position}):", *(f"  - {one}" for one in found)]
        if not differences:
            return None
        hints = [hint, f"If the API has changed, record it again with: {record('rewrite')}"]
        if paths:
            hints.append('If a field comes and goes from answer to answer: ignore_drift=["…"], with its path')
        return DriftError(
            f"What came live has drifted from {self._cassette}.",
            differences=differences,
            suggestion="\n".join(told),
            hint="\n".join(filter(None, hints)),
        )


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)
