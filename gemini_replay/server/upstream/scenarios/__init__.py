"""The streams of the embedded upstream: named scenarios, and the parts to make others."""

from __future__ import annotations

from ....errors import UsageError, did_you_mean
from . import answers, failures, texts
from .failures import stalling
from .instructions import Close, Instruction, Message, Prompt, Raw, Reset, Scenario, Wait

__all__ = [
    "SCENARIOS",
    "Close",
    "Instruction",
    "Message",
    "Prompt",
    "Raw",
    "Reset",
    "Scenario",
    "Wait",
    "find",
    "get",
    "stalling",
]

_GEMINI_3 = "gemini-3-flash-preview"

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("story", "a story in Chinese, with emoji and escapes", answers.said(texts.STORY)),
        Scenario("thinking", "thought summaries, then the answer", answers.thinking),
        Scenario(
            "signature", "ends with an empty text part and a thoughtSignature", answers.signature, model=_GEMINI_3
        ),
        Scenario("function_call", "one function call", answers.function_call, model=_GEMINI_3),
        Scenario(
            "parallel_calls",
            "three function calls at once",
            answers.calls({"Zürich": "k2m8x0qa", "東京": "p7w3n5dz", "São Paulo": "t1c9v6rb"}),
            model=_GEMINI_3,
        ),
        Scenario(
            "streamed_arguments",
            "a function call whose arguments are streamed (partialArgs)",
            answers.streamed_arguments,
            model="gemini-3.1-pro-preview",
        ),
        Scenario("afc", "a function call; words, once its result is sent", answers.afc),
        Scenario(
            "function_rounds",
            "a function call; two more, once its result is sent; words, once theirs are",
            answers.two_rounds,
            model=_GEMINI_3,
        ),
        Scenario("long_answer", "about 40 events of text", answers.said(texts.LONG)),
        Scenario("grounding", "groundingMetadata and citationMetadata on the last event", answers.grounding),
        Scenario("max_tokens", "an answer cut short by MAX_TOKENS", answers.said(texts.TRUNCATED, "MAX_TOKENS")),
        *failures.FAILURES,
        Scenario("split", "events in many chunks, cut in CRLF, characters and escapes", answers.split),
        Scenario("many_chunks", "200 tiny events within 0-1 ms", answers.many_chunks),
        Scenario("image", "an inline image of 1 MB", answers.image, model="gemini-2.5-flash-image"),
        Scenario(
            "array", "the story as a JSON array, gzipped if asked", answers.said(texts.STORY), framing="json-array"
        ),
        Scenario("gateway", "the story as an API gateway sends it", answers.said(texts.STORY), framing="gateway"),
        Scenario(
            "gateway_plain",
            "the same without comment and [DONE], on which some clients fail",
            answers.said(texts.STORY),
            framing="gateway-plain",
        ),
        Scenario("echo", "says the request's key, cut in two", answers.echo),
    )
}


def find(name: str) -> Scenario | None:
    """The scenario with this name, or None. Dashes count as underscores."""
    return SCENARIOS.get(name.replace("-", "_"))


def get(name: str) -> Scenario:
    """The scenario with this name.

    Raises:
        UsageError: an unknown scenario.
    """
    found = find(name)
    if found is None:
        raise UsageError(
            f"Unknown scenario {name!r}.",
            suggestion=did_you_mean(name, SCENARIOS),
            hint=f"Choose one of: {', '.join(SCENARIOS)}.",
        )
    return found
