"""How faults are written."""

from __future__ import annotations

import pytest

from gemini_replay.engine.faults import KINDS, Fault, NoConnection, Place, parse_faults
from gemini_replay.errors import UsageError


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset@chunk:3", Fault("", "reset", Place("chunk", 3))),
        ("reset@event:2", Fault("", "reset", Place("event", 2))),
        ("reset@byte:1234", Fault("", "reset", Place("byte", 1234))),
        ("reset@head", Fault("", "reset", Place("head"))),
        ("close@end", Fault("", "close", Place("end"))),
        ("eof@event:2.5", Fault("", "eof", Place("event", 2.5))),
        ("stall@event:2:30s", Fault("", "stall", Place("event", 2), seconds=30.0)),
        ("stall@head:500ms", Fault("", "stall", Place("head"), seconds=0.5)),
        ("stall@end:1.5", Fault("", "stall", Place("end"), seconds=1.5)),
        ("stall@byte:7:2m", Fault("", "stall", Place("byte", 7), seconds=120.0)),
        ("status:429;retry-after=2", Fault("", "status", code=429, retry_after=2.0)),
        ("status:503;times=2", Fault("", "status", code=503, times=2)),
        ("status:500;once", Fault("", "status", code=500, times=1)),
        ("status:500;always", Fault("", "status", code=500)),
        ("error@event:2", Fault("", "error", Place("event", 2))),
        ("error@event:0;code=429;retry-after=26s", Fault("", "error", Place("event"), code=429, retry_after=26.0)),
        ("garbage@byte:0", Fault("", "garbage", Place("byte"))),
        ("duplicate@event:1", Fault("", "duplicate", Place("event", 1))),
        ("slow:x4", Fault("", "slow", factor=4.0)),
        ("slow:1.5", Fault("", "slow", factor=1.5)),
        ("refuse", Fault("", "refuse", cause="refused")),
        ("refuse;request=2", Fault("", "refuse", cause="refused", request=2)),
        ("tls", Fault("", "tls", cause="tls")),
        ("timeout:connect", Fault("", "timeout", cause="connect-timeout")),
        ("timeout:pool", Fault("", "timeout", cause="pool-timeout")),
        ("Reset@Event:2", Fault("", "reset", Place("event", 2))),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_fault_is_parsed(text: str, fault: Fault) -> None:
    """A fault has a kind, a place, an argument and options, and remembers how it was spelled."""
    (found,) = parse_faults(text)
    assert found == Fault(**{**vars(fault), "text": text})
    assert str(found) == text


def test_several_faults_are_a_list_or_separated_by_commas() -> None:
    """The faults keep their order; a list may also hold parsed faults."""
    both = parse_faults("stall@event:1:5s, reset@event:2")
    assert [fault.kind for fault in both] == ["stall", "reset"]
    assert parse_faults(["stall@event:1:5s", both[1]]) == both
    assert parse_faults(both[0]) == both[:1]
    assert parse_faults(None) == parse_faults("") == parse_faults([]) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rest@event:3", "Did you mean something like 'reset@event:3'"),
        ("reset", "it needs a place"),
        ("reset@", "Unknown fault"),
        ("reset@event", "event needs a number"),
        ("reset@frame:3", "unknown place 'frame'; places are head, chunk:N"),
        ("reset@event:x", "event needs a number"),
        ("reset@event:-1", "event needs a number"),
        ("reset@event:2:30s", "it takes no '30s'"),
        ("reset@byte:2.5", "the count of bytes must be a whole number"),
        ("reset@event:2;twice", "unknown option 'twice'"),
        ("reset@event:2;times=0", "unknown option 'times=0'"),
        ("reset@event:2;code=500", "unknown option 'code=500'"),
        ("stall@event:2", "it needs a duration such as 30s"),
        ("stall@event:2:soon", "it needs a duration"),
        ("status:200", "an HTTP status from 400"),
        ("status", "an HTTP status from 400"),
        ("status@event:2:500", "it takes no place"),
        ("slow:x0", "a factor above 0"),
        ("slow", "a factor above 0"),
        ("error@head", "use status:503"),
        ("duplicate@byte:3", "a whole chunk or event"),
        ("duplicate@event:0", "a whole chunk or event"),
        ("duplicate@event:1.5", "a whole chunk or event"),
        ("timeout:read", "connect or pool"),
        ("tls@head", "it takes no place"),
    ],
    ids=lambda one: one.replace(" ", "-"),
)
def test_an_invalid_fault_is_an_error_with_an_example(text: str, said: str) -> None:
    """The error says what is wrong and gives an example."""
    with pytest.raises(UsageError) as caught:
        parse_faults(text)
    assert said in str(caught.value)


def test_the_example_of_every_kind_is_a_valid_fault() -> None:
    """The example in a message can be copied unchanged."""
    for kind in KINDS:
        with pytest.raises(UsageError) as caught:
            parse_faults(f"{kind}@nowhere")
        example = str(caught.value).partition("Write it like '")[2].partition("'")[0]
        assert parse_faults(example)[0].kind == kind


def test_a_client_waits_for_a_connection_until_its_own_limit() -> None:
    """Without a limit, it waits until the system gives up; at instant speed, not at all. A refusal comes at once."""
    assert NoConnection("connect-timeout").seconds(5.0) == 5.0
    assert NoConnection("connect-timeout").seconds(None) == 127.0
    assert NoConnection("pool-timeout").seconds(5.0) == 5.0
    assert NoConnection("pool-timeout").seconds(None) == 0.0
    assert NoConnection("connect-timeout", waits=False).seconds(5.0) == 0.0
    assert NoConnection("refused").seconds(5.0) == NoConnection("tls").seconds(5.0) == 0.0
