"""Random values, which are secrets where a name says so."""

from __future__ import annotations

import base64
import hashlib
import uuid

from support.planted_secrets import drawn

RANDOM = {
    "a key": drawn("k", 24),
    "a short key": drawn("k2", 16),
    "lower case": drawn("l", 24, "abcdefghijklmnopqrstuvwxyz0123456789"),
    "letters": drawn("m", 32, "abcdefghijklmnopqrstuvwxyz"),
    "a digest": hashlib.sha256(b"x").hexdigest(),
    "a UUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, "x")),
    "base64": base64.b64encode(hashlib.sha256(b"y").digest()).decode(),
    "base32": base64.b32encode(hashlib.sha256(b"z").digest()).decode(),
    "a good password": "Tr0ub4dor" + "&3",
}
