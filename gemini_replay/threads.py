"""The threads of this package that may outlive a session."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OwnThread(threading.Thread):
    """A daemon thread of this package. It belongs to the session that starts it, as each thread does.

    It may outlive the session while it waits for a response that is not read. No client stays intercepted for it.
    """

    def __init__(self, target: Callable[[], object], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)
