"""What faults do to a recorded response."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gemini_replay import gemini
from gemini_replay.cassette.model import Chunk, End, Interaction, Request, Response
from gemini_replay.engine.faults import parse_faults
from gemini_replay.engine.player import Playback
from gemini_replay.engine.rechunking import parse_rechunk
from gemini_replay.engine.schedule import Head, Stall
from gemini_replay.engine.script import GARBAGE, Scripting
from gemini_replay.engine.timing import INSTANT
from gemini_replay.frames import encode_sse
from gemini_replay.gemini.spelling import encode_array

ASKED = Request("POST", "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse")
A, B, C = (encode_sse(json.dumps({"n": n})) for n in "abc")
HEAD = Response(200, (("content-type", "text/event-stream"),), 1.0)
PLAIN = Interaction(ASKED, HEAD, (Chunk(0.0, A), Chunk(0.5, B), Chunk(0.25, C)), End("eof", 0.125))
ARRAY = Interaction(
    ASKED,
    Response(200, (("content-type", "application/json"),)),
    tuple(Chunk(0.0, one) for one in encode_array(['{"n": "a"}', '{"n": "b"}'])),
)


def played(faults: str, interaction: Interaction = PLAIN, speed: float = 1.0, rechunk: Any = None) -> list[Any]:
    scripting = Scripting(interaction, parse_rechunk(rechunk))
    for fault in parse_faults(faults):
        assert scripting.apply(fault), fault
    return list(Playback(interaction, speed, script=scripting.script).steps())


def chunks(steps: list[Any]) -> list[bytes]:
    return [part for _, part in steps if isinstance(part, bytes)]


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("event:2", [A, B]),
        ("chunk:2", [A, B]),
        ("event:0", []),
        ("byte:0", []),
        ("byte:3", [A[:3]]),
        (f"byte:{len(A) + 2}", [A, B[:2]]),
        ("end", [A, B, C]),
        ("event:3", [A, B, C]),
        ("event:1.5", [A, B[: len(B) // 2]]),
        ("chunk:0.5", [A[: len(A) // 2]]),
        ("event:2.999", [A, B, C[:-1]]),
        ("event:0.001", [A[:1]]),
    ],
)
@pytest.mark.parametrize(("kind", "ending"), [("reset", "reset"), ("close", "closed")], ids=["reset", "close"])
def test_a_connection_breaks_after_the_last_byte_before_the_place(
    kind: str, ending: str, place: str, kept: list[bytes]
) -> None:
    """It breaks at the moment of that byte."""
    head, *data, stop = played(f"{kind}@{place}")
    assert isinstance(head[1], Head)
    assert chunks(data) == kept
    assert stop == ((data or [head])[-1][0], ending)


def test_a_body_that_ends_early_has_a_good_end() -> None:
    """Its head no longer declares a length."""
    whole = Interaction(ASKED, Response(200, (("content-length", str(len(A + B + C))),)), PLAIN.chunks)
    (_, head), *data, stop = played("eof@event:1", whole)
    assert head.headers == ()
    assert chunks(data) == [A]
    assert stop[1] == "eof"


def test_a_declared_length_stays_where_the_connection_breaks() -> None:
    """The client finds too few bytes, as it would live."""
    whole = Interaction(ASKED, Response(200, (("content-length", str(len(A + B + C))),)), PLAIN.chunks)
    assert played("reset@event:1", whole)[0][1].headers == whole.response.headers  # type: ignore[union-attr]


@pytest.mark.parametrize(("kind", "ending"), [("reset", "reset"), ("close", "closed"), ("eof", "closed")])
def test_a_connection_breaks_before_the_head(kind: str, ending: str) -> None:
    """It breaks when the head was due. Without a head, there cannot be a good end."""
    assert played(f"{kind}@head") == [(1.0, ending)]


@pytest.mark.parametrize(
    ("place", "moments"),
    [
        ("head", [11.0, 11.0, 11.5, 11.75, 11.875]),
        ("event:0", [1.0, 11.0, 11.5, 11.75, 11.875]),
        ("event:2", [1.0, 1.0, 1.5, 11.75, 11.875]),
        ("end", [1.0, 1.0, 1.5, 1.75, 11.875]),
    ],
)
def test_a_stall_moves_what_follows(place: str, moments: list[float]) -> None:
    """All later parts come that many seconds later, at any speed."""
    assert [at for at, _ in played(f"stall@{place}:10s")] == moments
    fast = [at for at, _ in played(f"stall@{place}:10s", speed=4)]
    assert fast == [(moment - 10) / 4 + 10 if moment >= 10 else moment / 4 for moment in moments]


def test_at_instant_speed_a_stall_is_listed_without_waiting() -> None:
    """The player decides whether the client would have timed out."""
    steps = played("stall@event:2:10s", speed=INSTANT)
    assert [type(part) for _, part in steps] == [Head, bytes, bytes, Stall, bytes, str]
    assert steps[3] == (0.0, Stall(10.0))
    assert {at for at, _ in steps} == {0.0}


def test_a_stall_within_a_chunk_cuts_it() -> None:
    """The bytes before the stall come on time."""
    steps = played("stall@event:1.5:10s")
    assert chunks(steps) == [A, B[: len(B) // 2], B[len(B) // 2 :], C]
    assert [at for at, _ in steps][2:4] == [1.5, 11.5]


def test_an_error_object_ends_the_stream() -> None:
    """The object comes when the next event was due, as Google sends it: raw and on several lines."""
    *data, stop = played("error@event:2;code=429;retry-after=7")[1:]
    assert chunks(data)[:2] == [A, B]
    assert data[2][0] == 1.75
    assert data[2][1].startswith(b"{\n")
    assert stop[1] == "eof"
    (*_, event) = gemini.parse_stream(chunks(data))
    assert event.error is not None
    assert (event.error.code, event.error.status, event.error.retry_delay) == (429, "RESOURCE_EXHAUSTED", 7.0)


@pytest.mark.parametrize("place", ["event:0", "event:1", "event:2"])
def test_an_error_object_is_an_element_of_an_array(place: str) -> None:
    """The array stays valid."""
    found = json.loads(b"".join(chunks(played(f"error@{place}", ARRAY))))
    assert [list(one) for one in found] == [["n"]] * int(place[-1]) + [["error"]]


@pytest.mark.parametrize("fault", ["garbage@event:1", "duplicate@event:2", "error@event:2", "status:503"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_inserted_bytes_are_rechunked_like_the_recording(fault: str, size: int) -> None:
    """They are cut separately: there is a boundary at the fault's place. Bytes and moments stay."""
    plain = played(fault, rechunk="events")
    cut = played(fault, rechunk=size)
    assert b"".join(chunks(cut)) == b"".join(chunks(plain))
    if size == 10_000:
        assert len(chunks(cut)) <= 3
    else:
        assert [len(chunk) for chunk in chunks(cut) if len(chunk) > size] == []
    assert cut[-1] == plain[-1]


def test_an_error_that_is_cut_comes_at_its_moment_byte_by_byte() -> None:
    """All of its bytes come when the next bytes were due."""
    error = chunks(played("error@event:2"))[-1]
    steps = played("error@event:2", rechunk="bytes")
    assert steps[-1 - len(error) : -1] == [(1.75, bytes([one])) for one in error]


def test_garbage_is_inserted() -> None:
    """Garbage changes no recorded byte, only what the bytes mean."""
    assert chunks(played("garbage@event:1")) == [A, GARBAGE, B, C]
    with pytest.raises(UnicodeDecodeError):
        GARBAGE.decode()


@pytest.mark.parametrize("unit", ["event", "chunk"])
def test_an_event_or_chunk_comes_twice(unit: str) -> None:
    """The copy follows at once."""
    assert chunks(played(f"duplicate@{unit}:2")) == [A, B, B, C]


@pytest.mark.parametrize(("number", "letters"), [(1, "aab"), (2, "abb")])
def test_an_element_that_comes_twice_keeps_the_array_valid(number: int, letters: str) -> None:
    """The copy has its own comma."""
    found = json.loads(b"".join(chunks(played(f"duplicate@event:{number}", ARRAY))))
    assert "".join(one["n"] for one in found) == letters


def test_a_slow_response_takes_several_times_as_long() -> None:
    """The factor counts from the head to the end."""
    assert [at for at, _ in played("slow:x4")] == [4.0, 4.0, 6.0, 7.0, 7.5]


def test_a_status_replaces_the_stream() -> None:
    """It comes when the head was due, with Google's error object and the right length."""
    (at, head), (_, data), stop = played("status:429;retry-after=2.5")
    assert (at, head.status) == (1.0, 429)
    assert dict(head.headers) == {
        "content-type": "text/event-stream",
        "content-length": str(len(data)),
        "retry-after": "2.5",
    }
    error = json.loads(data)["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}]
    assert stop[1] == "eof"


def test_vertex_wraps_its_error_unless_sse_was_asked_for() -> None:
    """The error is the only item of a list."""
    url = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:x"
    body = chunks(played("status:503", Interaction(Request("POST", url), HEAD)))[0]
    assert [one["error"]["status"] for one in json.loads(body)] == ["UNAVAILABLE"]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ("garbage@event:1,reset@event:1", [A, GARBAGE]),
        ("duplicate@event:1,eof@event:2", [A, A, B]),
        ("garbage@event:1,garbage@event:2", [A, GARBAGE, B, GARBAGE, C]),
        ("slow:x2,eof@byte:3", [A[:3]]),
    ],
)
def test_faults_compose(faults: str, expected: list[bytes]) -> None:
    """Faults apply in order. Places count in the recording, whatever earlier faults have changed."""
    assert chunks(played(faults)) == expected


def test_a_stall_before_an_end_made_by_another_fault_is_kept() -> None:
    """The silence comes first, then the reset."""
    assert played("stall@event:1:10s,reset@event:1")[-1] == (11.0, "reset")
    assert played("stall@event:1:10s,error@event:1")[-2][0] == 11.5


@pytest.mark.parametrize(
    "fault", ["reset@event:4", "reset@event:3.5", "reset@chunk:4", "reset@byte:9999", "eof@end", "duplicate@event:4"]
)
def test_a_fault_without_a_place_in_the_response_says_so(fault: str) -> None:
    """The fault is reported as not applied, and the response stays as it is."""
    scripting = Scripting(PLAIN)
    before = scripting.script
    assert scripting.apply(parse_faults(fault)[0]) is False
    assert scripting.script == before


def test_places_count_in_the_recording_whatever_the_chunks() -> None:
    """A reset after two events comes after two events, also if the stream comes byte by byte."""
    steps = played("reset@event:2", rechunk="bytes")
    assert b"".join(chunks(steps)) == A + B
    assert {len(chunk) for chunk in chunks(steps)} == {1}
    assert b"".join(chunks(played("reset@chunk:1", rechunk="tcp"))) == A


def test_a_max_gap_shortens_waits_and_leaves_stalls() -> None:
    """The limit counts at the played speed. A stall is kept, since a fault asks for it."""
    scripting = Scripting(PLAIN)
    scripting.apply(parse_faults("stall@event:2:10s")[0])
    steps = Playback(PLAIN, 2.0, 0.2, scripting.script).steps()
    assert [round(at, 6) for at, _ in steps] == [0.2, 0.2, 0.4, 10.525, 10.5875]


@pytest.mark.parametrize(
    ("faults", "applied"),
    [
        (["reset@event:2", "eof@event:3"], [True, False]),
        (["reset@event:2", "error@event:2"], [True, False]),
        (["eof@event:1", "stall@event:2:1s"], [True, False]),
        (["reset@event:2", "garbage@event:1"], [True, True]),
        (["status:503", "reset@event:1"], [True, False]),
        (["status:503", "reset@head"], [True, False]),
        (["reset@head", "status:503"], [True, False]),
        (["reset@event:2", "reset@event:1"], [True, True]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_fault_after_an_ending_is_not_applied(faults: list[str], applied: list[bool]) -> None:
    """The session reports that it was not applied."""
    scripting = Scripting(PLAIN)
    assert [scripting.apply(parse_faults(fault)[0]) for fault in faults] == applied


def test_faults_are_ordered_by_their_places() -> None:
    """Faults are sorted by their places in the response; faults at equal places keep their order."""
    faults = parse_faults("reset@end,garbage@event:1,status:503,duplicate@event:1,slow:x2")
    ordered = sorted(faults, key=Scripting(PLAIN).order)
    assert [fault.kind for fault in ordered] == ["status", "slow", "garbage", "duplicate", "reset"]
