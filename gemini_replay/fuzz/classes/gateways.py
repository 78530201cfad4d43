"""Classes about what gateways and proxies make of Gemini's SSE."""

from __future__ import annotations

from collections.abc import Sequence

from .. import messages as m
from .. import texts as t
from ..documents import CRLF, LF, STYLES, Document, Source, block, blocks, document, policy, spell
from .case_class import CaseClass, ProfileName

GATEWAY: tuple[ProfileName, ...] = ("gateway", "sse")

COMMENTS = (
    ":",
    ": keep-alive",
    ":ping",
    ": data: {}",
    ":data: [DONE]",
    ": {",
    ": 你好",
    ':: {"responseId": "no"}',
    ": " + "=" * 70,
)
NAMES = ("event: message", "id: 1", "retry: 3000", "event:message", "id:", "id: 你", "event: ")


def choose_end(source: Source) -> str:
    """The line ends of a whole stream."""
    return source.choice((LF, CRLF))


def _line_ends_lf(source: Source) -> Document:
    trees = m.small(source)
    return document(blocks(trees, newline=LF), trees)


def _no_space(source: Source) -> Document:
    trees = m.small(source)
    return document(blocks(trees, newline=choose_end(source), space=False), trees)


def comments(source: Source) -> Document:
    """Before, between, within and after events; as a block of their own, and as a line among others."""
    end, trees = choose_end(source), m.small(source)
    body = ""

    def comment() -> str:
        return source.choice(("", *COMMENTS))

    def line(text: str) -> str:
        return text + end if text else ""

    for tree in trees:
        own, before, after = comment(), comment(), comment()
        body += line(own) + (end if own else "") + line(before) + f"data: {spell(tree)}{end}" + line(after) + end
    return document(body + line(comment()), trees)


def _blank_lines(source: Source) -> Document:
    end, trees = choose_end(source), m.small(source)
    body = "".join(end * source.integer(0, 3) + block(tree, newline=end) for tree in trees)
    return document(body + end * source.integer(0, 3), trees)


def _done(source: Source) -> Document:
    end, trees = choose_end(source), m.small(source)
    body = blocks(trees, newline=end) + source.choice(("data: [DONE]", "data:[DONE]")) + end * 2
    return policy(body, skips=trees, yields=[*trees, "[DONE]"])


def wrapped(source: Source) -> Document:
    """Response headers inside the JSON, as some gateways put them."""
    end = choose_end(source)
    headers = {"content-type": "text/event-stream", "alt-svc": 'h3=":443"', "x": "data: {}"}
    trees = [{"sdkHttpResponse": {"headers": headers}, **tree} for tree in m.small(source)]
    beside: list[dict[str, str]] = [{"traceId": "1"}, {}]
    if around := source.integer(0, len(beside)):
        trees = [{"response": tree, **beside[around - 1]} for tree in trees]
    return document(blocks(trees, newline=end), trees)


def among_fields(source: Source, before: Sequence[str], after: Sequence[str]) -> Document:
    """Events with other fields before and after their data."""
    end, trees = choose_end(source), m.small(source)
    body = ""
    for tree in trees:
        first = source.many(lambda: source.choice(before), 0, 2)
        last = source.many(lambda: source.choice(after), 0, 1)
        body += "".join(line + end for line in (*first, f"data: {spell(tree)}", *last)) + end
    return document(body, trees)


def names(source: Source) -> Document:
    """Event, id and retry, before or after the data."""
    return among_fields(source, NAMES, NAMES)


def spacing(source: Source) -> Document:
    """White space where JSON and SSE allow it: between tokens, before and after the JSON text."""
    end, trees = choose_end(source), m.messages(source, t.ASCII, longest=2)
    body = ""
    for tree in trees:
        text = spell(tree, source.choice(STYLES))
        before, after = source.choice((" ", "  ", " \t", "", "\t")), source.choice(("", " ", "\t"))
        body += f"data:{before}{text}{after}{end}{end}"
    return document(body, trees)


def empty_data(source: Source) -> Document:
    """An event with empty data is dispatched; it holds no JSON."""
    end, before, after = choose_end(source), m.small(source, high=1), m.small(source, high=1)
    body = (
        blocks(before, newline=end)
        + source.choice(("data:", "data: ", "data"))
        + end * 2
        + blocks(after, newline=end)
    )
    return policy(
        body,
        skips=[*before, *after],
        yields_null=[*before, None, *after],
        yields_text=[*before, "", *after],
        yields_object=[*before, {}, *after],
    )


def anything_of_gateways(source: Source) -> Document:
    """All that gateways do, at once."""
    end, trees = choose_end(source), m.messages(source, t.ANYTHING)
    style, space = source.choice(STYLES), source.boolean()
    body = ""
    for tree in trees:
        before = source.many(lambda: source.choice((*COMMENTS, *NAMES)), 0, 2)
        text = block(tree, newline=end, space=space, style=style)
        body += "".join(line + end for line in before) + (end if before and source.boolean() else "") + text
    return document(body, trees)


def each(lines: Sequence[str]) -> list[Document]:
    """Each of some lines before an event, and between its data and its blank line."""
    tree = {"responseId": "a"}
    first = [document(f"{line}{LF}{block(tree, newline=LF)}", [tree]) for line in lines]
    return [*first, *(document(f"data: {spell(tree)}{LF}{line}{LF}{LF}", [tree]) for line in lines)]


CLASSES = (
    CaseClass("line-ends-lf", "LF instead of CRLF", GATEWAY, _line_ends_lf),
    CaseClass("no-space-after-colon", "data:{…}", GATEWAY, _no_space),
    CaseClass(
        "comments", "comments before, between, within and after events", GATEWAY, comments, lambda: each(COMMENTS)
    ),
    CaseClass("blank-lines", "more blank lines than events need", GATEWAY, _blank_lines),
    CaseClass("done", "data: [DONE] at the end", GATEWAY, _done, policy=True),
    CaseClass("wrapped-events", "events inside another object, with response headers in the JSON", GATEWAY, wrapped),
    CaseClass("names-and-ids", "event, id and retry fields around the data", GATEWAY, names, lambda: each(NAMES)),
    CaseClass("spacing", "white space between the tokens and around the JSON text", GATEWAY, spacing),
    CaseClass("anything-of-gateways", "all of the above at once", GATEWAY, anything_of_gateways, mixed=True),
    CaseClass("data-without-value", "an event with empty data", GATEWAY, empty_data, policy=True),
)
