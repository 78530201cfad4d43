"""The command line: ``gemini-replay …`` and ``python -m gemini_replay …``. Each command calls one other module."""

from __future__ import annotations

import argparse
import codecs
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from ._version import __version__
from .errors import CassetteError, GeminiReplayError, MissingExtraError, UsageError
from .fuzz.arguments import add_arguments as add_fuzz_arguments
from .plain_text import plain, plain_lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: those of the process by default.

    Returns:
        The exit status: 0 for success, 1 if something is wrong with the files, 2 for a wrong usage of the command.
    """
    for console in (sys.stdout, sys.stderr):
        if isinstance(console, io.TextIOWrapper):
            console.reconfigure(errors="backslashreplace")  # escape what its encoding does not have
    chosen = _parser().parse_args(arguments)
    try:
        status: int = chosen.run(chosen)
    except GeminiReplayError as error:
        print(f"gemini-replay: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # nobody reads the output any more (`gemini-replay show … | head`)
        sys.stderr.close()
        return 0
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(plain_lines(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gemini-replay", description="Record live Gemini streams once, and replay them exactly.")
    parser.add_argument("--version", action="version", version=f"gemini-replay {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(name, help=help)
        added.set_defaults(run=run)
        return added

    demo = command("demo", _demo, "record a live stream from the embedded upstream, replay it, compare")
    demo.add_argument("--speed", default="1", help="the speed of the replay (default: 1)")
    demo.add_argument("--keep", type=Path, metavar="FILE", help="save the cassette here")

    upstream = command("upstream", _upstream, "run the embedded Gemini-like server")
    upstream.add_argument("--scenario", metavar="NAME", help="answer every request with this scenario, see --list")
    upstream.add_argument("--list", action="store_true", help="list the scenarios")
    upstream.add_argument("--key", help="accept only this API key (default: any)")
    upstream.add_argument("--pace", type=float, default=1.0, help="multiply every wait by this; 0: do not wait")
    upstream.add_argument("--seed", type=int, default=0, help="the seed of the random waits")
    upstream.add_argument("--gateway", action="store_true", help="answer like an API gateway")
    _add_rules(upstream)

    record = command("record", _record, "run a proxy that records")
    record.add_argument("cassette", type=Path, metavar="CASSETTE")
    record.add_argument("--upstream", metavar="URL", help="where the proxy sends requests (default: the Gemini API)")
    record.add_argument(
        "--mode",
        default="rewrite",
        metavar="MODE",
        help="rewrite (default): record everything again; new: replay what is recorded, append what is missing; "
        "once: record if there is no cassette, else replay",
    )
    _add_rules(record)

    serve = command("serve", _serve, "replay cassettes for any HTTP client")
    serve.add_argument("cassettes", nargs="+", type=Path, metavar="CASSETTE", help="cassettes, or folders of them")
    serve.add_argument("--speed", default="1", help="a factor, or instant")
    serve.add_argument("--max-gap", type=float, metavar="SECONDS", help="the longest wait")
    serve.add_argument("--rechunk", metavar="HOW", help="bytes, events, tcp, random[:SEED], or a size in bytes")
    serve.add_argument(
        "--fault", action="append", metavar="FAULT", help="a fault, such as reset@event:3; can be repeated"
    )
    serve.add_argument("--workers", type=int, default=1, metavar="N", help="only 1: equal requests play in order")
    _add_rules(serve)

    show = command("show", _show, "print the contents of cassettes")
    show.add_argument("cassettes", nargs="+", type=Path, metavar="CASSETTE")
    show.add_argument("--chunks", action="store_true", help="print every chunk with its time too")

    play = command("play", _play, "print a recorded answer while it streams")
    play.add_argument("cassette", type=Path, metavar="CASSETTE")
    play.add_argument("-n", "--interaction", type=int, default=1, metavar="N", help="which interaction (default: 1)")
    play.add_argument("--speed", default="1", help="a factor, or instant")
    play.add_argument("--max-gap", type=float, metavar="SECONDS", help="the longest wait")
    play.add_argument("--raw", action="store_true", help="print the bytes of the body instead of the text")

    check = command("check", _check, "check cassettes for errors and secrets")
    check.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="cassettes, or folders of them")
    check.add_argument("--salvage", action="store_true", help="close what was cut off; the original becomes .bak")

    retime = command("retime", _retime, "give cassettes the rhythm of a model")
    retime.add_argument("cassette", nargs="?", type=Path, metavar="CASSETTE")
    retime.add_argument("--profile", metavar="NAME", help="see --list (default: that of the requested model)")
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
    retime.add_argument("--list", action="store_true", help="list the profiles")

    fuzz = command("fuzz", _fuzz, "search for streams that a parser gets wrong")
    add_fuzz_arguments(fuzz)
    return parser


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


def _server_settings(chosen: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `serve_forever` that every server has."""
    from .server.entrance import Rules, parse_size

    host, colon, port = chosen.listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(
            f"{chosen.listen!r} is not an address to listen on.", hint="Give HOST:PORT, such as 127.0.0.1:8080."
        )
    rules = Rules(tuple(chosen.allow_origin), tuple(chosen.allow_host), parse_size(chosen.max_body))
    return {"host": host.strip("[]") or "127.0.0.1", "port": int(port), "rules": rules, "announce": _announce}


def _demo(chosen: argparse.Namespace) -> int:
    from .demo import run

    return run(speed=chosen.speed, keep=chosen.keep)


def _upstream(chosen: argparse.Namespace) -> int:
    from .server import running, upstream
    from .server.upstream import scenarios

    if chosen.list:
        for name, scenario in sorted(scenarios.SCENARIOS.items()):
            print(f"{name:20} {scenario.description}")
        return 0
    settings = _server_settings(chosen)
    app = upstream.Upstream(
        chosen.scenario,
        key=chosen.key or "any",
        pace=chosen.pace,
        seed=chosen.seed,
        gateway=chosen.gateway,
        kept=0,
    )
    with _log_on_stderr():
        running.serve_forever(app, **settings)
    return 0


def _record(chosen: argparse.Namespace) -> int:
    from .server import serving
    from .session import Session

    settings = _server_settings(chosen)
    if chosen.mode in ("none", "live"):
        raise UsageError(
            f"The mode {chosen.mode!r} does not record.",
            hint="Use once, new or rewrite. To replay only, run: gemini-replay serve",
        )
    session = Session(chosen.cassette, mode=chosen.mode, hosts=None, repeat=True)
    with _log_on_stderr():
        serving.serve_forever(session, base=chosen.upstream, **settings)
    counts = f"{session.recorded_count} recorded, {len(session.played)} replayed"
    print(f"gemini-replay: {counts}: {plain(str(session.path))}", file=sys.stderr)
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    from .server import serving
    from .session import Session

    settings = _server_settings(chosen)
    if chosen.workers != 1:
        raise UsageError(
            f"A server plays in one process, not in {chosen.workers}.",
            hint="Equal requests play in the recorded order, so processes would have to agree on each. "
            "For more load, start several servers, each with clients of its own.",
        )
    session = Session.replaying(
        list(_cassettes(chosen.cassettes)),
        speed=chosen.speed,
        max_gap=chosen.max_gap,
        rechunk=chosen.rechunk,
        fault=chosen.fault,
        hosts=None,
        repeat=True,
    )
    with _log_on_stderr():
        serving.serve_forever(session, **settings)
    return 0


def _announce(url: str) -> None:
    print(f"listening on {url}", flush=True)


@contextmanager
def _log_on_stderr() -> Iterator[None]:
    """Print the log of a server on standard error, since its clients may not show its error messages."""
    import logging

    class Plain(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return plain_lines(super().format(record))

    handler, log = logging.StreamHandler(), logging.getLogger("gemini_replay.server")
    handler.setFormatter(Plain("gemini-replay: %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def _show(chosen: argparse.Namespace) -> int:
    from .cassette.files import CassetteFile
    from .report import terminal

    for path in chosen.cassettes:
        cassette = CassetteFile.load(path)
        print(terminal.cassette_table(cassette))
        for interaction in cassette.interactions if chosen.chunks else ():
            print(f"\n{terminal.chunk_table(interaction)}")
    return 0


def _play(chosen: argparse.Namespace) -> int:
    from .engine.pacing import ThreadClock, play
    from .engine.player import Playback
    from .engine.schedule import Broken
    from .engine.timing import parse_max_gap, parse_real_speed
    from .gemini import StreamParser
    from .rhythm.cassette import Cassette

    cassette = Cassette.load(chosen.cassette)
    count = len(cassette.interactions)
    if not 1 <= chosen.interaction <= count:
        raise UsageError(
            f"{chosen.cassette} has no interaction {chosen.interaction}.",
            suggestion=f"It has {count}, counted from 1." if count else "It has none.",
            hint=f"See them with: gemini-replay show {chosen.cassette}",
        )
    interaction = cassette.interactions[chosen.interaction - 1]
    factor = parse_real_speed(chosen.speed, subject="This command", hint='Use a factor such as 4, or "instant".')
    playback = Playback(interaction, factor, parse_max_gap(chosen.max_gap))
    parser = StreamParser()
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("backslashreplace"), translate=True)
    to_a_person = sys.stdout.isatty()
    ending = None
    try:
        clock = ThreadClock()
        for part in play(playback.schedule("", clock.now()), clock):
            if not isinstance(part, bytes):
                continue
            if not chosen.raw:
                _write("".join(event.text for event in parser.feed(part)))
            elif to_a_person:
                _write(decoder.decode(part))
            else:
                sys.stdout.buffer.write(part)
                sys.stdout.buffer.flush()
    except Broken as broken:
        ending = broken.ending
    if not chosen.raw:
        _write("".join(event.text for event in parser.close()) + "\n")
    if ending is not None:
        print(f"gemini-replay: the recording ends here: {ending}", file=sys.stderr)
    return 0


def _write(text: str) -> None:
    print(plain_lines(text), end="", flush=True)


def _check(chosen: argparse.Namespace) -> int:
    from .rhythm.cassette import Cassette

    wrong = checked = 0
    search = _secrets_search()
    for path in _cassettes(chosen.paths):
        checked += 1
        try:
            Cassette.load(path)
            if found := search(path):
                wrong += 1
                print("\n".join(map(plain, found)))
                print("Record it again or remove the secrets by hand, and revoke the keys that it contained.\n")
            if path.suffix != ".part":
                continue
        except CassetteError as error:
            if not chosen.salvage:
                wrong += 1
                print(f"{error}\n")
                continue
        if chosen.salvage:
            _salvage(path)
    print(f"{checked} checked, {wrong} with errors")
    return 1 if wrong else 0


def _secrets_search() -> Callable[[Path], list[str]]:
    """Searches a cassette for secrets, with detect-secrets too if that is installed."""
    from .cassette.redaction import Redactor
    from .cassette.redaction.scanning import detect_secrets, scan

    redactor = Redactor()
    try:
        detect = detect_secrets()
    except MissingExtraError as missing:
        print(f"Searching for secrets without detect-secrets. {missing.hint}", file=sys.stderr)
        detect = None
    return lambda path: [str(finding) for finding in scan(path, redactor=redactor, detect=detect)]


def _salvage(path: Path) -> None:
    from .cassette.atomic_write import keep_backup
    from .cassette.files import salvage

    found, target = salvage(path), _salvaged(path)
    if target == path:
        print(plain(f"{path}: the original is kept as {keep_backup(path)}"))
    found.cassette.save(target)
    total = len(found.cassette.interactions)
    print(plain(f"{target}: {total} interactions salvaged, {found.whole} of them complete"))
    for problem in found.problems:
        print(plain_lines(f"left out: {problem.message}"))


def _retime(chosen: argparse.Namespace) -> int:
    from .cassette.atomic_write import keep_backup
    from .report import profiles
    from .rhythm.cassette import Cassette

    if chosen.list:
        print(profiles.profile_table())
        return 0
    if chosen.cassette is None:
        raise UsageError("The cassette to retime is missing.", hint="Give one, or --list to see the profiles.")
    timed = Cassette.load(chosen.cassette).retime(
        chosen.profile, seed=chosen.seed, rechunk=chosen.rechunk, only=chosen.only
    )
    target = chosen.output or chosen.cassette
    replaced = target.is_file() and target.read_bytes() != timed.dumps()
    kept = keep_backup(target) if replaced else None  # recorded times are nowhere else
    timed.save(target)
    if kept is not None:
        print(plain(f"{target}: the original is kept as {kept}"))
    return 0


def _fuzz(chosen: argparse.Namespace) -> int:
    from .fuzz.cli import run

    return run(chosen)


def _salvaged(path: Path) -> Path:
    """Where to save what was salvaged: a cassette is repaired in place, a journal becomes a cassette."""
    if path.suffix != ".part":
        return path
    cassette = path.with_name(path.name.partition(".jsonl")[0] + ".jsonl")
    return path.with_name(cassette.stem + ".salvaged.jsonl") if cassette.exists() else cassette


def _cassettes(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.rglob("*.jsonl"))
        if not found:
            raise UsageError(
                f"There is no cassette in {path}.", hint="Give a folder with .jsonl files, or the files."
            )
        yield from found
