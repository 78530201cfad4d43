"""Prints a story as Gemini streams it: the kind of program that gemini-replay records and replays unchanged.

    GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080 GEMINI_API_KEY=… python examples/story_client.py

Works with an API gateway, with `gemini-replay upstream --gateway`, `gemini-replay record` and `gemini-replay serve`.
"""

import json
import os
import sys
from collections.abc import Iterator

import requests

BASE = os.environ.get("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
KEY = os.environ.get("GEMINI_API_KEY", "")
MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def tell(prompt: str) -> Iterator[str]:
    """The answer's text, piece by piece, as it arrives."""
    with requests.post(
        f"{BASE}/v1beta/models/{MODEL}:streamGenerateContent",
        params={"alt": "sse"},
        headers={"Authorization": f"Bearer {KEY}"},
        json={
            "contents": [{"parts": [{"text": prompt}]}],
            "generationConfig": {"maxOutputTokens": 3000, "temperature": 0.7},
        },
        stream=True,
        timeout=60,
    ) as response:
        response.raise_for_status()
        response.encoding = "utf-8"
        for line in response.iter_lines(decode_unicode=True):
            if line.startswith("data: "):
                line = line[len("data: ") :]
            if not line.startswith("{"):
                continue  # a blank line, a comment, or the [DONE] of some gateways
            for candidate in json.loads(line).get("candidates", []):
                for part in candidate.get("content", {}).get("parts", []):
                    yield part.get("text", "")


def main() -> None:
    """Print the story that the first argument asks for."""
    prompt = sys.argv[1] if len(sys.argv) > 1 else "给我讲一个关于月亮的小故事。"
    for text in tell(prompt):
        print(text, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
