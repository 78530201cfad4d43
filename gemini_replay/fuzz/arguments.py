"""The arguments of ``gemini-replay fuzz``: in a module of their own, since every command builds them."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "target", nargs="?", metavar="MODULE:CALLABLE", help="takes chunks of bytes, returns JSON objects"
    )
    parser.add_argument("--command", metavar="CMD", help="a parser in any language that speaks the line protocol")
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="for each case of --command; 10 by default"
    )
    parser.add_argument(
        "--adapter",
        metavar="KIND",
        help="what the callable takes instead of chunks of bytes: text, lines, byte-lines; callback: chunks and a "
        "function; httpx, httpx2, requests or aiohttp: a response, or what it gives, as in httpx.iter_lines; push: "
        "nothing, and it returns a parser that is fed",
    )
    parser.add_argument(
        "--profile",
        action="append",
        metavar="NAME",
        help="gemini (default), gateway, sse, json-array, hostile, smoke (the quickest) or all; may be repeated",
    )
    parser.add_argument(
        "--class", action="append", dest="classes", metavar="NAME", help="only this class of cases; may be repeated"
    )
    parser.add_argument("--max-examples", type=int, metavar="N", help="documents to draw for each class")
    parser.add_argument("--seed", type=int, metavar="N", help="for the same search each time")
    parser.add_argument(
        "--max-time", metavar="TIME", help="how long the search may take, such as 60s or 5m, shared out among classes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the whole survey to this file")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the survey as JUnit XML, for CI")
    parser.add_argument(
        "--save", type=Path, metavar="DIR", help="write each bug's case to this folder, as a cassette"
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="a file of known bugs, which do not fail the command"
    )
    parser.add_argument("--update-baseline", action="store_true", help="write the bugs of this run to the baseline")
    parser.add_argument(
        "--database",
        action="append",
        metavar="DB",
        help="where to keep found cases: a folder or redis://HOST:PORT/0; readonly:DB is only read; may be repeated",
    )
    parser.add_argument(
        "--write-corpus",
        type=Path,
        metavar="DIR",
        help="write streams of all classes of the profiles to this folder, as seeds for a coverage-guided engine; "
        "no parser is needed",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress on standard error")
