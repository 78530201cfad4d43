"""The process of one contestant: it prepares, and then runs on request, by lines of JSON.

``python -m benchmarks.worker '{"module": …, "benchmark": …, "contestant": …, "quick": …, "folder": …}'`` answers each
line of its input with one line. What the contestant prints goes to stderr.
"""

from __future__ import annotations

import base64
import gc
import importlib
import json
import marshal
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from benchmarks.harness import Reading, Run, Setting

Answer = dict[str, Any]


def main(line: str) -> None:
    """Answer until the input ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n") as answers:
        os.dup2(2, 1)
        asked = json.loads(line)
        setting = Setting(asked["quick"], Path(asked["folder"]))
        with setting.closing:
            run = _answered(answers, lambda: _prepared(asked, setting))
            while run and (request := sys.stdin.readline()):
                _answered(answers, lambda request=request: _obeyed(run, json.loads(request)))  # type: ignore[misc]


def _answered(answers: TextIO, act: Callable[[], Run | Answer]) -> Run | None:
    """Carry out a request and print one line: that the run is prepared, or the answer."""
    run: Run | None = None
    try:
        done = act()
        run, answer = (None, done) if isinstance(done, dict) else (done, {"ready": True})
    except ImportError as problem:
        answer = {"missing": str(problem)}
    except BaseException as problem:
        answer = {"problem": f"{type(problem).__name__}: {problem}", "trace": traceback.format_exc()}
    print(json.dumps(answer), file=answers, flush=True)
    return run


def _prepared(asked: Answer, setting: Setting) -> Run:
    module = importlib.import_module(asked["module"])
    (benchmark,) = (one for one in module.benchmarks(setting) if one.name == asked["benchmark"])
    (contestant,) = (one for one in benchmark.contestants if one.name == asked["contestant"])
    run: Run = contestant.prepare()
    gc.collect()
    gc.freeze()
    return run


def _obeyed(run: Run, request: Answer) -> Answer:
    return _timed(run, request["calls"]) if "calls" in request else _watched(run)


def _watched(run: Run) -> Answer:
    """One run: its result, and the growth of the peak of memory."""
    before = _reset_peak()
    result: Any = run()
    growth = (_peak() - before) / 1e6
    read = isinstance(result, Reading)
    value = base64.b64encode(marshal.dumps(result.value if read else result)).decode("ascii")
    return {"value": value, "growth": growth, "read": read}


def _timed(run: Run, calls: int) -> Answer:
    """This many runs: the seconds for all of them, or the figure that the last one measured itself."""
    gc.collect()
    value: object = None
    cpu, wall = _cpu(), time.perf_counter()
    for _ in range(calls):
        value = run()
    wall, cpu = time.perf_counter() - wall, _cpu() - cpu
    read = {"figure": value.figure, "also": dict(value.also)} if isinstance(value, Reading) else {}
    return {"wall": wall, "cpu": cpu, **read}


def _cpu() -> float:
    """Seconds of processor time of this process and of its children that have ended."""
    try:
        import resource
    except ImportError:
        return time.process_time()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _reset_peak() -> int:
    """Reset the peak of memory if the system can (Linux), and return the present value in bytes."""
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    """The peak of resident memory in bytes; 0 if the system does not tell."""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main(sys.argv[1])
