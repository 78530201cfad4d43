"""Contents of other tools' JSON and YAML files, checked as they are read. No I/O."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..cassette.quoting import quoted
from ..errors import CassetteFormatError, MissingExtraError

_SURROGATE = re.compile("[\ud800-\udfff]")


class CheckedObject:
    """An object of a JSON or YAML file, whose members are checked as they are read.

    Args:
        value: the object.
        place: its place in the file, for messages ("interactions[0].request").
        path: the file.
    """

    def __init__(self, value: Any, place: str, path: Path | None) -> None:
        self._place, self._path = place, path
        if not isinstance(value, Mapping):
            raise self.error(f"{place or 'the file'} must be an object, not {_shown(value)}")
        self._value: Mapping[str, Any] = value

    def error(self, message: str) -> CassetteFormatError:
        """The error about a value in the file."""
        return CassetteFormatError(message, path=self._path, hint="Correct the file, or record it again.")

    def get(self, name: str) -> Any:
        """A member; None if it is absent."""
        return self._value.get(name)

    def text(self, name: str) -> str:
        """A member that must be a string."""
        value = self.get(name)
        if not isinstance(value, str):
            raise self.error(f"{self._within(name)} must be a text, not {_shown(value)}")
        if _SURROGATE.search(value):
            raise self.error(f"{self._within(name)} has a lone surrogate, which UTF-8 cannot encode: {value!a:.60}")
        return value

    def url(self, name: str) -> str:
        """A member that must be a URL."""
        value = self.text(name)
        try:
            _ = urlsplit(value).port
        except ValueError as error:
            raise self.error(f"{self._within(name)} is not a URL: {error}") from None
        return value

    def inner(self, name: str) -> CheckedObject:
        """A member that is an object; an empty one if it is absent."""
        value = self.get(name)
        return CheckedObject({} if value is None else value, self._within(name), self._path)

    def each(self, name: str) -> list[CheckedObject]:
        """The objects of a member that must be a list of objects."""
        return [
            CheckedObject(one, f"{self._within(name)}[{at}]", self._path) for at, one in enumerate(self.items(name))
        ]

    def items(self, name: str) -> list[Any]:
        """A member that must be a list; empty if it is absent."""
        value = self.get(name)
        if value is not None and not isinstance(value, list):
            raise self.error(f"{self._within(name)} must be a list, not {_shown(value)}")
        return value or []

    @property
    def all(self) -> Mapping[str, Any]:
        """The whole object."""
        return self._value

    def _within(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name


def from_base64(place: CheckedObject, text: str | bytes) -> bytes:
    """The bytes of a body in base64, which may be broken into lines.

    Raises:
        CassetteFormatError: it is something else.
    """
    try:
        return base64.b64decode(b"".join((text.encode() if isinstance(text, str) else text).split()), validate=True)
    except ValueError:
        raise place.error("a body that should be base64 is not") from None


def _shown(value: Any) -> str:
    return "nothing" if value is None else f"{value!r:.60}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError(_twice(name for name, _ in pairs))
    return members


def _twice(names: Iterable[object]) -> str:
    """What is said of keys, of which some appear twice; the last value would win, and the others would be lost."""
    ((name, _),) = Counter(names).most_common(1)
    return f"an object has the key {quoted(str(name))} twice"


def load_json(content: bytes, path: Path | None) -> Any:
    """The parsed content of a JSON file; a `CassetteFormatError` if it is not JSON."""
    try:
        return json.loads(content, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        said = getattr(error, "msg", None) or str(error)
        raise CassetteFormatError(f"the file is not valid JSON: {said}", path=path, line=line) from None


def load_yaml(content: bytes, path: Path | None) -> Any:
    """The parsed content of a YAML file. Dates stay strings, and strings of Python 2 are strings.

    Raises:
        MissingExtraError: PyYAML is not installed.
        CassetteFormatError: it is not YAML.
    """
    yaml = yaml_library()

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) != len(keys):
                raise yaml.constructor.ConstructorError(None, None, _twice(name for _, name in keys), node.start_mark)
            return super().construct_mapping(node, deep)

    for tag in ("timestamp", "python/unicode", "python/str"):
        Loader.add_constructor(f"tag:yaml.org,2002:{tag}", yaml.SafeLoader.construct_yaml_str)
    try:
        return yaml.load(content, Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid_yaml(error, path) from None


def refuse_invalid_yaml(content: bytes, path: Path | None) -> None:
    """Raise a `CassetteFormatError` if a file is not YAML. Its tags may be unknown, and its documents many.

    Raises:
        MissingExtraError: PyYAML is not installed.
        CassetteFormatError: it is not YAML.
    """
    yaml = yaml_library()
    try:
        for _ in yaml.parse(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _invalid_yaml(error, path) from None


def _invalid_yaml(error: Exception, path: Path | None) -> CassetteFormatError:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or str(error) or type(error).__name__
    line = mark.line + 1 if mark else None
    return CassetteFormatError(f"the file is not valid YAML: {said}", path=path, line=line)


def yaml_library() -> Any:
    """PyYAML; a `MissingExtraError` if it is not installed."""
    try:
        return import_module("yaml")
    except ImportError as missing:
        raise MissingExtraError("PyYAML", extra="convert", purpose="Reading and writing YAML") from missing
