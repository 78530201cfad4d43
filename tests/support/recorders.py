"""A recorder with a journal in memory."""

from __future__ import annotations

from gemini_replay.cassette.model import Chunk, End, Response
from gemini_replay.engine.recorder import Recorder


class Paper:
    """A journal in memory."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    def response(self, response: Response) -> None:
        self.lines.append(response)

    def chunks(self, *chunks: Chunk) -> None:
        self.lines += chunks

    def end(self, end: End) -> None:
        self.lines.append(end)

    def drop(self) -> None:
        self.lines.append("dropped")

    @property
    def written(self) -> list[bytes]:
        return [line.data for line in self.lines if isinstance(line, Chunk)]

    @property
    def head(self) -> Response:
        (head,) = (line for line in self.lines if isinstance(line, Response))
        return head


class Holding:
    """A scrubber that holds each chunk back until the next one comes."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def feed(self, *chunks: bytes) -> list[bytes]:
        arrived = [*self.held, *chunks]
        self.held = arrived[-1:]
        return arrived[:-1]

    def close(self) -> list[bytes]:
        out, self.held = self.held, []
        return out


class Passing(Holding):
    """A scrubber that passes everything on."""

    def feed(self, *chunks: bytes) -> list[bytes]:
        return list(chunks)


def recorder(scrub: Holding | None = None, **options: bool) -> tuple[Recorder, Paper, list[BaseException]]:
    paper, failures = Paper(), list[BaseException]()
    made = Recorder(
        entry=paper,
        began=0.0,
        scrub=scrub or Passing(),
        redact=lambda r: r,
        failed=failures.append,
        done=lambda one: paper.lines.append("done"),
        **options,  # type: ignore[arg-type]
    )
    return made, paper, failures
