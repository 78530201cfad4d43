"""Values that are secret by their names, and values that are known to be secret, in any spelling."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest
from support.planted_secrets import GOOGLE, JSON, SECRET, Planted, assert_gone, event

from gemini_replay.cassette.model import Headers

# --- found by its place -------------------------------------------------------------------------------------------

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
    """In JSON at any depth and with any escapes in the name, in header maps, forms, multipart fields and queries."""
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
def test_words_before_a_random_value_make_it_secret(kind: str) -> None:
    """This holds in the text of a prompt, in that of an answer, and in a message."""
    text = WORDS[kind]
    secret = text.rpartition(" ")[2] if kind == "Basic" else SECRET
    planted = Planted(headers=JSON, body=json.dumps({"text": text}).encode(), answer=[event(f"{text} is it")])
    assert_gone(planted, secret)


@pytest.mark.parametrize(
    "scheme",
    ["https", "ftp", "postgres", "postgresql+asyncpg", "mysql", "redis", "mongodb+srv", "amqps", "smtp", "ssh"],
)
def test_a_password_in_a_url_is_secret(scheme: str) -> None:
    """URLs of any scheme lose their passwords: a request's URL, and URLs in texts and in headers of the answer."""
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


# --- found by its value -------------------------------------------------------------------------------------------

ODD = "s3cr3t" + '/with+odd="<signs>&x7Q'


def spelled(secret: str) -> dict[str, str]:
    """All the ways to write a value."""
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
    """The middle of an encoded value. Its ends also encode bits of the text around it."""
    return written[4:-4]


@pytest.mark.parametrize("secret", [SECRET, ODD], ids=["random", "odd"])
@pytest.mark.parametrize("source", ["environment", "redact", "header", "query", "cookie", "Set-Cookie", "body"])
def test_a_known_value_is_found_however_it_is_spelled(
    source: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the value is known from, neither the request nor its answer contains it in any spelling."""
    if "ookie" in source:
        secret = "".join(char for char in secret if char.isalnum())  # a cookie holds no other characters
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


HEX = "9f86d081884c7d65" + "9a2feaa0c55ad015"
UUID = f"{HEX[:8]}-{HEX[8:12]}-{HEX[12:16]}-{HEX[16:20]}-{HEX[20:]}"


@pytest.mark.parametrize("written", [HEX, HEX.upper(), UUID, UUID.upper()], ids=["hex", "HEX", "uuid", "UUID"])
@pytest.mark.parametrize("secret", [HEX, HEX.upper(), UUID, UUID.upper()], ids=["hex", "HEX", "uuid", "UUID"])
def test_a_hexadecimal_value_is_the_same_in_either_case_with_and_without_dashes(secret: str, written: str) -> None:
    """A server may write a key or a UUID in another way than it was sent."""
    planted = Planted(
        headers=(*JSON, ("x-goog-api-key", secret)),
        body=json.dumps({"text": f"it is {written} there"}).encode(),
        answer=[event(f"you sent {written}!")],
    )
    assert_gone(planted, secret, written)


@pytest.mark.parametrize("name", ["x-vendor-session", "x-tenant-secret", "proxy-authorization", "x-forwarded-access"])
def test_the_value_of_an_unknown_header_is_found_where_it_is_echoed(name: str) -> None:
    """A value in a request header that is not known to be harmless is a secret if it looks like one."""
    planted = Planted(
        headers=((name, SECRET),), answer_headers=(("x-echo", SECRET),), answer=[event(f"you sent {SECRET}!")]
    )
    assert_gone(planted, SECRET)
