"""Turns an interaction into steps with their times. It moves chunks and never parses them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, chain

from ..cassette.model import Chunk, Headers, Interaction, Response, header
from ..errors import GeminiReplayError
from .coding import ContentEncoder, accepts, content_encoder
from .schedule import Head, Schedule, Stall, Steps, What
from .script import Piece, Script
from .timing import INSTANT

_PACKAGES = {"br": "brotli, 1.2 or newer", "zstd": "zstandard"}

_GRACE_S = 1.0
"""How many seconds a cancelled recording stays silent at its end, so that a client with a timer closes it first."""


@dataclass(frozen=True)
class Playback:
    """One interaction, ready to be played.

    Attributes:
        interaction: what was recorded.
        speed: a factor, see `timing.parse_speed`.
        max_gap: the longest wait before any step, in seconds at that speed. It does not limit stalls of faults.
        script: what is played if it differs from the recording.

    Raises:
        GeminiReplayError: the recording has bytes that are still coded, so it can only be played in its coding, and
            nothing here compresses to that.
    """

    interaction: Interaction
    speed: float = 1.0
    max_gap: float = math.inf
    script: Script | None = None

    def __post_init__(self) -> None:
        """Refuse a recording that cannot be played, before a client waits for it."""
        chunks = self.interaction.chunks
        if not any(chunk.coded for chunk in chunks) or not any(chunk.data or chunk.members for chunk in chunks):
            return
        coding = _coding(self.interaction.response)
        if content_encoder(coding) is None:
            raise GeminiReplayError(
                f"A recorded response has bytes that could not be decoded, so it can only be replayed in its content "
                f"coding {coding!r}, and nothing here compresses to that.",
                hint=f"Install {_PACKAGES[coding]}." if coding in _PACKAGES else "Record it again with wire=True.",
            )

    def schedule(self, accept_encoding: str, started: float, *, skip_stalls: bool = True) -> Schedule:
        """The schedule of one response, see `steps` and `Schedule`."""
        return Schedule(self.steps(accept_encoding), started, skip_stalls=skip_stalls)

    def steps(self, accept_encoding: str = "") -> Steps:
        """The steps in order: the head (if there is one), every chunk, the ending.

        A body that was stored decoded is compressed again, chunk by chunk, if `accept_encoding` (the client's header)
        asks for the recorded coding. Otherwise it goes out decoded, and the head says so. A body with bytes
        that are still coded keeps its coding, whatever the client asks for.
        """
        wire = _Wire(self._script, accept_encoding) if self.may_encode else None
        return self._as_stored if wire is None or not wire.encodes else self._made(wire)

    @cached_property
    def may_encode(self) -> bool:
        """Whether the steps depend on the client's ``accept-encoding``: the body was compressed."""
        response = self._script.response
        return response is not None and response.body == "decoded"

    @cached_property
    def _script(self) -> Script:
        return self.script or Script.of(self.interaction)

    @cached_property
    def _as_stored(self) -> Steps:
        """The steps for clients that get the body as it is stored. They are made once."""
        made = self._made(_Wire(self._script, ""))
        return replace(made, what=tuple(made.what))

    def _made(self, wire: _Wire) -> Steps:
        script = self._script
        afters = [piece.after for piece in script.pieces]
        what: Iterable[What] = chain(wire.chunks(), (script.end.ending,))
        if script.response is not None:
            afters.insert(0, script.response.after)
            what = chain((Head(script.response.status, _headers(script, coded=wire.coded)),), what)
        afters.append(script.end.after)
        waits = [after / self.speed for after in afters]
        if self.max_gap != math.inf:
            waits = [min(wait, self.max_gap) for wait in waits]
        if script.end.kind == "cancelled":
            waits[-1] += _GRACE_S / self.speed
        breaks = [len(waits) - 1]
        if script.stalls and self.speed == INSTANT:
            what = _with_stalls(what, script.stalls)
            breaks = [step + before for before, step in enumerate([*script.stalls, *breaks])]
            waits += [0.0] * len(script.stalls)
        else:
            for step, seconds in script.stalls.items():
                waits[step] += seconds
        return Steps(list(accumulate(waits)), what, breaks)


def _headers(script: Script, *, coded: bool) -> Headers:
    """Headers that are true of the sent body; `coded` says whether it is in the coding that they name."""
    assert script.response is not None
    dropped = set() if coded else {"content-encoding"}
    if not _length_is_true(script):
        dropped.add("content-length")
    return tuple((name, value) for name, value in script.response.headers if name.lower() not in dropped)


def _with_stalls(what: Iterable[What], stalls: Mapping[int, float]) -> Iterator[What]:
    for step, one in enumerate(what):
        if step in stalls:
            yield Stall(stalls[step])
        yield one


def _coding(response: Response | None) -> str:
    return ((header(response.headers, "content-encoding") if response else None) or "").strip().lower()


class _Wire:
    """What a script's body is on the wire.

    Attributes:
        coded: whether it is in the content coding that the recorded head names.
        encodes: whether it is compressed again.
    """

    def __init__(self, script: Script, accept_encoding: str) -> None:
        self.coded = True
        self._pieces: Sequence[Chunk | Piece] = script.pieces
        self._encoder: ContentEncoder | None = None
        response = script.response
        if response is None or response.body != "decoded":
            return
        must = any(piece.coded for piece in script.pieces)
        coding = _coding(response)
        if must or accepts(accept_encoding, coding):
            self._encoder = content_encoder(coding)
        self.coded = must or self._encoder is not None
        self._finishes = script.end.kind == "eof" and script.end.how != "unfinished" and not must

    @property
    def encodes(self) -> bool:
        return self._encoder is not None

    def chunks(self) -> Iterable[bytes]:
        """The bytes of each piece."""
        if self._encoder is None:
            return [piece.data + piece.coded for piece in self._pieces]
        return self._encoded(self._encoder)

    def _encoded(self, encoder: ContentEncoder) -> Iterator[bytes]:
        unended = 0  # members that end in a chunk in which another begins
        for number, piece in enumerate(self._pieces):
            last = number + 1 == len(self._pieces)
            members = piece.members if not number or not _begins_member(piece) else piece.members[1:]
            sent = [encoder.finish() for _ in range(unended)]
            unended = at = 0
            for member in members:
                if member == len(piece.data) and not piece.coded:
                    unended += 1  # the part of the new member in this chunk decodes to nothing
                    continue
                sent += [encoder.encode(piece.data[at:member]), encoder.finish()]
                at = member
            sent.append(encoder.encode(piece.data[at:]))
            if piece.coded:
                sent += [encoder.spoil(), piece.coded]
            elif self._finishes if last else _begins_member(self._pieces[number + 1]):
                sent += [encoder.finish() for _ in range(unended + 1)]
                unended = 0
            yield b"".join(sent)


def _begins_member(piece: Chunk | Piece) -> bool:
    return piece.members[:1] == (0,)


def _length_is_true(script: Script) -> bool:
    response = script.response
    length = header(response.headers, "content-length") if response else None
    if length is None or response is None or response.body == "decoded":
        return False
    if not script.pieces and script.end.kind == "eof":
        return True  # the answer to a HEAD request, or an empty body
    came = sum(len(piece.data) for piece in script.pieces)
    if script.end.kind != "eof" and length.strip().isdigit():
        return came <= int(length)  # in a failure, the declared length may exceed what came
    return length.strip() == str(came)
