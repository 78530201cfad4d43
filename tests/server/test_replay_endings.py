"""The replay server ends a response as it was recorded, and says what it has no recording of."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from support.clients import KEY
from support.replays import ASK, Fetch, interaction
from support.streams import PATH, events

from gemini_replay import Interaction
from gemini_replay.cassette.model import End


class TestEndings:
    """What a recording's end becomes on a real connection."""

    def test_a_reset_is_a_tcp_reset_behind_all_that_came(self, fetch: Fetch, served: Any) -> None:
        """At its moment."""
        with served(interaction(events(3), end=End("reset", 0.02))) as url:
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)

    def test_a_body_that_stopped_too_early_does_so_in_good_order(self, fetch: Fetch, served: Any) -> None:
        """A FIN without the last chunk."""
        with served(interaction(events(3), end=End("reset", how="closed"))) as url:
            answer = fetch(url, PATH)
        assert (answer.chunks, answer.complete, answer.error) == (events(3), False, None)

    @pytest.mark.parametrize(
        ("end", "error"),
        [
            (End("reset"), httpx.ReadError),
            (End("reset", how="closed"), httpx.RemoteProtocolError),
            (End("cancelled"), httpx.ReadError),
            (End("timeout"), httpx.ReadTimeout),
        ],
        ids=["reset", "closed", "cancelled", "timeout"],
    )
    def test_a_connection_that_ended_before_a_head_does_so_again(
        self, served: Any, end: End, error: type[Exception]
    ) -> None:
        """In the client's own exception."""
        recorded = interaction([], end=end)
        with served(Interaction(recorded.request, None, (), end)) as url, pytest.raises(error):
            httpx.post(url + PATH, json=ASK, timeout=0.3 if end.kind == "timeout" else 30)

    def test_a_recorded_timeout_is_silence_until_the_client_gives_up(self, served: Any) -> None:
        """With its own read timeout; and the next request is answered again."""
        with served(interaction(events(2), gap=0.01, end=End("timeout")), speed="instant") as url:
            for _ in range(2):
                got = b""
                with httpx.stream("POST", url + PATH, json=ASK, timeout=0.5) as answer:
                    with pytest.raises(httpx.ReadTimeout):
                        for data in answer.iter_raw():
                            got += data
                assert got == b"".join(events(2))

    def test_a_recording_that_its_client_cancelled_is_reset_there(
        self, fetch: Fetch, served: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """So that no client takes it for the whole answer; the log says why."""
        with served(interaction(events(3), end=End("cancelled"))) as url, caplog.at_level(logging.WARNING):
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)
        assert "ends where its client closed the response" in caplog.text

    def test_a_client_that_leaves_disturbs_nobody(self, connect: Any, wire: Any, fetch: Fetch, served: Any) -> None:
        """The next one is served from the beginning."""
        with served(interaction(events(50), gap=0.02)) as url:
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                assert wire.chunk(reader) == events(50)[0]
            assert fetch(url, PATH).chunks == events(50)


class TestMisses:
    """A request that no recording answers."""

    def test_a_miss_is_a_404_in_googles_words(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """It shows the nearest recording and how it differs; clients do not retry it; the log has it too."""
        with served(interaction(events(1))) as url, caplog.at_level(logging.WARNING):
            answer = httpx.post(url + PATH, json={"contents": [{"parts": [{"text": "Sing."}]}]})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["status"]) == (404, 404, "NOT_FOUND")
        assert answer.headers["x-gemini-replay"] == "miss"
        assert answer.headers["content-type"] == "application/json; charset=UTF-8"
        assert "Sing." in error["message"]
        assert "interaction 1 of 1; it differs in" in error["message"]
        assert "gemini-replay record" in error["message"]
        assert error["message"] in caplog.text

    def test_no_secret_of_a_missed_request_is_said(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """Not in the answer, not in the log: a key in header, query, bearer token or body."""
        ask = {"contents": [{"parts": [{"text": f"my key is {KEY}"}]}]}
        with served(interaction(events(1))) as url, caplog.at_level(0):
            answers = [
                httpx.post(url + PATH, json=ask, headers={"x-goog-api-key": KEY}),
                httpx.post(f"{url}{PATH}&key={KEY}", json=ask),
                httpx.post(url + PATH, json=ask, headers={"authorization": f"Bearer {KEY}"}),
            ]
            answers.append(httpx.post(f"{url}/{KEY}?key={KEY}"))
        said = "".join(answer.text for answer in answers)
        said += "".join(record.getMessage() for record in caplog.records if record.name.startswith("gemini_replay"))
        assert said.count("my key is REDACTED") == 6
        assert KEY not in said

    def test_without_repetition_each_recording_answers_once(self, served: Any) -> None:
        """As a test's own session wants it; the server of the command line starts again."""
        with served(interaction(events(1)), interaction(events(2)), repeat=False) as url:
            answers = [httpx.post(url + PATH, json=ASK) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 404]
        with served(interaction(events(1)), interaction(events(2))) as url:
            bodies = [httpx.post(url + PATH, json=ASK).content for _ in range(3)]
        assert bodies == [b"".join(events(n)) for n in (1, 2, 1)]
