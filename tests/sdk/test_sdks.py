"""Other SDKs, each in its own environment: recorded, then replayed without the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from support.measuring import least
from support.rhythms import OFF, off

from gemini_replay import Cassette
from gemini_replay.server import upstream

HERE = Path(__file__).parent
FOLDER = HERE.parent.parent / ".sdk"

Told = list[tuple[float, str]]

CALLS = [
    ("langchain", "with_langchain", "stream"),
    ("langchain", "with_langchain", "astream"),
    ("pydantic_ai", "with_pydantic_ai", "astream"),
    ("litellm", "with_litellm", "stream"),
    ("litellm", "with_litellm", "astream"),
]


def ran(sdk: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of one SDK in its environment, without any key."""
    python = FOLDER / sdk / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no environment for {sdk}: python tests/sdk/environments.py")
    environment = {name: value for name, value in os.environ.items() if "API_KEY" not in name}
    environment["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise litellm asks GitHub for prices
    command = [python, HERE / "programs" / "run.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=90)


def told(done: subprocess.CompletedProcess[str]) -> Told:
    """The lines that a program printed, decoded."""
    assert done.returncode == 0, done.stderr[-2000:]
    return [(at, text) for at, text in map(json.loads, done.stdout.splitlines())]


def texts(lines: Told) -> list[str]:
    return [text for _, text in lines]


@pytest.mark.parametrize(("sdk", "program", "function"), CALLS, ids=[f"{c[0]}-{c[2]}" for c in CALLS])
def test_a_story_is_recorded_and_replayed_in_its_rhythm(
    sdk: str, program: str, function: str, tmp_path: Path
) -> None:
    """Each result is equal and comes at its recorded time. The server is not asked again."""
    paths = (tmp_path / f"story-{number}.jsonl" for number in count())

    def missed() -> float:
        path = next(paths)
        with upstream.start("story") as server:
            live = told(ran(sdk, program, function, "record", path, server.url))
            assert len(server.app.requests) == 1
        again = told(ran(sdk, program, function, "replay", path))
        assert texts(again) == texts(live)
        assert "".join(texts(live)) == Cassette.load(path).interactions[0].text
        return off([at for at, _ in again], [at for at, _ in live])

    assert least(missed, OFF) < OFF


def test_a_tool_call_takes_two_requests(tmp_path: Path) -> None:
    """pydantic-ai calls the tool between them. Both are replayed, although each run makes up new ids."""
    path = tmp_path / "afc.jsonl"
    with upstream.start("afc", pace=0) as server:
        live = told(ran("pydantic_ai", "with_pydantic_ai", "atool", "record", path, server.url))
        assert len(server.app.requests) == 2
    again = told(ran("pydantic_ai", "with_pydantic_ai", "atool", "replay", path))
    assert texts(again) == texts(live) != []


@pytest.mark.parametrize(("sdk", "program", "function"), CALLS, ids=[f"{c[0]}-{c[2]}" for c in CALLS])
def test_every_sdk_raises_a_miss_at_once(sdk: str, program: str, function: str, tmp_path: Path) -> None:
    """The user sees its message, and nothing is retried for half a minute."""
    path = tmp_path / "empty.jsonl"
    Cassette(interactions=[]).save(path)
    done = ran(sdk, program, function, "replay", path)
    assert "No recording answers POST gemini-2.5-flash:streamGenerateContent" in done.stdout
    assert "MissError" in done.stderr  # raised again at the end of the block, even if the SDK wrapped it


def listening(*arguments: str | Path) -> tuple[subprocess.Popen[str], str]:
    """Start a listening command of ours; the process, and its base URL."""
    command = [sys.executable, "-m", "gemini_replay", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def test_nodes_sdk_is_recorded_by_the_proxy_and_replayed_by_the_server(tmp_path: Path) -> None:
    """@google/genai sees the same texts in the same rhythm, with the upstream gone."""
    node, modules = shutil.which("node"), FOLDER / "node" / "node_modules"
    if node is None or not modules.exists():
        pytest.skip("there is no environment for node: python tests/sdk/environments.py")
    paths = (tmp_path / f"story-{number}.jsonl" for number in count())
    program = FOLDER / "node" / "with_node.mjs"  # in the folder of its modules, where node looks for them
    shutil.copy(HERE / "programs" / "with_node.mjs", program)

    def tell(url: str) -> Told:
        environment = {**os.environ, "GOOGLE_GEMINI_BASE_URL": url}
        done = subprocess.run([node, program], capture_output=True, text=True, env=environment, timeout=60)
        return told(done)

    def missed() -> float:
        path = next(paths)
        with upstream.start("story") as server:
            proxy, url = listening("record", path, "--upstream", server.url)
            with proxy:
                live = tell(url)
                proxy.terminate()
                assert proxy.wait(timeout=20) == 0
        serving, url = listening("serve", path)
        with serving:
            again = tell(url)
            serving.terminate()
            assert serving.wait(timeout=20) == 0
        assert texts(again) == texts(live)
        assert "".join(texts(live)) == Cassette.load(path).interactions[0].text
        return off([at for at, _ in again], [at for at, _ in live])

    assert least(missed, OFF) < OFF
