"""The example client loses events; the corrected one beside it does not."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gemini_replay import Cassette, fuzz
from gemini_replay.errors import ClientBug
from gemini_replay.fuzz import adapters

pytestmark = pytest.mark.usefixtures("unmeasured")

ROOT = Path(__file__).parents[2]
STORY = ROOT / "cassettes" / "story.jsonl"
MATCH = ("method", "model", "action", "alt")

pytest.importorskip("requests", reason="requests is not installed")


def program(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """One of the example programs, with Google as its server."""
    for variable in ("GOOGLE_GEMINI_BASE_URL", "GEMINI_MODEL"):
        monkeypatch.delenv(variable, raising=False)
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_corrected_loop_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Google sends, and what gateways make of it."""
    fixed = program("story_client_fixed", monkeypatch)

    class Response:
        """As far as the loop knows one; the real one takes ten times as long."""

        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def iter_content(self, chunk_size: None) -> Iterable[bytes]:
            return self.chunks

    def parse(chunks: Iterable[bytes]) -> Any:
        return fixed.events(Response(chunks))

    assert fuzz.survey(parse, profiles=["gemini", "gateway"], max_examples=2, seed=0).bugs == ()


def test_the_corrected_loop_passes_with_real_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through requests, urllib3 and http.client, where cuts matter most."""
    fixed = program("story_client_fixed", monkeypatch)
    names = ["wide-characters", "separators", "raw-error", "promptness"]
    fuzz.check_parser(adapters.requests_response(fixed.events), classes=names, max_examples=3, seed=0)


def test_the_corrected_program_is_never_deceived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under every chunking and every fault it tells the whole story or raises."""
    fixed = program("story_client_fixed", monkeypatch)
    story = Cassette.load(STORY).interactions[0].text
    kinds = ("reset", "close", "eof", "error", "status")
    report = fuzz.check_client(lambda: "".join(fixed.tell("…")), STORY, kinds=kinds, match=MATCH)
    assert {one.outcome.result for one in report.results if one.outcome.error is None} == {story}
    assert {one.effect for one in report.results} == {"whole", "raises"}


def test_the_first_program_gives_half_a_story_for_a_whole_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a body ends too early the program ends well; an error in mid-stream stops it only because it is not JSON."""
    first = program("story_client", monkeypatch)
    with pytest.raises(ClientBug, match="fault=eof@event") as caught:
        fuzz.check_client(lambda: "".join(first.tell("…")), STORY, kinds=["eof", "error"], match=MATCH)
    errors = {
        type(one.outcome.error).__name__ for one in caught.value.report.results if one.value.startswith("error")
    }
    assert errors == {"JSONDecodeError"}


LOSSES: list[tuple[str, bytes]] = [
    ("no space", b'data:{"candidates": [{"content": {"parts": [{"text": "half"}]}}]}\r\n\r\n'),
    ("error-event", b'data: {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}\r\n\r\n'),
]


@pytest.mark.parametrize("body", [body for _, body in LOSSES], ids=[name for name, _ in LOSSES])
def test_what_the_first_program_loses_silently_the_corrected_one_reports(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of an event, or an error."""

    def result(name: str) -> str | Exception:
        module = program(name, monkeypatch)

        def tell(response: Any) -> list[str]:
            monkeypatch.setattr(module.requests, "post", lambda *_, **__: response)
            return list(module.tell("…"))

        run: Callable[[Any], Any] = adapters.requests_response(tell)
        try:
            return "".join(run([body]))
        except RuntimeError as error:
            return error

    assert result("story_client") == ""
    assert isinstance(result("story_client_fixed"), RuntimeError)
