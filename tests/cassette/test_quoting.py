"""A message about a wrong line quotes the line, but never a secret in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import run
from support.planted_secrets import SHAPED

from gemini_replay.cassette.format_v1 import decode_line
from gemini_replay.cassette.quoting import clipped
from gemini_replay.errors import CassetteFormatError

KEY = SHAPED["API key (Google) AIza"]
LINES = (Path(__file__).parents[2] / "cassettes" / "story.jsonl").read_text(encoding="utf-8").splitlines()[:4]
WRONG = (KEY, [KEY], {KEY: 1}, [0.1, KEY], {"hex": KEY}, {"b64": KEY + "!"}, {"coded": KEY + "!"}, {"member": KEY})
REPORTED = (
    f'[0.1, "key {KEY}',
    f'{{"{KEY}": 1}}',
    f'{{"{KEY}": 1, "{KEY}": 2}}',
    f'{{"end": "{KEY}"}}',
    f'[0.1, {{"{KEY}": 1}}]',
    f'[0.1, {{"hex": "{KEY}"}}]',
    f'"{KEY}"',
    f'{{"cassette": 2, "recorder": "{KEY}"}}',
)


def changed(value: Any) -> Iterator[Any]:
    """The value with each thing in it replaced by something wrong that holds the key."""
    yield from WRONG
    if isinstance(value, dict):
        for name, held in value.items():
            yield {**{key: one for key, one in value.items() if key != name}, KEY: held}
            yield from ({**value, name: one} for one in changed(held))
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield from ([*value[:at], one, *value[at + 1 :]] for one in changed(held))


def messages() -> Iterator[str]:
    texts = [
        json.dumps(one) for line in [*LINES, '{"end": "eof", "how": "closed"}'] for one in changed(json.loads(line))
    ]
    for text in [*texts, *(text[:-1] for text in texts), *REPORTED]:
        try:
            decode_line(text.encode())
        except CassetteFormatError as error:
            yield str(error)


def test_no_error_of_a_line_has_a_secret() -> None:
    """Whatever is wrong, wherever the secret is; all of its beginning is gone, too."""
    told = list(messages())
    assert len(told) > 200
    assert [one for one in told if KEY[:12] in one] == []
    assert any("REDACTED" in one for one in told)


@pytest.mark.parametrize("before", range(0, 60, 7))
def test_a_secret_is_removed_before_the_text_is_cut(before: int) -> None:
    """Also one that is longer than what is quoted."""
    for kind in ("JSON Web Token eyJ", "API key (Google) AIza"):
        secret = next((value for name, value in SHAPED.items() if name.startswith(kind[:14])), KEY)
        shown = clipped("." * before + " " + secret + " more")
        assert secret[:8] not in shown
        assert len(shown) <= 60


@pytest.mark.parametrize("line", REPORTED)
def test_no_command_prints_or_writes_it(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither check, nor show, nor the page of report."""
    monkeypatch.chdir(tmp_path)
    Path("a.jsonl").write_text("\n".join([*LINES[:3], line, *LINES[3:]]) + "\n")
    for arguments in (["check"], ["check", "--json"], ["show"], ["report", "-o", "page.html"]):
        done = run(*arguments, "a.jsonl")
        assert done.status == 1
        assert KEY[:12] not in done.out + done.err
    assert KEY[:12] not in Path("page.html").read_text()
