"""Secrets of every kind, planted everywhere: neither the cassette, nor the journal, nor a message holds one."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import pytest
from support.planted_secrets import BLOCKS, SHAPED, drawn, without_secrets

from gemini_replay import Cassette, Session, parse_stream
from gemini_replay.cassette.model import Headers, Request, Response
from gemini_replay.cassette.redaction import Redactor, Removal
from gemini_replay.errors import GeminiReplayError, MissError
from gemini_replay.session import Forward

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
JSON: Headers = (("content-type", "application/json"),)
SECRET = drawn("any", 32)
"""A random value with no shape of its own: it is known by its place, or by what it is equal to."""


@dataclass
class Planted:
    """One interaction that holds a secret somewhere."""

    url: str = GOOGLE
    headers: Headers = ()
    body: bytes = b"{}"
    answer_headers: Headers = ()
    answer: list[bytes] = field(default_factory=list)
    redact: tuple[str, ...] = ()
    test: str | None = None
    wire: bool = False


def event(text: str) -> bytes:
    data = {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}]}
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def record(path: Path, planted: Planted) -> tuple[Session, bytes]:
    """Record it as a transport does; the session, and its journal before the end."""
    session = Session(path, mode="rewrite", hosts=None, redact=planted.redact, test=planted.test, wire=planted.wire)
    plan = session.decide(Request("POST", planted.url, planted.headers, planted.body))
    assert isinstance(plan, Forward)
    plan.recorder.sent(0.0)
    plan.recorder.head(200, planted.answer_headers, 0.1)
    for chunk in planted.answer:
        plan.recorder.chunk(chunk, 0.2)
    plan.recorder.end("eof", 0.3)
    journal = b"".join(part.read_bytes() for part in path.parent.glob("*.part*"))
    session.close()
    return session, journal


def readings(text: str) -> Iterator[str]:
    """A text as it is, and as its readers see it."""
    for one in (text, unquote(text), html.unescape(text), text.replace("\\/", "/")):
        yield one
        yield re.sub(r"\\+u00([2-7][0-9a-f])", lambda found: chr(int(found[1], 16)), one)


def stored(path: Path) -> str:
    """All that can be read in the cassette."""
    texts = [path.read_text(encoding="utf-8")]
    for interaction in Cassette.load(path).interactions:
        request, response = interaction.request, interaction.response
        assert response is not None
        texts += [request.url, request.body.decode("latin-1"), interaction.body.decode("latin-1"), interaction.text]
        texts += [value for _, value in (*request.headers, *response.headers)]
    return "\n".join(texts)


def redacted(planted: Planted) -> str:
    """What the redactor leaves of it, without a session and its files."""
    redactor = Redactor(planted.redact)
    own = redactor.for_request(Request("POST", planted.url, planted.headers, planted.body))
    request, response = own.request(), own.response(Response(200, planted.answer_headers))
    body = b"".join(without_secrets(own, planted.answer))
    texts = [request.url, request.body.decode("latin-1"), body.decode("latin-1"), redactor.text(planted.test or "")]
    texts += ["".join(event.text for event in parse_stream([body]))]
    return "\n".join([*texts, *(value for _, value in (*request.headers, *response.headers))])


def assert_gone(planted: Planted, *secrets: str) -> None:
    """Redact it, and look for the secrets in everything that is left."""
    everything = "\n".join(readings(redacted(planted)))
    for secret in secrets:
        assert secret not in everything


def assert_not_recorded(path: Path, planted: Planted, *secrets: str) -> Session:
    """Record it, and look for the secrets in everything that is left."""
    session, journal = record(path, planted)
    assert session.problem is None, session.problem
    asked = Session(path, hosts=None, redact=planted.redact)
    with pytest.raises(MissError) as missed:
        asked.decide(Request("PUT", planted.url, planted.headers, planted.body))
    asked.close()
    everything = "\n".join(
        reading for text in (stored(path), journal.decode(), str(missed.value)) for reading in readings(text)
    )
    for secret in secrets:
        assert secret not in everything
    return session


def everywhere(secret: str) -> dict[str, Planted]:
    """A key that its shape tells, in each place of a request and of its answer."""
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
    """In each place of a request and of its answer, whole and cut."""
    for place, planted in everywhere(SHAPED[kind]).items():
        if place != "a compressed answer":  # which a session decompresses
            assert_gone(planted, SHAPED[kind])


@pytest.mark.parametrize("kind", ["API key (Google) AIza", "JSON Web Token eyJ", "session token (AWS) IQoJb3JpZ2lu"])
def test_no_file_and_no_message_has_a_key(kind: str, tmp_path: Path) -> None:
    """Wherever it is: cassettes, journals, misses."""
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
def test_a_key_is_known_whatever_it_touches(kind: str) -> None:
    """Separators, escapes of JSON, URLs and HTML around it hide nothing."""
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
    """No line of it is left, in a request or in an answer that streams it; the words around it are."""
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


# --- by where it stands -------------------------------------------------------------------------------------------

MEMBERS = """
    api_key apiKey "x-goog-api-key" access_token refresh_token id_token accessToken clientSecret client_secret
    password pwd passwd passcode passphrase signing_key signingKey private_key secret_key
    secretAccessKey aws_secret_access_key
    AWS_SECRET_ACCESS_KEY aws_session_token account_key AccountKey webhook_secret authorization Authorization
    Proxy-Authorization cookie Set-Cookie assertion credentials X-Auth-Token X-Acme-Token X-Api-Key
    GITHUB_PERSONAL_ACCESS_TOKEN SLACK_BOT_TOKEN OPENAI_API_KEY token auth_token bearer_token session_token
    connection_string encryption_key jwt secret signature subscription_key app_secret consumer_secret
""".replace('"', "").split()


@pytest.mark.parametrize("name", MEMBERS)
def test_a_value_after_a_secret_name_is_secret(name: str) -> None:
    """In JSON, however the name is escaped and however deep; in header maps, forms, multipart fields and queries."""
    escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
    form: Headers = (("content-type", "application/x-www-form-urlencoded"),)
    multipart: Headers = (("content-type", 'multipart/form-data; boundary="b 1"'),)
    bodies: list[tuple[Headers, str]] = [
        (JSON, json.dumps({name: SECRET})),
        (JSON, json.dumps({"tools": [{"mcp": {"headers": {name: SECRET}, "env": {name: SECRET}}}]}, indent=1)),
        (JSON, json.dumps({"args": json.dumps({"deeper": json.dumps({name: SECRET})})})),
        (JSON, f'{{"{escaped}": ["{SECRET}"]}}'),
        (JSON, json.dumps({"headers": [{"name": name, "value": SECRET}, [name, SECRET]]})),
        (JSON, json.dumps({"args": ["--verbose", f"--{name}", SECRET, f"--{name}={SECRET}"]})),
        ((("content-type", "text/xml"),), f"<a><{name}>{SECRET}</{name}></a>"),
        (JSON, json.dumps({"text": f"I set {name}={SECRET} and {name}: '{SECRET}' there"})),
        (JSON, json.dumps({"text": quote(json.dumps({name: SECRET}))})),
        (form, f"a=b&{quote(name)}={SECRET}&c=d"),
        (multipart, f'--b 1\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{SECRET}\r\n--b 1--\r\n'),
    ]
    for headers, body in bodies:
        echo = [event(f"I have read {SECRET}, thank you.")]
        planted = Planted(headers=headers, body=body.encode(), answer=echo)
        assert_gone(planted, SECRET)
    assert_gone(Planted(url=f"{GOOGLE}&{quote(name)}={SECRET}"), SECRET)
    answers = [
        json.dumps({name: SECRET}),
        json.dumps({"text": json.dumps({"x": {name: SECRET}})}),
        f"https://h.example/x?a=b&{name}={SECRET}&c=d",
        json.dumps({"text": f"{name} = {SECRET}"}),
        f"<a><{name}>{SECRET}</{name}></a>",
    ]
    for answer in answers:
        assert_gone(Planted(answer=[answer.encode()]), SECRET)


WORDS = {
    "the ephemeral token of Gemini": f"auth_tokens/{SECRET}",
    "Bearer": f"Authorization: Bearer {SECRET}",
    "BEARER": f"authorization BEARER {SECRET}",
    "Bearer:": f"Bearer: {SECRET}",
    "bearer in a URL": f"auth=Bearer%20{SECRET}",
    "token": f"authorization: token {SECRET}",
    "Bot": f"Authorization: Bot {SECRET}",
    "Basic": "Authorization: Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode(),
    "a signed URL": f"https://storage.googleapis.com/b/o?X-Goog-Algorithm=x&X-Goog-Signature={SECRET * 8}&x=1",
    "a signature of Azure": f"https://a.blob.core.windows.net/c?sv=2022&sig={quote(SECRET + '/+=')}&se=1",
    "a connection string": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET * 2}==;EndpointSuffix=c",
    "an environment file": f"HOST=a.example\nDB_PASSWORD={SECRET}\nPORT=80",
    "a shell": f"export GITHUB_TOKEN='{SECRET}'",
    "YAML": f"client_secret: {SECRET}\n",
    "a Telegram bot": f"TELEGRAM_TOKEN=123456789:AA{SECRET}",
}


@pytest.mark.parametrize("kind", WORDS)
def test_words_before_a_random_value_tell(kind: str) -> None:
    """In the text of a prompt, in that of an answer, and in a message."""
    text = WORDS[kind]
    secret = text.rpartition(" ")[2] if kind == "Basic" else SECRET
    planted = Planted(headers=JSON, body=json.dumps({"text": text}).encode(), answer=[event(f"{text} is it")])
    assert_gone(planted, secret)


@pytest.mark.parametrize(
    "scheme",
    ["https", "ftp", "postgres", "postgresql+asyncpg", "mysql", "redis", "mongodb+srv", "amqps", "smtp", "ssh"],
)
def test_a_password_in_a_url_is_secret(scheme: str) -> None:
    """Of any scheme, in a request's URL, in texts and in headers of the answer."""
    password = "h7-Qx9" + "_zW4k"
    url = f"{scheme}://me:{password}@db.example:5432/x"
    planted = Planted(
        headers=JSON,
        body=json.dumps({"text": f"connect to {url} please"}).encode(),
        answer_headers=(("location", url), ("x-debug", f"via {url}")),
        answer=[event(f"I am at {url}, and now?")],
    )
    assert_gone(planted, password)
    if scheme == "https":
        assert_gone(Planted(url=url), password)


# --- by what it is equal to ---------------------------------------------------------------------------------------

ODD = "s3cr3t" + '/with+odd="<signs>&x7Q'


def spelled(secret: str) -> dict[str, str]:
    """A value as it may be written."""
    raw = secret.encode()
    lower = quote(secret, safe="").replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b")
    return {
        "plain": secret,
        "JSON": json.dumps(secret)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret))[1:-1],
        "JSON with its slash escaped": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "percent-encoded": quote(secret, safe=""),
        "percent-encoded in lower case": lower,
        "percent-encoded with its slash": quote(secret),
        "percent-encoded twice": quote(quote(secret, safe=""), safe=""),
        "HTML": html.escape(secret),
        "HTML in hexadecimal": "".join(char if char.isalnum() else f"&#x{ord(char):x};" for char in secret),
        "HTML in decimal": "".join(char if char.isalnum() else f"&#{ord(char)};" for char in secret),
        "base64": base64.b64encode(raw).decode(),
        "base64 after one byte": base64.b64encode(b"a" + raw + b"b").decode(),
        "base64 after two bytes": base64.b64encode(b"ab" + raw).decode(),
        "base64 of credentials": base64.b64encode(b"user:" + raw).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(raw).decode(),
        "hexadecimal": raw.hex(),
        "hexadecimal in capitals": raw.hex().upper(),
    }


def core(written: str) -> str:
    """The middle of a spelling: its ends hold bits of what stands around it."""
    return written[4:-4]


@pytest.mark.parametrize("secret", [SECRET, ODD], ids=["random", "odd"])
@pytest.mark.parametrize("source", ["environment", "redact", "header", "query", "cookie", "Set-Cookie", "body"])
def test_a_known_value_is_found_however_it_is_spelled(
    source: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is known from, neither the request nor its answer has it in any spelling."""
    if "ookie" in source:
        secret = "".join(char for char in secret if char.isalnum())  # a cookie holds no others
    for spelling, written in spelled(secret).items():
        in_json = written if spelling.startswith("JSON") else json.dumps(written)[1:-1]
        text = f'{{"text": "it is {in_json} there"}}'
        planted = Planted(headers=JSON, body=text.encode(), answer=[f"data: {text}\r\n\r\n".encode()])
        if source == "environment":
            monkeypatch.setenv("SOME_SERVICE_API_KEY", secret)
        elif source == "redact":
            planted.redact = (secret,)
        elif source == "header":
            planted.headers += (("x-goog-api-key", secret),)
        elif source == "query":
            planted.url += f"&key={quote(secret, safe='')}"
        elif source == "cookie":
            planted.headers += (("cookie", f"a=1; session={secret}"),)
        elif source == "Set-Cookie":
            planted.answer_headers = (("set-cookie", f"session={secret}; Path=/; HttpOnly"),)
            planted.body = b"{}"
        elif source == "body":
            planted.body = json.dumps({"client_secret": secret, "text": json.loads(text)["text"]}).encode()
        assert_gone(planted, written, json.loads(text)["text"][6:-6], core(written))


@pytest.mark.parametrize("name", ["x-vendor-session", "x-tenant-secret", "proxy-authorization", "x-forwarded-access"])
def test_the_value_of_an_unknown_header_is_found_where_it_is_echoed(name: str) -> None:
    """Every request header that is not known to be harmless holds secrets, if it looks like it."""
    planted = Planted(
        headers=((name, SECRET),), answer_headers=(("x-echo", SECRET),), answer=[event(f"you sent {SECRET}!")]
    )
    assert_gone(planted, SECRET)


# --- what cannot be changed, or read ------------------------------------------------------------------------------


def test_an_answer_that_is_kept_compressed_is_searched(tmp_path: Path) -> None:
    """One without a secret is kept as it came; of one with a secret nothing is written, and the session says so."""
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
    """Nobody could say what is in it; the session says so, and what to do."""
    head: Headers = (("content-encoding", coding),)
    for planted in (Planted(answer_headers=head, answer=[b"\x01\x02"]), Planted(headers=head, body=b"\x01\x02")):
        session, journal = record(tmp_path / "a.jsonl", planted)
        assert b"\\u0001" not in journal
        assert "cannot be searched for secrets" in str(session.problem)
        assert coding in str(session.problem)
        assert isinstance(session.problem, GeminiReplayError)
        assert session.problem.hint


def test_a_compressed_request_is_stored_as_it_reads(tmp_path: Path) -> None:
    """Its text can be read and compared, whatever compressed it."""
    body = json.dumps({"text": "hello"}).encode()
    headers: Headers = (*JSON, ("content-encoding", "gzip"))
    record(tmp_path / "a.jsonl", Planted(headers=headers, body=gzip.compress(body, 1), answer=[b"hi"]))
    (interaction,) = Cassette.load(tmp_path / "a.jsonl").interactions
    assert interaction.request.json == {"text": "hello"}
    assert "content-encoding" not in dict(interaction.request.headers)
    session = Session(tmp_path / "a.jsonl", hosts=None)
    assert session.decide(Request("POST", GOOGLE, headers, gzip.compress(body, 9))) is not None
    session.close()


# --- what is told -------------------------------------------------------------------------------------------------


def test_what_was_taken_out_is_told_by_kind_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """And never by its value; a change of the answer's own text is marked as one."""
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


def test_a_placeholder_is_not_told() -> None:
    """A test's own key that is none is taken out of its header, and nothing was lost."""
    redactor = Redactor(environ={})
    request = Request("POST", GOOGLE, (("x-goog-api-key", "test"),), b"{}")
    own = redactor.for_request(request)
    assert dict(own.request().headers) == {"x-goog-api-key": "REDACTED"}
    assert own.removals == ()
