"""The OpenAI-compatible methods, as OpenAI's clients send and read them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import httpx
import pytest

from gemini_replay.server import upstream
from gemini_replay.server.upstream.embeddings import vector

BASES = ["/v1beta/openai", "/v1/projects/p/locations/us-central1/endpoints/openapi"]
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tell me a story."}]


def asked(api: httpx.Client, base: str = BASES[0], **body: Any) -> httpx.Response:
    body = {"model": "gemini-2.5-flash", "messages": ASK, **body}
    return api.post(f"{base}/chat/completions", json=body)


def chunks(answer: httpx.Response) -> list[Any]:
    """The chunks of a stream, which must end with [DONE]."""
    assert answer.headers["content-type"] == "text/event-stream"
    *found, last = answer.text.removesuffix("\n\n").split("\n\n")
    assert last == "data: [DONE]"
    return [json.loads(one.removeprefix("data: ")) for one in found]


@pytest.mark.parametrize("base", BASES)
def test_a_completion_is_the_scenarios_text(api: httpx.Client, base: str) -> None:
    """Whole and streamed completions have the same text."""
    whole = asked(api, base).json()
    (choice,) = whole["choices"]
    assert (whole["object"], whole["model"], choice["finish_reason"]) == (
        "chat.completion",
        "gemini-2.5-flash",
        "stop",
    )
    found = chunks(asked(api, base, stream=True))
    assert len(found) > 10
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in found)
    assert text == choice["message"]["content"]
    assert {one["object"] for one in found} == {"chat.completion.chunk"}
    assert [one["choices"][0]["finish_reason"] for one in found if one["choices"][0]["finish_reason"]] == ["stop"]
    assert {one["id"] for one in found} == {whole["id"]}
    assert "usage" not in found[-1]


def test_usage_is_counted(api: httpx.Client) -> None:
    """A stream has the usage only if the request asks for it."""
    usage = asked(api).json()["usage"]
    assert usage["prompt_tokens"] == 6
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    streamed = chunks(asked(api, stream=True, stream_options={"include_usage": True}))
    assert streamed[-1]["usage"]["total_tokens"] == pytest.approx(usage["total_tokens"], abs=20)


@pytest.mark.parametrize("model", ["models/gemini-2.5-flash", "google/gemini-2.5-flash", "max-tokens"])
def test_models_are_named_in_several_ways(api: httpx.Client, model: str) -> None:
    """A model's name may also be that of a scenario."""
    reason = asked(api, model=model).json()["choices"][0]["finish_reason"]
    assert reason == ("length" if model == "max-tokens" else "stop")


def test_tools_are_called_in_several_rounds(api: httpx.Client) -> None:
    """Each result is sent back, and the last answer is a text."""
    messages: list[Any] = [{"role": "user", "content": "The weather in three cities?"}]
    rounds = []
    while True:
        message = asked(api, model="function-rounds", messages=messages).json()["choices"][0]["message"]
        streamed = chunks(asked(api, model="function-rounds", messages=messages, stream=True))
        calls = message.get("tool_calls", [])
        same = [call for one in streamed for call in one["choices"][0]["delta"].get("tool_calls", [])]
        assert [{name: call[name] for name in call if name != "index"} for call in same] == calls
        assert [call["index"] for call in same] == list(range(len(same)))
        assert streamed[-1]["choices"][0]["finish_reason"] == ("tool_calls" if calls else "stop")
        if not calls:
            break
        rounds.append([json.loads(call["function"]["arguments"])["city"] for call in calls])
        messages.append(message)
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "18 °C"} for call in calls]
    assert rounds == [["Zürich"], ["東京", "São Paulo"]]
    assert message["content"].startswith("Zürich is the coldest")


def test_thoughts_are_left_out(api: httpx.Client) -> None:
    """Google leaves them out too."""
    assert asked(api, model="thinking").json()["choices"][0]["message"]["content"].startswith("There are **nine**")


@pytest.mark.parametrize(("model", "reason"), [("safety", "content_filter"), ("blocked", "content_filter")])
def test_a_blocked_answer_says_so(api: httpx.Client, model: str, reason: str) -> None:
    """This holds for streams too."""
    assert asked(api, model=model).json()["choices"][0]["finish_reason"] == reason
    assert chunks(asked(api, model=model, stream=True))[-1]["choices"][0]["finish_reason"] == reason


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "429"}, 429),
        ({"model": "nonesuch"}, 404),
        ({"model": ""}, 400),
        ({"messages": []}, 400),
    ],
)
def test_an_error_comes_in_a_list(api: httpx.Client, body: Any, status: int, streamed: bool) -> None:
    """The list has one error object."""
    answer = asked(api, **body, stream=streamed)
    assert answer.status_code == answer.json()[0]["error"]["code"] == status


def test_an_error_in_mid_stream_is_an_event(api: httpx.Client) -> None:
    """The error is the last event."""
    answer = asked(api, model="inband_error", stream=True)
    assert json.loads(answer.text.split("data: ")[-1])["error"]["code"] == 503


def test_a_broken_stream_breaks_the_connection(api: httpx.Client) -> None:
    """So does a whole answer of the same scenario."""
    for streamed in (True, False):
        with pytest.raises(httpx.TransportError):
            asked(api, model="cut", stream=streamed)


def test_models_are_listed(api: httpx.Client) -> None:
    """Each is also described, by both spellings of its name."""
    found = api.get("/v1beta/openai/models").json()["data"]
    assert found[0] == {
        "id": "models/gemini-2.0-flash",
        "object": "model",
        "owned_by": "google",
        "display_name": "gemini-2.0-flash",
    }
    for name in ("gemini-2.0-flash", "models/gemini-2.0-flash"):
        assert api.get(f"/v1beta/openai/models/{name}").json() == found[0]
    assert api.get("/v1beta/openai/models/nonesuch").status_code == 404


def test_texts_are_embedded(api: httpx.Client) -> None:
    """Vectors come as numbers, or in base64, which OpenAI's client asks for."""

    def embedded(**body: Any) -> httpx.Response:
        return api.post("/v1beta/openai/embeddings", json={"model": "gemini-embedding-001", "dimensions": 4, **body})

    plain = embedded(input=["one", "two"]).json()["data"]
    assert [one["embedding"] for one in plain] == [vector("one", 4), vector("two", 4)]
    packed = embedded(input="one", encoding_format="base64").json()["data"][0]["embedding"]
    assert struct.unpack("<4f", base64.b64decode(packed)) == pytest.approx(vector("one", 4), abs=1e-6)
    for wrong in ({"input": []}, {"input": [1]}, {"input": "x", "dimensions": 0}, {"model": "gemini-2.5-flash"}):
        assert embedded(**{"input": "x", **wrong}).status_code in (400, 404)


def test_a_bearer_key_is_checked() -> None:
    """As OpenAI's client sends it."""
    with upstream.start(pace=0, key="right") as server:
        for key, status in (("right", 200), ("wrong", 401)):
            with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {key}"}) as api:
                assert asked(api).status_code == status
