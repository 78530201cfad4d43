"""A survey as JUnit's XML, which CI systems show: a test case for each class."""

from __future__ import annotations

from xml.etree import ElementTree

from ..plain_text import plain_lines
from .results import Result, Survey


def junit(survey: Survey, explained: dict[str, str]) -> str:
    """The XML.

    Args:
        survey: what was found.
        explained: for the new bugs, by the name of the class, the whole report.
    """
    skipped = [one for one in survey.results if _skipped(one)]
    suite = ElementTree.Element(
        "testsuite",
        name=f"gemini-replay fuzz {survey.parser}",
        tests=str(len(survey.results)),
        failures=str(len(survey.new_bugs)),
        errors="0",
        skipped=str(len(skipped)),
    )
    for one in survey.results:
        case = ElementTree.SubElement(suite, "testcase", classname=survey.parser, name=one.name)
        if reason := _skipped(one):
            ElementTree.SubElement(case, "skipped", message=reason)
        elif one.verdict == "bug":
            text = explained.get(one.name, "")
            failure = ElementTree.SubElement(
                case, "failure", message=plain_lines(text).partition("\n")[0], type=one.kind or ""
            )
            failure.text = plain_lines(text)
        elif said := "; ".join(filter(None, (one.behaviour, f"not tried: {one.left_out}" if one.left_out else ""))):
            ElementTree.SubElement(case, "system-out").text = plain_lines(said)
    ElementTree.indent(root := _suites(suite))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suites(suite: ElementTree.Element) -> ElementTree.Element:
    root = ElementTree.Element("testsuites")
    root.append(suite)
    return root


def _skipped(result: Result) -> str | None:
    if result.verdict == "bug" and result.known:
        return f"a known bug: {result.kind}"
    return f"not tried: {result.left_out}" if result.verdict == "not tried" else None
