"""Scenarios that fail: errors instead of a stream or in it, blocked prompts, broken connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....gemini.error_objects import detail, error
from .. import keys
from . import texts
from .instructions import Close, Instruction, Instructions, Message, Prompt, Reset, Scenario, Wait
from .reply import TimedReply


def refused(name: str, description: str, found: dict[str, Any]) -> Scenario:
    """A scenario that answers with an HTTP error."""

    def script(prompt: Prompt) -> Iterator[Instruction]:
        yield Wait(prompt.rng.uniform(0.015, 0.075))
        yield Message(found)

    return Scenario(name, description, script, status=found["error"]["code"])


_METRIC = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
_QUOTAS = "https://ai.google.dev/gemini-api/docs/rate-limits"
_EXHAUSTED = error(
    429,
    "You exceeded your current quota, please check your plan and billing details. For more "
    f"information on this error, head to: {_QUOTAS}.\n"
    f"* Quota exceeded for metric: {_METRIC}, limit: 10\nPlease retry in 26.3s.",
    detail(
        "QuotaFailure",
        violations=[
            {
                "quotaMetric": _METRIC,
                "quotaId": "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
                "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                "quotaValue": "10",
            }
        ],
    ),
    detail("Help", links=[{"description": "Learn more about Gemini API quotas", "url": _QUOTAS}]),
    detail("RetryInfo", retryDelay="26s"),
)
_HARMS = ("SEXUALLY_EXPLICIT", "HATE_SPEECH", "HARASSMENT", "DANGEROUS_CONTENT")


def _ratings(worst: str, probability: str, *, blocked: bool) -> list[dict[str, Any]]:
    return [
        {
            "category": f"HARM_CATEGORY_{harm}",
            "probability": probability if harm == worst else "NEGLIGIBLE",
            **({"blocked": True} if blocked and harm == worst else {}),
        }
        for harm in _HARMS
    ]


def safety(prompt: Prompt) -> Iterator[Instruction]:
    """Text, then a candidate without content that says SAFETY."""
    reply = TimedReply(prompt)
    yield reply.head()
    yield from reply.text(texts.SMOKE, finish=None)
    yield Wait(reply.waits.text(48))
    ratings = _ratings("DANGEROUS_CONTENT", "HIGH", blocked=True)
    yield Message(reply.event(None, finish="SAFETY", safetyRatings=ratings))


def blocked(prompt: Prompt) -> Iterator[Instruction]:
    """No candidates at all: the prompt itself was refused."""
    reply = TimedReply(prompt)
    yield reply.head()
    feedback = {"blockReason": "SAFETY", "safetyRatings": _ratings("HARASSMENT", "HIGH", blocked=True)}
    yield Message({"promptFeedback": feedback, **reply.tail()})


def _beginning(prompt: Prompt, messages: int) -> Iterator[Instruction]:
    """The story up to and including its nth message, then the wait that comes before the next."""
    reply = TimedReply(prompt)
    yield reply.head()
    for step in reply.text(texts.STORY):
        if isinstance(step, Message):
            if messages == 0:
                return
            messages -= 1
        yield step


def inband_error(prompt: Prompt) -> Iterator[Instruction]:
    """HTTP 200 and good events, then a raw error object on several lines and in two chunks."""
    yield from _beginning(prompt, 3)
    unavailable = error(503, "The service is currently unavailable.")
    yield Message(unavailable, lambda data: [data[: len(data) // 2], data[len(data) // 2 :]], 0.004)


def broken_off(ending: Instruction) -> Instructions:
    """A script that streams three and a half events, then breaks the connection."""

    def script(prompt: Prompt) -> Iterator[Instruction]:
        *steps, last = _beginning(prompt, 4)
        while not isinstance(last, Message):
            last = steps.pop()
        yield from steps
        yield Message(last.json, lambda data: [data[: len(data) // 2]])
        yield Wait(0.02)
        yield ending

    return script


def stalling(seconds: float = 30.0) -> Scenario:
    """The story with a silence of ``seconds`` (times the server's pace) after three events."""

    def script(prompt: Prompt) -> Iterator[Instruction]:
        seen = 0
        reply = TimedReply(prompt)
        yield reply.head()
        for step in reply.text(texts.STORY):
            yield step
            seen += isinstance(step, Message)
            if seen == 3 and isinstance(step, Message):
                yield Wait(seconds)

    return Scenario("stall", f"three events, {seconds:g} s of silence, then the rest", script)


FAILURES = (
    Scenario("safety", "text, then finishReason SAFETY without content", safety),
    Scenario("blocked", "promptFeedback.blockReason, no candidates", blocked),
    Scenario("inband_error", "good events, then a raw error object in two chunks", inband_error),
    Scenario("cut", "a TCP reset in the middle of an event", broken_off(Reset())),
    Scenario("cut_clean", "the peer closes normally in the middle of an event", broken_off(Close())),
    refused(
        "400",
        "an invalid argument instead of a stream",
        error(
            400,
            "Unable to submit request because it has a temperature value of 3.5 but the supported range is "
            "from 0 (inclusive) to 2.0001 (exclusive). Update the value and try again.",
        ),
    ),
    refused("404", "an unknown model", keys.model_not_found("gemini-0.1-none", "v1beta")),
    refused("429", "quota exhausted, with QuotaFailure, Help and RetryInfo", _EXHAUSTED),
    refused("503", "the model is overloaded", error(503, "The model is overloaded. Please try again later.")),
    stalling(),
)
