"""A stored cassette is searched again, by our own search and by that of detect-secrets."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.planted_secrets import BLOCKS, SHAPED, drawn

from gemini_replay import Cassette
from gemini_replay.cassette.files import open_cassette
from gemini_replay.cassette.model import Chunk, Interaction, Request, Response
from gemini_replay.cassette.redaction import Redactor, scanning
from gemini_replay.cassette.redaction.scanning import Detect, Finding, detect_secrets
from gemini_replay.cli import main
from gemini_replay.errors import MissingExtraError

URL = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
GOOGLE = SHAPED["API key (Google) AIza"]


def event(text: str) -> bytes:
    return b'data: {"candidates": [{"content": {"parts": [{"text": "' + text.encode() + b'"}]}}]}\r\n\r\n'


def saved(path: Path, *answer: bytes, url: str = URL, body: bytes = b"{}", head: str = "x") -> Path:
    """Save a cassette that no recording has made, so that nothing in it was redacted."""
    headers = (("x-tenant", "acme"), ("x-goog-api-key", "REDACTED-1a2b"))
    response = Response(200, (("x-note", head),))
    chunks = tuple(Chunk(0.1, data) for data in answer)
    clean = Interaction(Request("POST", URL, headers, b"{}"), response, (Chunk(0.0, event("clean")),))
    planted = Interaction(Request("POST", url, headers, body), response, chunks)
    Cassette(interactions=[clean, planted]).save(path)
    return path


def scan(path: Path, detect: Detect | None = None) -> list[Finding]:
    """What is found in all interactions of a cassette."""
    return [
        found
        for stored in open_cassette(path)
        for found in scanning.scan(
            stored.interaction, path, range(stored.line, stored.line + 50), redactor=Redactor(), detect=detect
        )
    ]


def test_each_place_is_searched_and_named(tmp_path: Path) -> None:
    """A finding has the file's line, the place and the kind, but not the value."""
    half = len(GOOGLE) // 2
    path = saved(
        tmp_path / "a.jsonl",
        event("fine"),
        event(f"it is {GOOGLE}!"),
        event(f"it is {GOOGLE[:half]}"),
        event(f"{GOOGLE[half:]} too"),
        url=f"{URL}&note={GOOGLE}",
        body=b'{"deep": "{\\"client_secret\\": \\"' + drawn("s", 20).encode() + b'\\"}"}',
        head=GOOGLE,
    )
    lines = path.read_text(encoding="utf-8").splitlines()
    found = scan(path)
    assert {(one.place, one.kind) for one in found} >= {
        ("request URL", "API key (Google)"),
        ("request body $.deep.client_secret", "value of client_secret"),
        ("answer header x-note", "API key (Google)"),
        ("answer, chunk 2", "API key (Google)"),
        ("answer, chunk 3", "API key (Google)"),
    }
    for one in found:
        if one.place == "answer, chunk 2":
            assert GOOGLE in lines[one.line - 1]
        if one.place.startswith("request"):
            assert lines[one.line - 1].startswith('{"request"')
    assert GOOGLE not in "\n".join(map(str, found))
    assert found == sorted(found)


@pytest.mark.parametrize("kind", SHAPED)
def test_a_key_of_each_shape_is_found(kind: str, tmp_path: Path) -> None:
    """Keys of all known formats are found in a cassette, whoever has written it."""
    assert scan(saved(tmp_path / "a.jsonl", event(f"it is {SHAPED[kind]}.")))


def test_a_private_key_is_found(tmp_path: Path) -> None:
    """A private key in a request's text is found."""
    block = BLOCKS["RSA PRIVATE KEY"].replace("\n", "\\n").encode()
    (found,) = scan(saved(tmp_path / "a.jsonl", body=b'{"text": "' + block + b'"}'))
    assert found.kind == "private key"


def test_a_clean_cassette_has_nothing(tmp_path: Path) -> None:
    """Placeholders, marks of removed secrets and headers written by hand are not findings."""
    masked = ("REDACTED" * 5)[:39]
    path = saved(
        tmp_path / "a.jsonl",
        event(f"it is {masked}, or postgres://me:REDACTED@h/db"),
        url=f"{URL}&key=REDACTED&session=REDACTED-1a2b",
        body=b'{"apiKey": "REDACTED-1a2b", "authorization": "Bearer YOUR_TOKEN", "token": "ethereum"}',
    )
    assert scan(path, detect=detect_secrets()) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AWS Access Key", SHAPED["access key (AWS) AKIA"]),
        ("GitHub Token", SHAPED["personal access token (GitHub) ghp_"]),
        ("JSON Web Token", SHAPED["JSON Web Token eyJ"]),
        ("Basic Auth Credentials", "https://me:" + drawn("b", 12) + "@h.example/"),
        ("Mailchimp Access Key", drawn("m", 32, "0123456789abcdef") + "-us1"),
    ],
)
def test_the_library_finds_what_it_knows(kind: str, text: str, tmp_path: Path) -> None:
    """detect-secrets also finds formats that our own search does not know."""
    found = scan(saved(tmp_path / "a.jsonl", event(f"it is {text} there")), detect=detect_secrets())
    assert f"{kind} (detect-secrets)" in {one.kind for one in found}


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own search needs no other library; the one with detect-secrets says what to install."""
    for name in [name for name in sys.modules if name.startswith("detect_secrets")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "detect_secrets", None)
    with pytest.raises(MissingExtraError) as missing:
        detect_secrets()
    assert "pip install 'gemini-replay[scan]'" in str(missing.value)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "cassettes").glob("*.jsonl")), ids=lambda path: path.name
)
def test_our_own_cassettes_are_clean(path: Path) -> None:
    """Neither search finds anything in the curated cassettes."""
    assert scan(path, detect=detect_secrets()) == []


def test_check_names_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`check` prints place and kind and exits with 1; for a clean cassette it exits with 0."""
    path = saved(tmp_path / "a.jsonl", event(f"it is {GOOGLE}!"))
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().out
    assert f"{path}:8: API key (Google) in answer, chunk 1" in said
    assert "1 checked, 1 with errors" in said
    assert GOOGLE not in said
    assert main(["check", str(saved(tmp_path / "b.jsonl", event("fine")))]) == 0
