"""Shell completion, by the library argcomplete (the extra `completion`).

A shell runs the command with ``_ARGCOMPLETE`` in the environment, and argcomplete answers with what can come next.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from ..errors import MissingExtraError


def completion(chosen: argparse.Namespace) -> int:
    """Print the code that makes a shell complete this command."""
    print(_argcomplete().shellcode(["gemini-replay"], shell=chosen.shell))
    return 0


def complete(parser: argparse.ArgumentParser) -> None:
    """Tell the shell what can come next, and end the process."""
    argcomplete = _argcomplete()
    files = import_module("argcomplete.completers").FilesCompleter
    cassettes, any_file = files(("jsonl", "part")), files()

    def values(prefix: str, action: argparse.Action, **rest: Any) -> Iterable[str]:
        if action.metavar in ("CASSETTE", "PATH", "A", "B"):
            found: Iterable[str] = cassettes(prefix, **rest)
            return found
        known = _known(action.dest)
        return any_file(prefix, **rest) if known is None else [one for one in known if one.startswith(prefix)]

    argcomplete.autocomplete(parser, default_completer=values, always_complete_options="long")


def _known(argument: str) -> Iterable[str] | None:
    """The values of an argument that has names for them; None for another."""
    if argument == "topic":
        from .explaining import topics

        return topics()
    if argument == "rhythm":
        from ..rhythm.rhythms import RHYTHMS

        return RHYTHMS
    if argument == "scenario":
        from ..server.upstream.scenarios import SCENARIOS

        return SCENARIOS
    return {"mode": ("once", "new", "rewrite", "verify"), "speed": ("instant",)}.get(argument)


def _argcomplete() -> Any:
    try:
        return import_module("argcomplete")
    except ImportError:
        raise MissingExtraError("argcomplete", extra="completion", purpose="Shell completion") from None
