"""Secrets are removed from bodies, wherever chunks or events cut them."""

from __future__ import annotations

import itertools
import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.planted_secrets import BLOCKS, without_secrets
from support.secret_bodies import KEY, REDACTOR, WORD, event, texts

from gemini_replay.cassette.redaction import Redactor
from gemini_replay.cassette.redaction.key_formats import KEY_FORMATS
from gemini_replay.cassette.redaction.spans import TOKEN

BEARER = "ya29." + "a0AfH6SMBx-fake_token0123456789"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


def whole(body: bytes) -> bytes:
    return b"".join(without_secrets(REDACTOR, [body]))


def cut(data: bytes, *places: int) -> list[bytes]:
    ends = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(ends)]


SECRETS = pytest.mark.parametrize("secret", [KEY, WORD, BEARER, JWT], ids=["key", "odd-word", "oauth", "jwt"])


@SECRETS
def test_cut_over_two_chunks_at_every_place(secret: str) -> None:
    """Wherever a chunk boundary falls, the result equals that of the uncut body, and chunks keep their lengths."""
    body = event(f"It is {secret} or so.")
    expected = whole(body)
    assert len(expected) == len(body)
    assert "REDACTED" in texts(expected)[0]
    assert texts(expected)[0].startswith("It is REDACTED")
    assert texts(expected)[0].endswith("ED or so.") or texts(expected)[0].endswith(" or so.")
    for place in range(len(body) + 1):
        chunks = cut(body, place)
        stored = without_secrets(REDACTOR, chunks)
        assert [len(chunk) for chunk in stored] == [len(chunk) for chunk in chunks]
        assert b"".join(stored) == expected


@SECRETS
def test_cut_over_three_chunks(secret: str) -> None:
    """The same holds for two boundaries inside the secret, and for chunks of one byte."""
    body = event(f"«{secret}»")
    expected = whole(body)
    start = body.index(b"\xc2\xab")
    for one, other in itertools.combinations(range(start, start + len(secret) + 6, 2), 2):
        assert b"".join(without_secrets(REDACTOR, cut(body, one, other))) == expected
    assert b"".join(without_secrets(REDACTOR, (body[at : at + 1] for at in range(len(body))))) == expected


@SECRETS
@pytest.mark.parametrize("array", [False, True], ids=["sse", "json-array"])
def test_cut_over_two_events_at_every_place(secret: str, array: bool) -> None:
    """A secret that a model streams in two texts is taken out of both; its first two characters may stay."""
    for place in range(1, len(secret)):
        events = [event(f"It is {secret[:place]}"), event(f"{secret[place:]} or so.")]
        if array:
            events = [b"[" + events[0][6:-4], b"\n,\r\n" + events[1][6:-4], b"]"]
        stored = without_secrets(REDACTOR, events)
        assert [len(chunk) for chunk in stored] == [len(chunk) for chunk in events]
        rest = b"".join(stored).decode()
        assert secret not in "".join(parts(stored, array=array))
        longest = max(secret[:place], secret[place:], key=len)
        assert json.dumps(longest)[1:-1] not in rest
        if place > 2:
            assert json.dumps(secret[:place])[1:-1] not in rest


def parts(chunks: list[bytes], *, array: bool) -> list[str]:
    if not array:
        return texts(b"".join(chunks))
    return [item["candidates"][0]["content"]["parts"][0]["text"] for item in json.loads(b"".join(chunks))]


@SECRETS
def test_cut_over_three_events_and_any_chunks(secret: str) -> None:
    """If both events and chunks cut the secret, the chunks make no difference."""
    third = len(secret) // 3
    body = event(secret[:third]) + event(secret[third : 2 * third]) + event(secret[2 * third :] + " end")
    expected = whole(body)
    assert not any(piece in "".join(texts(expected)) for piece in (secret, secret[:third], secret[-third:]))
    rng = random.Random(7)
    for _ in range(30):
        places = [rng.randrange(len(body)) for _ in range(rng.randrange(8))]
        assert b"".join(without_secrets(REDACTOR, cut(body, *places))) == expected


RANDOM = "vOiC25OQ2nYr0SI4fAcFpT10b78xRhGa"
LONG = " and so the moon keeps its distance, as it did before" * 8
PIECES = st.lists(
    st.sampled_from(
        [
            KEY,
            WORD,
            BEARER,
            KEY[:9],
            KEY[9:],
            WORD[:5],
            WORD[5:],
            "AIza",
            "eyJ",
            "s",
            "sk-",
            "Bearer ",
            "你好",
            "\n",
            '"',
            "\\",
            "/",
            " ",
            "projects/730123456789",
            "data: ",
            "api_key=",
            "password: ",
            '{"access_token": "',
            RANDOM,
            RANDOM[:11],
            "postgres://me:",
            "h7-Qx9zW4k",
            "@",
            ":",
            ".",
            "token ",
            "-----BEGIN PRIVATE KEY-----",
            "-----END",
            RANDOM * 3,
            "%",
            "%2F",
            "%0A",
            "&",
            "&amp;",
            "=",
            "<password>",
            "ghp_",
            "hooks.slack",
            "x" * 70,
        ]
    ),
    max_size=8,
).map("".join)


@given(st.lists(PIECES, min_size=1, max_size=4), st.booleans(), st.data())
def test_chunks_make_no_difference(pieces: list[str], escaped: bool, data: st.DataObject) -> None:
    """For any texts, spellings and cuts: same result, same lengths, and the same JSON without the secrets."""
    body = b"".join(event(piece) for piece in pieces)
    if escaped:
        body = body.replace(b"+", b"\\u002B").replace(b"/", b"\\/").replace(b"=", b"\\u003d")
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    chunks = cut(body, *places)
    stored = without_secrets(REDACTOR, chunks, data.draw(st.lists(st.integers(0, 4), max_size=3)))
    assert [len(chunk) for chunk in stored] == [len(chunk) for chunk in chunks]
    assert b"".join(stored) == whole(body)
    text = "".join(texts(b"".join(stored)))
    assert KEY not in text
    assert WORD not in text


@pytest.mark.parametrize(
    "written",
    [
        WORD.replace("/", "\\/").replace('"', '\\"'),
        WORD.replace("=", "\\u003d").replace('"', "\\u0022"),
        WORD.replace("+", "\\u002B").replace('"', '\\"'),
        "".join(f"\\u{ord(c):04x}" for c in WORD),
        WORD.replace("=", "\\\\u003d").replace('"', '\\\\\\"'),
        "s3cr3t%2Fwith%2Bodd%3D%22signs",
    ],
    ids=["slash", "equals", "plus", "all", "nested", "percent"],
)
def test_escaped_forms(written: str) -> None:
    """A known value is found however JSON or a URL escapes it, at every cut, and the JSON stays valid."""
    body = f'data: {{"text": "a {written} b"}}\r\n\r\n'.encode()
    expected = whole(body)
    text = json.loads(expected[6:])["text"]
    assert text.startswith("a REDACTED")
    assert text.endswith(" b")
    assert set(text[2:-2]) <= set("REDACTED")
    for place in range(len(body)):
        assert b"".join(without_secrets(REDACTOR, cut(body, place))) == expected


def test_a_number_stays_a_number() -> None:
    """A known value of digits is replaced by digits, so that JSON with it as a bare number stays valid."""
    redactor = Redactor(["730123456"], environ={})
    (stored,) = without_secrets(redactor, [b'{"count": 730123456, "text": "730123456"}'])
    assert json.loads(stored) == {"count": 999999999, "text": "999999999"}


def test_every_key_is_made_of_token_characters() -> None:
    """A key ends where a row of token characters ends. So the redactor knows what the end of a chunk may have cut."""
    for key in KEY_FORMATS:
        inside = re.compile(f"[{key.chars}]")
        assert set(key.begins) | {char for char in map(chr, range(128)) if inside.match(char)} <= set(TOKEN.decode())


def test_a_key_after_an_escaped_line_end_is_taken_out_wherever_chunks_are_cut() -> None:
    """The escape ends with a letter, but the key begins after it."""
    for escape in ("%0A", "\\n", "\\u000a"):
        body = f'data: {{"url": "https://h.example/?q=a{escape}{KEY} b"}}\r\n\r\n'.encode()
        expected = whole(body)
        assert b"REDACTED" in expected
        for place in range(len(body)):
            assert b"".join(without_secrets(REDACTOR, cut(body, place))) == expected


def test_the_end_of_a_key_does_not_begin_another_wherever_chunks_are_cut() -> None:
    """The end of this key looks like the beginning of another one. Where chunks are cut makes no difference."""
    before = event(LONG)
    body = before + event("so glc_" + RANDOM + "/fo1_" + RANDOM[::-1] * 2 + " or not")
    expected = whole(body)
    for place in range(len(before), len(body)):
        assert b"".join(without_secrets(REDACTOR, cut(body, place))) == expected


@given(st.lists(st.one_of(PIECES, st.just(LONG)), min_size=2, max_size=5), st.data())
def test_chunks_make_no_difference_in_long_texts(pieces: list[str], data: st.DataObject) -> None:
    """This also holds for texts so long that most of them cannot belong to a secret that spans several texts."""
    body = event("".join(pieces)) + event(pieces[0]) + event("".join(pieces[1:]))
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=6))
    together = data.draw(st.lists(st.integers(0, 4), max_size=3))
    assert b"".join(without_secrets(REDACTOR, cut(body, *places), together)) == whole(body)


def test_a_key_block_in_another_is_taken_out_wherever_chunks_are_cut() -> None:
    """An unfinished block reaches into the first line of the next one; both are private keys."""
    block = BLOCKS["RSA PRIVATE KEY"]
    body = event(block[:400] + "\n" + block)
    expected = whole(body)
    assert not any(line.encode() in expected for line in block.splitlines() if len(line) == 64)
    assert b"".join(without_secrets(REDACTOR, (body[at : at + 1] for at in range(len(body))))) == expected


QUOTED = "9f2c7be41d0a4c538e6b1f7d2a90c3e5"


@pytest.mark.parametrize("after", [b"", b'..."}\r\n\r\n', b"\xe2\x80\xa6"], ids=["the end", "dots", "an ellipsis"])
@pytest.mark.parametrize("length", [16, 24, 31])
def test_a_known_secret_that_is_cut_off_is_taken_out_as_far_as_it_goes(length: int, after: bytes) -> None:
    """A server may shorten the key that it quotes, or break off within it. The chunks make no difference."""
    redactor = Redactor([QUOTED], environ={})
    before = b'data: {"error": "no such key '
    body = before + QUOTED[:length].encode() + after
    for place in range(len(before) - 2, len(body)):
        told = b"".join(without_secrets(redactor, cut(body, place)))
        assert told == before + (b"REDACTED" * 4)[:length] + after


@pytest.mark.parametrize("secret", ["correct-horse-battery-staple-and-more", "shortkey9x2q"])
def test_the_first_words_of_a_secret_are_no_secret(secret: str) -> None:
    """Half of a long secret is one if it is random."""
    body = secret[: len(secret) * 2 // 3].encode()
    assert b"".join(without_secrets(Redactor([secret], environ={}), [body])) == body
