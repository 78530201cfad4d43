"""The story client with its stream loop corrected: no event is lost, and half an answer is an error.

    GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:8080 GEMINI_API_KEY=… python examples/story_client_fixed.py

Unlike the loop of story_client.py, this one ends lines only at CR, LF or CRLF. A data line needs no space after its
colon, and several data lines make one event. An error in mid-stream, which Google writes as JSON on several lines, is
an error, and so is a stream that ends without a finish reason.
"""

import codecs
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import requests

BASE = os.environ.get("GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
KEY = os.environ.get("GEMINI_API_KEY", "")
MODEL = os.environ.get("GEMINI_MODEL", "gemini-2.5-flash")


def tell(prompt: str) -> Iterator[str]:
    """The answer's text, piece by piece, as it arrives.

    Raises:
        RuntimeError: the server reported an error in the stream, or the stream ended before the answer did.
    """
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
        finished = False
        for event in events(response):
            if "error" in event:
                raise RuntimeError(f"The stream broke off: {event['error']}")
            finished = finished or bool((event.get("promptFeedback") or {}).get("blockReason"))
            for candidate in event.get("candidates") or []:
                finished = finished or bool(candidate.get("finishReason"))
                for part in (candidate.get("content") or {}).get("parts") or []:
                    if not part.get("thought"):
                        yield part.get("text") or ""
        if not finished:
            raise RuntimeError("The stream ended before the answer did.")


def events(response: requests.Response) -> Iterator[Any]:
    """The decoded JSON objects of a stream, each as soon as it is complete; an error object is one of them.

    Raises:
        ValueError: something in the stream is no JSON, as where it was cut off.
    """
    data: list[str] = []  # the data lines of the event under way
    raw = ""  # JSON in the stream without `data:`
    for line in lines(response.iter_content(chunk_size=None)):
        field, _, value = line.partition(":")
        if raw or line.lstrip().startswith("{"):
            raw += line + "\n"
            if line.endswith("}"):
                try:
                    error = json.loads(raw)
                except ValueError:
                    continue  # the end of an inner object
                raw = ""
                yield error
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif not line:
            yield from decoded(data)
            data = []
    if raw:
        raise ValueError(f"The stream ended within: {raw!r}")
    yield from decoded(data)  # Gemini's bodies may end without the last blank line


def decoded(data: list[str]) -> Iterator[Any]:
    """The object of one event's data lines, if they hold one."""
    text = "\n".join(data)
    if text.strip() not in ("", "[DONE]"):
        yield json.loads(text)


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines without their ends, wherever the chunks are cut. str.splitlines would also break at U+2028 and others."""
    line = bytearray()
    after_cr = False
    decode = codecs.getdecoder("utf-8-sig")  # a BOM may come before the first line
    for chunk in chunks:
        for piece in chunk.splitlines(keepends=True):  # bytes.splitlines splits at CR, LF and CRLF only
            if not (after_cr and piece == b"\n"):  # the second half of a CRLF
                line += piece
                if piece.endswith((b"\r", b"\n")):
                    yield decode(line.rstrip(b"\r\n"), "replace")[0]
                    decode = codecs.getdecoder("utf-8")
                    line.clear()
            after_cr = piece.endswith(b"\r")
    if line:
        yield decode(line, "replace")[0]


def main() -> None:
    """Print the story that the first argument asks for."""
    prompt = sys.argv[1] if len(sys.argv) > 1 else "给我讲一个关于月亮的小故事。"
    for text in tell(prompt):
        print(text, end="", flush=True)
    print()


if __name__ == "__main__":
    main()
