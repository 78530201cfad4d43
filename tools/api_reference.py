"""Make docs/api.md from the docstrings of the public names: ``python tools/api_reference.py [--check]``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "api.md"

HEAD = """\
# API reference

Made from the docstrings by `python tools/api_reference.py`. Names are those of `gemini_replay`, with
their module if they are not in the package itself. All are typed, for mypy and pyright.
"""

SECTIONS = {  # "module.*" is every class of a module
    "Record and replay": "record replay Session virtual_time session.settings.Mode",
    "Settings": """
        session.settings.PlaybackSettings session.settings.RedactionSettings session.settings.HostSettings
        session.settings.StorageSettings session.settings.ReplayTransportSettings
        session.settings.RecordTransportSettings session.settings.ReplaySettings session.settings.RecordSettings
        CassetteConfig
    """,
    "Cassettes": """
        Cassette Interaction Request cassette.model.Response cassette.model.Chunk cassette.model.End
    """,
    "Streams": "StreamParser parse_stream aparse_stream Event",
    "Transports": """
        transports.httpx.ReplayTransport transports.httpx.RecordTransport transports.respx.from_cassette
    """,
    "Faults": """
        faults.check_client faults.ClientReport faults.ClientResult faults.Outcome faults.sweep faults.Fault
        faults.parse_faults faults.faults_of faults.KINDS faults.RECHUNKINGS faults.SWEPT
    """,
    "Fuzz kit": """
        fuzz.check_parser fuzz.survey fuzz.Survey fuzz.Result fuzz.check_stream fuzz.check_bytes
        fuzz.event_streams fuzz.cut_streams fuzz.gemini_events fuzz.chunkings fuzz.corruptions
        fuzz.from_cassette fuzz.cases fuzz.Case fuzz.Document fuzz.CLASSES fuzz.PROFILES
        fuzz.adapters.text fuzz.adapters.lines fuzz.adapters.byte_lines fuzz.adapters.push fuzz.adapters.method
        fuzz.adapters.callback fuzz.adapters.httpx_response fuzz.adapters.httpx2_response
        fuzz.adapters.requests_response fuzz.adapters.aiohttp_response fuzz.command.Command
        fuzz.IncompleteSearchWarning
    """,
    "Another API": "provider.Provider",
    "Errors": "errors.*",
}

MEMBERS = {
    "Session": """
        interactions played recorded recorded_count unused misses problems removals applied faults model_time
        passed_through path mode speed test
    """,
    "transports.httpx.ReplayTransport": "close aclose",
    "transports.httpx.RecordTransport": "close aclose",
}
"""The members of these classes that are for users. Of other classes, all public members are."""


def page() -> str:
    """The whole page."""
    package = griffe.load("gemini_replay", search_paths=[str(ROOT)], docstring_parser="google")
    lines = [HEAD]
    for title, names in SECTIONS.items():
        lines.append(f"## {title}\n")
        for name in names.split():
            if name.endswith(".*"):
                for each in package[name[:-2]].classes:
                    lines += _entry(_resolved(package[f"{name[:-1]}{each}"]), f"{name[:-1]}{each}")
            else:
                lines += _entry(_resolved(package[name]), name)
    return "\n".join(lines).rstrip() + "\n"


def _resolved(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if isinstance(found, griffe.Alias) else found


def _entry(found: griffe.Object, name: str) -> Iterator[str]:
    yield f"### `{name}`\n"
    if isinstance(found, griffe.Function):
        yield _signature(found)
    elif isinstance(found, griffe.Class) and "__init__" in found.all_members:
        init = _resolved(found.all_members["__init__"])
        assert isinstance(init, griffe.Function)
        yield f"```pyi\n{_call(init, found.name)}\n```\n"
    yield from _docstring(found)
    if not isinstance(found, griffe.Class):
        return
    settings = [str(base) for base in found.bases if str(base).endswith("Settings")]
    if settings:
        yield f"All of {', '.join(f'`{base}`' for base in settings)}{' and these' if found.members else ''}.\n"
    members = _members(found, MEMBERS[name].split() if name in MEMBERS else None)
    attributes = {key: member for key, member in members.items() if isinstance(member, str)}
    if attributes:
        yield "Attributes:\n"
        yield from _items(attributes.items())
    for key, member in members.items():
        if isinstance(member, griffe.Function):
            yield f"#### `{name}.{key}`\n"
            yield _signature(member)
            yield from _docstring(member)


def _members(found: griffe.Class, wanted: list[str] | None) -> dict[str, str | griffe.Function]:
    """The methods of a class, and the texts of its attributes and properties."""
    members: dict[str, str | griffe.Function] = dict(_listed(found))
    for key, alias in found.all_members.items():
        member = _resolved(alias)
        if key.startswith("_") or key in members or member.docstring is None:
            continue
        text = member.docstring.value.split("\n\n")[0]
        members[key] = member if isinstance(member, griffe.Function) else _markdown(text)
    return members if wanted is None else {key: members[key] for key in wanted}


def _signature(found: griffe.Function) -> str:
    decorators = {str(decorator.value) for decorator in found.decorators}
    shape = ["@classmethod"] if "classmethod" in decorators else []
    shape.append(f"{'async ' if 'async' in found.labels else ''}def {_call(found, found.name)}")
    return "```pyi\n" + "\n".join(shape) + "\n```\n"


def _call(function: griffe.Function, name: str) -> str:
    """A function's signature without `self`; for a class, without a return type."""
    text = function.signature(name=name, return_type=function.name != "__init__")
    return re.sub(r"\((?:self|cls)(?:, |(?=\)))", "(", text, count=1)


def _docstring(found: griffe.Object) -> Iterator[str]:
    """The docstring as Markdown, without its attributes."""
    for section in found.docstring.parsed if found.docstring else ():
        match section:
            case griffe.DocstringSectionText():
                yield _markdown(section.value) + "\n"
            case griffe.DocstringSectionReturns() | griffe.DocstringSectionYields():
                text = " ".join(item.description for item in section.value)
                yield f"{section.kind.value.title()}: {_markdown(text)}\n"
            case griffe.DocstringSectionParameters():
                yield "Parameters:\n"
                yield from _items((item.name, _markdown(item.description)) for item in section.value)
            case griffe.DocstringSectionRaises():
                yield "Raises:\n"
                yield from _items((str(item.annotation), _markdown(item.description)) for item in section.value)
            case griffe.DocstringSectionAttributes():
                pass
            case _:
                raise SystemExit(f"{found.path}: unknown section {section.kind.value!r} in the docstring.")


def _items(items: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in items:
        yield f"- `{name}`: {text}"
    yield ""


def _listed(found: griffe.Class) -> dict[str, str]:
    """The attributes in the docstrings of a class and its bases; for settings, only its own."""
    bases = [found] if found.name.endswith(("Settings", "Config")) else [found, *found.mro()]
    texts: dict[str, str] = {}
    for base in bases:
        for section in base.docstring.parsed if base.docstring else ():
            if isinstance(section, griffe.DocstringSectionAttributes):
                for item in section.value:
                    texts.setdefault(item.name, _markdown(item.description))
    return texts


def _markdown(text: str) -> str:
    """A docstring's text as Markdown: code in single backquotes, paragraphs on one line each."""
    text = re.sub(r":\w+:`([^`]+)`", r"`\1`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    paragraphs = re.split(r"\n{2,}", text.strip())
    return "\n\n".join(one if one.startswith((" ", "-")) else " ".join(one.split()) for one in paragraphs)


def main() -> int:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="fail if the page is out of date; write nothing")
    made = page()
    if not parser.parse_args().check:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        print("docs/api.md is out of date. Run: python tools/api_reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
