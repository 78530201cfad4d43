"""Projects whose tests ask a model through the plugin: their client, and the cassettes they leave behind."""

from __future__ import annotations

import pytest

from gemini_replay import Cassette

from .streams import GOOGLE

KEY = "AIzaSyD-0123456789abcdefghijklmnopqrstuv"

CLIENT = f"""
import httpx

URL, KEY = {GOOGLE!r}, {KEY!r}

def ask(text="hello", **headers):
    body = {{"contents": [{{"parts": [{{"text": text}}]}}]}}
    with httpx.Client(headers={{"x-goog-api-key": KEY, **headers}}) as client:
        with client.stream("POST", URL, json=body) as response:
            return [chunk for chunk in response.iter_raw()]

def ask_hidden():
    body = {{"contents": [{{"parts": [{{"text": HIDDEN.pop("text")}}]}}]}}
    with httpx.Client(headers={{"x-goog-api-key": KEY, **HIDDEN}}) as client:
        return client.post(URL, json=body).content
"""


STORY = """
from asking import ask

def test_story(gemini_cassette):
    assert len(ask()) == 3
"""


def cassettes(project: pytest.Pytester) -> list[str]:
    """The files in the folder of the cassettes."""
    folder = project.path / "cassettes"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def asked(project: pytest.Pytester, name: str = "shared.jsonl") -> list[str]:
    """The prompts of a cassette's interactions, in order."""
    interactions = Cassette.load(project.path / "cassettes" / name).interactions
    return [interaction.request.json["contents"][0]["parts"][0]["text"] for interaction in interactions]
