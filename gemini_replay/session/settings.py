"""Every setting of a session, described once.

`record`, `replay`, `Session` and the explicit transports take these groups as ``**settings: Unpack[...]``, so that
type checkers know each keyword. `arguments.checked` checks the values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypedDict, get_args

from ..cassette.editing import BeforeRecord, BeforeReplay
from ..cassette.matching import DEFAULT_KEYS, Key, Normalize
from ..cassette.model import Interaction
from ..engine.coding import DECODED_LIMIT
from ..engine.faults import Fault
from ..provider import Provider

Mode = Literal["none", "once", "new", "rewrite", "verify", "live"]
"""A record mode.

- "none" only replays.
- "once" records if there is no cassette yet, and replays otherwise.
- "new" replays what was recorded and appends what is missing.
- "rewrite" records everything again.
- "verify" sends every request to the network, and compares the form of the answers with the recordings (see
  `cassette.drift`). The cassette stays as it is.
- "live" uses no cassette: requests go to the network, or to the upstream if there is one.
"""
MODES: tuple[Mode, ...] = get_args(Mode)

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""The path of a cassette; or of several: the first is recorded into, and all are replayed from."""

Faults = str | Fault | Iterable[str | Fault] | None
"""What `fault=` takes, see `engine.faults.parse_faults`."""


class MatchingSettings(TypedDict, total=False):
    """Which recording answers a request.

    Attributes:
        match: what must be equal for a recording to answer a request: names of what is compared, such as "model" and
            "body"; and functions that are called with the recorded request and the asked one, and return True, False,
            or a text that says why they differ. See `gemini_replay.cassette.matching.Matcher`.
        ignore: paths that are not compared, such as "body.generationConfig.seed", see
            `gemini_replay.cassette.matching.ignoring`.
        normalize: a function that turns each request, recorded or asked, into the one to compare, or None.
    """

    match: Key | Sequence[Key]
    ignore: Iterable[str]
    normalize: Normalize | None


class PlaybackSettings(MatchingSettings, total=False):
    """How recordings are chosen and played.

    Attributes:
        speed: a factor of the recorded rhythm (1.0), "instant", or "virtual": the recorded rhythm in virtual
            time (see `gemini_replay.virtual_time`), which explicit transports and servers cannot have.
        max_gap: the longest wait, in seconds; None: as recorded.
        rechunk: other chunk boundaries: "bytes", "events", "tcp", "random", or a size in bytes; None: as recorded.
        before_replay: a function that gets each recording before it is played, and returns the one to play, or None.
        allow_unused: False: the session fails where it ends if nothing has asked for some of its recordings. Those
            that another test has made do not count, and no recording does where the session records.
        repeat: start again from the first when every recording of a request was played, as a server must.
    """

    before_replay: BeforeReplay | None
    allow_unused: bool
    repeat: bool
    speed: str | float
    max_gap: float | None
    rechunk: str | int | None


class RedactionSettings(TypedDict, total=False):
    """Which other values are secret, and which are not. Replay with the same settings as you record.

    Attributes:
        redact: literal values that must not be stored.
        keep_headers: headers to keep although their names are not known to be harmless.
        redact_headers: further headers to redact.
        keep_fields: members of JSON, and query and form parameters, to keep although their names sound secret.
        redact_fields: further such names to redact.
        redact_patterns: further shapes of secrets, as regular expressions; a first group is the secret.
    """

    redact: Iterable[str]
    keep_headers: Iterable[str]
    redact_headers: Iterable[str]
    keep_fields: Iterable[str]
    redact_fields: Iterable[str]
    redact_patterns: Iterable[str | re.Pattern[str]]


class HostSettings(TypedDict, total=False):
    """Which requests belong to the session.

    Attributes:
        hosts: further hosts, as shell patterns, with or without a port. The provider's own always belong, and so does
            any URL of its shape (``…/models/MODEL:ACTION``), unless it calls a server of this process, see
            `hosts.Hosts.is_under_test`. None: every request belongs.
        ignore_hosts: hosts that never belong, in the same form; not the provider's.
        provider: the API that is recorded and replayed; None for Gemini.
    """

    hosts: Iterable[str] | None
    ignore_hosts: Iterable[str]
    provider: Provider | None


class AnsweringSettings(MatchingSettings, RedactionSettings, HostSettings, total=False):
    """Which requests get an answer, and which one; the settings of `faults.check_client`."""


class StorageSettings(TypedDict, total=False):
    """What is recorded, and how.

    Attributes:
        mode: the record mode, see `Mode`.
        upstream: a base URL that requests are sent to, in place of their own scheme and host, if they go to the
            network: to be recorded, or in mode "verify" or "live".
        before_record: a function that gets each interaction when the cassette is made, without secrets, and returns
            the one to store: the same, a changed one, or None to leave it out. None for no function.
        wire: store compressed bodies as they came, instead of decoded.
        ignore_drift: paths that mode "verify" leaves out, such as "body.usageMetadata.trafficType", see
            `gemini_replay.cassette.drift`.
        decoded_limit: the most bytes that a compressed body may decode to. More is a failure of the recording; the
            client gets all of it.
    """

    mode: Mode
    upstream: str | None
    before_record: BeforeRecord | None
    wire: bool
    ignore_drift: Iterable[str]
    decoded_limit: int


class ReplayTransportSettings(PlaybackSettings, RedactionSettings, total=False):
    """The settings of an explicit transport that replays.

    Attributes:
        fault: what goes wrong ("reset@event:3", "status:503;times=2"), or several; see `gemini_replay.faults`.
    """

    fault: Faults


class RecordTransportSettings(PlaybackSettings, RedactionSettings, StorageSettings, total=False):
    """The settings of an explicit transport that records."""


class ReplaySettings(ReplayTransportSettings, HostSettings, total=False):
    """The settings of `replay`."""


class RecordSettings(RecordTransportSettings, HostSettings, total=False):
    """The settings of `record`."""


class SessionSettings(ReplaySettings, StorageSettings, total=False):
    """The settings of a `Session`.

    Attributes:
        test: the id of the test that records, for the cassette's header and for messages.
        interactions: the recordings to play instead of the file's; None for the file's.
    """

    test: str | None
    interactions: Sequence[Interaction] | None


class CassetteConfig(ReplaySettings, StorageSettings, total=False):
    """What the fixture `gemini_cassette_config` returns and the marker `gemini_cassette` takes.

    Attributes:
        cassette_dir: the folder of the cassettes, from the root directory, where ``{folder}`` stands for that of the
            test; or a function that takes the test (a `pytest.Item`) and returns the path of its cassette.
    """

    cassette_dir: str | os.PathLike[str] | Callable[[Any], str | os.PathLike[str]]


DEFAULTS: SessionSettings = {
    "mode": "none",
    "speed": 1.0,
    "max_gap": None,
    "rechunk": None,
    "fault": None,
    "match": DEFAULT_KEYS,
    "ignore": (),
    "normalize": None,
    "hosts": (),
    "ignore_hosts": (),
    "upstream": None,
    "redact": (),
    "keep_headers": (),
    "redact_headers": (),
    "keep_fields": (),
    "redact_fields": (),
    "redact_patterns": (),
    "test": None,
    "wire": False,
    "ignore_drift": (),
    "decoded_limit": DECODED_LIMIT,
    "before_record": None,
    "before_replay": None,
    "allow_unused": True,
    "repeat": False,
    "interactions": None,
    "provider": None,
}
