"""What holds for the cassette of one test, and where each setting comes from.

The sources, from the furthest to the nearest: the ini file, the definitions of the fixture `gemini_cassette_config`,
the markers, the environment, the command line. The nearest wins, setting by setting. Only secrets add up: what one
source says is secret is secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pytest

from ..cassette.redaction import Redactor
from ..engine.timing import is_virtual
from ..errors import UsageError, did_you_mean
from ..session.arguments import checked
from ..session.settings import CassetteConfig
from ..session.terms import Terms, terms_of
from .cassette_paths import check_inside, default_path, named_path
from .config_fixture import Layer, layers
from .options import FIXTURE, MARKER, RECORD_VARIABLE, WIDE, RunSettings, in_ci, with_source

CONFIGURABLE = frozenset(CassetteConfig.__annotations__)
"""The settings that the fixture and the marker take."""
_DEFAULT_DIR = "cassettes"
_TESTS_FOLDER = "{folder}"
_PLACEHOLDER = re.compile(r"\{\w*\}")
_SECRETS = frozenset({"redact", "redact_headers", "redact_fields", "redact_patterns"})
_FROM_INI = "ini file"
_FROM_VARIABLE = f"environment variable {RECORD_VARIABLE}"
_FROM_COMMAND_LINE = "command line"
_RECORDING = frozenset({"once", "new", "rewrite", "verify"})
"""The modes in which answers are recorded, into a cassette or aside."""


class Configuration:
    """The settings of one test's cassette.

    Args:
        run: what holds for every test.
        item: the test; None: a session of wider scope.
        config: what `gemini_cassette_config` returns for this test; None: it is not known yet.
        config_layers: what its definitions return for a session of wider scope.
        names: the cassettes of a session of wider scope.
        given: the settings of a session of wider scope.
        folder: the folder of the file that opens it.
        served: whether a server answers the test. Virtual time, which a server cannot have, then counts only if the
            marker asks for it: what is said for many tests leaves this one with what is further off.

    Attributes:
        names: the cassettes that the marker names: the first is recorded into; empty: the test's own.
        sources: where each setting comes from.
        ci_mode: the record mode that continuous integration does not follow, since the command line does not give it;
            or "".

    Raises:
        UsageError: an unknown setting, or a value that cannot be used.
    """

    def __init__(
        self,
        run: RunSettings,
        item: pytest.Item | None = None,
        config: Mapping[str, Any] | None = None,
        *,
        config_layers: Iterable[Layer] = (),
        names: Sequence[str] = (),
        given: Mapping[str, Any] | None = None,
        folder: Path | None = None,
        served: bool = False,
    ) -> None:
        self._run = run
        self._served = served
        self._item = item
        self._folder = item.path.parent if item is not None else folder or run.root
        self._values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.names = tuple(self._checked_name(name) for name in names)
        self._add(_FROM_INI, {name: value for name, value in run.ini.items() if name != "redact"})
        if item is not None and config is not None:
            config_layers = layers(item, config)
        for layer in config_layers:
            self._add(layer.source, _checked(layer.returned, f"the fixture {FIXTURE}{layer.place}"))
        for marker in reversed(list(item.iter_markers(MARKER))) if item is not None else ():
            self._add("marker", self._read(marker))
        if given is not None:
            self._add(WIDE, _checked(given, WIDE))
        self._add(_FROM_VARIABLE, run.environment)
        self._add(_FROM_COMMAND_LINE, run.command_line)
        self.ci_mode = self._refuse_in_ci()

    def _add(self, source: str, given: Mapping[str, Any]) -> None:
        for name, value in given.items():
            if self._served and name == "speed" and source != "marker" and is_virtual(value):
                continue
            if value is None:  # the default, whatever a source further off says
                self._values.pop(name, None)
                self.sources.pop(name, None)
                continue
            if name in _SECRETS and name in self._values:
                known = _listed(self._values[name])
                value = (*known, *(one for one in _listed(value) if one not in known))
                self.sources[name] += f", {source}"
            else:
                self.sources[name] = source
            self._values[name] = value

    def _refuse_in_ci(self) -> str:
        mode: str = self._values.get("mode", "none")
        if mode not in _RECORDING or self.sources["mode"] == _FROM_COMMAND_LINE or not in_ci():
            return ""
        self._values["mode"] = "none"
        self.sources["mode"] = f"environment variable CI, in place of {mode} from the {self.sources['mode']}"
        return mode

    # -- the marker ------------------------------------------------------------------------------------------------

    def _read(self, marker: pytest.Mark) -> dict[str, Any]:
        given = dict(marker.kwargs)
        names = marker.args
        if "name" in given:
            name = given.pop("name")
            names = (*(name if isinstance(name, list | tuple) else [name]), *marker.args)
        if len(names) == 1 and isinstance(names[0], list | tuple):
            names = tuple(names[0])
        if names and names != (None,):
            self.names = tuple(self._checked_name(name) for name in names)
        return dict(_checked(given, f"the marker {MARKER}"))

    def _checked_name(self, name: object) -> str:
        found = os.fspath(name) if isinstance(name, (str, os.PathLike)) else None
        if isinstance(found, str) and found:
            return found
        raise UsageError(
            f"{name!r} cannot be the name of a cassette.",
            hint='Give it a name such as "story", or none.',
        )

    # -- what it comes to ------------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """The record mode. A session with a fault only replays: a test without the fault makes the recording."""
        return "none" if self._values.get("fault") else self._values.get("mode", "none")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The literal values that must not be stored."""
        named = self._run.secrets(recording=self.mode in _RECORDING)
        return (*named, *_listed(self._values.get("redact", ())))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings of the session, without its mode and the test's id."""
        given = {name: value for name, value in self._values.items() if name not in {"mode", "cassette_dir"}}
        secrets = self.secrets
        return {**given, "redact": secrets} if secrets else given

    @property
    def terms(self) -> Terms:
        """What the settings come to."""
        return terms_of(self.settings)

    @cached_property
    def redactor(self) -> Redactor:
        """What redacts the ids and names of tests."""
        return self.terms.redactor()

    def paths(self, test: str) -> list[Path]:
        """The cassettes of the test: the first is recorded into, the others are replayed from, too.

        Raises:
            UsageError: a name that no file can have, or a folder that cannot be used.
        """
        place = self._place
        if callable(place) and self._item is not None and not self.names:
            return [self._run.root / _checked_path("The function in cassette_dir returned", place(self._item))]
        folder = self.folder
        if self.names:
            return [named_path(folder, name, self.redactor) for name in self.names]
        assert self._item is not None
        root = self._item.path.parent if _TESTS_FOLDER in str(self._place) else self._run.root
        return [default_path(folder, self._item, test, self.redactor, root=root)]

    def check_recorded(self, path: Path) -> None:
        """Refuse to record through a symbolic link that leads out of the cassette folder.

        A function in `cassette_dir` decides by itself where its cassettes are.

        Raises:
            UsageError: it does.
        """
        if self.names or not callable(self._place):
            check_inside(self.folder, path)

    @property
    def _place(self) -> Any:
        return self._values.get("cassette_dir", _DEFAULT_DIR)

    @property
    def folder(self) -> Path:
        """The folder of the cassettes. If a function gives the paths, cassettes with names are in the default folder.

        Raises:
            UsageError: it is not a path, or it has a placeholder that is not known.
        """
        place = _DEFAULT_DIR if callable(self._place) else os.fspath(_checked_path("cassette_dir is", self._place))
        return _cassette_folder(self._run.root, place, self._folder if _TESTS_FOLDER in place else None)

    @property
    def reported(self) -> bool:
        """Whether a page tells of the run."""
        return self._run.report is not None

    def lines(self) -> list[str]:
        """One line for each setting that some source gives: its name, its value and the source.

        None unless the run shows them (`--gemini-show-config`).
        """
        if not self._run.show_config:
            return []
        shown = []
        for name in sorted(self._values):
            value = self._values[name]
            text = f"(secret values: {len(_listed(value))})" if name == "redact" else _shown(value)
            shown.append(f"{name} = {text}  [{self.sources[name]}]")
        if self._run.ini.get("redact"):
            shown.append(f"redact: the values of {', '.join(self._run.ini['redact'])}  [{_FROM_INI}]")
        return shown


def _checked(config: object, source: str) -> Mapping[str, Any]:
    if not isinstance(config, Mapping):
        raise UsageError(
            f"A dict of settings was expected from {source}, not a value of type {type(config).__name__}.",
            hint='It gives a dict of settings, such as {"speed": "virtual"}.',
        )
    for name in config:
        if name not in CONFIGURABLE:
            raise UsageError(
                f"Unknown setting {name!r} from {source}.",
                suggestion=did_you_mean(str(name), CONFIGURABLE),
                hint=f"The settings are {', '.join(sorted(CONFIGURABLE))}.",
            )
    try:  # also a value that a nearer source replaces
        checked(**{name: value for name, value in config.items() if name != "cassette_dir" and value is not None})
    except UsageError as error:
        raise with_source(error, source) from None
    return config


def _checked_path(what: str, value: Any) -> str | os.PathLike[str]:
    if isinstance(value, str | os.PathLike) and os.fspath(value) and isinstance(os.fspath(value), str):
        return value
    raise UsageError(f"{what} {value!r}.", hint='It takes a path, such as "cassettes" or "{folder}/cassettes".')


@lru_cache(256)
def _cassette_folder(root: Path, place: str, folder: Path | None) -> Path:
    """The folder of `cassette_dir`; `folder` is that of the test, if the place names it."""
    for unknown in set(_PLACEHOLDER.findall(place)) - {_TESTS_FOLDER}:
        raise UsageError(
            f"cassette_dir is {place!r}, and {unknown} is not known there.",
            suggestion=f"Did you mean {_TESTS_FOLDER}?",
            hint=f"Only {_TESTS_FOLDER}, the folder of the test, is replaced.",
        )
    return root / place.replace(_TESTS_FOLDER, str(folder))


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    return repr(value)
