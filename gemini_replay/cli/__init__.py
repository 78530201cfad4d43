"""The command line: ``gemini-replay …`` and ``python -m gemini_replay …``.

The commands and their arguments are here. What a command does is a function of its name, in a module that is imported
when the command is called.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TextIO

from .._version import __version__
from ..errors import GeminiReplayError, UsageError
from ..fuzz.arguments import add_arguments as add_fuzz_arguments
from ..plain_text import plain_lines

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of writing the output: whatever else is written names its file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the process by default.

    Returns:
        The exit status: 0 for success, 1 if something is wrong with the files, 2 for a wrong usage of the
            command. `diff` has that of the program diff.
    """
    for name in ("stdout", "stderr"):
        console = getattr(sys, name)
        if console is None:  # the caller has closed it
            setattr(sys, name, _nowhere())
        elif isinstance(console, io.TextIOWrapper):
            console.reconfigure(errors="backslashreplace")  # escape what its encoding does not have
    parser, function = _parser(), ""
    try:
        if "_ARGCOMPLETE" in os.environ:  # a shell asks what can come next
            from .completing import complete

            complete(parser)
        chosen = parser.parse_args(arguments)
        module, function = import_module(chosen.module, __name__), chosen.function
        status: int = getattr(module, function)(chosen)
        sys.stdout.flush()
    except GeminiReplayError as error:
        print(f"gemini-replay: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output has ended (`gemini-replay show … | head`)
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        sys.stdout = _nowhere()  # Python would try to write the rest when it ends
        print(f"gemini-replay: the output cannot be written: {error.strerror}", file=sys.stderr)
        return 2 if function == "diff" else 1
    return status


def _nowhere() -> TextIO:
    return open(os.devnull, "w")  # until the process ends


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if message.endswith("expected one argument"):
            message += "; a value that begins with - is written with =, as in --option=-5"
        super().error(plain_lines(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gemini-replay", description="Record live Gemini streams once, and replay them exactly.")
    parser.add_argument("--version", action="version", version=f"gemini-replay {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, module: str, help: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=help)
        added.set_defaults(module=module, function=name)
        return added

    demo = command("demo", ".servers", "record a live stream from the embedded upstream, replay it, compare")
    demo.add_argument("--speed", default="1", help="the speed of the replay (default: 1)")
    demo.add_argument("--keep", type=Path, metavar="FILE", help="save the cassette here")

    upstream = command("upstream", ".servers", "run the embedded Gemini-like server")
    upstream.description = (
        "Run a server that answers like the Gemini API and Vertex AI: generated contents, token counts, embeddings, "
        "models, files, cached contents, interactions, OpenAI-compatible methods, OAuth tokens. All is in memory."
    )
    upstream.epilog = (
        "A scenario is chosen by --scenario, by the model's name (models/thinking), by the header x-scenario, or by "
        "the text of the prompt (scenario:thinking). More: gemini-replay explain upstream"
    )
    upstream.add_argument("--scenario", metavar="NAME", help="answer every request with this scenario, see --list")
    upstream.add_argument("--list", action="store_true", help="list the scenarios")
    upstream.add_argument("--key", help="accept only this API key (default: any)")
    upstream.add_argument("--pace", type=float, default=1.0, help="multiply every wait by this; 0: do not wait")
    upstream.add_argument("--seed", type=int, default=0, help="the seed of the random waits")
    upstream.add_argument("--gateway", action="store_true", help="answer like an API gateway")
    _add_rules(upstream)

    record = command("record", ".servers", "run a proxy that records")
    record.add_argument("cassette", type=Path, metavar="CASSETTE")
    record.add_argument("--upstream", metavar="URL", help="where the proxy sends requests (default: the Gemini API)")
    record.add_argument(
        "--mode",
        default="rewrite",
        metavar="MODE",
        help="rewrite (default): record everything again; new: replay what is recorded, append what is missing; "
        "once: record if there is no cassette, else replay; verify: compare live answers with the cassette",
    )
    _add_matching(record)
    _add_rules(record)

    serve = command("serve", ".servers", "replay cassettes for any HTTP client")
    serve.add_argument("cassettes", nargs="+", type=Path, metavar="CASSETTE", help="cassettes, or folders of them")
    serve.add_argument("--speed", default="1", help="a factor, or instant")
    serve.add_argument("--max-gap", type=float, metavar="SECONDS", help="the longest wait")
    serve.add_argument("--rechunk", metavar="HOW", help="bytes, events, tcp, random[:SEED], or a size in bytes")
    serve.add_argument(
        "--fault", action="append", metavar="FAULT", help="a fault, such as reset@event:3; can be repeated"
    )
    serve.add_argument("--workers", type=int, default=1, metavar="N", help="only 1: equal requests play in order")
    _add_matching(serve)
    _add_rules(serve)

    show = command("show", ".looking", "print the contents of cassettes")
    show.add_argument("cassettes", nargs="+", type=Path, metavar="CASSETTE", help="cassettes, or folders of them")
    show.add_argument("--brief", action="store_true", help="one line for each interaction")
    show.add_argument("--request", action="store_true", help="print the request's headers and body in full")
    show.add_argument("--events", action="store_true", help="print the JSON of every event")
    show.add_argument("--chunks", action="store_true", help="print every chunk with its time too")
    show.add_argument("--outline", action="store_true", help="print what diff compares; git uses it (see diff --git)")
    show.add_argument("--json", action="store_true", help="print JSON for programs, one line for each cassette")

    report = command("report", ".looking", "make one web page of cassettes")
    report.description = (
        "Write a page that shows each interaction: the request, the answer as it streamed, a timeline, the events. "
        "The page is one file, and asks for nothing from anywhere."
    )
    report.add_argument("cassettes", nargs="+", type=Path, metavar="CASSETTE", help="cassettes, or folders of them")
    report.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="where to save the page")
    report.add_argument("--force", action="store_true", help="show cassettes that hold secrets, too, as they are")

    play = command("play", ".playing", "print recorded answers while they stream")
    play.add_argument("cassette", type=Path, metavar="CASSETTE")
    play.add_argument("-n", "--interaction", type=int, metavar="N", help="only this one (default: all in turn)")
    play.add_argument("--speed", default="1", help="a factor, or instant")
    play.add_argument("--max-gap", type=float, metavar="SECONDS", help="the longest wait")
    play.add_argument("--raw", action="store_true", help="print the bytes of the body instead of the text")

    diff = command("diff", ".looking", "compare cassettes by what they say")
    diff.description = (
        "Compare requests, texts by words, calls, the fields of events, usage and rhythm. What changes with every "
        "recording is left out: ids, dates, signatures, headers, times within reason. "
        "Exit status: 0 the same, 1 different, 2 trouble."
    )
    diff.add_argument("old", nargs="?", type=Path, metavar="A", help="a cassette, or a folder of them")
    diff.add_argument("new", nargs="?", type=Path, metavar="B")
    diff.add_argument("--all", action="store_true", help="compare everything")
    diff.add_argument("--git", action="store_true", help="make git compare cassettes so in this repository")

    check = command("check", ".checking", "check cassettes for errors, secrets, age and more")
    check.description = (
        "Check that cassettes can be read, hold no secret, and hold whole answers of models that are still served. "
        "Exit status: 0 no error, 1 errors (with --strict, also warnings), 2 wrong usage. "
        "More: gemini-replay explain check"
    )
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="cassettes, or folders of them")
    check.add_argument("--max-age", metavar="AGE", help="the greatest age of a cassette: 90d, 12w or 36h")
    check.add_argument(
        "--retired-model",
        action="append",
        default=[],
        metavar="NAME[=DATE]",
        help="a model that is no longer served, from this day on; can be repeated",
    )
    check.add_argument("--strict", action="store_true", help="warnings make the exit status 1, too")
    check.add_argument("--cassettes-only", action="store_true", help="leave out JSON Lines of another kind")
    check.add_argument("--json", action="store_true", help="print JSON for programs, one line for each finding")
    check.add_argument(
        "--fix",
        action="store_true",
        help="put each value on one line again, where a formatter has spread it; the original becomes .bak",
    )
    check.add_argument("--salvage", action="store_true", help="close what was cut off; the original becomes .bak")

    retime = command("retime", ".retiming", "give cassettes the rhythm of a model")
    retime.add_argument("cassette", nargs="?", type=Path, metavar="CASSETTE")
    retime.add_argument("--rhythm", metavar="NAME", help="see --list (default: that of the requested model)")
    retime.add_argument("--seed", type=int, default=0, help="the seed of the random times")
    retime.add_argument("--rechunk", metavar="HOW", help="change the chunk boundaries first, such as events")
    retime.add_argument(
        "--only", type=int, action="append", default=[], metavar="N", help="this interaction; can be repeated"
    )
    retime.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where to save (default: in place, the original becomes .bak)",
    )
    retime.add_argument("--list", action="store_true", help="list the rhythms of models")

    convert = command(
        "convert", ".converting", "make a cassette of another tool's file, or such a file of a cassette"
    )
    convert.description = (
        "Convert VCR.py's YAML, HAR, google-genai's replay JSON or aimock's fixtures to a cassette, or a cassette to "
        "VCR.py's YAML or HAR. Secrets are removed. More: gemini-replay explain convert"
    )
    convert.add_argument("input", type=Path, metavar="IN")
    convert.add_argument("output", type=Path, metavar="OUT", help="its ending says what it is: .jsonl, .yaml or .har")
    convert.add_argument("--rhythm", metavar="NAME", help="give the answers the rhythm of a model, see retime --list")
    convert.add_argument("--seed", type=int, default=0, help="the seed of the random times")

    migrate = command("migrate", ".converting", "convert a folder of other tools' files, and say what to change")
    migrate.add_argument("folder", type=Path, metavar="DIR")

    explain = command("explain", ".explaining", "print a page of the documentation")
    explain.add_argument("topic", nargs="?", metavar="TOPIC", help="a page or an error's name (default: a list)")

    completion = command("completion", ".completing", "print what makes a shell complete this command")
    completion.description = (
        'In ~/.bashrc: eval "$(gemini-replay completion bash)". In ~/.zshrc, after compinit: '
        'eval "$(gemini-replay completion zsh)". For fish, once: '
        "gemini-replay completion fish > ~/.config/fish/completions/gemini-replay.fish"
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))

    fuzz = command("fuzz", "..fuzz.cli", "search for streams that a parser gets wrong")
    add_fuzz_arguments(fuzz)
    return parser


def _add_matching(server: argparse.ArgumentParser) -> None:
    server.add_argument(
        "--match",
        action="append",
        metavar="KEY",
        help="what must be equal for a recording to answer a request (default: method, model, action, alt and body), "
        "see `gemini-replay explain matching`; can be repeated",
    )
    server.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="PATH",
        help="what is not compared, such as body.generationConfig.seed; can be repeated",
    )


def _add_rules(server: argparse.ArgumentParser) -> None:
    server.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: any free port")
    server.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let web pages of this origin use the server, such as https://app.example; pages of localhost always "
        "can; can be repeated",
    )
    server.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="let clients use this name for the server, such as host.docker.internal; can be repeated",
    )
    server.add_argument("--max-body", default="128M", metavar="SIZE", help="the largest request body (default: 128M)")
