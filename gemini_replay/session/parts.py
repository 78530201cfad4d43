"""The parts that a session is made of, from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cassette.matching import IgnoredDrift, Matcher, Pool
from ..cassette.redaction import Redactor
from ..engine.rechunking import parse_rechunk
from ..engine.timing import parse_max_gap, parse_speed
from ..provider import Provider
from .forks import Forks
from .making import CassetteMaker
from .recordings import Recordings
from .replaying import Replayer
from .unseen import Unseen

if TYPE_CHECKING:
    from .verifying import Verification


class Parts:
    """The parts of the session of a cassette, an absolute path; `given` are its settings, checked and complete.

    Attributes:
        forks: its child processes.
        pool: what it plays from.
        replayer: plays it.
        recordings: what it records.
        verification: compares what it records with what it plays from; None unless its mode is "verify".
        unseen: the hosts that clients without a transport reach.
    """

    def __init__(
        self, path: Path, given: Mapping[str, Any], *, provider: Provider, redactor: Redactor, test: str | None
    ) -> None:
        rewrite, verifies = given["mode"] == "rewrite", given["mode"] == "verify"
        matcher = Matcher(given["match"], ignore=given["ignore"], normalize=given["normalize"])
        self.forks = Forks()
        self.unseen = Unseen(provider, upstream=given["upstream"], forks=self.forks)
        self.pool = Pool(matcher, repeat=given["repeat"], test=test, provider=provider)
        self.replayer = Replayer(
            self.pool,
            only_redacted=matcher.hooked,
            records_all=rewrite or verifies,
            speed=parse_speed(given["speed"]),
            max_gap=parse_max_gap(given["max_gap"]),
            rechunk=parse_rechunk(given["rechunk"]),
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
