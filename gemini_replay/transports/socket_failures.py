"""What a socket raises. Any transport may import this: it loads no client library, not even http.client."""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Callable

from ..cassette.model import Ending
from ..engine.faults import Cause

FAILURES: dict[Ending | Cause, Callable[[], OSError]] = {
    "timeout": lambda: TimeoutError("timed out"),
    "reset": lambda: ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)),
    "refused": lambda: ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)),
    "tls": lambda: ssl.SSLCertVerificationError(
        1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    ),
    "connect-timeout": lambda: TimeoutError("timed out"),
    "pool-timeout": lambda: TimeoutError("timed out"),  # nothing at this level has a pool
}
"""What a socket raises for each ending and each missing connection. "closed" is the end of its bytes instead, and
"cancelled" an error of ours."""
