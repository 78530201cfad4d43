"""Bugs of what the messages hold: parts, candidates and fields that occur together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .registry import good_elements, good_events, good_lines, planted


def messages(chunks: Iterable[bytes]) -> Iterator[Any]:
    """What a correct parser makes of SSE."""
    yield from good_events(good_lines(chunks))


def candidates(message: Any) -> list[Any]:
    """Those that are objects."""
    found = message.get("candidates") if isinstance(message, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def parts(message: Any) -> list[Any]:
    """The parts of all candidates."""
    contents = [one["content"] for one in candidates(message) if isinstance(one.get("content"), dict)]
    return [part for one in contents for part in one.get("parts") or [] if isinstance(part, dict)]


@planted("gemini", 1500)
def drops_signatures_of_calls(chunks: Iterable[bytes]) -> Iterator[Any]:
    """They are expected with text."""
    for message in messages(chunks):
        for part in parts(message):
            if "functionCall" in part:
                part.pop("thoughtSignature", None)
        yield message


@planted("gemini", 1500)
def keeps_the_first_candidate(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Most answers have one."""
    for message in messages(chunks):
        if len(candidates(message)) > 1:
            message["candidates"] = message["candidates"][:1]
        yield message


@planted("gemini", 1500)
def drops_calls_that_will_continue(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Waits for the whole call, which never comes in one part."""
    for message in messages(chunks):
        if not any((part.get("functionCall") or {}).get("willContinue") for part in parts(message)):
            yield message


@planted("gemini", 12_000)
def takes_an_error_in_a_response_for_an_error(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A function may have failed."""
    for message in messages(chunks):
        for part in parts(message):
            if "error" in (part.get("functionResponse") or {}).get("response", {}):
                raise RuntimeError("the API has failed")
        yield message


@planted("gemini", 1500)
def drops_grounding_beside_a_call(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two fields of one candidate."""
    for message in messages(chunks):
        if any("functionCall" in part for part in parts(message)):
            for one in candidates(message):
                one.pop("groundingMetadata", None)
        yield message


@planted("gemini", 1500)
def joins_neighbouring_thoughts(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Two thoughts in one message become one."""
    for message in messages(chunks):
        for one in candidates(message):
            content = one.get("content")
            found = content.get("parts") if isinstance(content, dict) else None
            if found and len(found) > 1 and all(part.get("thought") and "text" in part for part in found):
                found[:] = [{**found[0], "text": "".join(part["text"] for part in found)}]
        yield message


@planted("gemini", 1500)
def ends_when_the_first_candidate_ends(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Others may go on; one alone is read to the end of the stream."""
    several = False
    for message in messages(chunks):
        yield message
        several = several or any(one.get("index", 0) > 0 for one in candidates(message))
        if several and any(one.get("finishReason") and not one.get("index") for one in candidates(message)):
            return


@planted("gemini", 1500)
def drops_code_that_has_failed(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Results of code count if their outcome is good."""
    for message in messages(chunks):
        outcomes = [(part.get("codeExecutionResult") or {}).get("outcome", "OUTCOME_OK") for part in parts(message)]
        if all(outcome == "OUTCOME_OK" for outcome in outcomes):
            yield message


@planted("json-array", 1500)
def array_that_takes_files_for_images(chunks: Iterable[bytes]) -> Iterator[Any]:
    """``fileData`` has a URI where ``inlineData`` has data."""
    for message in good_elements(chunks):
        for part in parts(message):
            if "fileData" in part:
                part["inlineData"] = {"data": part["fileData"]["data"]}
        yield message


@planted("json-array", 1500)
def array_that_continues_calls_by_their_id(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The later pieces of a call have no id."""
    for message in good_elements(chunks):
        for part in parts(message):
            call = part.get("functionCall") or {}
            if "partialArgs" in call and not call.get("id") and not call.get("name"):
                call["partialArgs"] = []
        yield message


def changed(value: Any, change: Any) -> Any:
    """A value with every list, object and text in it changed, the innermost first."""
    if isinstance(value, dict):
        return change({key: changed(member, change) for key, member in value.items()})
    if isinstance(value, list):
        return change([changed(item, change) for item in value])
    return change(value)


@planted("gemini", 300)
def removes_joiners(chunks: Iterable[bytes]) -> Iterator[Any]:
    """They look like nothing, and hold emoji together."""
    for message in messages(chunks):
        yield changed(message, lambda value: value.replace("\u200d", "") if isinstance(value, str) else value)


@planted("gemini", 1500)
def keeps_eight_items_of_a_list(chunks: Iterable[bytes]) -> Iterator[Any]:
    """Who needs more sources than that?"""
    for message in messages(chunks):
        yield changed(message, lambda value: value[:8] if isinstance(value, list) else value)


@planted("gemini", 1500)
def keeps_twenty_members_of_an_object(chunks: Iterable[bytes]) -> Iterator[Any]:
    """A limit against large objects."""
    for message in messages(chunks):
        yield changed(message, lambda value: dict([*value.items()][:20]) if isinstance(value, dict) else value)
