"""Text that wants to be more than text, in every place of an interaction."""

from __future__ import annotations

import json

from gemini_replay import Interaction
from gemini_replay.cassette.model import Chunk, End, Request, Response

from .streams import GOOGLE, event

HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.hacked = 1'>",
    "]]>${script}{{7*7}}",
    "a\u2028b\u2029c",
    "\u202egnp.exe",
    "\ufeff\u200b\u2066",
    "&lt;b&gt; \"quoted\" 'single'",
)


def hostile() -> Interaction:
    """An interaction whose prompt, headers, URL, test, comments, answer, call and error are hostile."""
    text = "\n".join(HOSTILE)
    body = {"contents": [{"parts": [{"text": text}]}], "systemInstruction": {"parts": [{"text": text}]}, text: text}
    request = Request(
        "POST",
        f"{GOOGLE}&x=%3C/script%3E</script>",
        (("x-<b>", text.replace("\n", " ")),),
        json.dumps(body).encode(),
        client=text,
        test=text,
    )
    lone = b'data: {"candidates": [{"content": {"parts": [{"text": "\\ud800 </script>"}]}}]}\n\n'
    call = {"functionCall": {"name": "<script>", "args": {"</script>": text}}}
    parts = {
        "content": {
            "parts": [call, {"text": text, "thought": True}, {"inlineData": {"mimeType": text, "data": "QUJD"}}]
        }
    }
    chunks = (
        event(text),
        lone,
        b"data: " + json.dumps({"candidates": [parts]}).encode() + b"\n\n",
        b"data: <script>alert(1)</script>\n\n",
        b"data: " + json.dumps({"error": {"code": 500, "status": text, "message": text}}).encode() + b"\n\n",
    )
    return Interaction(
        request,
        Response(200, (("content-type", text.replace("\n", " ")),)),
        tuple(Chunk(0.1, one) for one in chunks),
        End("reset"),
        comments=(f"# {HOSTILE[0]}",),
    )
