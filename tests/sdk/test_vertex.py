"""Vertex AI through google-genai is replayed without credentials and network; tokens are never recorded."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.processes import python
from support.raw_server import Answer, RawServer, raw_server
from support.streams import events
from support.vertex import TEXT, TOKEN

import gemini_replay
from gemini_replay import Cassette
from gemini_replay.gemini import GEMINI
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario

genai = pytest.importorskip("google.genai", reason="google-genai is not installed")
pytest.importorskip("cryptography", reason="cryptography is not installed")

import google.auth  # noqa: E402
import google.auth.aio.credentials  # noqa: E402
from google.auth import exceptions, impersonated_credentials  # noqa: E402
from google.oauth2 import service_account  # noqa: E402
from google.oauth2.credentials import Credentials  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.usefixtures("no_credentials"),
]
VERTEX = (
    "https://europe-west4-aiplatform.googleapis.com/v1/projects/q/locations/europe-west4/publishers/google/models/"
    "gemini-2.5-flash:streamGenerateContent?alt=sse"
)


def tell_sync(project: str | None = "p", **options: Any) -> str:
    """A user's code."""
    with genai.Client(vertexai=True, project=project, location="us-central1", **options) as client:
        stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi")
        return "".join(chunk.text or "" for chunk in stream)


def tell_async(project: str | None = "p", **options: Any) -> str:
    """The same in async code."""

    async def tell() -> str:
        async with genai.Client(vertexai=True, project=project, location="us-central1", **options).aio as client:
            stream = await client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi")
            return "".join([chunk.text or "" async for chunk in stream])

    return asyncio.run(tell())


@pytest.fixture(params=[tell_sync, tell_async], ids=["sync", "async"])
def tell(request: pytest.FixtureRequest) -> Callable[..., str]:
    return request.param


@pytest.fixture(params=["httpx2", "httpx", "aiohttp"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The HTTP library that the SDK uses, at least for async calls."""
    from google.genai import _api_client

    monkeypatch.setattr(_api_client, "has_aiohttp", request.param == "aiohttp")
    if request.param != "aiohttp":
        monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", request.param)
    return str(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette recorded with a token, as on another machine."""
    path = tmp_path / "story.jsonl"
    with upstream.start(Scenario.from_chunks(events(2))) as server, gemini_replay.record(path, upstream=server.url):
        assert tell_sync(credentials=Credentials(TOKEN)) == TEXT
    return path


@pytest.fixture
def tokens() -> Iterator[RawServer]:
    """A server that gives tokens."""
    body = json.dumps({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    with raw_server(Answer([(0.0, head + body)])) as server:
        yield server


def account(token_uri: str) -> service_account.Credentials:
    """A service account with a key of its own."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {"client_email": "a@p.iam.gserviceaccount.com", "private_key": key.decode(), "token_uri": token_uri}
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    made: service_account.Credentials = service_account.Credentials.from_service_account_info(info, scopes=scopes)
    return made


def test_without_credentials(tell: Callable[..., str], library: str, path: Path) -> None:
    """The default credentials are placeholders, and so is the project if none is given."""
    with gemini_replay.replay(path, speed="instant"):
        assert tell() == TEXT
    with gemini_replay.replay(path, speed="instant"):
        assert tell(project=None) == TEXT


def test_with_another_project_and_location(path: Path) -> None:
    """Project and location do not matter for matching."""
    with gemini_replay.replay(path, speed="instant"):
        assert tell_sync(project="another-project") == TEXT


@pytest.mark.parametrize("uri", ["its own", "https://oauth2.googleapis.com/token"])
def test_with_a_service_account(tell: Callable[..., str], path: Path, tokens: RawServer, uri: str) -> None:
    """Its token server is not called."""
    credentials = account(tokens.url + "/token" if uri == "its own" else uri)
    with gemini_replay.replay(path, speed="instant"):
        assert tell(credentials=credentials) == TEXT
    assert tokens.requests == []


@pytest.mark.parametrize("kind", ["user", "impersonated", "external", "metadata"])
def test_with_credentials_of_every_kind(tell: Callable[..., str], path: Path, tmp_path: Path, kind: str) -> None:
    """None of them calls a server."""
    from google.auth import compute_engine, identity_pool

    nowhere = "http://127.0.0.1:9/token"
    user = Credentials(None, "refresh", token_uri=nowhere, client_id="x", client_secret="y")
    (tmp_path / "subject").write_text("subject")
    makers: dict[str, Callable[[], Any]] = {
        "user": lambda: user,
        "impersonated": lambda: impersonated_credentials.Credentials(user, "a@p.iam.gserviceaccount.com", []),
        "external": lambda: identity_pool.Credentials(
            "//iam.googleapis.com/x",
            "urn:ietf:params:oauth:token-type:jwt",
            nowhere,
            {"file": str(tmp_path / "subject")},
        ),
        "metadata": compute_engine.Credentials,
    }
    with gemini_replay.replay(path, speed="instant"):
        assert tell(credentials=makers[kind]()) == TEXT


def test_async_credentials_are_refreshed_without_a_server(path: Path) -> None:
    """This is about google-auth's older async credentials."""
    from google.auth._default_async import default_async
    from google.oauth2 import _credentials_async, _service_account_async

    async def headers(credentials: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        await credentials.before_request(None, "POST", "https://aiplatform.googleapis.com/", found)
        return found

    user = _credentials_async.Credentials(None, "refresh", token_uri="http://127.0.0.1:9/", client_id="x")
    of_account = _service_account_async.Credentials(None, "a@p", "http://127.0.0.1:9/")
    with gemini_replay.replay(path):
        for credentials in (user, of_account, default_async()[0]):
            assert "placeholder" in asyncio.run(headers(credentials))["authorization"]


@pytest.mark.parametrize("kind", ["requests", "urllib3", "httplib2"])
def test_sessions_of_google_auth_are_authorized_without_a_server(kind: str, path: Path, tokens: RawServer) -> None:
    """Such sessions refresh credentials in the middle of a request."""
    url, body = VERTEX, json.dumps({"contents": [{"parts": [{"text": "hi"}], "role": "user"}]})
    headers, credentials = {"content-type": "application/json"}, account(tokens.url + "/token")
    with gemini_replay.replay(path, speed="instant"):
        if kind == "requests":
            from google.auth.transport.requests import AuthorizedSession

            with AuthorizedSession(credentials) as client:
                data = client.post(url, body, headers=headers).content
        elif kind == "urllib3":
            from google.auth.transport.urllib3 import AuthorizedHttp

            data = AuthorizedHttp(credentials).urlopen("POST", url, body=body, headers=headers).data
        else:
            module = pytest.importorskip("google_auth_httplib2", reason="google-auth-httplib2 is not installed")
            data = module.AuthorizedHttp(credentials).request(url, "POST", body, headers)[1]
    assert data == b"".join(events(2))
    assert tokens.requests == []


def test_while_recording_the_token_is_real_and_is_not_recorded(
    tell: Callable[..., str], tmp_path: Path, tokens: RawServer
) -> None:
    """The token is requested once, and the cassette has only the model's answer."""
    path = tmp_path / "new.jsonl"
    with upstream.start(Scenario.from_chunks(events(2))) as server:
        with gemini_replay.record(path, upstream=server.url):
            credentials = account(tokens.url + "/token")
            assert tell(credentials=credentials) == TEXT
    assert credentials.token == TOKEN
    assert len(tokens.requests) == 1
    (recording,) = Cassette.load(path).interactions
    assert "streamGenerateContent" in recording.request.url
    assert TOKEN not in path.read_text(encoding="utf-8")


def test_while_recording_missing_credentials_are_an_error(tmp_path: Path) -> None:
    """The error is the same as without this package."""
    with pytest.raises(exceptions.DefaultCredentialsError), gemini_replay.record(tmp_path / "new.jsonl"):
        tell_sync()


def test_credentials_that_outlive_the_session_ask_for_a_token_again(path: Path, tokens: RawServer) -> None:
    """Outside of the session, the placeholder would not be accepted."""
    credentials = account(tokens.url + "/token")
    with gemini_replay.replay(path, speed="instant"):
        tell_sync(credentials=credentials)
    assert not credentials.valid
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token == TOKEN
    assert credentials.expiry > datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def test_credentials_without_a_token_server_are_unchanged(path: Path) -> None:
    """Credentials that cannot be refreshed raise their own error."""
    with gemini_replay.replay(path), pytest.raises(exceptions.InvalidOperation):
        google.auth.credentials.AnonymousCredentials().refresh(None)


def test_where_everything_is_imported_in_the_session(path: Path, tmp_path: Path) -> None:
    """Credentials are placeholders in the session, and nothing stays replaced after it."""
    ran = python(
        f"""
        import gemini_replay
        with gemini_replay.replay({str(path)!r}, speed="instant"):
            from google import genai
            from google.oauth2 import service_account
            client = genai.Client(vertexai=True, project="p", location="us-central1")
            stream = client.models.generate_content_stream(model="gemini-2.5-flash", contents="hi")
            print("".join(chunk.text for chunk in stream) == {TEXT!r})
            found = service_account.Credentials(None, "a@p", "http://127.0.0.1:9/")
            found.refresh(None)
            print("placeholder" in found.token)
        print("gemini_replay" in service_account.Credentials.refresh.__code__.co_filename)
        """,
        cwd=tmp_path,
    )
    assert (ran.stderr, ran.stdout.split()) == ("", ["True", "True", "False"])


def test_a_path_of_vertex_names_its_host() -> None:
    """A location has its region's host, and the global one has a host of its own."""
    path = "/v1beta1/projects/p/locations/{}/publishers/google/models/m:generateContent"
    assert GEMINI.base_url(path.format("europe-west4")) == "https://europe-west4-aiplatform.googleapis.com"
    assert GEMINI.base_url(path.format("global")) == "https://aiplatform.googleapis.com"
    assert GEMINI.base_url("/v1beta/models/m:generateContent") == "https://generativelanguage.googleapis.com"
