"""Mode `rewrite` for blocks of `gemini_cassettes`, which share one id with all blocks of their name.

The first block of a run that ends well replaces what the cassette held before the run; all others add to it. Blocks
may be open at the same time, in several workers of pytest-xdist.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..cassette.merging import digests


def note_of(path: Path) -> str:
    """The name of a run's note about a cassette."""
    return hashlib.sha256(os.fsencode(os.path.abspath(path))).hexdigest()


class Rewriting:
    """What the blocks of one run may replace.

    Args:
        notes: returns the folder that the workers of the run share; None: there is none.
    """

    def __init__(self, notes: Callable[[], Path | None]) -> None:
        self._notes = notes
        self._held: dict[Path, frozenset[bytes]] = {}
        self._made: set[Path] = set()

    def begin(self, path: Path) -> None:
        """A block opens: note what the cassette holds, unless another block has."""
        held = digests(path)
        folder = self._notes()
        if folder is not None:
            note = folder / f"{note_of(path)}.held"
            own = folder / f"{note.name}.{os.getpid()}"
            with suppress(OSError):  # a full disk, or one without links: then each process knows its own blocks only
                own.write_text("\n".join(digest.hex() for digest in held), encoding="ascii")
                with suppress(FileExistsError):
                    os.link(own, note)  # as a whole
                own.unlink()
                held = frozenset(map(bytes.fromhex, note.read_text(encoding="ascii").split()))
        self._held.setdefault(path, held)

    def replaceable(self, path: Path) -> frozenset[bytes]:
        """The `digests` of what a block that ends now may replace."""
        folder = self._notes()
        made = path in self._made or (folder is not None and (folder / f"{note_of(path)}.made").exists())
        return frozenset() if made else self._held[path]

    def end(self, path: Path) -> None:
        """A block has made the cassette."""
        self._made.add(path)
        folder = self._notes()
        if folder is not None:
            with suppress(OSError):
                (folder / f"{note_of(path)}.made").touch()
