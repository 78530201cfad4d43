"""A parser in another process: the line protocol, its process, and the examples of other languages."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_replay.errors import UsageError
from gemini_replay.fuzz import process
from gemini_replay.fuzz import serve as serving
from gemini_replay.fuzz.command import Command
from gemini_replay.fuzz.process import CommandDiedError, CommandError, CommandOutput, CommandTimeoutError
from gemini_replay.fuzz.target import FuzzTarget
from gemini_replay.fuzz.watchdog import Hang

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "fuzz"

WAYWARD = f"""
import os, sys, time
sys.path.insert(0, {str(Path(serving.__file__).parent)!r})
from serve import serve

def parse(chunks):
    for chunk in chunks:
        print("taking", chunk)
        if chunk == b"die":
            sys.stderr.write("my last words")
            sys.stderr.flush()
            os._exit(3)
        if chunk == b"sleep":
            time.sleep(600)
        if chunk == b"raise":
            raise LookupError("no such thing")
        yield {{"pid": os.getpid(), "got": chunk.decode()}}

serve(parse)
"""


@pytest.fixture
def wayward(tmp_path: Path) -> Iterator[Command]:
    """A parser that does as its chunks say."""
    script = tmp_path / "wayward.py"
    script.write_text(WAYWARD, encoding="utf-8")
    with Command([sys.executable, str(script)]) as command:
        command.check()
        yield command


def got(events: Iterable[Any]) -> list[str]:
    return [event["got"] for event in events]


def test_events_come_back_with_what_had_been_taken_by_then(wayward: Command) -> None:
    """What the parser prints is not an answer."""
    answer = wayward.ask([b"a", b"", b"b"])
    assert got(answer.events) == ["a", "", "b"]
    assert (answer.error, answer.pulled) == (None, [1, 2, 3])
    assert answer.seconds is not None


def test_events_and_chunks_come_in_the_order_they_had_in_the_process(wayward: Command) -> None:
    """So that events which come late are seen to."""
    with FuzzTarget(wayward) as target:
        outcome = target.run([b"a", b"b", b"raise", b"c"])
    assert (got(outcome.values), outcome.lazy) == (["a", "b"], True)
    assert outcome.seen[:3] == [0, 1, 2]
    assert isinstance(outcome.error, LookupError)


def test_a_parsers_exception_is_raised_after_its_events(wayward: Command) -> None:
    """With its type and message."""
    events = iter(wayward([b"a", b"raise", b"b"]))
    assert got([next(events)]) == ["a"]
    with pytest.raises(CommandError, match="LookupError: no such thing") as raised:
        next(events)
    assert (type(raised.value).__name__, isinstance(raised.value, LookupError)) == ("LookupError", True)


def test_one_process_serves_many_cases_and_another_follows_its_death(wayward: Command) -> None:
    """It is an error of the case, with the last words of the process."""
    (first,), (second,) = wayward([b"a"]), wayward([b"b"])
    assert first["pid"] == second["pid"]
    with pytest.raises(CommandDiedError, match=r"(?s)status 3.*my last words"):
        list(wayward([b"a", b"die"]))
    (third,) = wayward([b"c"])
    assert third["pid"] != first["pid"]


def test_a_case_that_takes_too_long_is_stopped(wayward: Command) -> None:
    """With the process; as a parser it hangs, as any other would. The next case is answered."""
    list(wayward([b"a"]))
    wayward.time_limit = 0.3
    with pytest.raises(CommandTimeoutError, match=r"within 0\.3 s"):
        wayward.ask([b"sleep"])
    with pytest.raises(Hang):
        wayward([b"sleep"])
    wayward.time_limit = 60
    assert got(wayward([b"b"])) == ["b"]


def test_its_clock_is_the_processor_time_of_the_parsing(wayward: Command) -> None:
    """As the process reports it."""
    before = wayward.clock()
    answer = wayward.ask([b"a"] * 100)
    assert answer.seconds is not None
    assert wayward.clock() == before + answer.seconds


SILENT = """
import json, sys, time
for line in sys.stdin:
    case = json.loads(line)
    if "d29yaw==" in case["chunks"]:
        end = time.process_time() + 0.4
        while time.process_time() < end:
            pass
    if "d2FpdA==" in case["chunks"]:
        time.sleep(0.8)
    if "ZGll" in case["chunks"]:
        break
    print(json.dumps({"id": case["id"], "events": []}), flush=True)
"""
"""A parser that reports no time. It works for 0.4 s, waits for 0.8 s, or dies, as its chunks say."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the processor time of another process")
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([sys.executable, "-c", SILENT], id="parser"),
        pytest.param(["sh", "-c", '"$0" -c "$1"; true', sys.executable, SILENT], id="wrapper"),
    ],
)
def test_without_a_report_the_system_tells_the_processor_time(arguments: list[str]) -> None:
    """A machine that is busy with something else does not make a parser slow. Processes that it starts count, too.

    A busy machine is the same to a parser as a wait, which is not work.
    """
    with Command(arguments) as command:
        command.check()
        start = command.clock()
        command.ask([b"wait"])
        waited = command.clock()
        command.ask([b"work"])
        worked = command.clock()
        with pytest.raises(CommandDiedError):
            command.ask([b"die"])
        died = command.clock()
        command.ask([b"work"])  # in another process, whose start is no work of the parser's
        again = command.clock()
        assert not command.is_elapsed
    assert waited - start < 0.1
    assert 0.39 < worked - waited < 0.6
    assert died >= worked
    assert 0.39 < again - died < 0.6


def test_without_a_report_its_clock_is_the_elapsed_time_where_the_system_tells_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS and Windows. Such a clock accuses no parser."""
    monkeypatch.setattr(process, "_PROCESSES", Path("/no such folder"))
    with Command([sys.executable, "-c", SILENT]) as command:
        command.check()
        start = command.clock()
        command.ask([b"wait"])
        assert command.clock() - start >= 0.8
        assert command.is_elapsed


def test_its_own_limits_count_when_a_search_runs_it(wayward: Command) -> None:
    """Not those of a parser in this process. Before a first case, the process may start."""
    wayward.time_limit, wayward.start_limit = 60, 120
    assert wayward.patience == 60
    wayward.close()
    assert wayward.patience == 180
    with FuzzTarget(wayward) as target:
        assert target._patience() == 180
        assert got(target.run([b"a"]).values) == ["a"]
        assert target._patience() == 60


def test_large_cases_do_not_block(wayward: Command) -> None:
    """A megabyte either way is more than a pipe holds."""
    assert got(wayward([b"x" * 1_000_000])) == ["x" * 1_000_000]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("print('hello')", "ended with status 0", id="ends"),
        pytest.param("import sys; sys.exit('no module of mine')", "(?s)status 1.*no module of mine", id="fails"),
        pytest.param("import sys\nfor line in sys.stdin: print(line, flush=True)", "neither events nor", id="echoes"),
        pytest.param("import sys\nfor line in sys.stdin: print('[1]', flush=True)", "no answer within", id="babbles"),
    ],
)
def test_a_command_that_does_not_speak_the_protocol_is_told_so(code: str, reason: str) -> None:
    """Before any search, with what it did instead."""
    with (
        Command([sys.executable, "-c", code], start_limit=0.5 if reason.startswith("no") else 60) as command,
        pytest.raises(UsageError, match=reason) as raised,
    ):
        command.check()
    assert '"events"' in str(raised.value)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")], ids=["none", "negative", "no number"])
def test_a_limit_that_is_no_time_is_refused(limit: float) -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match="time limit"):
        Command([sys.executable], time_limit=limit)


def test_a_program_that_does_not_exist_is_told_with_the_nearest() -> None:
    """Before anything is started."""
    with pytest.raises(UsageError, match="Unknown program 'pythonn3'"):
        Command("pythonn3 adapter.py")
    with pytest.raises(UsageError, match="empty"):
        Command("  ")


def test_a_command_is_split_as_a_shell_would() -> None:
    """Quotes hold words together."""
    command = Command(f"'{sys.executable}' -c 'import sys; print(1)' \"a b\"")
    assert command.arguments == [sys.executable, "-c", "import sys; print(1)", "a b"]


def asked(*chunks: bytes, number: int = 7) -> str:
    return json.dumps({"id": number, "chunks": [base64.b64encode(chunk).decode() for chunk in chunks]}) + "\n"


def test_the_python_side_serves_sync_and_async_parsers_alike() -> None:
    """Generators, functions that return a list, async generators and coroutines."""

    def generator(chunks: Iterable[bytes]) -> Iterator[str]:
        yield from (chunk.decode() for chunk in chunks)

    def function(chunks: Iterable[bytes]) -> list[str]:
        return list(generator(chunks))

    async def agenerator(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
        async for chunk in chunks:
            yield chunk.decode()

    async def coroutine(chunks: AsyncIterable[bytes]) -> list[str]:
        return [chunk.decode() async for chunk in chunks]

    for parse, pulled in ((generator, [1, 2]), (function, [2, 2]), (agenerator, [1, 2]), (coroutine, [2, 2])):
        out = io.StringIO()
        serving.serve(parse, io.StringIO(asked(b"a", b"b")), out)
        answer = json.loads(out.getvalue())
        assert answer.pop("seconds") >= 0
        assert answer == {"id": 7, "events": ["a", "b"], "pulled": pulled}


@pytest.mark.parametrize("event", [object(), [[]]], ids=["no-json", "too-deep"])
def test_events_that_json_cannot_write_are_an_error_of_the_case(event: Any) -> None:
    """The process goes on."""
    for _ in range(100_000 if isinstance(event, list) else 0):
        event = [event]
    out = io.StringIO()
    serving.serve(lambda chunks: [event], io.StringIO(asked() + asked(number=8)), out)
    first, second = map(json.loads, out.getvalue().splitlines())
    assert (first["id"], first["events"], second["id"]) == (7, [], 8)
    assert first["error"].startswith(("TypeError", "RecursionError"))


def test_an_answer_that_is_nested_too_deeply_is_an_error_of_the_case() -> None:
    """Another language may decode more brackets than Python can."""
    code = "import sys\nfor n, _ in enumerate(sys.stdin, 1): "
    code += "print('{\"id\": %d, \"events\": [%s%s]}' % (n, '['*100000, ']'*100000), flush=True)"
    with Command([sys.executable, "-c", code]) as command:
        answer = command.ask([b"a"])
    assert answer.error is not None
    assert "nested too deeply" in answer.error


CASES = [
    pytest.param([b'data: {"text": "\xe4\xbd', b'\xa0"}\r', b"\n\r\n"], [{"text": "你"}], id="cut"),
    pytest.param([b'data: {"a": 1}\r\n\r\ndata: {"a": 2}\r\n\r\n'], [{"a": 1}, {"a": 2}], id="two-in-a-chunk"),
    pytest.param([], [], id="empty"),
]


@pytest.mark.parametrize(("chunks", "events"), CASES)
def test_the_node_example_speaks_the_protocol(chunks: list[bytes], events: list[Any]) -> None:
    """As it stands in the documents."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    with Command(["node", str(EXAMPLES / "adapter.mjs")]) as command:
        assert command.ask(chunks) == CommandOutput(events, None, None, None)
        assert command.ask([b"data: {no json}\r\n\r\n"]).error is not None


@pytest.mark.parametrize(("chunks", "events"), CASES)
def test_the_shell_example_speaks_the_protocol(chunks: list[bytes], events: list[Any]) -> None:
    """It needs jq, which reads and writes the JSON for it."""
    if shutil.which("jq") is None or shutil.which("sh") is None:
        pytest.skip("jq or sh is not installed")
    with Command(["sh", str(EXAMPLES / "adapter.sh")]) as command:
        assert command.ask(chunks) == CommandOutput(events, None, None, None)


COMPILED = [("rustc", ["-O", "-o"], "adapter.rs"), ("go", ["build", "-o"], "adapter.go")]


@pytest.mark.parametrize(("tool", "options", "source"), COMPILED, ids=["rust", "go"])
def test_the_compiled_examples_speak_the_protocol(tool: str, options: list[str], source: str, tmp_path: Path) -> None:
    """In Rust and in Go, without any package: valid JSON comes out as it is, other data is an error."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    program = tmp_path / "adapter"
    environment = {**os.environ, "GOCACHE": str(tmp_path / "cache"), "GOFLAGS": "-mod=mod"}
    subprocess.run([tool, *options, str(program), str(EXAMPLES / source)], check=True, env=environment)
    value = {"a": [1, -2.5e3, '\\ " \u2028 \ud800', True, None, {}, []], "b": "你"}
    with Command([str(program)]) as command:
        for case in CASES:
            assert command.ask(case.values[0]).events == case.values[1]
        assert command.ask([f"data: {json.dumps(value)}\r\n\r\n".encode()]).events == [value]
        for wrong in ("{no json}", "[1,]", '"', "01", '{"a" 1}', "", '"\\x"', "1 2"):
            assert command.ask([f"data: {wrong}\r\n\r\n".encode()]).error is not None


def test_the_python_example_speaks_the_protocol() -> None:
    """For a parser in another environment or interpreter."""
    with Command([sys.executable, str(EXAMPLES / "adapter.py")]) as command:
        assert command.ask([b'data: {"a": 1}\r\n\r\n']).events == [{"a": 1}]
