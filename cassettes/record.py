"""Records the curated cassettes anew from the embedded upstream: ``python cassettes/record.py``.

Nothing leaves this machine. The clients ask Google's URL, and their requests are sent to the upstream. So the
cassettes look like recordings of the Gemini API. The same run writes README.md beside this file.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.server import upstream
from gemini_replay.server.upstream import scenarios

HERE = Path(__file__).parent
BASE = "https://generativelanguage.googleapis.com/v1beta/models/"
ASK = "给我讲一个关于月亮的小故事。"

SHOWN = {
    "story": "a story in Chinese with emoji: one event per chunk, in the rhythm of gemini-2.5-flash",
    "thinking": "thought summaries about half a second apart, then the answer",
    "signature": "the end of a Gemini 3 answer: an empty text part with `thoughtSignature`",
    "function_call": "one function call",
    "parallel_calls": "three function calls in one answer",
    "streamed_arguments": "a function call whose arguments come in pieces (`partialArgs`)",
    "afc": "two exchanges: a function call, and the answer once its result is sent",
    "long_answer": "about 40 events",
    "grounding": "`groundingMetadata` and citations on the last event",
    "split": "events in many chunks, cut in CRLF, in characters and in escapes",
    "max_tokens": "an answer cut short: `finishReason` is `MAX_TOKENS`",
    "safety": "an answer that stops with `finishReason` `SAFETY`",
    "blocked": "a prompt that is blocked: `promptFeedback.blockReason`, no candidates",
    "inband_error": "good events, then a raw error object without `data:`, while the status stays 200",
    "cut": "a connection that is reset in the middle of an event",
    "cut_clean": "a body that stops too early, closed in good order",
    "stall": "two seconds of silence in the middle",
    "array": "without `alt=sse`: one JSON array, gzipped on the wire, stored decoded",
    "gateway": "an API gateway's form: `sdkHttpResponse`, LF, a keep-alive comment, `[DONE]`",
    "400": "an invalid argument instead of a stream",
    "404": "an unknown model",
    "429": "quota exhausted, with `RetryInfo`",
    "503": "the model is overloaded",
}


def main() -> None:
    """Record every cassette, then write the table."""
    for name in SHOWN:
        record(name)
        print(name, flush=True)
    (HERE / "README.md").write_text(readme(), encoding="utf-8")


def record(name: str) -> None:
    """Record one scenario, with its own waits, into NAME.jsonl."""
    path = HERE / f"{name}.jsonl"
    scenario = scenarios.stalling(2.0) if name == "stall" else name
    with upstream.start(scenario) as server, gemini_replay.record(path, upstream=server.url):
        for body in bodies(name):
            ask(name, body)


def ask(name: str, body: dict[str, Any]) -> None:
    """Stream one answer to its end, of whatever kind."""
    query = "" if name == "array" else "?alt=sse"
    model = scenarios.SCENARIOS[name].model
    headers = {"authorization": "Bearer not-a-key"} if name == "gateway" else {"x-goog-api-key": "not-a-key"}
    try:
        with httpx.stream(
            "POST", f"{BASE}{model}:streamGenerateContent{query}", json=body, headers=headers, timeout=30
        ) as response:
            for _ in response.iter_raw():
                pass
    except httpx.TransportError:
        pass  # some scenarios exist to show an error


def bodies(name: str) -> list[dict[str, Any]]:
    """The requests of one cassette."""
    user = {"role": "user", "parts": [{"text": ASK}]}
    if name != "afc":
        return [{"contents": [user]}]
    call = {"functionCall": {"name": "get_weather", "args": {"city": "Kraków"}}}
    result = {"functionResponse": {"name": "get_weather", "response": {"result": "18 °C, sunny"}}}
    signature = base64.b64encode(b"opaque").decode()
    turn = {"role": "model", "parts": [{**call, "thoughtSignature": signature}]}
    return [{"contents": [user]}, {"contents": [user, turn, {"role": "user", "parts": [result]}]}]


def readme() -> str:
    """The table of what each cassette shows."""
    rows = []
    for name, shows in SHOWN.items():
        recordings = Cassette.load(HERE / f"{name}.jsonl").interactions
        chunks = sum(len(recording.chunks) for recording in recordings)
        events = sum(len(recording.events) for recording in recordings)
        seconds = sum(recording.duration for recording in recordings)
        rows.append(f"| [{name}]({name}.jsonl) | {shows} | {events} | {chunks} | {seconds:.1f} |")
    return "\n".join(
        [
            "# Curated cassettes",
            "",
            "Recorded from the embedded upstream, with its rhythm, by one command:",
            "",
            "```console",
            "$ python cassettes/record.py",
            "```",
            "",
            "Look at one with `gemini-replay show cassettes/story.jsonl --chunks`, or hear its rhythm with "
            "`gemini-replay play cassettes/story.jsonl`.",
            "",
            "| cassette | what it shows | events | chunks | seconds |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    main()
