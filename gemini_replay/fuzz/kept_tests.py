"""The test to keep of a bug: a file for pytest that asserts what the case class asserts, and nothing more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .adapters import spelled
from .command import Command
from .literals import chunks_source, list_literal
from .results import Result
from .steadiness import RUNS

_AT_MOST = 1000  # repetitions of a stream that fails by chance
_UNKNOWN = "your_module"
_CERTAIN = 10  # as many failures are expected in all repetitions together


def kept_test(
    result: Result,
    parse: Callable[..., Any],
    profile: str,
    documented: Sequence[type[BaseException]] = (),
    search: Sequence[str] = (),
) -> str:
    """The whole file. A bug that one stream cannot show has a test that searches its class again.

    A bug that a fresh process does not show has a test that searches as before: ``search`` holds the arguments of
    `check_parser`, such as "seed=1".
    """
    document = result.document if result.shows_alone else None
    imports, call = _parser(parse)
    imports += [f"from {one.__module__} import {one.__name__}" for one in documented if one.__module__ != "builtins"]
    arguments = [call]
    lines: list[str] = []
    if document is None:
        arguments.append(f'profile="{profile}"')
        arguments += [f'classes=["{result.name}"]'] if result.shows_alone else search
    else:
        lines = chunks_source(result.chunks)
        arguments.append("chunks")
        if not document.free:
            arguments.append(f"one_of={list_literal([list(one.values) for one in document.readings])}")
        if document.malformed or document.must_raise:
            arguments.append(f"{'must' if document.must_raise else 'may'}_raise=True")
        if document.says:
            arguments.append(f"says={list_literal(document.says)}")
        if result.after:
            arguments.append(f"after={list_literal([list(one) for one in result.after])}")
        if result.failed < RUNS:
            arguments.append(f"times={_repetitions(result.failed)}")
    if documented:
        arguments.append(f"documented=[{', '.join(one.__name__ for one in documented)}]")
    lines += ["fuzz.check_parser(" if document is None else "fuzz.check_stream("]
    lines += [f"    {argument},".replace("\n", "\n    ") for argument in arguments]
    body = "\n".join([*lines, ")"]).replace("\n", "\n    ")
    head = "\n".join(["from gemini_replay import fuzz", *dict.fromkeys(imports)])
    return f"{head}\n\n\ndef {name_of_test(result)}():\n    {body}\n"


def name_of_test(result: Result) -> str:
    """The name of the test's function."""
    return f"test_{result.name.replace('-', '_')}"


def is_importable(parse: Callable[..., Any]) -> bool:
    """Whether the test to keep can import the parser as it stands there."""
    return not any(one.startswith(f"from {_UNKNOWN} ") for one in _parser(parse)[0])


def _parser(parse: Callable[..., Any]) -> tuple[list[str], str]:
    """How to import a parser, and the expression for it."""
    if isinstance(parse, Command):
        return ["from gemini_replay.fuzz.command import Command"], f"Command({parse.__name__!r})"
    name, module = getattr(parse, "__qualname__", ""), getattr(parse, "__module__", None)
    if not (module and module != "__main__" and name.isidentifier()):
        module, name = _UNKNOWN, "parse"
    call = spelled(parse, name)
    adapters = [] if call == name else ["from gemini_replay.fuzz import adapters"]
    return [*adapters, f"from {module} import {name}"], call


def _repetitions(failed: int) -> int:
    return min(_AT_MOST, _CERTAIN * RUNS // failed) if failed else _AT_MOST
