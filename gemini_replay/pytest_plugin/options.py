"""The command line options and ini settings of the plugin."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from ..errors import UsageError

MARKER = "gemini_cassette"
MARKER_HELP = (
    "gemini_cassette(name=None, *more, mode=None, speed=None, match=None, …): answer the test's Gemini requests from "
    "the cassette NAME.jsonl (by default MODULE/TEST.jsonl), or record them into it. More names are cassettes to "
    "replay from as well. The keywords are the settings of gemini_replay.record and replay, and cassette_dir."
)
SERVER = "gemini_server"
CHECK_CLIENT = "check_gemini_client"
WIDE = "gemini_cassettes"
"""The fixture that opens sessions of wider scope."""
FIXTURE = "gemini_cassette_config"
"""The fixture that returns settings, and that users override."""
WATCHED = pytest.StashKey["set[Path]"]()
"""The paths of the cassettes that are opened from before the first conftest.py on; only with --gemini-unused."""
RECORD_VARIABLE = "GEMINI_REPLAY_RECORD"
"""The environment variable that sets the record mode of runs that other tools start."""


class _Unused(argparse.Action):
    """Takes the option ``--gemini-unused`` by its name: with ``=delete`` or without."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Note what is to be done: list, or delete."""
        delete = str(option_string).endswith("=delete") or namespace.gemini_unused == "delete"
        setattr(namespace, self.dest, "delete" if delete else "list")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and ini settings."""
    group = parser.getgroup("gemini-replay", "record and replay Gemini streams")
    group.addoption(
        "--gemini-record",
        metavar="MODE",
        help="none (default): only replay; once: record where there is no cassette; new: append what is missing; "
        "rewrite: record again what the tests of this run made; verify: compare live answers with the cassette, "
        "which stays as it is; live: use no cassette at all",
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
        "--gemini-unused=delete",  # a name, so that a path after --gemini-unused is not taken for its value
        action=_Unused,
        nargs=0,
        help="list the recordings that no test asked for, and the cassettes that no test opened; with =delete, "
        "remove them, if all tests ran and passed",
    )
    group.addoption(
        "--gemini-show-config",
        action="store_true",
        help="say which settings hold for each test with a cassette, and where each comes from",
    )
    group.addoption(
        "--gemini-report",
        metavar="FILE",
        help="write a web page of what the tests replayed, recorded and missed",
    )
    for name, ini in _INI.items():
        parser.addini(ini.name or f"gemini_{name}", ini.help, type=ini.kind, default=None)
    parser.addini("gemini_block_network", "refuse Google's Gemini hosts in every test", type="bool", default=False)
    parser.addini("gemini_report", "the file of a web page of the run, from the root directory")
    parser.addini("gemini_allow_hosts", "hosts that gemini_block_network does not refuse", type="args", default=[])
    parser.addini("gemini_max_age", "for `gemini-replay check`: the greatest age of a cassette, such as 90d")
    parser.addini("gemini_retired_models", "for `gemini-replay check`: NAME[=DATE] of models, one a line", "linelist")


@dataclass(frozen=True)
class _Ini:
    """An ini setting: its help, its type as pytest has it, and how its text becomes the setting's value."""

    help: str
    kind: Literal["string", "args", "linelist", "bool"] = "string"
    name: str = ""
    read: Callable[[str], Any] = str


def _number(text: str) -> Any:
    """The number in a text; else the text, which is then refused with the other values."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


_INI: dict[str, _Ini] = {
    "mode": _Ini("the record mode, unless --gemini-record gives another", name="gemini_record"),
    "cassette_dir": _Ini(
        "the folder of the cassettes, from the root directory (default: cassettes); {folder} is that of the test"
    ),
    "speed": _Ini("the speed of replay"),
    "max_gap": _Ini("the longest wait between two chunks, in seconds", read=_number),
    "rechunk": _Ini("other chunk boundaries than the recorded ones"),
    "fault": _Ini("what goes wrong in every replay, one fault a line", "linelist"),
    "match": _Ini("what must be equal for a recording to answer a request", "args"),
    "ignore": _Ini("paths of what is not compared, one a line, such as body.generationConfig.seed", "linelist"),
    "allow_unused": _Ini("whether a test may leave some of its recordings unused (default: true)", "bool"),
    "repeat": _Ini("whether a recording may answer again and again", "bool"),
    "hosts": _Ini("further hosts whose requests are recorded and replayed", "args"),
    "ignore_hosts": _Ini(
        "hosts, with or without a port, whose requests are never recorded, replayed or refused", "args"
    ),
    "upstream": _Ini("the base URL that recorded requests are sent to, in place of their own"),
    "redact": _Ini(
        "names of environment variables whose values must not be stored, besides those that are known to be secret",
        "args",
    ),
    "keep_headers": _Ini("headers whose values are kept although their names are not known to be harmless", "args"),
    "redact_headers": _Ini("further headers whose values must not be stored", "args"),
    "keep_fields": _Ini(
        "members of JSON, and parameters, whose values are kept although their names sound secret", "args"
    ),
    "redact_fields": _Ini("further such names whose values must not be stored", "args"),
    "redact_patterns": _Ini(
        "further shapes of secrets, one regular expression a line; a first group is the secret", "linelist"
    ),
    "ignore_drift": _Ini("paths that the mode verify leaves out, one a line, such as headers.location", "linelist"),
    "wire": _Ini("store compressed bodies as they came, instead of decoded", "bool"),
    "decoded_limit": _Ini("the most bytes that a compressed body may decode to", read=_number),
}
"""By the setting that it gives. Its own name is ``gemini_SETTING``, unless it has one."""

_OPTIONS = {"mode": "--gemini-record", "speed": "--gemini-speed", "upstream": "--gemini-upstream"}
"""By the setting that it gives."""


def in_ci() -> bool:
    """Whether the environment says that this is a continuous integration service."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


class RunSettings:
    """What the ini file, the environment and the command line say.

    Attributes:
        ini: settings of every session from the ini file; ``redact`` are names of environment variables there.
        environment: settings from the environment.
        command_line: settings from the command line.
        report: where to write the page of the run; None for no page.
        may_record: whether the command line or the environment ask for recording. A marker may, too.

    Raises:
        pytest.UsageError: an option or setting has a value that cannot be used.
    """

    def __init__(self, config: pytest.Config) -> None:
        option = config.option
        self.root: Path = config.rootpath
        self.block_network: bool = option.gemini_block_network or _ini(config, "gemini_block_network")
        self.allow_hosts: list[str] = _ini(config, "gemini_allow_hosts")
        self.delete_unused: bool = option.gemini_unused == "delete"
        self.list_unused: bool = option.gemini_unused is not None
        self.show_config: bool = option.gemini_show_config
        self.report = _report(config)
        self.ini: dict[str, Any] = {}
        for name, ini in _INI.items():
            value = _ini(config, ini.name or f"gemini_{name}")
            if value not in (None, "", []):
                self.ini[name] = ini.read(value) if ini.kind == "string" else value
        self.environment = _given(mode=os.environ.get(RECORD_VARIABLE))
        self.command_line = _given(
            mode=option.gemini_record, speed=option.gemini_speed, upstream=option.gemini_upstream
        )
        self._check()

    def _check(self) -> None:
        # Most runs set nothing. They need not import what checks settings.
        ini = {name: f"the ini setting {_INI[name].name or f'gemini_{name}'}" for name in self.ini}
        variable = dict.fromkeys(self.environment, f"the environment variable {RECORD_VARIABLE}")
        options = {name: f"the option {_OPTIONS[name]}" for name in self.command_line}
        for given, sources in ((self.ini, ini), (self.environment, variable), (self.command_line, options)):
            for name in given.keys() - {"redact", "cassette_dir"}:
                from ..errors import UsageError
                from ..session.arguments import checked

                try:
                    checked(**{name: given[name]})
                except UsageError as error:
                    raise pytest.UsageError(str(with_source(error, sources[name]))) from None

    @property
    def hosts(self) -> list[str]:
        """Further hosts that the guard refuses where the network is blocked."""
        found: list[str] = self.ini.get("hosts", [])
        return found

    def secrets(self, *, recording: bool) -> list[str]:
        """The values of the environment variables that the ini setting `gemini_redact` names.

        Raises:
            UsageError: a value is too short to be searched for; or the test records, and a variable is not set.
        """
        names = self.ini.get("redact", ())
        if not names:
            return []
        from ..cassette.redaction import Redactor
        from ..errors import UsageError

        values = []
        for name in names:
            value = os.environ.get(name)
            if not value and recording:
                raise UsageError(
                    f"gemini_redact names the environment variable {name}, which is not set.",
                    suggestion="Its value could not be redacted in what is recorded.",
                    hint="Set it while recording, or leave it out of the setting.",
                )
            if not value:
                continue
            try:
                Redactor([value], environ={})
            except UsageError as error:
                raise UsageError(
                    f"gemini_redact names the environment variable {name}.", suggestion=error.message, hint=error.hint
                ) from None
            values.append(value)
        return values


def _report(config: pytest.Config) -> Path | None:
    """Where the page of the run is to be: from the folder of the command or, by the ini file, from the root."""
    option: str | None = config.option.gemini_report
    ini: str | None = _ini(config, "gemini_report")
    if not (option or ini):
        return None
    path = config.invocation_params.dir / option if option else config.rootpath / str(ini)
    if path.is_dir():
        raise pytest.UsageError(f"The page of --gemini-report cannot be a folder: {path}.")
    from ..errors import UsageError
    from ..report.html.page import check_place

    try:
        check_place(path)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    return path


def _ini(config: pytest.Config, name: str) -> Any:
    """The value of an ini setting; pytest's own error about a wrong one does not name it."""
    try:
        return config.getini(name)
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"The ini setting {name} cannot be read: {error}.") from None


def with_source(error: UsageError, source: str) -> UsageError:
    """The same error, which also says where the value comes from."""
    hint = f"{error.hint}\nThe value comes from {source}.".lstrip()
    return type(error)(error.message, suggestion=error.suggestion, hint=hint)


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value}
