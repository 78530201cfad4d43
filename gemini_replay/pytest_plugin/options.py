"""The command line options and ini settings of the plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..cassette.redaction import Redactor
    from ..session import Mode


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and ini settings."""
    group = parser.getgroup("gemini-replay", "record and replay Gemini streams")
    group.addoption(
        "--gemini-record",
        metavar="MODE",
        help="none (default): only replay; once: record where there is no cassette; new: append what is missing; "
        "rewrite: record again what the tests of this run made; live: use no cassette at all",
    )
    group.addoption(
        "--gemini-speed",
        metavar="SPEED",
        help="replay this many times as fast as recorded, or 'instant', or 'virtual' (recorded rhythm, no waiting)",
    )
    group.addoption(
        "--gemini-upstream",
        metavar="URL",
        help="the base URL that requests are sent to, in place of their own, when they are recorded or live",
    )
    group.addoption(
        "--gemini-block-network",
        action="store_true",
        help="refuse Google's Gemini hosts in every test, also in tests without a cassette",
    )
    group.addoption(
        "--gemini-unused",
        action="store_true",
        help="list the recordings of the cassettes in use that no test asked for",
    )
    parser.addini("gemini_cassette_dir", "the folder of the cassettes, from the root directory", default="cassettes")
    parser.addini("gemini_speed", "the speed of replay", default="1")
    for name, text in {**_HOSTS_AND_MATCHING, **_REDACTION}.items():
        kind: Any = "linelist" if name == "redact_patterns" else "args"
        parser.addini(f"gemini_{name}", text, type=kind, default=[])


_HOSTS_AND_MATCHING = {
    "hosts": "further hosts whose requests are recorded and replayed",
    "ignore_hosts": "hosts, with or without a port, whose requests are never recorded, replayed or refused",
    "match": "what must be equal for a recording to answer a request",
    "redact": "names of environment variables whose values must not be stored, besides those that are known to be "
    "secret",
}
_REDACTION = {
    "keep_headers": "headers whose values are kept although their names are not known to be harmless",
    "redact_headers": "further headers whose values must not be stored",
    "keep_fields": "members of JSON, and parameters, whose values are kept although their names sound secret",
    "redact_fields": "further such names whose values must not be stored",
    "redact_patterns": "further shapes of secrets, one regular expression a line; a first group is the secret",
}


class Settings:
    """What the options and ini settings of a run say.

    Attributes:
        session: the settings of every session, by the names that `Session` has for them; those with another value
            than the default.

    Raises:
        pytest.UsageError: an option or setting has a value that cannot be used.
    """

    def __init__(self, config: pytest.Config) -> None:
        option, ini = config.option, config.getini
        self.mode: Mode = option.gemini_record or "none"
        self.hosts: list[str] = ini("gemini_hosts")
        self.ignore_hosts: list[str] = ini("gemini_ignore_hosts")
        self.upstream: str | None = option.gemini_upstream
        self.block_network: bool = option.gemini_block_network
        self.list_unused: bool = option.gemini_unused
        self.folder: Path = config.rootpath / ini("gemini_cassette_dir")
        self._variables: list[str] = ini("gemini_redact")
        self._redaction = {name: ini(f"gemini_{name}") for name in _REDACTION if ini(f"gemini_{name}")}
        speed = option.gemini_speed or ini("gemini_speed")
        given = {
            "speed": None if speed == "1" else speed,
            "match": ini("gemini_match"),
            "hosts": self.hosts,
            "ignore_hosts": self.ignore_hosts,
            "upstream": self.upstream,
            **self._redaction,
        }
        self.session: dict[str, Any] = {name: value for name, value in given.items() if value not in (None, [])}
        if self.session or option.gemini_record is not None:  # most runs give none, and load nothing that checks them
            from ..errors import UsageError
            from ..session.arguments import checked

            try:
                checked(mode=self.mode, **self.session)
            except UsageError as error:
                raise pytest.UsageError(str(error)) from None

    @property
    def may_record(self) -> bool:
        """Whether the run may record."""
        return self.mode not in ("none", "live")

    @property
    def redact(self) -> list[str]:
        """The values of the environment variables that `gemini_redact` names.

        Raises:
            UsageError: a value is too short to be searched for; or the run may record, and a variable is not set.
        """
        from ..cassette.redaction import Redactor
        from ..errors import UsageError

        values = []
        for name in self._variables:
            value = os.environ.get(name)
            if not value and self.may_record:
                raise UsageError(
                    f"gemini_redact names the environment variable {name}, which is not set.",
                    suggestion="Its value could not be redacted in what is recorded.",
                    hint="Set it while recording, or leave it out of the setting.",
                )
            if not value:
                continue
            try:
                Redactor([value])
            except UsageError as error:
                raise UsageError(
                    f"gemini_redact names the environment variable {name}.", suggestion=error.message, hint=error.hint
                ) from None
            values.append(value)
        return values

    def redactor(self) -> Redactor:
        """What redacts test ids and names; the errors are those of `redact`."""
        from ..cassette.redaction import Redactor

        return Redactor(self.redact, **self._redaction)
