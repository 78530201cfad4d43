"""Errors of sockets. Any transport may import this module, which loads no client library, not even http.client."""

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
    "pool-timeout": lambda: TimeoutError("timed out"),  # there are no pools at this level
}
"""What a socket raises for each ending and each missing connection. For "closed", its bytes end instead, and for
"cancelled", the error is ours."""
