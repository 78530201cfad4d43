"""Scenarios in which the model answers."""

from __future__ import annotations

import base64
import functools
import itertools
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from ....gemini.spelling import dumps
from ....gemini.tokens import count_tokens
from . import texts
from .instructions import Instruction, Instructions, Message, Prompt, Wait
from .reply import TimedReply


def said(text: str, finish: str = "STOP") -> Instructions:
    """A script that streams a text in the rhythm of the prompt's model."""

    def script(prompt: Prompt) -> Iterator[Instruction]:
        reply = TimedReply(prompt)
        yield reply.head()
        yield from reply.text(text, finish=finish)

    return script


def thinking(prompt: Prompt) -> Iterator[Instruction]:
    """Thought summaries, then text."""
    reply = TimedReply(prompt, rhythm="gemini-2.5-flash-thinking")
    yield reply.head()
    for thought in texts.THOUGHTS:
        yield from reply.thought(thought)
    yield from reply.text(texts.PRIMES)


def signature(prompt: Prompt) -> Iterator[Instruction]:
    """The end of Gemini 3: an empty text part with a signature."""
    reply = TimedReply(prompt)
    yield reply.head()
    yield from reply.text(texts.SHORT, finish=None)
    yield Wait(0.03)
    yield Message(reply.event([{"text": "", "thoughtSignature": reply.signature()}], finish="STOP"))


def calls(cities: dict[str, str]) -> Instructions:
    """A script that calls a function for each city, with that call id, all in one event.

    This is how Gemini 3 does it: one part for each call, a signature on the first, and an empty text at the end.
    """

    def script(prompt: Prompt) -> Iterator[Instruction]:
        reply = TimedReply(prompt)
        yield reply.head()
        parts: list[dict[str, Any]] = [
            {"functionCall": {"name": "get_weather", "args": {"city": city, "unit": "celsius"}, "id": name}}
            for city, name in cities.items()
        ]
        parts[0]["thoughtSignature"] = reply.signature()
        yield Wait(reply.waits.text(12))
        yield Message(reply.event(parts, tokens=14 * len(parts), thoughts=87))
        yield Wait(0.02)
        yield Message(reply.event([{"text": ""}], finish="STOP"))

    return script


function_call = calls({"Zürich": "k2m8x0qa"})


def streamed_arguments(prompt: Prompt) -> Iterator[Instruction]:
    """A call whose arguments come piece by piece. Each string is continued, then ended by ""."""
    reply = TimedReply(prompt)
    yield reply.head()
    partials: list[dict[str, Any]] = [{"jsonPath": "$.days", "numberValue": 3}]
    for path, value in (("$.city", "Zürich"), ("$.note", "bring an umbrella < 1 kg, please")):
        middle = len(value) // 2
        for text in (value[:middle], value[middle:]):
            partials.append({"jsonPath": path, "stringValue": text, "willContinue": True})
        partials.append({"jsonPath": path, "stringValue": ""})

    def call(body: dict[str, Any], **more: Any) -> Message:
        part: dict[str, Any] = {"functionCall": {**body, "willContinue": True}, **more}
        return Message(reply.event([part], tokens=4))

    yield Wait(reply.waits.text(12))
    yield call({"name": "get_forecast"}, thoughtSignature=reply.signature())
    for partial in partials:
        yield Wait(reply.waits.text(6))
        yield call({"partialArgs": [partial]})
    yield Wait(reply.waits.text(6))
    yield Message(reply.event([{"functionCall": {}}], tokens=1, thoughts=96, finish="STOP"))


def turns(*rounds: Instructions, then: Instructions) -> Instructions:
    """A script that calls functions in several rounds. Each waits for the results of the one before.

    The last answer is in words. Another question of the user begins anew.
    """

    def script(prompt: Prompt) -> Iterator[Instruction]:
        results = 0
        for content in prompt.contents:
            parts = [part for part in content["parts"] if isinstance(part, dict)]
            if any("functionResponse" in part or "function_response" in part for part in parts):
                results += 1
            elif content.get("role") != "model":
                results = 0
        yield from (rounds[results] if results < len(rounds) else then)(prompt)

    return script


afc = turns(function_call, then=said(texts.WEATHER))

two_rounds = turns(
    function_call,
    calls({"東京": "p7w3n5dz", "São Paulo": "t1c9v6rb"}),
    then=said(texts.THREE_CITIES),
)


def grounding(prompt: Prompt) -> Iterator[Instruction]:
    """Sources and citations on the last event."""
    reply = TimedReply(prompt)
    yield reply.head()
    ends = [at + 1 for at, char in enumerate(texts.GROUNDED) if char == "."]
    supports = []
    start = 0
    for nth, end in enumerate(ends):
        # Indices count bytes of UTF-8, as Google's do.
        text = texts.GROUNDED[start:end].strip()
        first = len(texts.GROUNDED[: texts.GROUNDED.index(text)].encode())
        segment: dict[str, Any] = {"startIndex": first} if first else {}
        segment |= {"endIndex": first + len(text.encode()), "text": text}
        supports.append({"segment": segment, "groundingChunkIndices": [nth % 2]})
        start = end
    sources = (("jungfrau.ch", "Jungfraujoch"), ("wikipedia.org", "Jungfrau Railway"))
    metadata = {
        "searchEntryPoint": {"renderedContent": '<div class="container"><a href="#">Jungfraujoch</a></div>'},
        "groundingChunks": [
            {"web": {"uri": f"https://vertexaisearch.example/redirect/{nth}", "title": site}}
            for nth, (site, _) in enumerate(sources)
        ],
        "groundingSupports": supports,
        "webSearchQueries": ["highest railway station in Europe"],
    }
    citations = {"citationSources": [{"startIndex": 0, "endIndex": ends[0], "uri": "https://example.org/alps"}]}
    yield from reply.text(texts.GROUNDED, citationMetadata=citations, groundingMetadata=metadata)


def many_chunks(prompt: Prompt) -> Iterator[Instruction]:
    """200 events of one word each, in quick succession."""
    reply = TimedReply(prompt)
    yield reply.head()
    for nth in range(1, 201):
        yield Wait(prompt.rng.uniform(0, 0.001))
        yield Message(reply.event([{"text": f"{nth} "}], tokens=2, finish="STOP" if nth == 200 else None))


def split(prompt: Prompt) -> Iterator[Instruction]:
    """Few events in very many chunks, cut where parsers break."""
    reply = TimedReply(prompt)
    yield reply.head()
    for text, finish in (("你好！😀 1 < 2\n", None), ("C’est “déjà” \u2028 l’été\t🌞", "STOP")):
        tokens = count_tokens(text)
        yield Wait(reply.waits.text(tokens))
        yield Message(reply.event([{"text": text}], tokens=tokens, finish=finish), cut_at_traps, 0.002)


def cut_at_traps(data: bytes) -> list[bytes]:
    """Cut in the field name, in every multi-byte character, every escape and every CRLF."""
    cuts = [2]
    for at, byte in enumerate(data):
        if byte == 0x5C:
            cuts += [at + 1, at + 3] if data[at + 1 : at + 2] == b"u" else [at + 1]
        elif byte == 0x0D or byte >= 0xC0:
            cuts.append(at + 1)
    bounds = [0, *sorted(set(cuts)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def image(prompt: Prompt) -> Iterator[Instruction]:
    """One event of 1 MB, in pieces of 64 KB."""
    reply = TimedReply(prompt, rhythm="gemini-2.5-flash")
    yield reply.head()
    yield Wait(reply.waits.text(1))
    yield Message(reply.event([{"text": "Here is the picture: "}], tokens=5))
    yield Wait(2.1)
    size = 64 * 1024
    part = {"inlineData": {"mimeType": "image/png", "data": _picture()}}
    yield Message(
        reply.event([part], tokens=1290, finish="STOP"),
        lambda data: [data[at : at + size] for at in range(0, len(data), size)],
        0.001,
    )


@functools.cache
def _picture() -> str:
    """A PNG of 512 x 512 in base64, with something in it that looks like an API key.

    Such look-alikes occur in real images; a search for secrets by pattern alone corrupts them.
    """
    pixels = bytearray(random.Random(0).randbytes(512 * (1 + 512 * 3)))
    for row in range(512):
        pixels[row * (1 + 512 * 3)] = 0  # each row starts with the number of its filter: 0, none

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 512, 512, 8, 2, 0, 0, 0))
    # A comment before the pixels, at a multiple of three bytes, so that base64 shows it unchanged.
    alike = base64.b64decode("AIzaSyLooksLikeAKeyButIsPartOfAPicture00")
    name = b"Comment\0"
    name += b"\0" * (-(len(head) + 8 + len(name)) % 3)
    body = chunk(b"tEXt", name + alike)
    picture = head + body + chunk(b"IDAT", zlib.compress(bytes(pixels), 0)) + chunk(b"IEND", b"")
    return base64.b64encode(picture).decode()


def echo(prompt: Prompt) -> Iterator[Instruction]:
    """Repeats the request's key twice: cut in two by a chunk's end, and by an event's end."""
    reply = TimedReply(prompt)
    key = prompt.key or "none"
    half = len(key) // 2

    def within_the_key(data: bytes) -> list[bytes]:
        spelled, first = (dumps(text)[1:-1].encode() for text in (key, key[:half]))
        at = data.find(spelled) + len(first)
        return [data[:at], data[at:]]

    yield reply.head()
    yield Wait(reply.waits.text(4))
    yield Message(reply.event([{"text": f"Your key is {key}. "}], tokens=24), within_the_key, 0.005)
    yield Wait(reply.waits.text(12))
    yield Message(reply.event([{"text": f"Once more: {key[:half]}"}], tokens=14))
    yield Wait(reply.waits.text(24))
    yield Message(reply.event([{"text": f"{key[half:]}. Keep it safe!"}], tokens=16, finish="STOP"))
