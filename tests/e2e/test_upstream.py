"""The SDK, a local platform, and behind it another one that has the words: both APIs, all ways of calling."""

from __future__ import annotations

import json

import pytest
from applications import register
from support.worlds import streams, unary

import qianfan
from qianfan import errors

WEATHER = {
    "name": "get_weather",
    "description": "查询城市的天气",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

FROZEN = 1_700_000_000.0


def get_weather(city: str) -> str:
    """Tell the weather of a city (查询城市的天气)."""
    return json.dumps({"weather": "晴", "city": city}, ensure_ascii=False)


@pytest.fixture
def behind(start):
    """The platform that has the words, and marks them."""
    platform = start(clock=qianfan.local.Clock(lambda: FROZEN))
    platform.reply("杭州", with_="这是后面的平台说的：杭州在浙江。")
    return platform


@pytest.fixture
def platform(start, behind):
    """The platform in front of it."""
    return start(upstream=f"{behind.url}/v2", upstream_key=behind.api_key)


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def client(request, platform, world):
    """A client of either API of the platform in front."""
    application = register(platform)
    keys = {"ak": application.ak, "sk": application.sk}
    if request.param == 2:
        keys = {"api_key": platform.add_api_key().key}
    client = qianfan.Qianfan(base_url=platform.url, backoff_factor=0, **keys)
    yield client
    world.close_client(client)
    client.close()


def said(*texts):
    """Return messages that take turns, the user's first."""
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


def test_the_words_are_the_other_s(world, client, platform, behind):
    """The reply reads as every other; its words and usage are the upstream's, its id is the platform's."""
    outcome = world.ask(client.chat, said("介绍一下杭州"))

    assert outcome.text == "这是后面的平台说的：杭州在浙江。"
    inner, outer = behind.calls("chat").last, platform.calls("chat").last
    assert inner.version == 2
    assert inner.messages == outer.messages == said("介绍一下杭州")
    assert outcome.reply.usage.total_tokens == 20
    assert outcome.reply["id"].startswith("as-")
    assert len(platform.calls("chat")) == len(behind.calls("chat")) == 1


@streams
def test_events_add_up(world, client):
    """Every event of the upstream's is one of the platform's; they add up to the whole reply."""
    outcome = world.ask(client.chat, said("介绍一下杭州"))
    whole = client.chat.do(said("介绍一下杭州"))

    assert "".join(outcome.events) == outcome.text == whole["result"]
    assert len(outcome.events) >= 8
    assert outcome.reply["usage"] == whole["usage"]
    assert outcome.reply["finish_reason"] == whole["finish_reason"]


def test_a_conversation_with_functions(world, client, behind):
    """A call and its answer go both ways: the upstream knows which call is answered."""
    options = {"model": "ERNIE-Bot", "functions": [WEATHER]}
    first = world.ask(client.chat, said("北京的天气怎么样"), **options).reply
    call = first["function_call"]
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "北京"})

    msgs = qianfan.Messages()
    msgs.append("北京的天气怎么样")
    msgs.append(first)
    msgs.append(get_weather(**json.loads(call["arguments"])), role="function")
    second = world.ask(client.chat, msgs, **options)

    assert "晴" in second.text
    question, called, answer = behind.calls("chat").last.messages
    assert question["role"] == "user"
    assert called["tool_calls"][0]["id"] == answer["tool_call_id"]
    assert called["tool_calls"][0]["function"]["name"] == "get_weather"


def test_persona_and_limits(world, client, behind):
    """What the caller asks for is asked of the upstream, by its names for it."""
    options = {
        "system": "你是老师",
        "max_output_tokens": 4,
        "temperature": 0.5,
        "stop": ["。"],
        "user_id": "u",
    }
    outcome = world.ask(client.chat, said("讲讲黄河"), **options)

    body = behind.calls("chat").last.body
    assert body["messages"][0] == {"role": "system", "content": "你是老师"}
    assert 4 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    assert (body["temperature"], body["stop"], body["user"]) == (0.5, ["。"], "u")
    assert outcome.reply["is_truncated"] is True
    assert outcome.reply["finish_reason"] == "length"


def test_vectors(world, client, behind):
    """Vectors are those that the other platform makes."""
    reply = world.call(client.embeddings, "do", ["一", "二"])

    with behind.client(version=2) as direct:
        assert reply["data"] == direct.embeddings.do(["一", "二"])["data"]


def test_errors_of_the_other_are_the_platform_s(world, client, behind):
    """A quota of the upstream's is an error of the platform's own kind, with what the upstream said."""
    behind.on("chat").code(336501, message="后面的平台忙")

    outcome = world.ask(client.chat, said("你好"), retry_count=1)

    assert isinstance(outcome.error, errors.APIError)
    assert outcome.error.code in (336501, "rpm_rate_limit_exceeded")
    assert "后面的平台忙" in str(outcome.error)
    assert behind.api_key not in str(outcome.error) + repr(outcome.error)


def test_what_fails_once_is_tried_again(world, client, behind):
    """A fault of the upstream's that is gone the next time is not seen."""
    behind.on("chat", nth=1).status(503)

    assert world.ask(client.chat, said("介绍一下杭州"), retry_count=2).text.endswith("杭州在浙江。")
    assert len(behind.calls("chat")) == 2


@streams
def test_a_stream_that_breaks_there_fails_here(world, client, behind):
    """An upstream that breaks off in the middle is an error, with what was said before it."""
    behind.on("chat", stream=True).cut(after=3)

    outcome = world.ask(client.chat, said("介绍一下杭州"))

    assert isinstance(outcome.error, errors.QianfanError)
    assert 1 <= len(outcome.events) <= 3
    assert "这是后面的平台说的：杭州在浙江。".startswith("".join(outcome.events))


@unary
def test_thoughts(world, client, behind):
    """What the upstream thinks aloud stands beside the words, on either API."""
    behind.reply("想一想", with_="想好了", reasoning="我在想")

    reply = world.ask(client.chat, said("想一想")).reply

    assert reply["result"] == "想好了"
    message = reply if client.version == 1 else reply["choices"][0]["message"]
    assert message["reasoning_content"] == "我在想"


def test_two_platforms_on_the_way(world, start, platform):
    """A platform whose upstream has an upstream answers as any other."""
    key = platform.add_api_key().key
    front = start(upstream=f"{platform.url}/v2", upstream_key=key)
    application = register(front)
    with qianfan.Qianfan(base_url=front.url, ak=application.ak, sk=application.sk) as outer:
        outcome = world.ask(outer.chat, said("介绍一下杭州"))
        world.close_client(outer)

    assert outcome.text == "这是后面的平台说的：杭州在浙江。"
