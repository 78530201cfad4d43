"""The survey as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advice import GROUPS, group_of

COLUMNS = ("gemini", "gateway", "sse", "json-array", "hostile")
END = (Path(__file__).parent / "end.md").read_text(encoding="utf-8")
START = (Path(__file__).parent / "start.md").read_text(encoding="utf-8")


def page(found: dict[str, Any]) -> str:
    """The whole page, of what is in the JSON."""
    parts = [START, _table(found), *_groups(found), "## Parser by parser\n", *_parsers(found), END]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _table(found: dict[str, Any]) -> str:
    lines = [
        f"| parser | versions | {' | '.join(COLUMNS)} | at a cut | time grows | late |",
        f"|---|---|{'---|' * len(COLUMNS)}---|---|---|",
    ]
    for name, one in found.items():
        counts = [_count(one, profile) for profile in COLUMNS]
        cuts = sum(bug["needs_cut"] and bug["name"] != "promptness" for bug in one["bugs"])
        grows = max((growth["exponent"] or 99 for growth in one["growth"]), default=0)
        bad = any(growth["bad"] for growth in one["growth"])
        late = ", ".join(sorted({"yes" if prompt["late"] else "no" for prompt in one["promptness"].values()}))
        lines.append(
            f"| [{name}](#{_anchor(name)}) | {_versions(one)} | {' | '.join(counts)} | {cuts or ''} | "
            f"{f'**n^{grows:.1f}**' if bad else 'no'} | {late} |"
        )
    return "\n".join(lines)


def _count(one: dict[str, Any], profile: str) -> str:
    if profile not in one["profiles"]:
        return ""
    return str(sum(profile in bug["profiles"] and bug["name"] not in ("growth", "promptness") for bug in one["bugs"]))


def _versions(one: dict[str, Any]) -> str:
    return ", ".join(f"{package} {version}" for package, version in one["versions"].items() if package != "python")


def _groups(found: dict[str, Any]) -> Iterator[str]:
    yield "## What goes wrong, and what to do about it\n"
    for heading, _, todo in GROUPS:
        hit: dict[str, list[str]] = {}
        for name, one in found.items():
            for bug in one["bugs"]:
                if group_of(bug["name"]) == heading:
                    hit.setdefault(bug["name"], []).append(f"{name} ({bug['kind']})")
        if hit:
            lines = [f"- {name}: {', '.join(parsers)}" for name, parsers in hit.items()]
            yield "\n".join([f"### {heading}\n", todo, "", *lines, ""])


def _parsers(found: dict[str, Any]) -> Iterator[str]:
    for name, one in found.items():
        lines = [f"### {name}\n", f"{one['about'].strip()} Versions: {_all_versions(one)}.", ""]
        if one["bugs"]:
            lines += ["| class | profiles | what | the smallest case | came |", "|---|---|---|---|---|"]
            lines += [_row(bug) for bug in one["bugs"]]
        else:
            lines.append(f"No bug in {one['classes']} classes.")
        if one["unconfirmed"]:
            doubtful = ", ".join(f"{bug['name']} ({bug['kind']})" for bug in one["unconfirmed"])
            lines += ["", f"Seen in the search, but not when the chunks were fed again: {doubtful}."]
        growth = "; ".join(f"{g['shape']} n^{g['exponent']}" for g in one["growth"])
        lines += ["", f"Growth, as a power of the size: {growth}."]
        behaviour = _behaviour(one["behaviour"])
        if behaviour:
            lines += ["", f"Where there is a choice: {behaviour}."]
        yield "\n".join([*lines, ""])


def _row(bug: dict[str, Any]) -> str:
    if bug["kind"] == "grows":
        case, what = "", "time grows"
    else:
        literal = " ".join(line.strip() for line in bug["chunks_python"].splitlines()).replace(",]", "]")
        case = _code(literal, 240)
        what = bug["kind"] + (", at a cut" if bug["needs_cut"] else "")
    return f"| {bug['name']} | {', '.join(bug['profiles'])} | {what} | {case} | {_code(bug['came'], 200)} |"


def _code(text: str, width: int) -> str:
    flat = " ".join("".join(one if one.isprintable() else repr(one)[1:-1] for one in text).split())
    clipped = flat if len(flat) <= width else f"{flat[: width - 1]}…"
    ticks = "``" if "`" in clipped else "`"
    return f"{ticks}{clipped.replace('|', chr(92) + '|')}{ticks}" if clipped else ""


def _behaviour(behaviour: dict[str, str]) -> str:
    return "; ".join(f"{name}: {said}" for name, said in behaviour.items() if said)


def _all_versions(one: dict[str, Any]) -> str:
    return ", ".join(f"{package} {version}" for package, version in one["versions"].items())


def _anchor(name: str) -> str:
    return "".join(one for one in name.lower() if one.isalnum() or one == "-")
