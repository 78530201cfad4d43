"""How clients are named in a cassette."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.clients import KEY
from support.sessions import request

from gemini_replay import Cassette, Session
from gemini_replay.session import Forward
from gemini_replay.session.client_names import client_name


@pytest.mark.parametrize(
    ("headers", "library", "name"),
    [
        pytest.param({"User-Agent": "curl/8.5.0"}, None, "curl/8.5.0", id="agent"),
        pytest.param({"user-agent": "python-httpx2/2.16"}, "httpx2 2.16", "httpx2 2.16", id="library"),
        pytest.param({"user-agent": "sdk/3 python-httpx/0.28"}, "httpx 0.28", "httpx 0.28; sdk/3", id="sdk"),
        pytest.param({"x-goog-api-client": "sdk/3 gl/1", "user-agent": "other/1"}, None, "sdk/3", id="google"),
        pytest.param({}, None, None, id="unknown"),
    ],
)
def test_a_client_is_named_by_its_library_and_its_sdk(
    headers: dict[str, str], library: str | None, name: str | None
) -> None:
    """The library's own user agent is left out, since it says the same again."""
    assert client_name(tuple(headers.items()), library) == name


def test_the_name_of_a_recorded_client_holds_no_secret(tmp_path: Path) -> None:
    """It is read from the redacted headers."""
    path = tmp_path / "story.jsonl"
    session = Session(path, mode="rewrite", redact=(KEY,))
    asked = replace(request(), headers=(("user-agent", f"tool/{KEY} and more"),), client="httpx 0.28")
    plan = session.decide(asked)
    assert isinstance(plan, Forward)
    plan.recorder.head(200, (), 0.5)
    plan.recorder.end("eof", 0.5)
    session.close()
    name = Cassette.load(path).interactions[0].request.client
    assert name is not None
    assert name.startswith("httpx 0.28; tool/")
    assert KEY not in path.read_text(encoding="utf-8")
