"""TLS: without a network, a new client does not load certificate authorities, but it still verifies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import trustme
from support.clients import Client
from support.every_client import EVERY_CLIENT
from support.streams import PATH, events

import gemini_replay
from gemini_replay.server import upstream
from gemini_replay.server.upstream.scenarios import Scenario
from gemini_replay.transports import tls


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server(authority: trustme.CA, tmp_path: Path) -> Iterator[upstream.RunningUpstream]:
    pem = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    chunks = events(3)
    scenario = Scenario.from_chunks(chunks, gaps=[0.002] * 3)
    with upstream.start(scenario, ssl_certfile=pem) as running:
        yield running


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list with an entry for each real loading of certificate authorities."""
    seen: list[object] = []
    original = ssl.SSLContext.load_verify_locations

    def counting(context: ssl.SSLContext, *arguments: object, **named: object) -> None:
        seen.append(context)
        original(context, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counting)
    return seen


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_client_built_in_a_replaying_session_loads_no_authorities(
    library: object, empty: Path, loads: list[object]
) -> None:
    """Outside of a session, it loads them."""
    with gemini_replay.replay(empty):
        library.Client().close()  # type: ignore[attr-defined]
        library.AsyncClient()  # type: ignore[attr-defined]
        assert loads == []
    library.Client().close()  # type: ignore[attr-defined]
    assert len(loads) == 1


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_such_a_client_still_verifies_when_it_meets_a_server(
    client: Client, empty: Path, server: upstream.RunningUpstream, bundle: Path, loads: list[object]
) -> None:
    """The right authority is accepted and an unknown one refused, in the session and after it."""
    url = f"https://127.0.0.1:{server.port}/some/other/api"
    with gemini_replay.replay(empty):
        trusting = ssl.create_default_context(cafile=str(bundle))
        strange = ssl.create_default_context()
        assert loads == []
        assert client.fetch(url, verify=trusting).chunks == events(3)
        assert isinstance(client.fetch(url, verify=strange).error, client.errors["tls"])
    assert client.fetch(url, verify=trusting).chunks == events(3)
    assert isinstance(client.fetch(url, verify=strange).error, client.errors["tls"])


def test_a_context_that_outlives_the_session_loads_authorities_then(empty: Path, bundle: Path) -> None:
    """Calls that list its certificates give true answers too."""
    with gemini_replay.replay(empty):
        context = ssl.create_default_context(cafile=str(bundle))
    assert len(context.get_ca_certs()) == 1
    assert context.cert_store_stats()["x509_ca"] == 1


def test_a_missing_file_fails_at_once(empty: Path) -> None:
    """The error is the same as without a session."""
    with gemini_replay.replay(empty), pytest.raises(FileNotFoundError):
        ssl.create_default_context(cafile="no/such/file.pem")


def test_authorities_are_loaded_at_once_while_recording(tmp_path: Path, loads: list[object]) -> None:
    """A session that records needs them."""
    with gemini_replay.record(tmp_path / "x.jsonl"):
        httpx.Client().close()
    assert len(loads) == 1


@pytest.mark.parametrize("client", EVERY_CLIENT, ids=lambda client: client.name)
def test_recording_through_tls_against_another_host(
    client: Client, server: upstream.RunningUpstream, bundle: Path, tmp_path: Path
) -> None:
    """The server has another port and its own certificate. Closing a response early does not hang."""
    path = tmp_path / "tls.jsonl"
    url = f"https://localhost:{server.port}{PATH}"
    with gemini_replay.record(path):
        live = client.fetch(url, verify=ssl.create_default_context(cafile=str(bundle)))
    with gemini_replay.replay(path):
        assert client.fetch(url).chunks == live.chunks == events(3)


def test_every_method_that_needs_certificates_is_replaced() -> None:
    """Each of them loads the authorities first."""
    assert all(hasattr(ssl.SSLContext, name) for name in tls._NEEDS_CERTIFICATES)
