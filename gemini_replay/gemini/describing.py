"""Contents, requests and events in words, for people. Anything with an undocumented shape is shown as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .. import provider
from .event import Event, InlineData
from .function_calls import assemble
from .shapes import dict_of, dicts_of, get, str_of

_REQUEST_KEYS = ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings")


ABOUT = ("sources", "finish")
"""Kinds of descriptions that are about an answer. A stream may repeat them in the middle of a text."""


class Described(NamedTuple):
    """The description of one thing in a request or an answer.

    Attributes:
        kind: what it is, in a word ("text", "thoughts", "call", "result", "data", "finish", …); for a request's
            contents, their role ("user", "model").
        text: the description; text and thoughts are unchanged, possibly with several lines.
    """

    kind: str
    text: str


def describe_call(call: provider.FunctionCall) -> str:
    """A function call with its arguments: ``get_weather(city="Bern")``."""
    args = ", ".join(f"{name}={_json(value)}" for name, value in call.args.items())
    return f"{call.name or '?'}({args})" + ("" if call.complete else " (incomplete)")


def describe_part(part: Mapping[str, Any]) -> Described | None:
    """A part of a content; None for one without contents (an empty text, or only a signature).

    A function call is described as it stands here; `describe_call` is for streamed calls.
    """
    text = part.get("text")
    if isinstance(text, str) and not text:
        return None
    if isinstance(text, str):
        return Described("thoughts" if part.get("thought") else "text", text)
    if call := dict_of(get(part, "functionCall")):
        return Described("call", ", ".join(map(describe_call, assemble([call]))))
    if result := dict_of(get(part, "functionResponse")):
        return Described("result", f"{result.get('name')}: {_json(result.get('response'))}")
    if blob := dict_of(get(part, "inlineData")):
        return Described("data", describe_data(InlineData(str(get(blob, "mimeType")), str(blob.get("data") or ""))))
    if file := dict_of(get(part, "fileData")):
        return Described("file", f"{get(file, 'fileUri')} ({get(file, 'mimeType')})")
    if code := dict_of(get(part, "executableCode")):
        return Described("code", str(code.get("code")))
    if output := dict_of(get(part, "codeExecutionResult")):
        return Described("output", str(output.get("output") or output.get("outcome")))
    rest = {name: value for name, value in part.items() if name not in ("thoughtSignature", "thought_signature")}
    return Described("part", _json(rest)) if rest else None


def describe_data(data: InlineData) -> str:
    """The type and size of an image or other data."""
    try:
        size = f"{len(data.decode()):,} bytes"
    except ValueError:
        size = f"{len(data.data):,} characters that are not base64"
    return f"{data.mime_type or 'unknown type'}, {size}"


def describe_request(body: Any) -> Iterator[Described]:
    """A request: its system instruction, tools, configuration, contents, and all other members.

    Args:
        body: the decoded body; unknown members are described as JSON.
    """
    asked = dict_of(body)
    if body is not None and not asked:
        yield Described("body", _json(body))
    for part in _parts(get(asked, "systemInstruction")):
        yield Described("system", part.text)
    tools = [name for tool in dicts_of(asked.get("tools")) for name in _tool(tool)]
    if tools:
        yield Described("tools", "\n".join(tools))
    for key in ("toolConfig", "generationConfig", "safetySettings"):
        if (value := get(asked, key)) is not None:
            yield Described("config", "\n".join(_settings(value, "" if key == "generationConfig" else key)))
    known = {*_REQUEST_KEYS, "system_instruction", "tool_config", "generation_config", "safety_settings"}
    rest = {key: value for key, value in asked.items() if key not in known}
    if rest:
        yield Described("also", "\n".join(_settings(rest, "")))
    for content in dicts_of(asked.get("contents")):
        role = str_of(content.get("role")) or "user"
        for part in _parts(content):
            yield Described(role, part.text if part.kind == "text" else f"[{part.kind}] {part.text}")


class Describer:
    """Describes the events of one stream, one by one. Text that spans events comes in as many pieces.

    A function call is described once, when it is complete or when the stream has ended.
    """

    def __init__(self) -> None:
        self._open: list[Mapping[str, Any]] = []  # the parts of calls that are not complete

    def feed(self, event: provider.Event) -> Iterator[Described]:
        """Describe the next event."""
        yield from _said(event)
        if calls := event.function_calls:
            self._open += calls
            if not get(calls[-1], "willContinue"):
                yield from self._calls(only_complete=True)
        yield from _ends(event)

    def close(self) -> Iterator[Described]:
        """Describe the calls that are incomplete at the stream's end."""
        yield from self._calls(only_complete=False)

    def _calls(self, *, only_complete: bool) -> Iterator[Described]:
        calls = assemble(self._open)
        if only_complete and not all(call.complete for call in calls):
            return
        self._open = []
        for call in calls:
            yield Described("call", describe_call(call))


def describe_events(events: Iterable[provider.Event]) -> Iterator[Described]:
    """Descriptions of the events of one stream, in order, see `Describer`."""
    describer = Describer()
    for event in events:
        yield from describer.feed(event)
    yield from describer.close()


def describe_error(error: provider.ApiError) -> str:
    """An error in one line."""
    name = " ".join(str(one) for one in (error.code, error.status) if one is not None)
    retry = "" if error.retry_delay is None else f" (retry after {error.retry_delay:g} s)"
    return f"{name}: {error.message}{retry}" if name else f"{error.message}{retry}"


def describe_usage(usage: Mapping[str, Any]) -> str:
    """Token counts in one line: ``prompt 10, candidates 14, total 24``. Details by modality are left out."""
    counts = {key.removesuffix("TokenCount").removesuffix("_token_count"): value for key, value in usage.items()}
    return ", ".join(f"{key} {value}" for key, value in counts.items() if isinstance(value, int))


def _said(event: provider.Event) -> Iterator[Described]:
    if not isinstance(event, Event):  # another API's
        if event.thoughts:
            yield Described("thoughts", event.thoughts)
        if event.text:
            yield Described("text", event.text)
        return
    for part in event.parts:
        if get(part, "functionCall") is None and (found := describe_part(part)):
            yield found


def _ends(event: provider.Event) -> Iterator[Described]:
    if isinstance(event, Event):
        yield from (Described("sources", text) for text in _grounding(event))
        if event.block_reason:
            yield Described("blocked", event.block_reason)
    if event.error is not None:
        yield Described("error", describe_error(event.error))
    if event.finish_reason is not None:
        yield Described("finish", event.finish_reason)


def _grounding(event: Event) -> Iterator[str]:
    metadata = dict_of(get(event.candidate, "groundingMetadata"))
    if queries := get(metadata, "webSearchQueries"):
        yield f"searched for {_json(queries)}"
    for chunk in dicts_of(get(metadata, "groundingChunks")):
        source = next(iter(dicts_of(list(chunk.values()))), {})
        yield " ".join(str(source[key]) for key in ("title", "uri") if source.get(key)) or _json(chunk)
    for cited in dicts_of(get(dict_of(get(event.candidate, "citationMetadata")), "citationSources")):
        yield f"cites {cited.get('uri') or _json(cited)}"


def _parts(content: Any) -> Iterator[Described]:
    if isinstance(content, str):
        yield Described("text", content)
    for part in dicts_of(dict_of(content).get("parts")):
        if found := describe_part(part):
            yield found


def _tool(tool: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tool.items():
        declared = dicts_of(value) if key in ("functionDeclarations", "function_declarations") else ()
        for function in declared:
            schema = dict_of(get(function, "parameters") or get(function, "parametersJsonSchema"))
            yield f"{function.get('name')}({', '.join(dict_of(schema.get('properties')))})"
        if not declared:
            yield f"{key} {_json(value)}" if value else key


def _settings(value: Any, path: str) -> Iterator[str]:
    """One line for each value in an object: its path and the value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _settings(inner, f"{path}.{key}" if path else key)
    else:
        yield f"{path} {_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
