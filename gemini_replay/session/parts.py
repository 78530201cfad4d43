"""The parts that a session is made of, from its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..cassette.matching import IgnoredDrift, Pool
from ..cassette.redaction import Redactor
from .forks import Forks
from .making import CassetteMaker
from .recordings import Recordings
from .replaying import Replayer
from .settings import Mode
from .terms import Terms
from .unseen import Unseen

if TYPE_CHECKING:
    from .verifying import Verification


class Parts:
    """The parts of the session of a cassette, an absolute path.

    Attributes:
        forks: its child processes.
        pool: what it plays from.
        replayer: plays it.
        recordings: what it records.
        verification: compares what it records with what it plays from; None unless its mode is "verify".
        unseen: the hosts that clients without a transport reach.
    """

    def __init__(self, path: Path, mode: Mode, terms: Terms, *, redactor: Redactor, test: str | None) -> None:
        rewrite, verifies = mode == "rewrite", mode == "verify"
        given, provider, matcher = terms.given, terms.provider, terms.matcher
        self.forks = Forks()
        self.unseen = Unseen(provider, upstream=given["upstream"], forks=self.forks)
        self.pool = Pool(matcher, repeat=given["repeat"], test=test, provider=provider)
        self.replayer = Replayer(
            self.pool,
            only_redacted=matcher.hooked,
            records_all=rewrite or verifies,
            speed=terms.speed,
            max_gap=terms.max_gap,
            rechunk=terms.rechunk,
            faults=given["fault"],
            before_replay=given["before_replay"],
            forks=self.forks,
        )
        self.verification: Verification | None = None
        if verifies:
            from .verifying import Verification  # not in every session

            self.verification = Verification(path, self.pool, IgnoredDrift(given["ignore_drift"]))
            path = self.verification.path
        self.recordings = Recordings(
            path,
            provider=provider,
            test=test,
            matcher=matcher,
            redactor=redactor,
            maker=CassetteMaker(
                path,
                provider=provider,
                test=test,
                rewrite=rewrite,
                matcher=matcher,
                redactor=redactor,
                before_record=given["before_record"],
            ),
            wire=given["wire"],
            decoded_limit=given["decoded_limit"],
            left_beside=not verifies,
            forks=self.forks,
        )
