"""Models that are no longer served: those of Gemini that are known, and those that the user names."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

from ..cassette.model import Request
from ..errors import UsageError

_FORM = "NAME or NAME=DATE, such as my-model=2026-06-01; NAME may have the wildcards of a shell"


@dataclass(frozen=True)
class RetiredModel:
    """One model, or several of like names.

    Attributes:
        name: the name as in a URL, or a shell pattern.
        since: the day from which it is no longer served; None if it already is not.
    """

    name: str
    since: date | None = None

    @classmethod
    def parse(cls, text: str) -> RetiredModel:
        """One that a user writes.

        Raises:
            UsageError: it has another form.
        """
        name, _, day = (part.strip() for part in text.partition("="))
        try:
            since = date.fromisoformat(day) if day else None
        except ValueError:
            name, since = "", None
        if not name:
            raise UsageError(f"{text!r} is not a retired model.", hint=f"Give {_FORM}.")
        return cls(name.removeprefix("models/"), since)


class RetiredModels:
    """The list that ships, and the user's.

    Args:
        more: what the user adds. It comes first, so it may give another day for a model that is listed.
    """

    def __init__(self, more: Iterable[RetiredModel] = ()) -> None:
        self._more = tuple(more)

    def told(self, request: Request, now: datetime) -> str:
        """That the model of a request is retired; an empty text if it is not, or not yet."""
        name = _model(request)
        if name is None:
            return ""
        found = next((one for one in self._more if fnmatchcase(name, one.name)), None) or _shipped().get(name)
        if found is None or (found.since is not None and found.since > now.date()):
            return ""
        since = f" since {found.since}" if found.since else ""
        return f"the model {name} is retired{since}"


def _model(request: Request) -> str | None:
    """The model that the URL names, or the body where the URL names none."""
    if request.model is not None:
        return request.model
    named = request.json.get("model") if isinstance(request.json, dict) else None
    return named.removeprefix("models/") if isinstance(named, str) else None


def shipped_list() -> Any:
    """The list that ships: its date, its sources, and its models with the day from which each is not served."""
    return json.loads(resources.files(__package__).joinpath("retired_models.json").read_text(encoding="utf-8"))


@cache
def _shipped() -> dict[str, RetiredModel]:
    models = shipped_list()["models"]
    return {name: RetiredModel(name, date.fromisoformat(one["since"])) for name, one in models.items()}
