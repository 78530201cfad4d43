"""Shared by all tests: profiles for Hypothesis, certificate authorities, the corpus, the marker of long tests."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A client loads all authorities that its machine trusts, which takes 20 ms. No test needs them.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "tests" / "support" / "no_authority.pem")

CORPUS = os.environ.get("GEMINI_REPLAY_CORPUS")


def corpus_entries() -> list[Any]:
    """One pytest parameter for each body of the corpus, or a single skipped one without a corpus."""
    if not CORPUS:
        skipped = pytest.mark.skip(reason="GEMINI_REPLAY_CORPUS is not set")
        return [pytest.param(None, marks=skipped, id="corpus")]
    folder = Path(CORPUS)
    index = json.loads((folder / "INDEX.json").read_text(encoding="utf-8"))
    return [
        pytest.param({**entry, "body": (folder / "bodies" / f"{entry['name']}.body").read_bytes()}, id=entry["name"])
        for entry in index
    ]


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """Leave writing to the disk to the operating system: no test has a power failure, and each wait takes time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """Turn coverage off for long computations, which would take several times as long with it."""
    coverage = getattr(sys.modules.get("coverage"), "Coverage", None)
    current = coverage.current() if coverage is not None else None
    if current is None:
        yield
        return
    current.stop()
    yield
    current.start()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of long tests."""
    config.addinivalue_line(
        "markers", "slow: a search of a minute; runs with -m slow, and for hours with GEMINI_REPLAY_SLOW=full"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, a worker without tests takes over half of another's, so that none is alone at the end."""
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling  # type: ignore[import-untyped]

    return WorkStealingScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run long tests only if `-m` names the marker `slow`."""
    if "slow" not in config.getoption("markexpr"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_collection_finish() -> None:
    """Keep the garbage collector from looking at all tests again whenever one of them collects: they all stay."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `corpus_entry` runs once for every body."""
    if "corpus_entry" in metafunc.fixturenames:
        metafunc.parametrize("corpus_entry", corpus_entries())
