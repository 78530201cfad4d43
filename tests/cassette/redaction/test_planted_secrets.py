"""Secrets of every kind, planted everywhere: neither the cassette, nor the journal, nor a message holds one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from support.planted_secrets import (
    BLOCKS,
    GOOGLE,
    JSON,
    SECRET,
    SHAPED,
    Planted,
    assert_gone,
    assert_not_recorded,
    drawn,
    event,
    readings,
    record,
    without_secrets,
)

from gemini_replay import Cassette, Session
from gemini_replay.cassette.model import Headers, Request, Response
from gemini_replay.cassette.redaction import Redactor, Removal
from gemini_replay.errors import GeminiReplayError


def everywhere(secret: str) -> dict[str, Planted]:
    """A key that is recognized by its format, in each place of a request and of its answer."""
    multipart = (
        f'--b1\r\nContent-Disposition: form-data; name="note"\r\n\r\nuse {secret} now\r\n'
        '--b1\r\nContent-Disposition: form-data; name="f"; filename="a.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
        f"{json.dumps({'deep': {'note': secret}})}\r\n--b1--\r\n"
    ).encode()
    half = len(secret) // 2
    packed = gzip.compress(json.dumps({"text": f"packed {secret}"}).encode())
    return {
        "a header": Planted(headers=(("x-note", secret),)),
        "a harmless header": Planted(headers=(("user-agent", f"app/1.0 ({secret})"),)),
        "the query": Planted(url=f"{GOOGLE}&note={quote(secret, safe='')}&alt2=1"),
        "the path": Planted(url=f"https://h.example/v1/keys/{quote(secret, safe='')}/x"),
        "a text": Planted(
            headers=JSON, body=json.dumps({"contents": [{"parts": [{"text": f"My key: {secret}."}]}]}).encode()
        ),
        "JSON in JSON": Planted(
            headers=JSON, body=json.dumps({"t": json.dumps({"u": json.dumps([{"v": secret}])})}).encode()
        ),
        "an escaped text": Planted(
            headers=JSON,
            body=('{"t": "' + "".join(f"\\u{ord(char):04x}" for char in f"<{secret}>") + '"}').encode(),
        ),
        "a name": Planted(headers=JSON, body=json.dumps({secret: 1}).encode()),
        "a form": Planted(
            headers=(("content-type", "application/x-www-form-urlencoded"),),
            body=f"a=b&note={quote_plus('key ' + secret)}&j={quote_plus(json.dumps({'x': [secret]}))}".encode(),
        ),
        "multipart": Planted(headers=(("content-type", "multipart/form-data; boundary=b1"),), body=multipart),
        "JSON Lines": Planted(
            headers=(("content-type", "application/jsonl"),), body=json.dumps({"note": secret}).encode() + b"\n[1]\n"
        ),
        "plain text": Planted(body=f"note {secret}\n".encode()),
        "a compressed body": Planted(headers=(*JSON, ("content-encoding", "gzip")), body=packed),
        "a header of the answer": Planted(answer_headers=(("x-debug", f"got {secret}"),)),
        "a URL of the answer": Planted(answer_headers=(("location", f"/x?note={quote(secret, safe='')}"),)),
        "the answer": Planted(answer=[event(f"Your key is {secret}.")]),
        "the answer in chunks": Planted(answer=[bytes([byte]) for byte in event(f"Your key is {secret}, I see.")]),
        "the answer in events": Planted(answer=[event(f"It is {secret[:half]}"), event(f"{secret[half:]} I see.")]),
        "a compressed answer": Planted(
            answer_headers=(("content-encoding", "gzip"),), answer=[gzip.compress(event(f"It is {secret}."))]
        ),
        "the test's id": Planted(test=f"tests/test_x.py::test_y[{secret}]"),
    }


@pytest.mark.parametrize("kind", SHAPED)
def test_a_key_is_known_by_its_format_wherever_it_is(kind: str) -> None:
    """The key is found in each place of a request and of its answer, whole and cut."""
    for place, planted in everywhere(SHAPED[kind]).items():
        if place != "a compressed answer":  # a session decompresses it
            assert_gone(planted, SHAPED[kind])


@pytest.mark.parametrize("kind", ["API key (Google) AIza", "JSON Web Token eyJ", "session token (AWS) IQoJb3JpZ2lu"])
def test_no_file_and_no_message_has_a_key(kind: str, tmp_path: Path) -> None:
    """Wherever the key is sent, no cassette, journal or miss contains it."""
    secret = SHAPED[kind]
    for number, (place, planted) in enumerate(everywhere(secret).items()):
        session = assert_not_recorded(tmp_path / f"{number}.jsonl", planted, secret)
        if place == "the answer":
            (interaction,) = session.recorded
            assert interaction.text.startswith("Your key is ")
            assert interaction.text.endswith(".")
            assert len(interaction.body) == len(planted.answer[0])


NEIGHBOURS = [
    "/{}/",
    "\\/{}\\/",
    "%3D{}%26",
    "%2F{}%2F",
    "%22{}%22",
    "_{}_",
    "={}=",
    "x={}&y",
    "<{}>",
    "&quot;{}&quot;",
    "\\n{}\\n",
]


@pytest.mark.parametrize("kind", SHAPED)
def test_a_key_is_known_whatever_stands_around_it(kind: str) -> None:
    """Separators and escapes of JSON, URLs and HTML around a key do not hide it."""
    secret = SHAPED[kind]
    redactor = Redactor(environ={})
    for written in NEIGHBOURS:
        text = f'{{"text": "see {written.format(secret)} there"}}'.encode()
        body = redactor.for_request(Request("POST", GOOGLE, JSON, text)).request().body
        answer = b"".join(without_secrets(redactor, [b"data: " + text + b"\r\n\r\n"]))
        assert secret not in "".join(readings(body.decode() + answer.decode())), written
        assert json.loads(body)["text"].startswith("see ")
        assert json.loads(answer[6:])["text"].endswith(" there")


@pytest.mark.parametrize("label", BLOCKS)
def test_a_private_key_is_taken_out_line_by_line(label: str, tmp_path: Path) -> None:
    """No line of the key is left in a request or in an answer that streams it; the words around it stay."""
    block = BLOCKS[label]
    lines = [line for line in block.splitlines() if len(line) == 64]
    events = [event(f"Here it is:\n{block[:300]}"), event(block[300:500]), event(f"{block[500:]}Keep it.")]
    bodies = [json.dumps({"text": f"my key\n{block}ok"}), json.dumps({"text": json.dumps({"private": block})}), block]
    for number, body in enumerate(bodies):
        planted = Planted(headers=JSON, body=body.encode(), answer=events)
        session = assert_not_recorded(tmp_path / f"{number}.jsonl", planted, *lines)
        (interaction,) = session.recorded
        assert interaction.text.startswith("Here it is:\n-----BEGIN")
        assert interaction.text.endswith("-----\nKeep it.")


# --- bodies that cannot be changed or read ------------------------------------------------------------------------


def test_an_answer_that_is_kept_compressed_is_searched(tmp_path: Path) -> None:
    """Without a secret it is kept as it came. With a secret, nothing of it is written, and the session says so."""
    clean = gzip.compress(event("nothing here") * 5)
    head: Headers = (("content-encoding", "gzip"),)
    session, _ = record(
        tmp_path / "a.jsonl", Planted(answer_headers=head, answer=[clean[:40], clean[40:]], wire=True)
    )
    assert session.problem is None
    (interaction,) = session.recorded
    assert interaction.body == clean
    packed = gzip.compress(event(f"key {SHAPED['API key (Google) AIza']}!"))
    session, journal = record(tmp_path / "b.jsonl", Planted(answer_headers=head, answer=[packed], wire=True))
    assert packed[20:] not in journal
    assert "contains a secret" in str(session.problem)
    assert "wire=True" in str(session.problem)


@pytest.mark.parametrize("coding", ["compress", "x-own", "gzip, x-own"])
def test_a_coding_that_cannot_be_undone_is_not_stored(coding: str, tmp_path: Path) -> None:
    """A body in an unknown coding cannot be searched. The session says so, and what to do."""
    head: Headers = (("content-encoding", coding),)
    for planted in (Planted(answer_headers=head, answer=[b"\x01\x02"]), Planted(headers=head, body=b"\x01\x02")):
        session, journal = record(tmp_path / "a.jsonl", planted)
        assert b"\\u0001" not in journal
        assert "cannot be searched for secrets" in str(session.problem)
        assert coding in str(session.problem)
        assert isinstance(session.problem, GeminiReplayError)
        assert session.problem.hint
        assert ("one coding at a time" in session.problem.hint) is ("," in coding and bool(planted.answer_headers))


def test_a_compressed_request_is_stored_as_it_reads(tmp_path: Path) -> None:
    """The request is stored decompressed, whatever the coding, so that its text can be read and compared."""
    body = json.dumps({"text": "hello"}).encode()
    headers: Headers = (*JSON, ("content-encoding", "gzip"))
    record(tmp_path / "a.jsonl", Planted(headers=headers, body=gzip.compress(body, 1), answer=[b"hi"]))
    (interaction,) = Cassette.load(tmp_path / "a.jsonl").interactions
    assert interaction.request.json == {"text": "hello"}
    assert "content-encoding" not in dict(interaction.request.headers)
    session = Session(tmp_path / "a.jsonl", hosts=None)
    assert session.decide(Request("POST", GOOGLE, headers, gzip.compress(body, 9))) is not None
    session.close()


# --- what the session lists ----------------------------------------------------------------------------------------


def test_removals_are_listed_by_kind_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A removed value is never shown. A change of the answer's own text is marked as such."""
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    google = SHAPED["API key (Google) AIza"]
    session = Redactor()
    body = {"tools": [{"headers": {"X-Auth-Token": drawn("t", 20)}}], "text": f"use {google}"}
    request = Request(
        "POST", f"{GOOGLE}&key={google}", (*JSON, ("x-goog-api-key", google)), json.dumps(body).encode()
    )
    own = session.for_request(request)
    own.request()
    own.response(Response(200, (("set-cookie", f"a={drawn('c', 20)}"),)))
    without_secrets(
        own, [event("hello"), event(f"I know {SECRET} and"), event(f"{SECRET[:9]}"), event(f"{SECRET[9:]}, too")]
    )
    assert own.removals == (
        Removal("answer header set-cookie", "value of the header set-cookie", 1),
        Removal("answer, chunk 2", "value of $OPENAI_API_KEY", 1),
        Removal("answer, chunk 3", "value of $OPENAI_API_KEY", 1),
        Removal("request URL", "query parameter key", 1),
        Removal("request body $.text", "API key (Google)", 1),
        Removal("request body $.tools[0].headers.X-Auth-Token", "value of X-Auth-Token", 1),
        Removal("request header x-goog-api-key", "value of the header x-goog-api-key", 1),
    )
    assert [removal.in_answer for removal in own.removals] == [False, True, True, False, False, False, False]


def test_a_placeholder_is_not_listed() -> None:
    """A placeholder for a key is removed from its header, but that is not listed as a removal."""
    redactor = Redactor(environ={})
    request = Request("POST", GOOGLE, (("x-goog-api-key", "test"),), b"{}")
    own = redactor.for_request(request)
    assert dict(own.request().headers) == {"x-goog-api-key": "REDACTED"}
    assert own.removals == ()
