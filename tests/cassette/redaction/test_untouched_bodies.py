"""Everything that is not secret in a body stays to the byte."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.planted_secrets import without_secrets
from support.secret_bodies import KEY, REDACTOR, WORD, event, texts

from gemini_replay.cassette.redaction import Redactor


@pytest.mark.parametrize(
    "text",
    [
        KEY[:-1],
        KEY[:-1] + "!",
        KEY + "x",
        "x" + KEY[1:],
        WORD[:-1],
        WORD.replace("3", "2"),
        "AIza",
        "Bearer of good news",
        "sk-learn-compatible-estimators-everywhere",
        "eyJ.eyJ.x",
        "ya29.short",
        "projects/alpha",
        "projects/12",
        "你AIza好",
    ],
)
def test_near_misses_stay(text: str) -> None:
    """Text that only resembles a secret stays, such as a key with one character too many."""
    redactor = Redactor([WORD], environ={})
    body = event(f"so {text}, yes") + event(text)
    assert b"".join(without_secrets(redactor, [body])) == body
    assert b"".join(without_secrets(redactor, (body[at : at + 1] for at in range(len(body))))) == body


LOOK_ALIKE = "AIza" + "SyA1234567890abcdefghijklmnopqrstuv"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f'{{"data": "iVBOR{LOOK_ALIKE}ggg=="}}', id="inside-base64"),
        pytest.param(f'{{"data": "{LOOK_ALIKE}"}}', id="all-of-base64"),
        pytest.param(f'{{"mimeType": "image/png",\n "data" : "{LOOK_ALIKE}"}}', id="pretty-printed"),
        pytest.param(f'{{"thoughtSignature": "{LOOK_ALIKE}"}}', id="thought-signature"),
        pytest.param('{"responseId": "sk-aB3dEfGhIjKlMnOpQrStUvWx"}', id="response-id"),
        pytest.param(f'{{"turnToken": "v1_{LOOK_ALIKE}"}}', id="turn-token"),
        pytest.param(
            f'{{"data": "{base64.b64encode(b"{}" * 900).decode()}/{LOOK_ALIKE}/abc"}}', id="between-slashes"
        ),
        pytest.param('{"data": "eyJ' + "hYmMiOiAx" * 600 + '"}', id="json-as-data"),
    ],
)
def test_opaque_data_stays_byte_exact(body: str) -> None:
    """Look-alikes of keys in base64 data, signatures and ids are neither changed nor held back for long."""
    redactor = Redactor(environ={}, redact_patterns=[r"AIza\w{5}"])
    data = f"data: {body}\r\n\r\n".encode()
    for size in (1, 7, 1000, len(data)):
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        assert without_secrets(redactor, chunks) == chunks


def test_a_real_key_beside_data_is_removed() -> None:
    """The same characters in a text are a secret."""
    body = event(f"key:\n{LOOK_ALIKE}\n", thoughtSignature=LOOK_ALIKE)
    stored = b"".join(without_secrets(Redactor(environ={}), [body]))
    assert stored.count(LOOK_ALIKE.encode()) == 1
    assert texts(stored) == [f"key:\n{('REDACTED' * 5)[:39]}\n"]


def test_a_project_number_in_an_error_body_is_removed_only_if_given() -> None:
    """A project number is not a credential, so bodies keep it unless the user names it in `redact`."""
    body = b'{"error": {"message": "API not used in project 730123456789 before", "c": "projects/730123456789"}}'
    assert without_secrets(REDACTOR, [body]) == [body]
    (stored,) = without_secrets(Redactor(["730123456789"], environ={}), [body])
    assert b"730123456789" not in stored
    assert len(stored) == len(body)


@given(st.lists(st.binary()))
def test_any_bytes_pass(chunks: list[bytes]) -> None:
    """Any bytes without a secret come out unchanged."""
    redactor = Redactor(environ={})
    assert without_secrets(redactor, chunks) == chunks


def test_real_bodies_are_hardly_touched(corpus_entry: dict[str, Any]) -> None:
    """Real bodies keep their length and stay JSON, most are unchanged, and chunks make no difference."""
    body: bytes = corpus_entry["body"]
    redactor = Redactor(environ={})
    (stored,) = without_secrets(redactor, [body]) or [b""]
    size = 1460 if len(body) > 20_000 else 97
    assert b"".join(without_secrets(redactor, (body[at : at + size] for at in range(0, len(body), size)))) == stored
    changed = [at for at, (one, other) in enumerate(zip(body, stored, strict=True)) if one != other]
    assert len(changed) < 100
