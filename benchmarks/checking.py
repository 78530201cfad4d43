"""Checking many cassettes, as the command `check` does: for secrets, errors, answers that are cut off, age."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Benchmark, Contestant, Run, Setting, at_most
from benchmarks.made_cassettes import WORDS
from gemini_replay import Cassette


def benchmarks(setting: Setting) -> Iterator[Benchmark]:
    """One folder."""
    count = 20 if setting.quick else 1_000
    yield Benchmark(
        f"Check {count:,} cassettes",
        "s",
        [
            Contestant("gemini-replay check", lambda: _checked(setting, count, detect=False)),
            Contestant(
                "with detect-secrets, too", lambda: _checked(setting, count, detect=True), targets=[at_most(10)]
            ),
        ],
        expected=[count, 0],
        rounds=5,
        limit="The searches for secrets, in each string of each event.",
    )


def _checked(setting: Setting, count: int, *, detect: bool) -> Run:
    from gemini_replay.cassette.redaction.scanning import detect_secrets
    from gemini_replay.checks.cassettes import CassetteCheck

    folder = setting.file("checked", lambda path: _write(path, count))
    check = CassetteCheck(detect=detect_secrets() if detect else None)

    def run() -> object:
        paths = sorted(folder.glob("*.jsonl"))
        return [len(paths), sum(len(check.findings(path)) for path in paths)]

    return run


def _write(folder: Path, count: int) -> None:
    """Answers of 400 words, in about 13 events each."""
    folder.mkdir()
    rng = random.Random(1)
    for number in range(count):
        text, prompt = (" ".join(rng.choices(WORDS, k=size)) for size in (400, 20))
        Cassette.from_text(text, prompt=f"Story {number}: {prompt}", seed=number).save(folder / f"{number:04}.jsonl")
