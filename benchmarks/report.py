"""Results as JSON, as tables for the terminal, and as the page `docs/benchmarks.md`.

The tables and the page are made of the JSON, so that a page can hold tables that were measured on different days.
A table's key `since` has remarks on what has been measured after it, until it is made again.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Result, Row, Spread

if TYPE_CHECKING:
    from types import ModuleType

    from rich.table import Table

Json = dict[str, Any]

INTRODUCTION = """\
# Benchmarks

How fast gemini-replay is, beside other libraries and beside the least that Python can do of the same (the floor). \
This page is made by

```console
$ python -m benchmarks --write-docs
```

which measures on the present machine; `python -m benchmarks --help` names the tables, to measure only \
some of them. It needs the extra `dev`, and installs other libraries into environments of their own below \
`.benchmarks/`.

- Each contestant must be right before it is measured: what it returns is compared with what was expected. A wrong \
one has no figures, and the table says how it was wrong.
- Each contestant has processes of its own. They take turns, so that a busy moment meets all of them.
- A figure is the median of all turns, with the quartiles beside it. "× floor" is the median of the ratios to the \
floor's figure in the same turn; ratios hold on other machines, times do not. Where a table says how long a fixed \
loop of Python took before it (the quartiles of 300 loops), that shows how fast the machine was at that time.
- Times are processor time, if the heading does not say "wall clock".
"""


REASON = 120
"""Characters of the reason why a contestant has no figures; the JSON has all of it."""

WORDS = ("", "target", "note")
"""Columns of words; the others have figures."""


def as_json(result: Result) -> Json:
    """All that is known of a benchmark, ready to be written."""
    benchmark = result.benchmark
    return {
        "name": benchmark.name,
        "unit": benchmark.unit,
        "measures": benchmark.measures,
        "floor": benchmark.floor,
        "limit": benchmark.limit,
        "rows": [_row(result, row) for row in result.rows],
    }


def _row(result: Result, row: Row) -> Json:
    ratio = result.ratio(row)
    targets = [{"target": str(one.target), "found": one.found, "met": one.met} for one in result.verdicts(row)]
    return {
        "name": row.contestant.name,
        "note": row.contestant.note,
        "refused": row.refused,
        "figure": asdict(Spread.of(row.rounds)) if row.rounds else None,
        "ratio": asdict(ratio) if ratio else None,
        "also": dict(row.also),
        "targets": targets,
        "rounds": [float(f"{figure:.4g}") for figure in row.rounds],
    }


def heading(benchmark: Json) -> str:
    """The benchmark's name, with its unit and clock."""
    clock = ", wall clock" if benchmark["measures"] == "wall" else ""
    return f"{benchmark['name']} ({benchmark['unit']}{clock})"


def columns(benchmark: Json) -> list[str]:
    """The heads of its table; there is none for words that no row has."""
    floor = ["× floor"] if benchmark["floor"] else []
    heads = ["", benchmark["unit"], "quartiles", *floor, *_also(benchmark)]
    return heads + [head for head, each in zip(("target", "note"), _words(benchmark), strict=True) if any(each)]


def cells(benchmark: Json) -> Iterable[list[str]]:
    """The rows of its table."""
    words = [each for each in _words(benchmark) if any(each)]
    for number, row in enumerate(benchmark["rows"]):
        spread, ratio = row["figure"], row["ratio"]
        figures = ["–", ""]
        if spread:
            figures = [_short(spread["median"]), f"{_short(spread['low'])} … {_short(spread['high'])}"]
        floor = [f"{ratio['median']:.2f}" if ratio else ""] if benchmark["floor"] else []
        also = [_short(row["also"][name]) if name in row["also"] else "" for name in _also(benchmark)]
        name = f"{row['name']} (floor)" if row["name"] == benchmark["floor"] else row["name"]
        yield [name, *figures, *floor, *also, *(each[number] for each in words)]


def _words(benchmark: Json) -> tuple[list[str], list[str]]:
    """The verdicts on the targets of each row, and its note: with the reason, if it has no figures."""
    rows = benchmark["rows"]
    reasons = [textwrap.shorten(row["refused"].partition("\n")[0], REASON, placeholder=" …") for row in rows]
    notes = [". ".join(filter(None, [row["note"], reason])) for row, reason in zip(rows, reasons, strict=True)]
    return ["; ".join(map(verdict, row["targets"])) for row in rows], notes


def verdict(target: Json) -> str:
    """A target, what was found, and whether that is enough."""
    if target["met"] is None:
        return f"{target['target']}: not measured"
    word = "met" if target["met"] else "**missed**"
    return f"{target['target']}: {word} ({_short(target['found'])})"


def terminal_table(benchmark: Json) -> Table:
    """For rich."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(heading(benchmark)), title_justify="left")
    for head in columns(benchmark):
        text = head in WORDS
        table.add_column(head, justify="left" if text else "right", no_wrap=head in ("", "quartiles"))
    for row in cells(benchmark):
        table.add_row(*(Text(cell.replace("**", "")) for cell in row))
    return table


def page(modules: Mapping[str, ModuleType], tables: Mapping[str, Json]) -> str:
    """The page of all tables that have been measured."""
    parts = [INTRODUCTION]
    for name, module in modules.items():
        if name not in tables:
            continue
        title, _, words = (inspect.getdoc(module) or name).partition("\n")
        parts += [
            f"## {title.rstrip('.')}\n",
            f"`python -m benchmarks {name}`" + (f"\n{words.rstrip()}\n" if words else "\n"),
        ]
        parts += _measured(tables[name])
    return "\n".join(parts)


def _measured(table: Json) -> Iterable[str]:
    about = table["about"]
    versions = ", ".join(f"{name} {version}" for name, version in table["versions"].items())
    load = f"; load average at the start {about['load']}" if about["load"] else ""
    loop = f"; a loop of 100,000 turns took {about['loop']}" if "loop" in about else ""
    yield f"{about['date']}: {about['machine']}, {about['python']}{load}{loop}; {versions}.\n"
    if about["warning"]:
        yield f"**{about['warning']}**\n"
    for remark in table.get("since", ()):
        yield f"Since then: {remark}\n"
    if table["quick"]:
        yield "**A quick run, to see that it works.**\n"
    for benchmark in table["benchmarks"]:
        yield f"### {heading(benchmark)}\n"
        heads = columns(benchmark)
        yield _line(heads)
        yield _line(["---" if head in WORDS else "--:" for head in heads])
        yield from map(_line, cells(benchmark))
        yield f"\nWhat limits it: {benchmark['limit']}\n" if benchmark["limit"] else ""


def _line(row: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"


def _also(benchmark: Json) -> list[str]:
    return list(dict.fromkeys(name for row in benchmark["rows"] for name in row["also"]))


def _short(value: float) -> str:
    """Three digits, or all of the whole part, without an exponent."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}"
