"""Programs of the official SDK on v2: with the API key, and with access keys through the exchange."""

from __future__ import annotations

import pytest
from conftest import by_access_keys, by_bearer

import qianfan

MODEL = "ernie-4.0-8k"
SUM = [{"role": "user", "content": "3 + 4 等于多少"}]


def text(replies):
    """Add up the words of some replies."""
    said = [choice.get("message") or choice["delta"] for reply in replies for choice in reply["choices"]]
    return "".join(it.get("content") or "" for it in said)


@pytest.fixture
def v2(platform, give):
    """A platform, with the API key for it in the environment."""
    give(by_bearer(platform))
    return platform


@pytest.mark.parametrize("keys", [by_bearer, by_access_keys])
def test_a_question(platform, give, ask, keys):
    """With either kind of key, in each way of calling, a model answers at the first try."""
    give(keys(platform))
    replies = ask(qianfan.ChatCompletion(version="2"), messages=SUM, model=MODEL)

    assert "3 + 4 = 7" in text(replies)
    exchanges = [call.route for call in platform.calls() if call.route != "chat"]
    assert exchanges == ["exchange"] * (keys is by_access_keys)
    [call] = platform.calls("chat")
    assert (call.status, call.version, call.model) == (200, 2, MODEL)


def test_what_it_sends_of_itself(v2, ask):
    """The SDK's header Request_id comes back; of extra_parameters v2 is told nothing that it refuses."""
    replies = ask(qianfan.ChatCompletion(version="2"), messages=SUM, model=MODEL, request_id="mine-0002")

    assert v2.calls("chat")[-1].headers["request_id"] == "mine-0002"
    sent = [{name.lower(): value for name, value in reply.headers.items()} for reply in replies]
    assert {headers["x-baidu-request-id"] for headers in sent} == {"mine-0002"}


def test_an_application(v2):
    """app_id travels as the header appid; one that the platform does not know is refused."""
    known = qianfan.ChatCompletion(version="2", app_id=v2.app_id)
    unknown = qianfan.ChatCompletion(version="2", app_id="app-unknown")

    assert "3 + 4 = 7" in text([known.do(messages=SUM, model=MODEL)])
    assert v2.calls("chat")[-1].headers["appid"] == v2.app_id
    with pytest.raises(qianfan.errors.RequestError, match="invalid_appid"):
        unknown.do(messages=SUM, model=MODEL, retry_count=1)


def test_the_usage_of_a_stream(v2):
    """With include_usage the last event has the usage, which the SDK passes on."""
    replies = qianfan.ChatCompletion(version="2").do(
        messages=SUM, model=MODEL, stream=True, stream_options={"include_usage": True}
    )

    assert list(replies)[-1]["usage"]["total_tokens"] > 0
    assert v2.calls("chat")[-1].status == 200


def test_a_tool_used(v2):
    """A tool that the model calls is answered for, and the model answers from it."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": "get_weather", "description": "查询一个城市的天气", "parameters": schema}
    tools = [{"type": "function", "function": function}]
    messages = [{"role": "user", "content": "杭州的天气怎么样"}]
    chat = qianfan.ChatCompletion(version="2", model=MODEL)
    message = chat.do(messages=messages, tools=tools)["choices"][0]["message"]
    [call] = message["tool_calls"]
    messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": '{"weather": "晴"}'}]

    assert call["function"]["arguments"] == '{"city":"杭州"}'
    assert "晴" in text([chat.do(messages=messages, tools=tools)])
    assert [it.status for it in v2.calls("chat")] == [200, 200]


@pytest.mark.parametrize("model", ["deepseek-r1", "ernie-4.5-turbo-128k", "my_service"])
def test_a_model(v2, ask, model):
    """Models answer that the SDK has in no list, and services of one's own, by their names."""
    v2.do("add_endpoint", name="my_service")

    assert text(ask(qianfan.ChatCompletion(version="2", model=model), messages=SUM))
    assert v2.calls("chat")[-1].model == model


def test_the_openai_style_client(v2):
    """The SDK's own client of OpenAI's style answers, whole and in a stream."""
    client = qianfan.Qianfan()
    whole = client.chat.completions.create(model=MODEL, messages=SUM)
    stream = client.chat.completions.create(model=MODEL, messages=SUM, stream=True)
    words = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]

    assert "3 + 4 = 7" in whole.choices[0].message.content
    assert whole.usage.total_tokens > 0
    assert "".join(words) == whole.choices[0].message.content
    assert [call.version for call in v2.calls("chat")] == [2, 2]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [({"temperature": 5}, 400, "invalid_argument"), ({"model": "no-such-model"}, 401, "invalid_model")],
)
def test_a_refusal(v2, ask, given, status, code):
    """What the platform refuses is one of the SDK's errors, which tells the status or, of streams, the code."""
    arguments = {"messages": SUM, "model": MODEL, "retry_count": 1, **given}
    with pytest.raises(qianfan.errors.QianfanError, match=f"{status}|{code}"):
        ask(qianfan.ChatCompletion(version="2"), **arguments)

    assert [call.status for call in v2.calls("chat")] == [status]


def test_a_wrong_bearer(platform, give, ask):
    """A bearer that the platform does not know is refused with 401."""
    give({"QIANFAN_BEARER_TOKEN": "bce-v3/ALTAK-unknown/0"})
    with pytest.raises(qianfan.errors.QianfanError, match=r"401|invalid_iam_token"):
        ask(qianfan.ChatCompletion(version="2"), messages=SUM, model=MODEL, retry_count=1)

    assert platform.calls("chat")[-1].status == 401


@pytest.mark.parametrize("wrong", ["access", "secret"])
def test_a_wrong_access_key(platform, give, wrong):
    """The SDK tells from the exchange's words which of the two keys is wrong."""
    give({**by_access_keys(platform), f"QIANFAN_{wrong.upper()}_KEY": "wrong"})
    words = rf"{wrong.title()} Key\(`wrong\*\*\*`\) 错误"
    with pytest.raises(qianfan.errors.RequestError, match=words):
        qianfan.ChatCompletion(version="2").do(messages=SUM, model=MODEL, retry_count=1)

    assert {call.route for call in platform.calls()} == {"exchange"}
