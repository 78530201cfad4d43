"""Makes the survey's page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advice import SQUARE, TO_KNOW

from gemini_replay.fuzz.classes import CHECKS, IN_ARRAY

COLUMNS = ("gemini", "gateway", "sse", "json-array", "hostile")
END = (Path(__file__).parent / "end.md").read_text(encoding="utf-8")
START, START_OF_TABLE = (Path(__file__).parent / "start.md").read_text(encoding="utf-8").split("<!-- table -->")


def page(content: dict[str, Any]) -> str:
    """The whole page, made from the JSON."""
    found = content["parsers"]
    parts = [
        START,
        _to_know(found),
        START_OF_TABLE.replace("<!-- settings -->", _settings(found)),
        _table(found),
        *_groups(content),
        "## Parser by parser\n",
        *_parsers(found),
        END,
    ]
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _settings(found: dict[str, Any]) -> str:
    examples = sorted({one["max_examples"] for one in found.values()})
    drawn = " or ".join(map(str, examples))
    return (
        f"For each class the fixed documents were tried, and up to {drawn} more that Hypothesis drew, each with "
        "every cut that may tell something; with whole clients, whole and in single bytes only."
    )


def _to_know(found: dict[str, Any]) -> str:
    lines = [
        "| if you read streams with | know that, with Google | and behind gateways and other servers |",
        "|---|---|---|",
    ]
    for group, parsers in _groups_of(found):
        lines.append(f"| **{group}** | | |")
        for name, one in parsers:
            google, others = _known(one, True), _known(one, False)
            lines.append(f"| [{name}](#{_anchor(name)}) | {google or 'nothing was found'} | {others} |")
    return "\n".join(lines)


def _groups_of(found: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    for group in dict.fromkeys(one["group"] for one in found.values()):
        yield group, [(name, one) for name, one in found.items() if one["group"] == group]


def _known(one: dict[str, Any], google: bool) -> str:
    """What to know of a parser: from its bugs in streams of Google's, or from those in other streams only."""
    own = {bug["advice"] for bug in one["bugs"] if {"gemini", "json-array"} & set(bug["profiles"])}
    others = {bug["advice"] for bug in one["bugs"]} - own
    said = [said for heading, said in TO_KNOW.items() if heading in (own if google else others)]
    return "; ".join([one["leak"], *said] if google and one.get("leak") else said)


def _table(found: dict[str, Any]) -> str:
    lines = [
        f"| parser | versions | {' | '.join(COLUMNS)} | at a cut | time grows | late |",
        f"|---|---|{'---|' * len(COLUMNS)}---|---|---|",
    ]
    for name, one in found.items():
        counts = [_count(one, profile) for profile in COLUMNS]
        cuts = sum(bug["needs_cut"] and bug["name"] != "promptness" for bug in one["bugs"])
        slow = any(bug["advice"] == SQUARE for bug in one["bugs"]) or any(growth["bad"] for growth in one["growth"])
        grows = "**yes**" if slow else "no" if one["growth"] else ""
        late = ", ".join(sorted({"yes" if prompt["late"] else "no" for prompt in one["promptness"].values()}))
        lines.append(
            f"| [{name}](#{_anchor(name)}) | {_versions(one)} | {' | '.join(counts)} | {cuts or ''} | "
            f"{grows} | {late} |"
        )
    return "\n".join(lines)


def _count(one: dict[str, Any], profile: str) -> str:
    if profile not in one["profiles"]:
        return ""
    checks = {check + suffix for check in CHECKS for suffix in ("", IN_ARRAY)}
    return str(sum(profile in bug["profiles"] and bug["name"] not in checks for bug in one["bugs"]))


def _versions(one: dict[str, Any]) -> str:
    return ", ".join(f"{package} {version}" for package, version in one["versions"].items() if package != "python")


def _groups(content: dict[str, Any]) -> Iterator[str]:
    yield (
        "## What goes wrong, and what to do about it\n\n"
        "Each bug stands under what it comes from. Those in classes that mix everything (“anything …”) are left out "
        "here, since each has its cause in another class.\n"
    )
    for heading, hint in content["advice"].items():
        hit: dict[str, list[str]] = {}
        for name, one in content["parsers"].items():
            for bug in one["bugs"]:
                if bug["advice"] == heading:
                    hit.setdefault(bug["name"], []).append(f"{name} ({bug['kind']})")
        if hit:
            lines = [f"- {name}: {', '.join(parsers)}" for name, parsers in hit.items()]
            if len(lines) > 20:  # one parser that is wrong altogether
                whose = sorted({parser.partition(" ")[0] for parsers in hit.values() for parser in parsers})
                lines = [f"- {len(hit)} classes: {', '.join(whose)}"]
            yield "\n".join([f"### {heading}\n", hint, "", *lines, ""])


def _parsers(found: dict[str, Any]) -> Iterator[str]:
    for name, one in found.items():
        lines = [f"### {name}\n", f"{one['about'].strip()} Versions: {_all_versions(one)}.", ""]
        if one["bugs"]:
            lines += ["| class | profiles | what | the smallest case | came |", "|---|---|---|---|---|"]
            lines += [_row(bug) for bug in one["bugs"]]
            lines.append("")
        for verdict, said in (
            ("ok", "Right in"),
            ("unconfirmed", "Wrong in the search, but not when the chunks were fed again, in"),
            ("not tried", "Not tried:"),
        ):
            names = [case for case, given in one["verdicts"].items() if given == verdict]
            if verdict == "ok":
                lines += [f"Right in {len(names)} of {len(one['verdicts'])} classes.", ""]
            elif names:
                lines += [f"{said} {', '.join(names)}.", ""]
        if one["growth"]:
            growth = "; ".join(f"{g['shape']} {_power(g)}" for g in one["growth"])
            lines += [f"Growth, as a power of the size: {growth}.", ""]
        if one["behaviour"]:
            lines += [f"Where there is a choice: {_behaviour(one['behaviour'])}.", ""]
        yield "\n".join(lines)


def _power(growth: dict[str, Any]) -> str:
    return "beyond measure: it had to be stopped" if growth["exponent"] is None else f"n^{growth['exponent']:.1f}"


def _row(bug: dict[str, Any]) -> str:
    if bug["kind"] == "grows":
        case, what = "", "time grows"
    else:
        literal = " ".join(line.strip() for line in bug["chunks_python"].splitlines()).replace(",]", "]")
        earlier = "".join(f"after {_code(one, 240)}: " for one in bug.get("after", ()))
        case = earlier + _code(literal, 240)
        what = bug["kind"] + (", at a cut" if bug["needs_cut"] else "")
    profiles = ", ".join(profile for profile in bug["profiles"] if profile in COLUMNS)
    return f"| {bug['name']} | {profiles} | {what} | {case} | {_code(bug['came'], 200)} |"


def _code(text: str, width: int) -> str:
    flat = " ".join("".join(one if one.isprintable() else repr(one)[1:-1] for one in text).split())
    clipped = flat if len(flat) <= width else f"{flat[: width - 1]}…"
    ticks = "``" if "`" in clipped else "`"
    return f"{ticks}{clipped.replace('|', chr(92) + '|')}{ticks}" if clipped else ""


def _behaviour(behaviour: dict[str, str]) -> str:
    return "; ".join(f"{name}: {said}" for name, said in behaviour.items())


def _all_versions(one: dict[str, Any]) -> str:
    return ", ".join(f"{package} {version}" for package, version in one["versions"].items())


def _anchor(name: str) -> str:
    return "".join(one for one in name.lower().replace(" ", "-") if one.isalnum() or one == "-")
