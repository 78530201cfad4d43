"""The Interactions API on the wire. `tests/sdk` tests it through google-genai."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gemini_replay.server import upstream

PATH = "/v1beta/interactions"
Event = tuple[str, Any]


def asked(api: httpx.Client, **body: Any) -> httpx.Response:
    return api.post(PATH, json={"model": "gemini-2.5-flash", "input": "Tell me a story.", **body})


def events(answer: httpx.Response) -> list[Event]:
    """The events of a stream, which must end with [DONE]."""
    assert answer.headers["content-type"] == "text/event-stream"
    *found, last = answer.text.removesuffix("\n\n").split("\n\n")
    assert last == "event: done\ndata: [DONE]"
    read = []
    for one in found:
        name, data = one.split("\n")
        read.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    assert all(name == event["event_type"] for name, event in read)
    assert [event["event_id"] for _, event in read] == [str(nth) for nth in range(len(read))]
    return read


def test_an_interaction_is_created_and_kept(api: httpx.Client) -> None:
    """It has the model's output as a step, and its usage of tokens."""
    created = asked(api).json()
    (step,) = created["steps"]
    assert (created["object"], created["status"], step["type"]) == ("interaction", "completed", "model_output")
    assert step["content"][0]["text"].startswith("从前")
    assert created["usage"]["total_input_tokens"] == 4
    path = f"{PATH}/{created['id']}"
    assert api.get(path).json() == created
    assert api.get(path, params={"include_input": "true"}).json()["input"] == "Tell me a story."
    assert api.delete(path).json() == {}
    assert api.get(path).status_code == 404


def test_a_stream_shows_how_steps_grow(api: httpx.Client) -> None:
    """Each step begins, grows and stops. Together the texts are that of the whole answer."""
    found = events(asked(api, model="thinking", stream=True))
    names = [name for name, _ in found]
    assert names[:3] == ["interaction.created", "interaction.status_update", "step.start"]
    assert names[-2:] == ["step.stop", "interaction.completed"]
    assert [event["step"]["type"] for name, event in found if name == "step.start"] == ["thought", "model_output"]
    deltas = [event["delta"] for name, event in found if name == "step.delta"]
    text = "".join(delta["text"] for delta in deltas if delta["type"] == "text")
    thought, output = asked(api, model="thinking").json()["steps"]
    assert text == output["content"][0]["text"]
    assert [delta["content"] for delta in deltas if delta["type"] == "thought_summary"] == thought["summary"]
    assert found[-1][1]["interaction"]["usage"]["total_thought_tokens"] > 100


def test_functions_are_called_in_several_rounds(api: httpx.Client) -> None:
    """The results refer to the previous interaction, which the server remembers."""
    found = asked(api, model="function-rounds").json()
    rounds = []
    while found["status"] == "requires_action":
        calls = [step for step in found["steps"] if step["type"] == "function_call"]
        rounds.append([call["arguments"]["city"] for call in calls])
        results = [
            {"type": "function_result", "call_id": call["id"], "name": call["name"], "result": "18 °C"}
            for call in calls
        ]
        found = asked(api, model="function-rounds", input=results, previous_interaction_id=found["id"]).json()
    assert rounds == [["Zürich"], ["東京", "São Paulo"]]
    assert found["status"] == "completed"
    assert "three" in found["steps"][-1]["content"][0]["text"]


def test_a_client_may_send_all_the_steps_itself(api: httpx.Client) -> None:
    """Then the server does not have to remember an interaction."""
    first = asked(api, model="afc", store=False).json()
    assert api.get(f"{PATH}/{first['id']}").status_code == 404
    call = first["steps"][-1]
    steps = [
        {"type": "user_input", "content": [{"type": "text", "text": "The weather?"}]},
        *first["steps"],
        {"type": "function_result", "call_id": call["id"], "name": call["name"], "result": {"celsius": 7}},
    ]
    assert asked(api, model="afc", input=steps).json()["status"] == "completed"


def test_a_streamed_call_brings_its_arguments(api: httpx.Client) -> None:
    """They come as JSON, and at the end the interaction waits for the result."""
    found = events(asked(api, model="function-call", stream=True))
    starts = [event["step"] for name, event in found if name == "step.start"]
    assert [step["type"] for step in starts] == ["thought", "function_call"]
    arguments = "".join(event["delta"].get("arguments", "") for name, event in found if name == "step.delta")
    assert json.loads(arguments) == {"city": "Zürich", "unit": "celsius"}
    assert found[-1][1]["interaction"]["status"] == "requires_action"


def test_a_stream_can_be_resumed(api: httpx.Client) -> None:
    """The same events come again, beginning after the last one received."""
    streamed = asked(api, stream=True)
    (_, first), *_, (_, last) = events(streamed)
    path = f"{PATH}/{first['interaction']['id']}"
    assert api.get(path).json()["status"] == last["interaction"]["status"] == "completed"
    assert api.get(path, params={"stream": "true"}).text == streamed.text
    resumed = api.get(path, params={"stream": "true", "last_event_id": "2"})
    assert resumed.text == streamed.text.split("\n\n", 3)[3]


def test_a_stream_that_broke_is_complete_when_it_is_resumed(api: httpx.Client) -> None:
    """The model goes on when its client is gone."""
    got = b""
    with (
        pytest.raises(httpx.TransportError),
        api.stream("POST", PATH, json={"model": "cut", "input": "hi", "stream": True}) as answer,
    ):
        for data in answer.iter_bytes():
            got += data
    first = json.loads(got.split(b"data: ")[1].split(b"\n")[0])
    resumed = api.get(f"{PATH}/{first['interaction']['id']}", params={"stream": "true"})
    assert resumed.content.startswith(got)
    assert events(resumed)[-1][0] == "interaction.completed"


def test_background_work_is_done_when_it_is_asked_for(api: httpx.Client) -> None:
    """This holds for an agent's work too."""
    created = asked(api, model=None, agent="deep-research-pro-preview", background=True).json()
    assert (created["status"], created["steps"]) == ("in_progress", [])
    assert api.get(f"{PATH}/{created['id']}").json()["status"] == "completed"
    assert api.post(f"{PATH}/{created['id']}/cancel").json()["status"] == "cancelled"
    assert api.get(f"{PATH}/{created['id']}").json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({"model": None}, 400, "invalid_request"),
        ({"input": None}, 400, "invalid_request"),
        ({"input": []}, 400, "invalid_request"),
        ({"model": "nonesuch"}, 404, "not_found"),
        ({"model": "429"}, 429, "rate_limit_exceeded"),
        ({"previous_interaction_id": "v1_none"}, 404, "not_found"),
    ],
)
def test_an_error_has_a_word_as_its_code(api: httpx.Client, body: Any, status: int, name: str) -> None:
    """Errors of the Interactions API have words as codes."""
    answer = asked(api, **body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, name)


def test_an_error_in_mid_stream_is_an_event(api: httpx.Client) -> None:
    """It is the last event. For a whole answer, the response is the error."""
    name, event = events(asked(api, model="inband_error", stream=True))[-1]
    assert (name, event["error"]["code"]) == ("error", "unavailable")
    assert asked(api, model="inband_error").status_code == 503


def test_a_limit_leaves_it_incomplete(api: httpx.Client) -> None:
    """The limit corresponds to MAX_TOKENS."""
    assert asked(api, model="max-tokens").json()["status"] == "incomplete"


def test_a_picture_is_content(api: httpx.Client) -> None:
    """The picture follows the words in the model's output."""
    content = asked(api, model="image").json()["steps"][0]["content"]
    assert [one["type"] for one in content] == ["text", "image"]


def test_vertex_has_interactions_too() -> None:
    """Their paths are below the project's."""
    path = "/v1beta1/projects/p/locations/global/interactions"
    with upstream.start(pace=0) as server:
        body = {"model": "gemini-2.5-flash", "input": [{"type": "text", "text": "hi"}]}
        answer = httpx.post(f"{server.url}{path}", json=body, headers={"authorization": "Bearer t"})
        assert answer.json()["status"] == "completed"
