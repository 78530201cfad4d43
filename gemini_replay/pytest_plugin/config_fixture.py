"""The fixture `gemini_cassette_config` as users override it: what each of its definitions returns holds.

pytest itself would set up the nearest definition alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from .options import FIXTURE

if TYPE_CHECKING:
    from ..errors import UsageError


class Layer(NamedTuple):
    """What one definition of the fixture returned."""

    returned: object
    source: str
    """The fixture's name and the folder or file that the definition is for, where pytest shows it."""
    place: str
    """Where the definition is written, for messages: the file and the line."""
    scope: str = ""
    """The folder or file that the definition is for, as a test's id begins; "" for the whole run."""

    def holds_for(self, path: str) -> bool:
        """Whether the definition is for a file, whose path below the root directory has slashes."""
        return not self.scope or path == self.scope or path.startswith(f"{self.scope}/")


def set_up_overridden(definition: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Set up what a definition of the fixture overrides, as if the definition had asked for it."""
    if definition in _definitions(request._pyfuncitem)[1:]:
        request.getfixturevalue(FIXTURE)


def params_missing(item: pytest.Item) -> UsageError | None:
    """The error if a definition has `params`, and the test was not made for one of them.

    pytest makes a test for each parameter only if the test, or a fixture that it names, asks for the fixture.
    """
    callspec = getattr(item, "callspec", None)
    if callspec is not None and FIXTURE in callspec.params:
        return None
    for definition in _definitions(item):
        if definition.params is not None:
            from ..errors import UsageError

            return UsageError(
                f"The fixture {FIXTURE}{_place(definition)} has params, and this test, which does not name it, gets "
                "none of them.",
                hint=f"Name it as an argument of the test: {FIXTURE}. Or give the tests their settings with "
                "pytest.param(…, marks=pytest.mark.gemini_cassette(…)).",
            )
    return None


def layers(item: pytest.Item, nearest: Mapping[str, Any]) -> Iterator[Layer]:
    """What the definitions returned that hold for a test, from the furthest to the `nearest`, which the test got.

    Raises:
        UsageError: the test sets the fixture with `parametrize`, so that what it overrides was not set up.
    """
    definitions = _definitions(item)
    returned = [one.cached_result[0] for one in definitions if one.cached_result is not None]
    if len(returned) == len(definitions) and returned and returned[-1] is nearest:
        for value, definition in zip(returned, definitions, strict=True):
            yield Layer(value, _source(definition), _place(definition), definition.baseid)
        return
    if len(definitions) > 1:
        from ..errors import UsageError

        raise UsageError(
            f"The test sets {FIXTURE} with parametrize, so the settings of the fixture{_place(definitions[-1])} "
            "would not hold.",
            hint="Give the test its settings with the marker gemini_cassette: pytest.param(…, marks=…).",
        )
    yield Layer(nearest, FIXTURE, "", item.nodeid)


def current_layers(item: pytest.Item) -> list[Layer]:
    """What the definitions return that hold for a test that is set up or runs.

    Raises:
        UsageError: as in `layers`.
    """
    request: Any = getattr(item, "_request", None)  # some items of other plugins have none
    return [] if request is None else list(layers(item, request.getfixturevalue(FIXTURE)))


def seen_by(file: Path, found: Iterable[Layer], root: Path) -> list[Layer]:
    """Those layers that a file sees; `root` is the root directory."""
    path = Path(os.path.relpath(os.path.realpath(file), os.path.realpath(root))).as_posix()
    return [layer for layer in found if layer.holds_for(path)]


def _definitions(item: pytest.Item) -> list[pytest.FixtureDef[Any]]:
    """The definitions of the fixture that a test sees, from the furthest to the nearest."""
    return list(item.session._fixturemanager.getfixturedefs(FIXTURE, item) or ())


def _source(definition: pytest.FixtureDef[Any]) -> str:
    return f"{FIXTURE} of {definition.baseid}" if definition.baseid else FIXTURE


def _place(definition: pytest.FixtureDef[Any]) -> str:
    code = getattr(definition.func, "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
