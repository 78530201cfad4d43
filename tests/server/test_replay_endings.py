"""The replay server ends a response as it was recorded, and answers requests without a recording."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from support.clients import KEY, TIMEOUT
from support.replays import ASK, Fetch, interaction
from support.streams import PATH, events

from gemini_replay import Interaction
from gemini_replay.cassette.model import End


class TestEndings:
    """Recorded endings on a real connection."""

    def test_a_reset_is_a_tcp_reset_after_all_chunks(self, fetch: Fetch, served: Any) -> None:
        """It comes at the recorded moment."""
        with served(interaction(events(3), end=End("reset", 0.02))) as url:
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)

    def test_a_body_that_was_closed_early_is_closed_early(self, fetch: Fetch, served: Any) -> None:
        """The connection ends with a FIN, without the last chunk."""
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
    def test_a_connection_that_ended_before_a_head_ends_again(
        self, served: Any, end: End, error: type[Exception]
    ) -> None:
        """The client raises its own exception."""
        recorded = interaction([], end=end)
        with served(Interaction(recorded.request, None, (), end)) as url, pytest.raises(error):
            httpx.post(url + PATH, json=ASK, timeout=TIMEOUT if end.kind == "timeout" else 30)

    def test_a_recorded_timeout_is_silence_until_the_client_times_out(self, served: Any) -> None:
        """The client's own read timeout ends it, and the next request is answered."""
        with served(interaction(events(2), gap=0.01, end=End("timeout")), speed="instant") as url:
            for _ in range(2):
                got = b""
                with httpx.stream("POST", url + PATH, json=ASK, timeout=TIMEOUT) as answer:
                    with pytest.raises(httpx.ReadTimeout):
                        for data in answer.iter_raw():
                            got += data
                assert got == b"".join(events(2))

    def test_a_recording_that_its_client_cancelled_is_reset_there(
        self, fetch: Fetch, served: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        """So no client takes it for the whole answer. The log gives the reason."""
        with served(interaction(events(3), end=End("cancelled"))) as url, caplog.at_level(logging.WARNING):
            answer = fetch(url, PATH)
        assert answer.chunks == events(3)
        assert isinstance(answer.error, ConnectionResetError)
        assert "ends where its client closed the response" in caplog.text

    def test_a_client_that_leaves_does_not_disturb_others(
        self, connect: Any, wire: Any, fetch: Fetch, served: Any
    ) -> None:
        """The next client is served from the beginning."""
        with served(interaction(events(50), gap=0.02)) as url:
            with connect(url, PATH) as (_, reader):
                wire.head(reader)
                assert wire.chunk(reader) == events(50)[0]
            assert fetch(url, PATH).chunks == events(50)


class TestMisses:
    """A request that no recording answers."""

    def test_a_miss_is_a_404_in_googles_form(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """It shows the nearest recording and its differences, also in the log. Clients do not retry a 404."""
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

    def test_a_miss_shows_no_secret(self, served: Any, caplog: pytest.LogCaptureFixture) -> None:
        """Neither answer nor log shows a key from a header, the query, a bearer token or the body."""
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
        """This is how a test's own session works. The server of the command line starts again."""
        with served(interaction(events(1)), interaction(events(2)), repeat=False) as url:
            answers = [httpx.post(url + PATH, json=ASK) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 404]
        with served(interaction(events(1)), interaction(events(2))) as url:
            bodies = [httpx.post(url + PATH, json=ASK).content for _ in range(3)]
        assert bodies == [b"".join(events(n)) for n in (1, 2, 1)]
