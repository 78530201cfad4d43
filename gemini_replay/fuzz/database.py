"""Where found cases are kept and shared: Hypothesis' example databases, by their names on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase

_READ_ONLY = "readonly:"


def open_databases(names: Sequence[str]) -> ExampleDatabase | None:
    """The database of these names: folders, or URLs of Redis (``redis://``, ``rediss://``, ``unix://``).

    A database after ``readonly:`` is only read. Several become one that reads from all and writes to all writable
    ones. Without names, nothing is kept.
    """
    from hypothesis.database import MultiplexedDatabase

    opened = [_open(name) for name in names]
    if len(opened) > 1:
        return MultiplexedDatabase(*opened)
    return opened[0] if opened else None


def _open(name: str) -> ExampleDatabase:
    from hypothesis.database import DirectoryBasedExampleDatabase, ReadOnlyDatabase

    if name.startswith(_READ_ONLY):
        base = name.removeprefix(_READ_ONLY)
        opened = _open(base)
        if isinstance(opened, DirectoryBasedExampleDatabase) and not Path(base).is_dir():
            raise UsageError(
                f"There is no database {base}.", hint="Name a folder that exists, or leave out readonly:."
            )
        return ReadOnlyDatabase(opened)
    scheme = urlsplit(name).scheme
    if scheme in {"redis", "rediss", "unix"}:
        return _redis(name)
    if "://" in name or not name:
        raise UsageError(
            f"Unknown database {_shown(name)!r}.",
            hint="Give a folder or redis://HOST:PORT/0, with or without readonly: before it.",
        )
    if Path(name).is_file():
        raise UsageError(f"The database {name} is a file.", hint="Name a folder.")
    return DirectoryBasedExampleDatabase(name)


def _redis(url: str) -> ExampleDatabase:
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
    except ImportError:
        raise MissingExtraError("redis", extra="redis", purpose="A database that is shared through Redis") from None
    try:
        client = redis.Redis.from_url(url)
        client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise UsageError(
            f"The database {_shown(url)} does not answer: {error}",
            hint="Start the server, or name another: redis://HOST:PORT/0, or a folder.",
        ) from None
    return RedisExampleDatabase(client, key_prefix=b"gemini-replay-fuzz:")


def _shown(url: str) -> str:
    """A URL without its password."""
    parts = urlsplit(url)
    return url if parts.password is None else url.replace(f":{parts.password}@", ":…@", 1)
