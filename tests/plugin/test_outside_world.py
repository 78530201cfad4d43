"""Recording with a real key, tried with an upstream like those of the outside world, with TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from gemini_replay import Cassette
from gemini_replay.server import upstream

pytest.importorskip("google.genai", reason="google-genai is not installed")

KEY = "AIzaSyD-0123456789abcdefghijklmnopqrstuv"

SDK = """
from google import genai

def tell():
    with genai.Client() as client:
        stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="Tell me a story.")
        return "".join(chunk.text for chunk in stream)

def test_story(gemini_cassette):
    assert tell().startswith("从前")
"""

GATEWAY = """
import os
import httpx
from gemini_replay import parse_stream

def test_story(gemini_cassette):
    url = os.environ["BASE_URL"] + "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    headers = {"authorization": "Bearer " + os.environ.get("GATEWAY_TOKEN", "none")}
    body = {"contents": [{"parts": [{"text": "Tell me a story."}]}]}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=30) as response:
        text = "".join(event.text for event in parse_stream(response.iter_raw()))
    assert text.startswith("从前")
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., upstream.RunningUpstream]]:
    """Start an upstream on its own port, with TLS from an authority that the environment names."""
    authority = trustme.CA()
    certificate, bundle = tmp_path / "server.pem", tmp_path / "authority.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    opened = []

    def start(**options: object) -> upstream.RunningUpstream:
        context = upstream.start("story", pace=0, host="localhost", ssl_certfile=certificate, **options)  # type: ignore[arg-type]
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


def test_a_key_in_the_environment_is_enough(
    pytester: pytest.Pytester,
    outside: Callable[..., upstream.RunningUpstream],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`GEMINI_API_KEY=… pytest --gemini-record once` records. The replay needs no key, certificate or server."""
    server = outside(key=KEY)
    address = f"--gemini-upstream=https://localhost:{server.port}"
    pytester.makepyfile(test_tale=SDK)
    path = pytester.path / "cassettes/test_tale/test_story.jsonl"

    monkeypatch.setenv("GEMINI_API_KEY", "AIzaSyD-another-key-that-is-not-the-right1")
    refused = pytester.runpytest("--gemini-record=once", address)
    refused.assert_outcomes(failed=1)
    assert not path.exists()

    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    pytester.runpytest("--gemini-record=once", address).assert_outcomes(passed=1)
    assert len(server.app.requests) == 2
    saved = Cassette.load(path).interactions[0]
    assert saved.request.url.startswith("https://generativelanguage.googleapis.com/")
    assert saved.complete
    assert KEY not in path.read_text(encoding="utf-8")

    server.stop()
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("SSL_CERT_FILE")
    pytester.runpytest().assert_outcomes(passed=1)


def test_without_any_key_the_client_says_so_and_nothing_is_written(
    pytester: pytest.Pytester, outside: Callable[..., upstream.RunningUpstream]
) -> None:
    """Recording sets no placeholder: the SDK's own message about the key is what the user sees."""
    server = outside(key=KEY)
    pytester.makepyfile(test_tale=SDK)
    result = pytester.runpytest("--gemini-record=once", f"--gemini-upstream=https://localhost:{server.port}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*API*key*"])
    assert not (pytester.path / "cassettes").exists()


def test_a_gateways_base_url_and_bearer_token(
    pytester: pytest.Pytester,
    outside: Callable[..., upstream.RunningUpstream],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The gateway's own URL is recorded. If a token is refused, the summary explains it and nothing is recorded."""
    server = outside(key="gateway-token-0123456789", gateway=True)
    monkeypatch.setenv("BASE_URL", f"https://localhost:{server.port}/gateway")
    pytester.makepyfile(test_tale=GATEWAY)
    refused = pytester.runpytest("--gemini-record=once")
    refused.assert_outcomes(failed=1)
    refused.stdout.fnmatch_lines(["*The upstream answered 401: *GEMINI_API_KEY*"])

    monkeypatch.setenv("GATEWAY_TOKEN", "gateway-token-0123456789")
    pytester.runpytest("--gemini-record=once").assert_outcomes(passed=1)
    server.stop()
    pytester.runpytest().assert_outcomes(passed=1)
    cassette = (pytester.path / "cassettes/test_tale/test_story.jsonl").read_text(encoding="utf-8")
    assert "gateway-token" not in cassette
    assert "sdkHttpResponse" in cassette


def test_an_unreachable_upstream_is_named(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to check, and no file is written."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    pytester.makepyfile(test_tale=SDK)
    result = pytester.runpytest("--gemini-record=once", "--gemini-upstream=http://127.0.0.1:9")
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*no connection to http://127.0.0.1:9. *"])
    assert not [path for path in (pytester.path / "cassettes").rglob("*") if path.is_file()]
