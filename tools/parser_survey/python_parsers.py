"""Third-party parsers of Python, each as `parse(chunks)`, through the line protocol: `python python_parsers.py NAME`.

Runs in the parser's own virtual environment, which has neither gemini_replay nor what it needs: the modules that are
used here need the standard library only. Each parser runs its real code on a response object of its own HTTP library.
Where it gives text, the usual user's code follows it: JSON from each event's data, and an end at `[DONE]`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import library_parsers as libraries
import sdk_parsers as sdks
import usual  # noqa: F401  # it finds the source

from gemini_replay.fuzz import serve

PARSERS: dict[str, Callable[[], Any]] = {
    "httpx-sse": libraries.httpx_sse,
    "httpx2-eventsource": libraries.httpx2_event_source,
    "sseclient-py": libraries.sseclient_py,
    "sseclient": libraries.sseclient,
    "aiohttp-sse-client": libraries.aiohttp_sse_client,
    "assel": libraries.assel,
    "aiosseclient": libraries.aiosseclient,
    "requests-sse": libraries.requests_sse,
    "launchdarkly-eventsource": libraries.launchdarkly_eventsource,
    "httpx-iter-lines": libraries.httpx_iter_lines,
    "httpx2-iter-lines": libraries.httpx2_iter_lines,
    "requests-iter-lines": libraries.requests_iter_lines,
    "requests-iter-lines-unicode": libraries.requests_iter_lines_unicode,
    "google-genai-httpx2": sdks.google_genai_httpx2,
    "google-genai-httpx": sdks.google_genai_httpx,
    "google-genai-aiohttp": sdks.google_genai_aiohttp,
    "openai": sdks.openai,
    "groq": sdks.groq,
    "cohere": sdks.cohere,
    "anthropic": sdks.anthropic,
    "mistralai": sdks.mistralai,
    "langgraph-sdk": sdks.langgraph_sdk,
    "litellm": sdks.litellm,
    "google-api-core": libraries.google_api_core,
    "ijson": libraries.ijson_items,
    "json-stream": libraries.json_stream,
    "story-client": libraries.story_client,
    "story-client-fixed": libraries.story_client_fixed,
}

if __name__ == "__main__":
    serve.serve(PARSERS[sys.argv[1]]())
