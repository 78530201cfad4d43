"""The answer that every stream of a benchmark plays, and the checks and figures of each stream."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from support.streams import GOOGLE, PATH, events

from gemini_replay import Cassette, Interaction
from gemini_replay.cassette.model import Chunk, Request, Response

__all__ = ["ASK", "GOOGLE", "HEADERS", "PATH", "Story", "Stream", "raise_file_limit"]

ASK = json.dumps({"contents": [{"parts": [{"text": "Tell me a long story."}]}]}).encode()
HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True)
class Stream:
    """What one client saw: the moment of its request, and each chunk with the moment when it was complete."""

    sent: float
    seen: Sequence[tuple[float, bytes]]


class Story:
    """One recorded answer: a head, then chunks of one event each at the same distance.

    Args:
        count: the number of its events.
        gap: seconds before each.
        head: seconds from the request to the head.
    """

    def __init__(self, count: int, gap: float, head: float) -> None:
        self.chunks = events(count)
        self.head = head
        self.gap = gap
        self.due = list(accumulate([gap] * count, initial=head))[1:]
        request = Request("POST", GOOGLE, body=ASK)
        response = Response(200, (("content-type", "text/event-stream"),), head)
        self.interaction = Interaction(request, response, tuple(Chunk(gap, data) for data in self.chunks))

    @classmethod
    def load(cls, path: str | Path) -> Story:
        """The story in a cassette."""
        (interaction,) = Cassette.load(path).interactions
        assert interaction.response is not None
        story = cls(len(interaction.chunks), interaction.chunks[0].after, interaction.response.after)
        assert [chunk.data for chunk in interaction.chunks] == story.chunks
        return story

    def save(self, path: Path) -> None:
        """Save the story as a cassette with one interaction."""
        Cassette([self.interaction]).save(path)

    def lateness(self, stream: Stream) -> list[float]:
        """The lateness of each chunk in ms: the moment when it came, minus its recorded moment.

        Raises:
            AssertionError: the stream is not the recorded one: complete, byte for byte and chunk for chunk.
        """
        got = [data for _, data in stream.seen]
        assert got == self.chunks, f"a stream is not the recorded one: {len(got)} chunks of {len(self.chunks)}"
        late = [(at - stream.sent - due) * 1000 for (at, _), due in zip(stream.seen, self.due, strict=True)]
        # Rounding in cassettes and clocks is below a microsecond. A chunk that is earlier than that cannot be right.
        assert min(late) > -1, f"a chunk was there {-min(late):.1f} ms too early"
        return late


def raise_file_limit(streams: int) -> None:
    """Let this process and its children have a socket for each stream."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    need = streams + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < need:
        raise SystemExit(f"{streams} streams need {need} open files; the limit is {hard} (ulimit -Hn).")
    if soft != resource.RLIM_INFINITY and soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))
